#!/usr/bin/env python3
"""Torso planes by numpy's singular values, in double, one frame at a time. Writes torso/*.npy.

Poses have the 16 joints of skeletons::pose_16. Frames: people of CMU's motion capture (mocap.cs.cmu.edu), in mm, given
as npz; random ones; thin ones, far from the origin, with a plane that is nearly a line.

    make_torso.py CMU_NPZ"""
import pathlib
import sys

import numpy as np

out = pathlib.Path(__file__).parent / "torso"
out.mkdir(exist_ok=True)
random = np.random.default_rng(11)
JOINTS = ("pelvis right_hip right_knee right_ankle left_hip left_knee left_ankle spine thorax head "
          "left_shoulder left_elbow left_wrist right_shoulder right_elbow right_wrist").split()
ATTRIBUTES = "left_elbow left_wrist right_elbow right_wrist left_knee left_ankle right_knee right_ankle head".split()

file = np.load(sys.argv[1])
cmu = file["poses"].astype(np.float64)[:, [list(file["joint_names"]).index(j) for j in JOINTS]]
poses = np.concatenate([cmu[::700], random.uniform(-900, 900, (11, 16, 3))])
thin = random.uniform(-900, 900, (3, 16, 3)) * [1, 1e-4, 1e-7]
far = cmu[5:8] + [2e5, -7e4, 9e5]
poses = np.concatenate([poses, thin, far])


def plane(pose, mid_hip):
    left_shoulder, right_shoulder, left_hip, right_hip, pelvis = (
        pose[JOINTS.index(j)] for j in "left_shoulder right_shoulder left_hip right_hip pelvis".split())
    points = np.array([left_shoulder, right_shoulder, left_hip, right_hip,
                       (left_hip + right_hip) / 2 if mid_hip else pelvis])
    centre = points.mean(0)
    u, s, v = np.linalg.svd(points - centre)
    normal = v[2]
    front = np.cross(left_shoulder + left_hip - right_shoulder - right_hip,
                     (left_shoulder + right_shoulder) / 2 - (left_hip + right_hip) / 2)
    if normal @ front < 0:
        normal = -normal
    residual = np.sqrt((((points - centre) @ normal) ** 2).mean())
    return normal, centre, residual


np.save(out / "poses.npy", poses)
for mid_hip, suffix in ((False, ""), (True, "_mid_hip")):
    normal, centre, residual = map(np.array, zip(*(plane(p, mid_hip) for p in poses)))
    np.save(out / f"normal{suffix}.npy", normal)
    np.save(out / f"centre{suffix}.npy", centre)
    np.save(out / f"residual{suffix}.npy", residual)
    distance = np.array([[(p[JOINTS.index(j)] - c) @ n for j in ATTRIBUTES] for p, n, c in zip(poses, normal, centre)])
    np.save(out / f"distance{suffix}.npy", distance)
    np.save(out / f"classes{suffix}.npy",
            np.where(abs(distance) < 50, 2, np.where(distance > 0, 0, 1)).astype(np.int32))
