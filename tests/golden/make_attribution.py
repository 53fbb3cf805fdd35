#!/usr/bin/env python3
"""Reference values for posekit's attribution room, from numpy and scipy.

Writes tests/golden/attribution/*.npy. Needs Debian's python3-numpy and python3-scipy.
"""
import pathlib

import numpy as np
from scipy import ndimage, stats

out = pathlib.Path(__file__).parent / "attribution"
out.mkdir(exist_ok=True)
rng = np.random.default_rng(7)


def save(name, array):
    np.save(out / f"{name}.npy", np.asarray(array))


# Maps of several characters: even noise, a few peaks, one blob on a sloping ellipse, mostly zeros.
H, W, J = 23, 31, 4
y, x = np.mgrid[0:H, 0:W].astype(float)
maps = np.zeros((J, H, W))
maps[0] = rng.random((H, W))
maps[1] = rng.random((H, W)) ** 12
maps[2] = np.exp(-0.5 * (((x - 9) + 0.7 * (y - 14)) ** 2 / 30 + (y - 14) ** 2 / 8)) + 1e-3 * rng.random((H, W))
maps[3][rng.random((H, W)) > 0.93] = 1.0
save("maps", maps)

# Kernel density estimates, as the paper's footnote 2 says.
points = np.vstack([x.ravel(), y.ravel()])
save("kde", np.stack([stats.gaussian_kde(points, weights=m.ravel())(points).reshape(H, W) for m in maps]))
# A blob in a corner of a larger map: far away the density is tiny but not zero.
far = np.zeros((40, 57))
far[2:6, 3:9] = rng.random((4, 6))
fy, fx = np.mgrid[0:40, 0:57].astype(float)
save("kde_far_map", far)
save("kde_far", stats.gaussian_kde(np.vstack([fx.ravel(), fy.ravel()]), weights=far.ravel())(
    np.vstack([fx.ravel(), fy.ravel()])).reshape(40, 57))

# Eq. (11): FI with a mask dilated by 5 pixels on each side (a square structuring element).
mask = np.zeros((H, W), np.uint8)
mask[8:12, 17:19] = 1
mask[20, 2] = 1
save("mask", mask)
for mu in (0, 2, 5):
    grown = ndimage.binary_dilation(mask, np.ones((2 * mu + 1, 2 * mu + 1))) if mu else mask.astype(bool)
    save(f"dilated_{mu}", grown.astype(np.uint8))
    gs = maps / maps.sum((1, 2), keepdims=True)
    save(f"fi_{mu}", (gs * grown).sum((1, 2)) / grown.sum() * H * W)

# Eq. (12), (13): LI_A(X) for points inside, between pixels, and outside.
points_x = np.array([[9.0, 14.0], [17.5, 9.25], [30.0, 22.0], [-4.0, 3.0], [15.0, 30.5]])
save("points", points_x)
for sigma in (2.0, 3.5):
    li = np.zeros((J, len(points_x)))
    for a in range(J):
        for k, (px, py) in enumerate(points_x):
            h = np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * sigma ** 2)) / (2 * np.pi * sigma)
            li[a, k] = (gs[a] * h).sum() / h.sum() * H * W
    save(f"li_{sigma:g}", li)

# Eq. (14): DI by the double sum itself.
di = np.zeros(J)
for j in range(J):
    g = (maps[j] / maps[j].max()).ravel()
    di[j] = (1 - np.abs(g[:, None] - g[None, :]).sum() / (2 * g.size ** 2 * g.mean())) * 100
save("di", di)

# Blur paths: the true Gaussian and 31 taps, borders mirrored without repeating the edge ('mirror' of
# scipy is 'reflect' of PyTorch), and their derivatives with respect to sigma by central differences.
image = rng.random((3, 9, 14))
save("image", image)


def kernel(sigma, radius):
    j = np.arange(-radius, radius + 1)
    w = np.exp(-0.5 * (j / sigma) ** 2)
    return w / w.sum()


def blur(img, sigma, radius):
    w = kernel(sigma, radius)
    r = ndimage.correlate1d(img, w, axis=2, mode="mirror")
    return ndimage.correlate1d(r, w, axis=1, mode="mirror")


for name, sigma, radius in (("gaussian_1.3", 1.3, 8), ("gaussian_6", 6.0, 36), ("taps31_6", 6.0, 15)):
    save(f"blur_{name}", blur(image, sigma, radius))
    e = 1e-5
    save(f"blur_slope_{name}", (blur(image, sigma + e, radius) - blur(image, sigma - e, radius)) / (2 * e))

# Quadrature.
for n in (1, 2, 5, 12, 51):
    nodes, weights = np.polynomial.legendre.leggauss(n)
    save(f"gauss_{n}", np.stack([(nodes + 1) / 2, weights / 2], 1))
