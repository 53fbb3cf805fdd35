#!/usr/bin/env python3
"""Metrics of invented poses by numpy and scipy, one frame and joint at a time. Writes poses/*.npy.

Frames: noisy copies of a pose, a mirrored one, a flat one and its mirror image, joints on a line, random ones."""
import pathlib

import numpy as np
from scipy.linalg import svd

out = pathlib.Path(__file__).parent / "poses"
out.mkdir(exist_ok=True)
random = np.random.default_rng(3)
F, J, ROOT = 13, 17, 14


def procrustes(p, t, visible, scaled=True):
    pm, tm = p[visible].mean(0), t[visible].mean(0)
    a, b = p[visible] - pm, t[visible] - tm
    u, s, v = svd(b.T @ a)
    sign = np.ones(len(s))
    sign[-1] = np.sign(np.linalg.det(u) * np.linalg.det(v))
    rotation = (u * sign) @ v
    scale = (s * sign).sum() / (a ** 2).sum() if scaled else 1
    return scale * (p - pm) @ rotation.T + tm


def distances(p, t):
    return np.sqrt(((p - t) ** 2).sum(-1))


def per_frame(prediction, truth, visible, f):
    return np.array([np.where(v, distances(*f(p, t, v)), np.nan) for p, t, v in zip(prediction, truth, visible)])


def rooted(p, t, v):
    return p - p[ROOT], t - t[ROOT]


def scaled(p, t, v):
    p, t = rooted(p, t, v)
    return (p[v] * t[v]).sum() / (p[v] ** 2).sum() * p, t


truth = random.uniform(-800, 800, (F, J, 3))
prediction = truth + random.normal(0, 120, (F, J, 3))
prediction[1] = truth[1] * [-1, 1, 1]                      # a mirrored pose
truth[2, :, 2] = 0
prediction[2] = 0.5 * truth[2] * [-1, 1, 1]                # flat: turning it over makes it right
truth[3] = np.outer(np.linspace(-1, 1, J), [300, -200, 500])
prediction[3] = np.outer(np.linspace(-1, 1, J) ** 3, [-100, 400, 200]) + [5, 6, 7]   # on lines
prediction[4:7] = random.uniform(-800, 800, (3, J, 3))
prediction[7] = 3 * truth[7] + [10, 20, 30]
visible = random.random((F, J)) > 0.2
visible[:, ROOT] = True
visible[0] = True

np.save(out / "prediction.npy", prediction)
np.savez(out / "prediction.npz", poses=prediction)
np.save(out / "truth.npy", truth)
np.save(out / "visible.npy", visible.astype(np.uint8))
np.save(out / "mpjpe.npy", per_frame(prediction, truth, visible, rooted))
np.save(out / "n_mpjpe.npy", per_frame(prediction, truth, visible, scaled))
np.save(out / "pa_mpjpe.npy", per_frame(prediction, truth, visible, lambda p, t, v: (procrustes(p, t, v), t)))
np.save(out / "rigid.npy", per_frame(prediction, truth, visible, lambda p, t, v: (procrustes(p, t, v, False), t)))
np.save(out / "epe_2d.npy", per_frame(prediction[..., :2], truth[..., :2], visible, lambda p, t, v: (p, t)))
np.save(out / "similarity_2d.npy", per_frame(prediction[..., :2], truth[..., :2], visible, lambda p, t, v: (procrustes(p, t, v), t)))
velocity = distances(*(np.diff(x - x[:, ROOT:ROOT + 1], axis=0) for x in (prediction, truth)))
np.save(out / "mpjve.npy", np.where(visible[1:] & visible[:-1], velocity, np.nan))
errors = per_frame(prediction, truth, visible, rooted)
measured = errors[visible]
np.save(out / "pck_auc.npy", [(measured < 150).mean(), np.mean([(measured < t).mean() for t in range(0, 151, 5)])])
sigmas = np.array([26, 25, 25, 35, 35, 79, 79, 72, 72, 62, 62, 107, 107, 87, 87, 89, 89]) / 1000
areas = random.uniform(1e4, 1e6, F)
square = ((prediction - truth)[..., :2] ** 2).sum(-1)
np.save(out / "areas.npy", areas)
np.save(out / "oks.npy", [np.exp(-square[f] / (2 * (2 * sigmas) ** 2 * (areas[f] + np.spacing(1))))[visible[f]].mean() for f in range(F)])
