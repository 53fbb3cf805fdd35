#!/usr/bin/env python3
"""A stacked hourglass with a head for pose attributes and a classifier of domains in PyTorch (Debian's
python3-torch), the trunk with the layers and names of bearpaw/pytorch-pose, with weights that are a formula of
their names: outputs, losses and gradients, evaluated and in training.

Writes tests/golden/hourglass/names.txt, evaluation.npz and training.npz
"""
import pathlib

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from formula import formula, uniform

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
out_folder = pathlib.Path(__file__).parent / "hourglass"
out_folder.mkdir(exist_ok=True)


class Bottleneck(nn.Module):
    def __init__(self, i, middle):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(i), nn.Conv2d(i, middle, 1)
        self.bn2, self.conv2 = nn.BatchNorm2d(middle), nn.Conv2d(middle, middle, 3, padding=1)
        self.bn3, self.conv3 = nn.BatchNorm2d(middle), nn.Conv2d(middle, 2 * middle, 1)
        self.downsample = nn.Sequential() if i == 2 * middle else nn.Sequential(nn.Conv2d(i, 2 * middle, 1))

    def forward(self, x):
        y = self.conv1(torch.relu(self.bn1(x)))
        y = self.conv2(torch.relu(self.bn2(y)))
        return self.conv3(torch.relu(self.bn3(y))) + self.downsample(x)


def bottlenecks(i, middle, blocks):
    return nn.Sequential(*[Bottleneck(i if b == 0 else 2 * middle, middle) for b in range(blocks)])


class Hourglass(nn.Module):
    def __init__(self, channels, blocks, depth=4):
        super().__init__()
        part = lambda: bottlenecks(channels, channels // 2, blocks)
        self.hg = nn.ModuleList(nn.ModuleList(part() for _ in range(4 if level == 0 else 3)) for level in range(depth))

    def at(self, level, x):
        here = self.hg[level]
        low = here[1](F.max_pool2d(x, 2, 2))
        low = self.at(level - 1, low) if level > 0 else here[3](low)
        return here[0](x) + F.interpolate(here[2](low), scale_factor=2)

    def forward(self, x):
        return self.at(len(self.hg) - 1, x)


class Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, factor):
        ctx.factor = factor
        return x.view_as(x)

    @staticmethod
    def backward(ctx, g):
        return -ctx.factor * g, None


class Head(nn.Module):
    def __init__(self, features, cells, out):
        super().__init__()
        self.levels = nn.ModuleList(bottlenecks(features, features // 2, 2) for _ in range(4))
        self.linear = nn.Linear(features * cells, out)

    def forward(self, x):
        for level in self.levels:
            x = F.max_pool2d(level(x), 2)
        x = x.flatten(1)
        return x, self.linear(x)


class Net(nn.Module):
    def __init__(self, joints, stacks, blocks, features, size, attributes, classes, domains, domain_features):
        super().__init__()
        half, quarter = features // 2, features // 4
        self.shape = (attributes, classes)
        self.conv1, self.bn1 = nn.Conv2d(3, quarter, 7, 2, 3), nn.BatchNorm2d(quarter)
        self.layer1 = bottlenecks(quarter, quarter, 1)
        self.layer2 = bottlenecks(half, half, 1)
        self.layer3 = bottlenecks(features, half, 1)
        conv = lambda i, o: nn.Conv2d(i, o, 1)
        each = lambda make, n=stacks: nn.ModuleList(make() for _ in range(n))
        self.hg = each(lambda: Hourglass(features, blocks))
        self.res = each(lambda: bottlenecks(features, half, blocks))
        self.fc = each(lambda: nn.Sequential(conv(features, features), nn.BatchNorm2d(features), nn.ReLU()))
        self.score = each(lambda: conv(features, joints))
        self.fc_ = each(lambda: conv(features, features), stacks - 1)
        self.score_ = each(lambda: conv(joints, features), stacks - 1)
        cells = size[0] // 64 * (size[1] // 64)
        self.attribute_head = Head(features, cells, attributes * classes)
        self.domain_classifier = nn.Sequential(nn.Linear(features * cells, domain_features), nn.ReLU(),
                                               nn.Linear(domain_features, domains))

    def forward(self, x, reversal):
        x = torch.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(F.max_pool2d(self.layer1(x), 2, 2)))
        maps = []
        for i in range(len(self.hg)):
            y = self.fc[i](self.res[i](self.hg[i](x)))
            maps.append(self.score[i](y))
            if i + 1 < len(self.hg):
                x = x + self.fc_[i](y) + self.score_[i](maps[-1])
        flat, attributes = self.attribute_head(y)
        return maps, attributes.view(-1, *self.shape), self.domain_classifier(Reverse.apply(flat, reversal))


def gaussians(means, size, sigma=1.0):
    """Peaks of 1 around means [N, J, 2] where +-1 are the edges of the map."""
    pixel = lambda m, n: ((m + 1) * n - 1) / 2
    dx = torch.arange(size[1]) - pixel(means[..., :1], size[1])
    dy = torch.arange(size[0]) - pixel(means[..., 1:], size[0])
    return torch.exp(-(dy[..., :, None] ** 2 + dx[..., None, :] ** 2) / (2 * sigma**2))


def losses(out, positions, visible, attributes, domains):
    maps, attribute_logits, domain_logits = out
    target = gaussians(positions, maps[0].shape[2:])
    heatmap = sum(((((m - target) ** 2).mean((2, 3))) * visible).sum() / visible.sum() for m in maps)
    attribute = F.cross_entropy(attribute_logits.flatten(0, 1), attributes.flatten(), ignore_index=-1)
    return heatmap, attribute, F.cross_entropy(domain_logits, domains)


N, JOINTS, SIZE, ATTRIBUTES, CLASSES, DOMAINS = 4, 5, (64, 128), 7, 6, 2
net = Net(JOINTS, 2, 2, 8, SIZE, ATTRIBUTES, CLASSES, DOMAINS, 9)
with torch.no_grad():
    for name, tensor in net.state_dict().items():
        # Weights of half the size: nothing grows from block to block where running statistics divide.
        tensor.copy_(torch.as_tensor((0.5 if tensor.ndim >= 2 else 1) * formula(name, tuple(tensor.shape))))
(out_folder / "names.txt").write_text("".join(
    " ".join([name, *map(str, tensor.shape)]) + "\n" for name, tensor in sorted(net.state_dict().items())))
image = torch.from_numpy(2 * uniform("image", (N, 3, *SIZE)) - 1)
positions = torch.from_numpy(1.8 * uniform("positions", (N, JOINTS, 2)) - 0.9)
visible = torch.from_numpy((uniform("visible", (N, JOINTS)) > 0.2).astype(float))
attributes = torch.from_numpy((CLASSES * uniform("attributes", (N, ATTRIBUTES))).astype(int))
attributes[1] = attributes[3] = -1  # pictures of which nobody knows the third dimension
domains = torch.tensor([1, 0, 1, 0])

for mode in ("evaluation", "training"):
    net.train(mode == "training")
    net.zero_grad()
    x = image.clone().requires_grad_()
    out = net(x, 0.5)
    heatmap, attribute, domain = losses(out, positions, visible, attributes, domains)
    (2 * heatmap + 0.5 * attribute + 0.25 * domain).backward()
    numpy = lambda t: t.detach().numpy()
    # Of each parameter's gradient its norm, and its product with numbers between 0 and 1.
    named = sorted(net.named_parameters())
    probe = lambda n, p: (p.grad * torch.from_numpy(uniform("probe " + n, tuple(p.shape)))).sum()
    np.savez_compressed(
        out_folder / f"{mode}.npz",
        heatmaps=np.stack([numpy(m)[:, :, ::3, ::5] for m in out[0]]),
        attributes=numpy(out[1]), domain=numpy(out[2]),
        losses=np.array([float(heatmap), float(attribute), float(domain)]),
        image_gradient=numpy(x.grad)[:, :, ::7, ::11],
        norms=np.array([float(p.grad.norm()) for _, p in named]),
        probes=np.array([float(probe(n, p)) for n, p in named]),
        buffers=np.array([float(b.double().sum()) for _, b in sorted(net.named_buffers())]))
    print(mode, sum(p.numel() for p in net.parameters()), float(heatmap), float(attribute), float(domain))
