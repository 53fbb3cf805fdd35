"""A BVH file with joints of every order of rotation, and where its joints are.

Writes bvh/orders.bvh and bvh/orders_positions.npy ([frames, joints, 3]). The positions come from
4 x 4 matrices multiplied down the tree, a joint at a time: M = parent * T * R_1 * R_2 * R_3, R_i
being the rotations in the order in which the file lists the channels.

    /usr/bin/python3 tests/golden/make_bvh.py
"""
import itertools
import pathlib

import numpy as np

HERE = pathlib.Path(__file__).parent / "bvh"
FRAMES = 5


def rotation(axis, degrees):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    m = np.eye(4)
    i, j = [(1, 2), (2, 0), (0, 1)]["XYZ".index(axis)]
    m[i, i] = m[j, j] = c
    m[j, i], m[i, j] = s, -s
    return m


def translation(v):
    m = np.eye(4)
    m[:3, 3] = v
    return m


def main():
    rng = np.random.default_rng(17)
    # (name, parent, channels); a chain with two branches
    joints = [("Hips", -1, ["Xposition", "Yposition", "Zposition", "Zrotation", "Xrotation", "Yrotation"])]
    for i, order in enumerate(itertools.permutations("XYZ")):
        parent = 0 if i in (0, 3) else len(joints) - 1
        joints.append((f"Joint {''.join(order)}", parent, [a + "rotation" for a in order]))
    joints.append(("Slider", 2, ["Yrotation", "Zposition", "Xposition", "Yposition"]))
    joints.append(("Hinge", 7, ["Xrotation"]))
    parents = {j[1] for j in joints}
    ends = [i for i in range(len(joints)) if i not in parents]
    offsets = np.round(rng.normal(0, 10, (len(joints), 3)), 4)
    end_offsets = {i: np.round(rng.normal(0, 5, 3), 4) for i in ends}
    offsets[0] = 0
    order, text = [], ["HIERARCHY"]

    def write(i, depth):
        pad = "\t" * depth
        name, _, channels = joints[i]
        order.append(i)
        text.append(f"{pad}{'ROOT' if depth == 0 else 'JOINT'} {name}")
        text.append(pad + "{")
        text.append(pad + "\tOFFSET " + " ".join(f"{x:.4f}" for x in offsets[i]))
        text.append(pad + f"\tCHANNELS {len(channels)} " + " ".join(channels))
        for k in range(len(joints)):
            if joints[k][1] == i:
                write(k, depth + 1)
        if i in ends:
            order.append(("end", i))
            text.append(pad + "\tEnd Site")
            text.append(pad + "\t{")
            text.append(pad + "\t\tOFFSET " + " ".join(f"{x:.4f}" for x in end_offsets[i]))
            text.append(pad + "\t}")
        text.append(pad + "}")

    write(0, 0)
    text += ["MOTION", f"Frames: {FRAMES}", "Frame Time: 0.0333333"]
    positions = np.zeros((FRAMES, len(order), 3))
    for frame in range(FRAMES):
        row, matrices = [], {}
        for n, i in enumerate(order):
            if isinstance(i, tuple):
                m = matrices[i[1]] @ translation(end_offsets[i[1]])
            else:
                _, parent, channels = joints[i]
                offset, r = offsets[i].copy(), np.eye(4)
                for channel in channels:
                    if channel.endswith("position"):
                        value = round(float(rng.normal(0, 20)), 4)
                        offset["XYZ".index(channel[0])] = value
                    else:
                        value = round(float(rng.uniform(-180, 180)), 4)
                        r = r @ rotation(channel[0], value)
                    row.append(f"{value:.4f}")
                m = translation(offset) @ r
                if parent >= 0:
                    m = matrices[parent] @ m
                matrices[i] = m
            positions[frame, n] = m[:3, 3]
        text.append(" ".join(row))
    HERE.mkdir(exist_ok=True)
    (HERE / "orders.bvh").write_text("\r\n".join(text) + "\r\n")
    np.save(HERE / "orders_positions.npy", positions)


if __name__ == "__main__":
    main()
