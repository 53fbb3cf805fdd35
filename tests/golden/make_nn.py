#!/usr/bin/env python3
"""Layers and modules as PyTorch (Debian's python3-torch 1.13) computes them in float64, and the operations they are
made of.

Writes tests/golden/nn/MODULE.npz: the input `x`, the module's entries before (`state.NAME`) and after (`after.NAME`),
their names in PyTorch's order (`names`, a text), the output `out`, the `cotangent` and the gradients `grad` (of x) and
`grad.NAME`; and OPERATION.*.npy as torch_cases.py says. Images are NHWC.
"""
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from torch_cases import save_case

out_folder = pathlib.Path(__file__).parent / "nn"
out_folder.mkdir(exist_ok=True)
torch.manual_seed(11)


def nchw(x):
    return x.permute(0, 3, 1, 2)


def nhwc(x):
    return x.permute(0, 2, 3, 1)


def randomize(module):
    """No entry is left where its gradient, or its share in the output, could not be told."""
    with torch.no_grad():
        for name, entry in module.state_dict().items():
            if name.endswith("num_batches_tracked"):
                entry.fill_(3)
            elif name.endswith("running_var") or (entry.dim() == 1 and name.endswith("weight")):
                entry.copy_(0.5 + torch.rand(entry.shape))
            else:
                entry.copy_(0.7 * torch.randn(entry.shape))


def module_case(name, module, shape, images=True, after=lambda y: y, training=True, scale=1.5):
    """after(module(x))"""
    randomize(module)
    module.train(training)
    x = (scale * torch.randn(shape)).requires_grad_()
    arrays = {"x": x.detach().numpy()}
    arrays |= {"state." + n: v.detach().clone().numpy() for n, v in module.state_dict().items()}
    y = after(module(nchw(x) if images else x))
    y = nhwc(y) if images and y.dim() == 4 else y
    arrays["out"] = y.detach().numpy()
    w = torch.randn(y.shape)
    arrays["cotangent"] = w.numpy()
    parameters = dict(module.named_parameters())
    grads = torch.autograd.grad(y, [x, *parameters.values()], w)
    arrays |= {n: np.ascontiguousarray(g.numpy()) for n, g in zip(["grad", *("grad." + n for n in parameters)], grads)}
    arrays |= {"after." + n: v.numpy() for n, v in module.state_dict().items() if n not in parameters}
    arrays["names"] = np.frombuffer("\n".join(module.state_dict()).encode(), np.uint8)
    np.savez(out_folder / f"{name}.npz", **{n: np.ascontiguousarray(a) if a.ndim else a for n, a in arrays.items()})


module_case("linear", nn.Linear(5, 4), (2, 3, 5), images=False)
module_case("linear_no_bias", nn.Linear(5, 4, bias=False), (3, 5), images=False)

module_case("conv", nn.Conv2d(3, 5, (3, 2), (2, 1), (1, 2), (1, 2)), (2, 7, 6, 3))
module_case("conv_1x1", nn.Conv2d(5, 4, 1, 2, bias=False), (2, 5, 3, 5))
module_case("conv_groups", nn.Conv2d(4, 6, 3, 2, 1, groups=2), (2, 5, 6, 4))
module_case("conv_depthwise", nn.Conv2d(5, 5, 3, (1, 2), 2, 2, groups=5), (2, 5, 4, 5))
module_case("conv_depthwise_no_bias", nn.Conv2d(3, 3, (2, 3), groups=3, bias=False), (1, 4, 5, 3))
module_case("conv_multiplier", nn.Conv2d(3, 6, 3, padding=(1, 0), groups=3, bias=False), (1, 4, 5, 3))

module_case("up", nn.ConvTranspose2d(5, 3, (3, 4), (2, 3), (1, 0), (1, 2)), (2, 3, 4, 5))
module_case("up_dilated", nn.ConvTranspose2d(4, 3, (3, 2), 1, (2, 1), 1, dilation=(2, 3), bias=False), (1, 4, 3, 4))
module_case("up_groups", nn.ConvTranspose2d(6, 4, 3, 2, 1, groups=2), (2, 3, 2, 6))
module_case("up_depthwise", nn.ConvTranspose2d(3, 3, 4, 2, 1, groups=3, bias=False), (1, 3, 4, 3))
module_case("up_1x1", nn.ConvTranspose2d(4, 2, 1, 2, output_padding=1, bias=False), (2, 3, 2, 4))

norm = {"eps": 0.01, "momentum": 0.3}
module_case("batch_norm", nn.BatchNorm2d(5, **norm), (3, 4, 2, 5))
module_case("batch_norm_default", nn.BatchNorm2d(3), (2, 3, 1, 3))
module_case("batch_norm_eval", nn.BatchNorm2d(5, **norm), (2, 3, 2, 5), training=False)
module_case("batch_norm_relu", nn.BatchNorm2d(5, **norm), (3, 4, 2, 5), after=F.relu)
module_case("layer_norm", nn.LayerNorm(6, 0.01), (3, 4, 6), images=False)

for name, layer in [("relu", nn.ReLU()), ("relu6", nn.ReLU6()), ("gelu", nn.GELU()), ("sigmoid", nn.Sigmoid()),
                    ("tanh", nn.Tanh()), ("softmax", nn.Softmax(-1))]:
    module_case(name, layer, (2, 3, 7), images=False, scale=4)
module_case("prelu", nn.PReLU(), (2, 3, 4, 5))
module_case("prelu_channels", nn.PReLU(5), (2, 3, 4, 5))

module_case("max_pool", nn.MaxPool2d((3, 2), (2, 1), (1, 0)), (2, 6, 5, 3))
module_case("avg_pool", nn.AvgPool2d((3, 2), (2, 1), (1, 1), count_include_pad=False), (2, 6, 5, 3))
module_case("adaptive_pool", nn.AdaptiveAvgPool2d((3, 2)), (2, 7, 5, 3))
module_case("adaptive_pool_more", nn.AdaptiveAvgPool2d((1, 5)), (2, 4, 3, 2))
module_case("upsample_nearest", nn.Upsample(scale_factor=3), (2, 3, 2, 3))
module_case("upsample_bilinear", nn.Upsample(scale_factor=2, mode="bilinear"), (2, 3, 4, 3))
module_case("upsample_corners", nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True), (2, 3, 4, 3))


class Residual(nn.Module):
    def __init__(self, module, shortcut):
        super().__init__()
        self.module = module
        self.shortcut = shortcut

    def forward(self, x):
        return self.module(x) + self.shortcut(x)


def projected():
    """ResNet's option C."""
    return Residual(nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1, bias=False), nn.BatchNorm2d(4), nn.ReLU(),
                                  nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4)),
                    nn.Sequential(nn.Conv2d(3, 4, 1, 2, bias=False), nn.BatchNorm2d(4)))


def network():
    """Everything that is computed together, and its neighbours that are not."""
    return nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1), nn.BatchNorm2d(3, **norm), nn.ReLU(),
        projected(),
        nn.ConvTranspose2d(4, 4, 3, 2, 1, 1), nn.BatchNorm2d(4), nn.ReLU(),
        nn.Conv2d(4, 4, 3, padding=1, groups=2), nn.BatchNorm2d(4), nn.ReLU(),
        Residual(nn.Sequential(nn.PReLU(4), nn.Conv2d(4, 4, 1)), nn.Sequential()),
        nn.BatchNorm2d(4),
        nn.Sequential(nn.Conv2d(4, 3, 1, bias=False), nn.BatchNorm2d(3), nn.Sigmoid()))


module_case("residual", projected(), (2, 4, 3, 3))
module_case("residual_identity", Residual(nn.Sequential(nn.Conv2d(3, 3, 3, padding=1)), nn.Sequential()), (2, 3, 4, 3))
module_case("network", network(), (2, 4, 6, 2))
module_case("network_eval", network(), (2, 4, 6, 2), training=False)


def case(name, function, *shapes):
    save_case(out_folder, name, function, [torch.randn(s) for s in shapes])


# What batch normalisation is given where it does not take the statistics of x.
channels = torch.arange(7.0)
case("op_batch_norm", lambda x, w, b: F.batch_norm(x, None, None, w, b, True, eps=0.01), (9, 7), (7,), (7,))
case("op_batch_norm_relu6", lambda x, w, b: F.relu6(F.batch_norm(x, None, None, 4 * w, b, True)), (9, 7), (7,), (7,))
case("op_batch_norm_given", lambda x, w, b: F.relu(F.batch_norm(x, 0.1 * channels - 0.2, 0.5 + 0.25 * channels, w, b)),
     (9, 7), (7,), (7,))
case("op_layer_norm", lambda x, w, b: F.layer_norm(x, (9,), w, b, 0.01), (2, 3, 9), (9,), (9,))
case("op_softmax", lambda x: torch.softmax(3 * x, -1), (2, 3, 7))
case("op_gelu", lambda x: F.gelu(4 * x), (3, 17))
case("op_nearest", lambda x: nhwc(F.interpolate(nchw(x), size=(11, 4), mode="nearest")), (2, 5, 7, 3))
case("op_adaptive_pool", lambda x: nhwc(F.adaptive_avg_pool2d(nchw(x), (3, 4))), (2, 7, 5, 3))
# A filter is [kernel height, kernel width, C_out, C_in].
case("op_conv2d_transpose", lambda x, w: nhwc(F.conv_transpose2d(nchw(x), w.permute(3, 2, 0, 1), None, (2, 1), (1, 2), (1, 0), 1, (1, 2))),
     (2, 4, 5, 6), (4, 3, 3, 6))
