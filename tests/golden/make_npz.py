#!/usr/bin/env python3
"""Archives as NumPy writes them."""
import pathlib

import numpy as np

out = pathlib.Path(__file__).parent / "io"
out.mkdir(exist_ok=True)
arrays = {"ramp": (0.5 * (np.arange(1000) % 50)).reshape(40, 25), "counts": np.array([5, 0, -3], np.int32)}
np.savez(out / "stored.npz", **arrays)
np.savez_compressed(out / "deflated.npz", **arrays)
# Characters of one to four bytes in UTF-8, and texts that end where others go on.
words = np.array([["", "hip", "Hüfte"], ["腰", "left knee", "\U0001f9b4"]])
np.savez(
    out / "texts.npz",
    words=words,
    swapped=words.astype(words.dtype.newbyteorder(">")),
    columns=np.asfortranarray(words),
    bytes=np.array([b"neck", b"to\0e"]),
    empty=np.array(["", ""], "<U0"),
    none=np.array([], "<U5"),
)
# Motion capture whose joints are not in the usual order: each stands at its number in the file.
joints = """pelvis right_hip right_knee right_ankle left_hip left_knee left_ankle spine thorax neck head
    left_shoulder left_elbow left_wrist right_shoulder right_elbow right_wrist""".split()[::-1]
poses = np.broadcast_to(np.arange(17, dtype=np.float32)[:, None], (2, 17, 3))
np.savez_compressed(out / "mocap.npz", poses=poses, joint_names=np.array(joints))
