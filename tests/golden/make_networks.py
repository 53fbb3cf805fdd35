#!/usr/bin/env python3
"""Outputs and input gradients of the demo's networks in float64, from PyTorch.

Writes tests/golden/networks/. Run it where scripts/fetch_models.sh has filled models/.
"""
import pathlib

import numpy as np
import torch

from tfjs_in_torch import Network

here = pathlib.Path(__file__).parent
models = here.parents[1] / "models"
out = here / "networks"
out.mkdir(exist_ok=True)

# name, fed node, output, scale and offset of the image
cases = [
    ("movenet-lightning", "StatefulPartitionedCall/stack",
     "StatefulPartitionedCall/kpt_heatmap_0/conv2d_5/BiasAdd", 192, 255.0),
    ("handlandmark-lite", "input_1", "Identity", 224, 1.0),
]
for name, feed, output, size, scale in cases:
    network = Network(models / f"{name}.json")
    if feed not in network.nodes:
        feed = next(n for n, node in network.nodes.items() if node["op"] == "Placeholder")
    if output not in network.nodes:
        raise SystemExit(f"{name} has no node {output}")
    # A soft pattern in every colour that tests can compute too.
    y, x, c = np.meshgrid(np.arange(size), np.arange(size), np.arange(3), indexing="ij")
    image = 0.5 + 0.3 * np.sin(0.11 * x + 0.05 * y + c) + 0.2 * np.cos(0.07 * y - 0.13 * x + 2 * c)
    source = torch.from_numpy(scale * image[None]).requires_grad_()
    value = network({feed: source}, [output])[0]
    # The cotangent: the same for every size.
    cotangent = torch.cos(torch.arange(value.numel(), dtype=torch.float64)).reshape(value.shape)
    value.backward(cotangent)
    np.save(out / f"{name}.output.npy", value.detach().numpy().reshape(-1)[::7])
    np.save(out / f"{name}.gradient.npy", source.grad.numpy().reshape(-1)[::61])
    print(name, tuple(value.shape), float(value.detach().norm()), float(source.grad.norm()))
