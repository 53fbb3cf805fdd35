#!/usr/bin/env python3
"""The lifting networks in PyTorch (Debian's python3-torch), the regressor with the layers and names of
weigq/3d_pose_baseline_pytorch, with weights that are a formula of their names: outputs, losses and gradients,
evaluated and in training.

Writes tests/golden/lifting/{lifter,progressive,distal_first,backward,none}.npz
"""
import pathlib

import numpy as np
import torch
from torch import nn

from formula import formula, uniform

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
out_folder = pathlib.Path(__file__).parent / "lifting"
out_folder.mkdir(exist_ok=True)

WIDTH, BLOCKS, N, UNIT = 6, 2, 5, 100
# pelvis, right and left hip, spine, thorax, left and right shoulder | head, elbows, knees | wrists, ankles
GROUPS = [[0, 1, 4, 7, 8, 10, 13], [2, 5, 9, 11, 14], [3, 6, 12, 15]]
STEPS = {  # block, group: the groups that it sees, in the order of Eq. (4) and (5)
    "progressive": [((1, 1), []), ((1, 2), [(1, 1)]), ((1, 3), [(1, 2), (1, 1)]),
                    ((2, 1), [(1, 2), (1, 3)]), ((2, 2), [(2, 1), (1, 3)]), ((2, 3), [(2, 1), (2, 2)])],
    "distal_first": [((1, 1), []), ((1, 2), [(1, 1)]), ((1, 3), [(1, 2), (1, 1)]),
                     ((2, 3), [(1, 2), (1, 1)]), ((2, 2), [(2, 3), (1, 1)]), ((2, 1), [(2, 3), (2, 2)])],
    "backward": [((1, 3), []), ((1, 2), [(1, 3)]), ((1, 1), [(1, 2), (1, 3)])],
    "none": [((1, 1), []), ((1, 2), []), ((1, 3), [])],
}


class Stage(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.w1, self.batch_norm1 = nn.Linear(width, width), nn.BatchNorm1d(width)
        self.w2, self.batch_norm2 = nn.Linear(width, width), nn.BatchNorm1d(width)

    def forward(self, x):
        y = torch.relu(self.batch_norm1(self.w1(x)))
        return x + torch.relu(self.batch_norm2(self.w2(y)))


class Regressor(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.w1, self.batch_norm1 = nn.Linear(i, WIDTH), nn.BatchNorm1d(WIDTH)
        self.linear_stages = nn.ModuleList(Stage(WIDTH) for _ in range(BLOCKS))
        self.w2 = nn.Linear(WIDTH, o)

    def forward(self, x):
        y = torch.relu(self.batch_norm1(self.w1(x)))
        for stage in self.linear_stages:
            y = stage(y)
        return self.w2(y)


class Lifter(Regressor):
    def __init__(self):
        super().__init__(32, 48)

    def forward(self, joints, attributes):
        return [UNIT * super().forward(joints.flatten(1)).view(-1, 16, 3)]


class Progressive(nn.Module):
    def __init__(self, steps):
        super().__init__()
        self.steps = steps
        size = lambda group: 3 * len(GROUPS[group - 1])
        for (block, group), seen in steps:
            self.add_module(f"g{block}{group}", Regressor(59 + sum(size(g) for _, g in seen), size(group)))

    def forward(self, joints, attributes):
        x = torch.cat([joints.flatten(1), attributes.flatten(1)], 1)
        y = {}
        for key, seen in self.steps:
            y[key] = getattr(self, "g%d%d" % key)(torch.cat([x] + [y[k] for k in seen], 1))
        blocks = []
        for block in sorted({b for b, _ in y}):
            out = torch.zeros(len(x), 16, 3)
            for group, joint in enumerate(GROUPS):
                out[:, joint] = y[block, group + 1].view(len(x), -1, 3)
            blocks.append(UNIT * out)
        return blocks


for name in ["lifter", *STEPS]:
    net = Lifter() if name == "lifter" else Progressive(STEPS[name])
    with torch.no_grad():
        for key, tensor in net.state_dict().items():
            tensor.copy_(torch.as_tensor(formula(key, tuple(tensor.shape))))
    joints = torch.from_numpy(2 * uniform("joints", (N, 16, 2)) - 1).requires_grad_()
    attributes = torch.from_numpy(uniform("attributes", (N, 9, 3))).requires_grad_()
    truth = torch.from_numpy(2000 * uniform("truth", (N, 16, 3)) - 1000)
    visible = torch.from_numpy((uniform("visible", (N, 16)) < 0.7).astype(float))
    arrays = {}
    net.eval()
    arrays["evaluated"] = net(joints, attributes)[-1].detach().numpy()
    net.train()
    blocks = net(joints, attributes)
    distances = [(b - truth).abs().sum(2) for b in blocks]
    arrays["loss"] = sum(d.mean() for d in distances).detach().numpy()
    loss = sum((d * visible).sum() / visible.sum() for d in distances)
    loss.backward()
    arrays["masked_loss"] = loss.detach().numpy()
    arrays["blocks"] = torch.stack(blocks).detach().numpy()
    arrays["joints_gradient"] = joints.grad.numpy()
    if attributes.grad is not None:
        arrays["attributes_gradient"] = attributes.grad.numpy()
    if name in ("lifter", "progressive"):
        arrays["gradients"] = np.concatenate([p.grad.numpy().ravel() for _, p in sorted(net.named_parameters())])
    arrays["names"] = np.frombuffer("\n".join(sorted(net.state_dict())).encode(), np.uint8)
    np.savez_compressed(out_folder / f"{name}.npz", **arrays)
