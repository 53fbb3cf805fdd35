#!/usr/bin/env python3
"""Archives as NumPy writes them."""
import pathlib

import numpy as np

out = pathlib.Path(__file__).parent / "io"
out.mkdir(exist_ok=True)
arrays = {"ramp": (0.5 * (np.arange(1000) % 50)).reshape(40, 25), "counts": np.array([5, 0, -3], np.int32)}
np.savez(out / "stored.npz", **arrays)
np.savez_compressed(out / "deflated.npz", **arrays)
