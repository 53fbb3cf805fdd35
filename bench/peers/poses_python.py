#!/usr/bin/env python3
"""Seconds that Python takes for PA-MPJPE of 100,000 poses by scipy, one after the other, and for COCO's
evaluation of 5,000 images with 20 detections each by tests/golden/make_coco.py (timed on 100 of them)."""
import pathlib
import sys
import time

import numpy as np
from scipy.linalg import svd

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "tests" / "golden"))
import make_coco

random = np.random.default_rng(0)
truth = random.uniform(-600, 600, (5000, 17, 3))
prediction = truth + random.uniform(-100, 100, truth.shape)
start = time.perf_counter()
for p, t in zip(prediction, truth):
    a, b = p - p.mean(0), t - t.mean(0)
    u, s, v = svd(b.T @ a)
    sign = np.array([1, 1, np.sign(np.linalg.det(u) * np.linalg.det(v))])
    scale = (s * sign).sum() / (a ** 2).sum()
    np.linalg.norm(scale * a @ ((u * sign) @ v).T - b, axis=1).mean()
print("pa_mpjpe_100000", (time.perf_counter() - start) * 100000 / len(truth))

people, results = make_coco.invent(random, 100)
for image in people["images"]:
    while sum(r["image_id"] == image["id"] for r in results) < 20:
        results.append({"image_id": image["id"], "category_id": 1, "score": float(random.random()),
                        "keypoints": list(random.uniform(0, 400, 51))})
start = time.perf_counter()
make_coco.evaluate(people, results)
print("coco_5000x20", (time.perf_counter() - start) * 50)
