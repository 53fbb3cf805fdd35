#!/usr/bin/env python3
"""Cross-entropies and logarithms of softmaxes as PyTorch (Debian's python3-torch 1.13) computes them in float64.

Writes tests/golden/cross_entropy/NAME.*.npy as torch_cases.py says, and NAME.target.npy where there is one: classes
(-1: ignored) or probabilities.
"""
import pathlib

import numpy as np
import torch
import torch.nn.functional as F

from torch_cases import save_case

out = pathlib.Path(__file__).parent / "cross_entropy"
out.mkdir(exist_ok=True)
torch.manual_seed(29)


def save_cross_entropy(name, shape, target, **options):
    mean = options.pop("mean", False)

    def function(x):
        flat = target.reshape(-1, *target.shape[len(shape) - 1:])
        loss = F.cross_entropy(x.reshape(-1, shape[-1]), flat, reduction="mean" if mean else "none", **options)
        return loss if mean else loss.reshape(shape[:-1])

    save_case(out, name, function, [3 * torch.randn(shape)])
    np.save(out / f"{name}.target.npy", target.numpy())


def classes(shape, ignored):
    target = torch.randint(0, shape[-1], shape[:-1])
    target.view(-1)[ignored] = -1
    return target


def probabilities(shape):
    return torch.softmax(2 * torch.randn(shape), -1)


save_case(out, "log_softmax", lambda x: torch.log_softmax(4 * x, -1), [torch.randn(2, 11, 3)])
save_case(out, "log_softmax_wide", lambda x: torch.log_softmax(4 * x, -1), [torch.randn(5, 37)])
save_cross_entropy("classes", (4, 5, 3), classes((4, 5, 3), [1, 9, 19]), ignore_index=-1)
save_cross_entropy("classes_wide", (5, 37), classes((5, 37), [2]), ignore_index=-1)
save_cross_entropy("classes_smoothed", (3, 7, 4), classes((3, 7, 4), [0, 6]), ignore_index=-1, label_smoothing=0.1)
save_cross_entropy("classes_smoothed_wide", (5, 19), classes((5, 19), [4]), ignore_index=-1, label_smoothing=0.3)
save_cross_entropy("probabilities", (2, 9, 5), probabilities((2, 9, 5)))
save_cross_entropy("probabilities_smoothed_wide", (4, 21), 1.5 * probabilities((4, 21)), label_smoothing=0.2)
save_cross_entropy("mean_classes", (23, 3), classes((23, 3), [3, 22]), ignore_index=-1, mean=True)
save_cross_entropy("mean_classes_smoothed", (7, 18), classes((7, 18), [5]), ignore_index=-1, label_smoothing=0.25, mean=True)
save_cross_entropy("mean_probabilities", (6, 4), probabilities((6, 4)), mean=True)
