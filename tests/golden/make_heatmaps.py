#!/usr/bin/env python3
"""Reference values for posekit's heatmap room, values and gradients, from PyTorch (Debian's python3-torch).

Writes tests/golden/heatmaps/*.npy. Composed of plain tensor operations, as the papers' formulas read.
"""
import pathlib

import numpy as np
import torch

from torch_cases import save_case

out = pathlib.Path(__file__).parent / "heatmaps"
out.mkdir(exist_ok=True)
torch.manual_seed(5)


def axes(shape):
    """Pixel numbers along x, y, z, shaped to broadcast over the map."""
    found = []
    for a in range(len(shape)):
        view = [1] * len(shape)
        view[len(shape) - 1 - a] = shape[len(shape) - 1 - a]
        found.append(torch.arange(shape[len(shape) - 1 - a]).double().reshape(view))
    return found


def total(maps):
    return maps.flatten(2).sum(2)


def normalized(pixel, length):
    return (2 * pixel + 1) / length - 1


def pixel(coordinate, length):
    return ((coordinate + 1) * length - 1) / 2


def softmax(x, beta=1.0):
    return torch.softmax((beta * x).flatten(2), 2).reshape(x.shape)


def expectation(p):
    shape = p.shape[2:]
    return torch.stack([total(p * normalized(a, n)) for a, n in zip(axes(shape), reversed(shape))], 2)


def gaussian(means, shape, sigma, normalise=True):
    square = 0
    for k, (a, n) in enumerate(zip(axes(shape), reversed(shape))):
        mean = pixel(means[..., k], n).reshape(*means.shape[:2], *[1] * len(shape))
        square = square + (a - mean) ** 2
    logs = -0.5 * square / torch.as_tensor(sigma).reshape(-1, *[1] * len(shape)) ** 2
    return softmax(logs) if normalise else torch.exp(logs)


def kl(p, q):
    return total(p * (p / q).log())


def js(p, q):
    m = (p + q) / 2
    return (kl(p, m) + kl(q, m)) / 2


def positive(*shape):
    x = torch.rand(shape) + 0.05
    return x / total(x).reshape(*shape[:2], *[1] * (len(shape) - 2))


def means(*shape):
    return 0.8 * (2 * torch.rand(shape) - 1)


shapes = {"1d": (2, 3, 19), "2d": (2, 3, 6, 21), "3d": (1, 2, 3, 4, 17)}
for rank, shape in shapes.items():
    size, positions = shape[2:], (*shape[:2], len(shape) - 2)
    save_case(out, f"softmax_{rank}", lambda x: softmax(x, 1.7), [torch.randn(shape)])
    save_case(out, f"soft_argmax_{rank}", lambda x, b: expectation(softmax(x, b.reshape(-1, *[1] * len(size)))),
              [torch.randn(shape), 1 + torch.rand(shape[1])])
    save_case(out, f"expectation_{rank}", expectation, [positive(*shape)])
    save_case(out, f"gaussian_{rank}", lambda m: gaussian(m, size, 1.3), [means(*positions)])
    save_case(out, f"gaussian_peak_{rank}", lambda m: gaussian(m, size, [1.0, 2.5, 1.7][:shape[1]], False), [means(*positions)])
    save_case(out, f"js_{rank}", lambda p, m: js(p, gaussian(m, size, 2.0)), [positive(*shape), means(*positions)])
    save_case(out, f"kl_{rank}", lambda p, m: kl(p, gaussian(m, size, 2.0)), [positive(*shape), means(*positions)])
    save_case(out, f"js_logits_{rank}", lambda x, m: js(softmax(x, 1.4), gaussian(m, size, 2.0)), [torch.randn(shape), means(*positions)])
    save_case(out, f"kl_logits_{rank}", lambda x, m: kl(softmax(x, 1.4), gaussian(m, size, 2.0)), [torch.randn(shape), means(*positions)])
    save_case(out, f"js_maps_{rank}", js, [positive(*shape), positive(*shape)])
    save_case(out, f"kl_maps_{rank}", kl, [positive(*shape), positive(*shape)])

    def variance(p):
        square = 0
        for a in axes(size):
            a = a - (a.numel() - 1) / 2  # matters where the weights do not sum to 1
            mean = total(p * a).reshape(*shape[:2], *[1] * len(size))
            square = square + (total(p * (a - mean) ** 2) - 1.5 ** 2) ** 2
        return square
    save_case(out, f"variance_{rank}", variance, [positive(*shape)])
    save_case(out, f"variance_unnormalised_{rank}", variance, [0.7 * positive(*shape)])
    save_case(out, f"compensated_{rank}", lambda x: expectation(
        (w := torch.exp(2 * x) - 1) / total(w).reshape(*shape[:2], *[1] * len(size))), [torch.rand(shape)])

save_case(out, "euclidean", lambda a, b: ((a - b) ** 2).sum(2).sqrt(), [means(2, 3, 3), means(2, 3, 3)])
save_case(out, "l1", lambda a, b: (a - b).abs().mean(2), [means(2, 3, 3), means(2, 3, 3)])
save_case(out, "mse", lambda a, b: ((a - b) ** 2).mean(2), [means(2, 3, 3), means(2, 3, 3)])
target = means(2, 3, 2)
save_case(out, "heatmap_mse", lambda p, m: ((p - gaussian(m, (5, 7), 1.0)) ** 2).flatten(2).mean(2), [positive(2, 3, 5, 7), target])


def marginals(v):
    return v.sum(2), v.sum(4).transpose(2, 3), v.sum(3)


def marginal_coordinates(xy, zy, xz):
    a, b, c = expectation(xy), expectation(zy), expectation(xz)
    return torch.stack([a[..., 0], a[..., 1], (b[..., 0] + c[..., 1]) / 2], 2)


save_case(out, "marginals", lambda v: torch.cat([m.flatten() for m in marginals(v)]), [positive(2, 3, 4, 5, 18)])
save_case(out, "marginals_wide", lambda v: torch.cat([m.flatten() for m in marginals(v)]), [positive(1, 2, 3, 4, 69)])
save_case(out, "marginal_coordinates", marginal_coordinates, [positive(2, 3, 5, 7), positive(2, 3, 5, 4), positive(2, 3, 4, 7)])


def margipose_3d(xy, zy, xz, t):
    g = [gaussian(t[..., list(k)], m.shape[2:], 1.0) for k, m in (((0, 1), xy), ((2, 1), zy), ((0, 2), xz))]
    distance = ((marginal_coordinates(xy, zy, xz) - t) ** 2).sum(2).sqrt()
    return distance + js(xy, g[0]) + js(zy, g[1]) + js(xz, g[2])


def margipose_2d(xy, t):
    return ((expectation(xy) - t[..., :2]) ** 2).sum(2).sqrt() + js(xy, gaussian(t[..., :2], xy.shape[2:], 1.0))


truth = means(2, 3, 3)
save_case(out, "margipose_3d", lambda a, b, c: margipose_3d(a, b, c, truth), [positive(2, 3, 5, 7), positive(2, 3, 5, 4), positive(2, 3, 4, 7)])
save_case(out, "margipose_mixed", lambda a, b, c: torch.stack([margipose_3d(a, b, c, truth)[0], margipose_2d(a, truth)[1]]),
          [positive(2, 3, 5, 7), positive(2, 3, 5, 4), positive(2, 3, 4, 7)])
np.save(out / "margipose.truth.npy", truth.numpy())
