#!/usr/bin/env python3
"""Why a float32 gradient of a rectified network can differ from the exact one by 1e-3 and more.

    explain_gradients.py MODELS GOLDEN [CASES...]

For each reference gradient: its distance from the float64 gradient; the rectified units close enough
to a kink for rounding to cross it; which of them, when they are switched in float64, explain the
difference; and the distance that is left then. Needs Debian's python3-numpy and python3-torch.
"""
import json
import math
import pathlib
import sys

import numpy as np
import torch

from tfjs_in_torch import Network

models, golden = map(pathlib.Path, sys.argv[1:3])


def score_seed(value, target):
    """dS/d(value), as the case's meta.json defines S."""
    value = value.detach().requires_grad_()
    if target["kind"] == "point":
        at = value.reshape(-1)[target["k"] * target["stride"]:][:2]
    else:
        logits = target["beta"] * value[0, ..., target["k"]]
        p = torch.softmax(logits.reshape(-1), 0).reshape(logits.shape)
        at = torch.stack([(p.sum(0) * torch.arange(p.shape[1])).sum(), (p.sum(1) * torch.arange(p.shape[0])).sum()])
    goal = torch.tensor(target["g"], dtype=value.dtype)
    torch.exp(-target["c"] * ((at - goal) ** 2).sum()).backward()
    return value.grad


def relative(a, b):
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


print(f"{'case':32} {'gradient':18} {'as it is':>9} {'flips':>5} {'left':>9}")
for folder in sorted(p for p in golden.iterdir() if (p / "meta.json").exists()):
    meta = json.loads((folder / "meta.json").read_text())
    if not meta["targets"] or (sys.argv[3:] and folder.name not in sys.argv[3:]):
        continue
    network = Network(models / f"{folder.name.split('_')[0]}.json")
    image = np.load(folder / "input_u8.npy").astype("f4") / np.float32(meta["input"]["div"]) - np.float32(meta["input"]["sub"])
    placeholder = next(n for n, node in network.nodes.items() if node["op"] == "Placeholder")
    for target in meta["targets"]:
        source = torch.from_numpy(image.astype("f8")).requires_grad_()
        node = network.outputs.get(target["tensor"], target["tensor"])
        network.masks.clear()
        step = target["step"]

        def gradient():
            value = network({target["feed"] or placeholder: source}, [node])[0]
            seed = score_seed(value, target)
            return torch.autograd.grad(value, source, seed)[0][:, ::step, ::step].numpy().ravel()

        network.before.clear()
        exact = gradient()
        wanted = np.load(folder / target["file"]).astype("f8").ravel()
        candidates = []
        for name, x in network.before.items():
            for kink in {0.0, network.highs[name]} - {math.inf}:
                distance = (x - kink).abs() / max(float(x.abs().max()), 1e-30)
                for index in torch.nonzero(distance < 1e-6):
                    candidates.append((float(distance[tuple(index)]), name, tuple(index.tolist())))
        candidates.sort()
        own = {n: ((x > 0) & (x <= network.highs[n])).to(x.dtype) for n, x in network.before.items()}

        def switch(units):
            network.masks = {}
            for _, name, index in units:
                mask = network.masks.setdefault(name, own[name].clone())
                mask[index] = 1 - mask[index]

        effects = []
        for unit in candidates:
            switch([unit])
            effects.append(gradient() - exact)
        chosen = []
        if candidates:
            share = np.linalg.lstsq(np.stack(effects, 1), wanted - exact, rcond=None)[0]
            chosen = [u for u, s, e in zip(candidates, share, effects) if s > 0.5 and np.linalg.norm(e) > 0]
        switch(chosen)
        left = relative(wanted, gradient())
        print(f"{folder.name:32} {target['id']:18} {relative(wanted, exact):9.1e} {len(chosen):5} {left:9.1e}"
              f"   of {len(candidates)} near a kink", flush=True)
