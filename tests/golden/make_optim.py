#!/usr/bin/env python3
"""Reference values for posekit's optim room from PyTorch (Debian's python3-torch 1.13).

Writes tests/golden/optim/*.npy: what the parameters of a small network are after 1, 2, 10 and 100 steps of each
optimiser, in float32 and float64, and what schedules give. The parameter `gate` takes part in some steps only.
"""
import pathlib

import numpy as np
import torch

out = pathlib.Path(__file__).parent / "optim"
out.mkdir(exist_ok=True)
steps, reported = 100, (1, 2, 10, 100)

rng = np.random.default_rng(3)
names = ("weight1", "bias1", "gate", "weight2", "bias2")
shapes = ((5, 7), (7,), (7,), (7, 3), (3,))
# Numbers that float32 holds exactly.
start = {n: rng.uniform(-1, 1, s).astype(np.float32) for n, s in zip(names, shapes)}
x = rng.normal(size=(11, 5)).astype(np.float32)
y = rng.normal(size=(11, 3)).astype(np.float32)
np.save(out / "x.npy", x)
np.save(out / "y.npy", y)
for name in names:
    np.save(out / f"{name}.npy", start[name])


def gate_takes_part(step):
    return step % 3 != 0


def trajectory(case, dtype, make_optimizer, before_step=None, clip=None):
    parameters = {n: torch.tensor(start[n], dtype=dtype, requires_grad=True) for n in names}
    inputs, targets = torch.tensor(x, dtype=dtype), torch.tensor(y, dtype=dtype)
    optimizer = make_optimizer(list(parameters.values()))
    rows = []
    for step in range(steps):
        if before_step is not None:
            before_step(optimizer, step)
        hidden = torch.matmul(inputs, parameters["weight1"]) + parameters["bias1"]
        if gate_takes_part(step):
            hidden = hidden * parameters["gate"]
        output = torch.matmul(torch.tanh(hidden), parameters["weight2"]) + parameters["bias2"]
        optimizer.zero_grad(set_to_none=True)
        ((output - targets) ** 2).mean().backward()
        if clip is not None:
            clip(list(parameters.values()))
        optimizer.step()
        if step + 1 in reported:
            rows.append(np.concatenate([p.detach().numpy().reshape(-1) for p in parameters.values()]))
    np.save(out / f"{case}.{str(dtype)[6:]}.npy", np.stack(rows))


def one_cycle(total, peak, momentum, low=0.85):
    """[total, 2]: learning rate and momentum of steps 1 ... total, after MargiPose's public code."""
    times = [1, 0.45 * total, 0.9 * total, total]
    t = np.arange(1, total + 1)
    rate = np.interp(t, times, [peak / 10, peak, peak / 10, peak / 10000])
    return np.stack([rate, np.interp(t, times, [momentum, min(momentum, low), momentum, momentum])], 1)


cycle = one_cycle(steps, 0.2, 0.9)


def cycle_sgd(optimizer, step):
    group = optimizer.param_groups[0]
    group["lr"], group["momentum"] = cycle[step]


def cycle_adam(optimizer, step):
    group = optimizer.param_groups[0]
    group["lr"], group["betas"] = cycle[step, 0] / 10, (cycle[step, 1], 0.99)


optim = torch.optim
cases = {
    "sgd_plain": lambda p: optim.SGD(p, lr=0.1),
    "sgd_decay": lambda p: optim.SGD(p, lr=0.1, weight_decay=0.05),
    "sgd_momentum": lambda p: optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=1e-2),
    "sgd_dampening": lambda p: optim.SGD(p, lr=0.1, momentum=0.7, dampening=0.4),
    "sgd_nesterov": lambda p: optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=1e-2),
    "adam": lambda p: optim.Adam(p, lr=0.01),
    "adam_options": lambda p: optim.Adam(p, lr=0.02, betas=(0.7, 0.95), eps=1e-3, weight_decay=0.02),
    "adam_amsgrad": lambda p: optim.Adam(p, lr=0.02, betas=(0.8, 0.9), amsgrad=True),
    "adamw": lambda p: optim.AdamW(p, lr=0.01),
    "adamw_amsgrad": lambda p: optim.AdamW(p, lr=0.02, betas=(0.8, 0.9), eps=1e-4, weight_decay=0.3, amsgrad=True),
    "rmsprop": lambda p: optim.RMSprop(p, lr=0.005),
    "rmsprop_momentum": lambda p: optim.RMSprop(p, lr=0.002, alpha=0.9, momentum=0.8, weight_decay=0.02),
    "rmsprop_centered": lambda p: optim.RMSprop(p, lr=0.002, eps=1e-2, centered=True),
    "rmsprop_all": lambda p: optim.RMSprop(p, lr=0.002, alpha=0.95, eps=1e-2, centered=True, momentum=0.5),
}
for dtype in (torch.float32, torch.float64):
    for case, make in cases.items():
        trajectory(case, dtype, make)
    trajectory("sgd_cycle", dtype, lambda p: optim.SGD(p, lr=1, momentum=0.9), cycle_sgd)
    trajectory("adam_cycle", dtype, lambda p: optim.Adam(p, lr=1), cycle_adam)
    norms = []
    trajectory("sgd_clip_norm", dtype, lambda p: optim.SGD(p, lr=0.3, momentum=0.5),
               clip=lambda p: norms.append(float(torch.nn.utils.clip_grad_norm_(p, 0.25))))
    np.save(out / f"norms.{str(dtype)[6:]}.npy", np.array(norms))
    trajectory("sgd_clip_value", dtype, lambda p: optim.SGD(p, lr=0.3),
               clip=lambda p: torch.nn.utils.clip_grad_value_(p, 0.03))


def scheduled(make_scheduler, count, rate):
    """[count, 2]: learning rate and momentum of SGD under a scheduler of PyTorch."""
    optimizer = optim.SGD([torch.zeros(1, requires_grad=True)], lr=rate, momentum=0.9)
    scheduler = make_scheduler(optimizer)
    rows = []
    for _ in range(count):
        rows.append([optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["momentum"]])
        optimizer.step()
        if len(rows) < count:
            scheduler.step()
    return np.array(rows)


lr = optim.lr_scheduler
np.save(out / "one_cycle.npy", one_cycle(37, 1.0, 0.9))
np.save(out / "one_cycle_low.npy", one_cycle(1000, 0.3, 0.8))
np.save(out / "torch_cosine.npy", scheduled(lambda o: lr.OneCycleLR(o, 0.7, total_steps=41), 41, 1))
np.save(out / "torch_linear.npy", scheduled(lambda o: lr.OneCycleLR(
    o, 0.7, total_steps=41, pct_start=0.45, anneal_strategy="linear", base_momentum=0.8, max_momentum=0.9,
    div_factor=10, final_div_factor=1000), 41, 1))
np.save(out / "torch_three_phase.npy", scheduled(
    lambda o: lr.OneCycleLR(o, 0.7, total_steps=41, pct_start=0.4, three_phase=True), 41, 1))
np.save(out / "step_decay.npy", scheduled(lambda o: lr.StepLR(o, 4, 0.9), 20, 0.001))
np.save(out / "cosine.npy", scheduled(lambda o: lr.CosineAnnealingLR(o, 30, 0.002), 31, 0.1))
np.save(out / "cosine_warmup.npy", scheduled(lambda o: lr.SequentialLR(
    o, [lr.LinearLR(o, 0.05, total_iters=6), lr.CosineAnnealingLR(o, 24, 0.002)], [6]), 31, 0.1))
