#!/usr/bin/env python3
"""Reference values for network layers, from PyTorch (Debian's python3-torch), values and gradients.

Writes tests/golden/layers/*.npy: for each case its inputs, output, cotangent and input gradients.
"""
import pathlib

import torch
import torch.nn.functional as F

from torch_cases import save_case

out = pathlib.Path(__file__).parent / "layers"
out.mkdir(exist_ok=True)
torch.manual_seed(3)


def nchw(x):
    return x.permute(0, 3, 1, 2)


def nhwc(x):
    return x.permute(0, 2, 3, 1)


def case(name, function, *shapes):
    save_case(out, name, function, [torch.randn(s) for s in shapes])


# Filters are [kh, kw, in, out] and images NHWC on disk.
case("conv2d", lambda x, w, b: nhwc(F.conv2d(nchw(x), w.permute(3, 2, 0, 1), b, stride=(2, 1), padding=(1, 2), dilation=(1, 2))),
     (2, 7, 9, 5), (3, 2, 5, 6), (6,))
case("depthwise", lambda x, w, b: nhwc(F.conv2d(nchw(x), w.permute(2, 3, 0, 1), b, stride=2, padding=2, groups=7)),
     (2, 9, 8, 7), (5, 5, 7, 1), (7,))
case("conv2d_transpose", lambda x, w: nhwc(F.conv_transpose2d(nchw(x), w.permute(3, 2, 0, 1), None, stride=2, padding=1)),
     (2, 4, 5, 6), (4, 4, 3, 6))
case("max_pool", lambda x: nhwc(F.max_pool2d(nchw(x), (3, 2), (2, 2), (1, 1))), (2, 7, 8, 5))
case("average_pool", lambda x: nhwc(F.avg_pool2d(nchw(x), (3, 2), (2, 1), (1, 1), count_include_pad=False)), (2, 7, 8, 5))
case("resize_half_pixel", lambda x: nhwc(F.interpolate(nchw(x), size=(11, 4), mode="bilinear", align_corners=False)), (2, 5, 9, 3))
case("resize_align_corners", lambda x: nhwc(F.interpolate(nchw(x), size=(11, 4), mode="bilinear", align_corners=True)), (2, 5, 9, 3))
case("matmul", lambda a, b: a @ b, (5, 7), (7, 6))


def soft_argmax(beta):
    def f(x):
        n, j, h, w = x.shape
        p = torch.softmax(beta * x.flatten(2), 2).reshape(x.shape)
        xs, ys = torch.arange(w, dtype=x.dtype), torch.arange(h, dtype=x.dtype)
        return torch.stack([(p.sum(2) * xs).sum(2), (p.sum(3) * ys).sum(2)], 2)
    return f


case("soft_argmax", soft_argmax(3.0), (2, 3, 5, 7))
