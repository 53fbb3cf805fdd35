#!/usr/bin/env python3
"""MargiPose in PyTorch (Debian's python3-torch and python3-torchvision) with weights that are a formula of
their names: outputs, losses and gradients, evaluated and in training.

Writes tests/golden/margipose/EXTRACTOR.{image, truth, xyz, xy, zy, xz, loss, grad, norms}.npy
"""
import pathlib

import numpy as np
import torch
import torchvision
from torch import nn

from formula import formula, uniform

torch.set_default_dtype(torch.float64)
out_folder = pathlib.Path(__file__).parent / "margipose"
out_folder.mkdir(exist_ok=True)


# The network, from the paper's figures and its public description.
class Block(nn.Module):
    def __init__(self, main, shortcut, channels):
        super().__init__()
        self.module = nn.Sequential(main, nn.BatchNorm2d(channels), nn.ReLU(),
                                    nn.Conv2d(channels, channels, 3, padding=1, bias=False),
                                    nn.BatchNorm2d(channels), nn.ReLU())
        self.shortcut = nn.Sequential(shortcut, nn.BatchNorm2d(channels))

    def forward(self, x):
        return self.module(x) + self.shortcut(x)


def regular(i, o, stride=1):
    return Block(nn.Conv2d(i, o, 3, padding=1, stride=stride, bias=False), nn.Conv2d(i, o, 1, stride=stride, bias=False), o)


def upward(i, o):
    return Block(nn.ConvTranspose2d(i, o, 3, padding=1, stride=2, output_padding=1, bias=False),
                 nn.ConvTranspose2d(i, o, 1, stride=2, output_padding=1, bias=False), o)


class Column(nn.Module):
    def __init__(self, joints, space):
        super().__init__()
        self.space = space
        self.down_layers = nn.Sequential(regular(128, 128), regular(128, 128), regular(128, 192, 2),
                                         regular(192, 192), regular(192, 192))
        self.up_layers = nn.Sequential(regular(192, 192), regular(192, 192), upward(192, 128),
                                       regular(128, 128), regular(128, joints))

    def forward(self, x):
        x = self.down_layers(x)
        n, c, h, w = x.shape
        runs = x.reshape(n, c // w, w, h, w)
        if self.space == "zy":
            x = runs.transpose(2, 4).reshape(n, c, h, w)
        if self.space == "xz":
            x = runs.transpose(2, 3).reshape(n, c, h, w)
        return self.up_layers(x)


class Conv(nn.Module):
    def __init__(self, i, o, k, stride=1):
        super().__init__()
        k = (k, k) if isinstance(k, int) else k
        self.conv = nn.Conv2d(i, o, k, stride, (k[0] // 2, k[1] // 2), bias=False)
        self.bn = nn.BatchNorm2d(o, eps=1e-3)

    def forward(self, x):
        return torch.relu(self.bn(self.conv(x)))


class Branches(nn.Module):
    def __init__(self, **branches):
        super().__init__()
        self.names = list(branches)
        for name, branch in branches.items():
            setattr(self, name, branch)

    def forward(self, x):
        return torch.cat([getattr(self, name)(x) for name in self.names], 1)


def extractor(name):
    if name == "inception_v4":
        halve = nn.MaxPool2d(3, 2, padding=1)
        return nn.Sequential(
            Conv(3, 32, 3, 2), Conv(32, 32, 3), Conv(32, 64, 3),
            Branches(maxpool=halve, conv=Conv(64, 96, 3, 2)),
            Branches(branch0=nn.Sequential(Conv(160, 64, 1), Conv(64, 96, 3)),
                     branch1=nn.Sequential(Conv(160, 64, 1), Conv(64, 64, (1, 7)), Conv(64, 64, (7, 1)), Conv(64, 96, 3))),
            Branches(conv=Conv(192, 192, 3, 2), maxpool=halve),
            Branches(branch0=Conv(384, 96, 1),
                     branch1=nn.Sequential(Conv(384, 64, 1), Conv(64, 96, 3)),
                     branch2=nn.Sequential(Conv(384, 64, 1), Conv(64, 96, 3), Conv(96, 96, 3)),
                     branch3=nn.Sequential(nn.AvgPool2d(3, 1, 1, count_include_pad=False), Conv(384, 96, 1))),
            nn.Conv2d(384, 128, 1), nn.BatchNorm2d(128), nn.ReLU())
    r = getattr(torchvision.models, name)(weights=None)
    channels = r.layer3[0].conv1.in_channels
    more = [] if channels == 128 else [nn.Conv2d(channels, 128, 1), nn.BatchNorm2d(128), nn.ReLU()]
    return nn.Sequential(r.conv1, r.bn1, r.relu, r.maxpool, r.layer1, r.layer2, *more)


class Combiner(nn.Module):
    def __init__(self, joints):
        super().__init__()
        self.conv = nn.Conv2d(3 * joints, 128, 1, bias=False)


class Inner(nn.Module):
    def __init__(self, joints, stages, features):
        super().__init__()
        self.in_cnn = extractor(features)
        for space in ["xy", "zy", "xz"]:
            setattr(self, space + "_hm_cnns", nn.ModuleList([Column(joints, space) for _ in range(stages)]))
        self.hm_combiners = nn.ModuleList([Combiner(joints) for _ in range(stages - 1)])


class Net(nn.Module):
    def __init__(self, joints, stages, features):
        super().__init__()
        self.inner = Inner(joints, stages, features)

    def forward(self, x):
        inner, stages = self.inner, []
        f = inner.in_cnn(x)
        for i, columns in enumerate(zip(inner.xy_hm_cnns, inner.zy_hm_cnns, inner.xz_hm_cnns)):
            if i > 0:
                f = f + inner.hm_combiners[i - 1].conv(torch.cat(stages[-1], 1))
            logits = [column(f) for column in columns]
            stages.append([torch.softmax(y.flatten(2), 2).reshape(y.shape) for y in logits])
        return stages


def centre(p):
    return (2 * torch.arange(p) + 1.0) / p - 1


def expectation(p):
    return torch.stack([(p.sum(2) * centre(p.shape[3])).sum(2), (p.sum(3) * centre(p.shape[2])).sum(2)], 2)


def coordinates(maps):
    xy, zy, xz = map(expectation, maps)
    return torch.cat([xy, (zy[..., :1] + xz[..., 1:]) / 2], 2)


def divergence(p, mean, sigma=1.0):
    """Jensen and Shannon's, from the normalised Gaussian around `mean`."""
    x = (centre(p.shape[3]) - mean[..., :1, None]) * p.shape[3] / 2
    y = (centre(p.shape[2])[:, None] - mean[..., 1:, None]) * p.shape[2] / 2
    q = torch.softmax((-(x**2 + y**2) / (2 * sigma**2)).flatten(2), 2).reshape(p.shape)
    m = (p + q) / 2
    kl = lambda a: torch.where(a > 0, a * (torch.log(torch.clamp(a, min=1e-300)) - torch.log(m)), 0 * a).sum((2, 3))
    return (kl(p) + kl(q)) / 2


def loss_3d(stages, truth):
    total = 0
    for maps in stages:
        xy, zy, xz = maps
        total = total + (coordinates(maps) - truth).norm(dim=2) + divergence(xy, truth[..., :2])
        total = total + divergence(zy, truth[..., [2, 1]]) + divergence(xz, truth[..., [0, 2]])
    return total


for features, joints, stages in [("resnet18", 17, 2), ("resnet34", 14, 1), ("resnet50", 21, 1), ("inception_v4", 17, 1)]:
    net = Net(joints, stages, features)
    with torch.no_grad():
        for name, tensor in net.state_dict().items():
            tensor.copy_(torch.from_numpy(formula(name, tuple(tensor.shape))))
    image = torch.from_numpy(4 * uniform("image", (2, 3, 64, 64)) - 2)
    truth = torch.from_numpy(1.6 * uniform("truth", (2, joints, 3)) - 0.8)
    save = lambda what, t: np.save(out_folder / f"{features}.{what}.npy", t.detach().numpy().astype(np.float64))
    net.eval()
    x = image.clone().requires_grad_()
    maps = net(x)
    loss = loss_3d(maps, truth)
    loss.sum().backward()
    save("xyz", coordinates(maps[-1]))
    for what, t in zip(["xy", "zy", "xz"], maps[-1]):
        save(what, t[:1])
    save("loss", loss)
    save("grad", x.grad[:, :, ::5, ::3])
    # In training: the gradients' norms, parameter by parameter, and the running statistics after one batch.
    net.train()
    net.zero_grad()
    loss = loss_3d(net(image), truth)
    loss.sum().backward()
    save("train_loss", loss)
    save("train_norms", torch.stack([p.grad.norm() for p in net.parameters()]))
    save("train_buffers", torch.stack([b.double().sum() for b in net.buffers()]))
    print(features, sum(p.numel() for p in net.parameters()), float(loss.sum()))
