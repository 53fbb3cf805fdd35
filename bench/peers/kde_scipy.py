#!/usr/bin/env python3
"""Times scipy.stats.gaussian_kde on a 256 x 256 map. Prints milliseconds for all pixels.

The time is proportional to the pixels that are asked for: one in sixteen is, and the time scaled.
"""
import time

import numpy as np
from scipy import stats

size, share = 256, 16
rng = np.random.default_rng(1)
y, x = np.mgrid[0:size, 0:size].astype(float)
weights = rng.random(size * size) ** 4
points = np.vstack([x.ravel(), y.ravel()])
density = stats.gaussian_kde(points, weights=weights)
start = time.perf_counter()
density(points[:, ::share])
print(f"{(time.perf_counter() - start) * share * 1e3:.1f}")
