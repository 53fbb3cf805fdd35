#!/usr/bin/env python3
"""Prints what scripts/bench.sh measured as Markdown tables:  summary.py OUT_FOLDER"""
import json
import pathlib
import re
import sys

out = pathlib.Path(sys.argv[1])


def medians(topic):
    """Name -> the median over the repetitions (or the only one), as Google Benchmark writes it."""
    found = {}
    for b in json.loads((out / f"{topic}.json").read_text())["benchmarks"]:
        if b.get("aggregate_name", "median") == "median":
            found[re.sub(r"/(real_time|manual_time|iterations:\d+)", "", b["run_name"])] = b
    return found


def table(head, rows):
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


machine, layers, attribution = map(medians, ("machine", "layers", "attribution"))
networks = medians("networks-1") | medians("networks-2")
heatmaps = medians("heatmaps-1") | medians("heatmaps-2")
peak = {t: machine[f"multiply_add_peak/threads:{t}"]["GMAC/s"] for t in (1, 2)}
copy = {t: machine[f"copy_bandwidth/threads:{t}"]["GB/s"] for t in (1, 2)}
print("**Machine**: " + "; ".join(f"{t} thread{'s' if t > 1 else ''}: {peak[t]:.0f} GMAC/s from registers, "
                                  f"{copy[t]:.0f} GB/s copied" for t in (1, 2)) + "\n")


def milliseconds(group, name):
    b = group.get(name)
    return b and b["real_time"] * {"ns": 1e-6, "us": 1e-3, "ms": 1}[b["time_unit"]]


def against(ours, theirs):
    return "" if not ours or not theirs else f"{theirs:.1f} ({theirs / ours:.2f}×)"


runtime = {}
for line in (out / "onnxruntime.txt").read_text().splitlines():
    network, threads, ms = line.split()
    runtime[network, int(threads)] = float(ms)
rows = []
for network in sorted({n.split("/")[0] for n in networks}):
    for what, label in (("forward", "forward"), ("step17", "forward + 17 gradients"), ("pose_ig_per_step", "PoseIG, per path step")):
        for t in (1, 2):
            ours = milliseconds(networks, f"{network}/{what}/posekit/threads:{t}")
            peer = "step17" if what == "pose_ig_per_step" else what
            torch = [milliseconds(networks, f"{network}/{peer}/torch_{layout}/threads:{t}") for layout in ("nchw", "nhwc")]
            torch = min([x for x in torch if x], default=None)
            ort = runtime.get((network, t)) if what == "forward" else None
            rows.append([network, label, str(t), f"{ours:.2f}", against(ours, torch), against(ours, ort)])
print("**Networks**, milliseconds. A peer's time is followed by how many times as long it takes. "
      "PyTorch is the faster of its two layouts.\n")
table(["network", "what", "threads", "posekit", "PyTorch 1.13", "ONNX Runtime 1.30"], rows)

# What has to be done at least for a pixel: exponentials, bytes read, bytes written.
LABELS = {
    "soft_argmax_forward": ("soft-argmax", 1, 4, 0),
    "soft_argmax_gradient": ("soft-argmax, with its gradient", 2, 8, 4),
    "regularized_loss_gradient": ("Eq. 6's terms of a map, with their gradient", 2, 8, 4),
    "gaussian_targets": ("Gaussian targets", 0, 0, 4),
    "volume_coordinates_gradient": ("volume to marginals to coordinates, with its gradient", 0, 4, 4),
}
lesser = {s: medians(f"heatmaps-{s}") for s in ("avx2", "baseline")}
exponential = heatmaps["exponentials"]["ns/pixel"]
rows = []
for name in sorted({n.rsplit("/", 2)[0] for n in heatmaps if "/" in n}, key=lambda n: (list(LABELS).index(n.split("/")[0]), -len(n))):
    task, size = name.split("/")
    label, exponentials, reads, writes = LABELS[task]
    pixels = 1
    for n in size.split("x"):
        pixels *= int(n)
    for t in (1, 2):
        ours = milliseconds(heatmaps, f"{name}/posekit/threads:{t}")
        torch = milliseconds(heatmaps, f"{name}/torch/threads:{t}")
        floor = max(pixels * (reads + writes) / copy[t] / 1e6, pixels * exponentials * exponential / t / 1e6)
        others = [f"{milliseconds(lesser[s], f'{name}/posekit/threads:1'):.3g}" if t == 1 else "" for s in lesser]
        rows.append([label, size.replace("x", "×"), str(t), f"{ours:.3g}", against(ours, torch), f"{100 * floor / ours:.0f} %"] + others)
print(f"**Heatmaps**, milliseconds. The floor is the larger of the bytes that have to be read and written at the copy "
      f"bandwidth, and the exponentials at {exponential:.3f} ns each.\n")
table(["what", "size", "threads", "posekit", "PyTorch 1.13", "floor / time", "AVX2 only", "SSE2 only"], rows)

# Bytes read and written for a logit where nothing stays in the caches.
LOSSES = {
    "softmax_forward": ("softmax", 1, 4, 4),
    "softmax_gradient": ("softmax, with its gradient", 1, 12, 8),
    "cross_entropy_forward": ("cross-entropy from classes", 1, 4, 0),
    "cross_entropy_gradient": ("its mean, with its gradient", 2, 8, 4),
    "soft_cross_entropy_gradient": ("the mean from smoothed probabilities, with its gradient", 2, 20, 8),
}
losses = medians("losses-1") | medians("losses-2")
rows = []
for name in sorted({n.rsplit("/", 2)[0] for n in losses}, key=lambda n: (len(n.split("/")[1]), list(LOSSES).index(n.split("/")[0]))):
    task, size = name.split("/")
    label, exponentials, reads, writes = LOSSES[task]
    logits = int(size.split("x")[0]) * int(size.split("x")[1])
    for t in (1, 2):
        ours = milliseconds(losses, f"{name}/posekit/threads:{t}")
        torch = milliseconds(losses, f"{name}/torch/threads:{t}")
        floor = max(logits * (reads + writes) / copy[t] / 1e6, logits * exponentials * exponential / t / 1e6)
        rows.append([label, size.replace("x", "×"), str(t), f"{ours:.3g}", "" if not torch else f"{torch:.3g} ({torch / ours:.2f}×)",
                     f"{100 * floor / ours:.0f} %"])
print("**Losses of classifiers**, milliseconds, with the same floor.\n")
table(["what", "rows × classes", "threads", "posekit", "PyTorch 1.13", "floor / time"], rows)

rows = []
for kernel in ("true_sigma", "taps_31"):
    for t in (1, 2):
        ours = milliseconds(attribution, f"blur_path/{kernel}/threads:{t}")
        slopes = milliseconds(attribution, f"blur_path/{kernel}_with_derivative/threads:{t}")
        opencv = milliseconds(attribution, f"blur_path_opencv/{kernel}/threads:{t}")
        torch = milliseconds(attribution, f"blur_path_torch/{kernel}/threads:{t}")
        rows.append([f"blur path of 50 images 256×256×3, {kernel.replace('_', ' ')}", str(t), f"{ours:.1f}",
                     against(ours, opencv), against(ours, torch)])
        rows.append(["… and its derivative", str(t), f"{slopes:.1f}", "", ""])
table(["what", "threads", "posekit", "OpenCV", "PyTorch, depthwise"], rows)

scipy = float((out / "kde_scipy.txt").read_text())
rows = []
for t in (1, 2):
    ours = milliseconds(attribution, f"kde_map_256x256/posekit/threads:{t}")
    rows.append(["KDE of a 256×256 map", str(t), f"{ours:.1f}", f"{scipy:.0f} ({scipy / ours:.0f}×)"])
for name, label in (("diffusion_index_17x256x256", "DI of 17 maps 256×256"), ("locality_index_17x256x256", "LI, 17 × 17, of 17 maps 256×256")):
    rows.append([label, "1", f"{milliseconds(attribution, name + '/posekit'):.1f}", ""])
table(["what", "threads", "posekit", "scipy"], rows)

pose = medians("pose-1") | medians("pose-2")
python = dict(line.split() for line in (out / "poses_python.txt").read_text().splitlines())
rows = []
for name, label in (("pa_mpjpe_100000", "PA-MPJPE of 100,000 poses of 17 joints"), ("coco_5000x20", "COCO's evaluation of 5,000 images with 20 detections each"),
                    ("torso_planes_100000", "torso planes of 100,000 poses"), ("pose_attributes_100000", "… and their nine attributes")):
    for t in (1, 2):
        ours = milliseconds(pose, f"{name}/posekit/threads:{t}")
        theirs = float(python.get(name, 0)) * 1e3
        rows.append([label, str(t), f"{ours:.1f}", against(ours, milliseconds(pose, f"{name}/torch/threads:{t}")),
                     f"{theirs:.0f} ({theirs / ours:.0f}×)" if theirs else ""])
print("**Poses**, milliseconds.\n")
table(["what", "threads", "posekit", "PyTorch, batched", "Python: scipy; numpy"], rows)

print("**Layers**, one thread: time by kind, and the share of the machine that it runs at.\n")
rows = []
for network in sorted({n.split("/")[0] for n in layers}):
    for what in ("forward", "vjp17"):
        kinds = {}
        for name, b in layers.items():
            if not name.startswith(network + "/") or not name.endswith("/" + what):
                continue
            kind = "depthwise" if "_depthwise" in name else "pointwise" if "_conv1x1" in name else "other convolutions"
            ms, macs, bytes_ = kinds.get(kind, (0, 0, 0))
            seconds = b["real_time"] * {"ns": 1e-9, "us": 1e-6, "ms": 1e-3}[b["time_unit"]]
            kinds[kind] = (ms + seconds * 1e3, macs + b["GMAC/s"] * seconds, bytes_ + b["GB/s"] * seconds)
        for kind, (ms, macs, bytes_) in sorted(kinds.items(), key=lambda k: -k[1][0]):
            rows.append([network, {"forward": "forward", "vjp17": "17 gradients"}[what], kind, f"{ms:.2f}",
                         f"{macs / ms * 1e3:.0f} ({macs / ms * 1e5 / peak[1]:.0f} %)", f"{bytes_ / ms * 1e3:.1f} ({bytes_ / ms * 1e5 / copy[1]:.0f} %)"])
table(["network", "what", "layers", "ms", "GMAC/s (of peak)", "GB/s (of copy)"], rows)

training = medians("training-1") | medians("training-2")
memory = {}
for line in (out / "training-memory.txt").read_text().splitlines():
    step, who, megabytes, _ = line.split()
    memory[step, who] = megabytes
rows = []
for step, label in (("small", "2 stages, width 32, 32 images of 128 x 128"), ("resnet18-width", "1 stage, width 128, 8 images of 128 x 128")):
    for t in (1, 2):
        ours, torch = (milliseconds(training, f"step/{step}/{who}/threads:{t}") for who in ("posekit", "torch"))
        rows.append([label, str(t), f"{ours:.0f}", against(ours, torch), *((memory[step, who] if t == 1 else "") for who in ("posekit", "torch"))])
print("**Training steps** of MargiPose with ResNet-18 (forward, Eq. 6, backward, SGD with momentum), milliseconds, and peak memory in MB.\n")
table(["network", "threads", "posekit", "PyTorch 1.13", "MB, posekit", "MB, PyTorch"], rows)
rows = []
for name in sorted({n.rsplit("/", 2)[0] for n in training if n.startswith("convolution/")}):
    shares = [f"{training[f'{name}/{product}/threads:{t}']['peak%']:.0f} %" for t in (1, 2) for product in ("forward", "input", "filter")]
    rows.append([name.split("/")[1], *shares])
print("**Convolutions** of these networks: shares of the multiply-add peak on one thread and on two.\n")
table(["convolution", "forward", "to the input", "to the filter", "forward, 2", "to the input, 2", "to the filter, 2"], rows)

hourglass = medians("hourglass-1") | medians("hourglass-2")
rows = []
for what, label in (("forward", "forward"), ("step", "training step")):
    for images in (1, 2):
        for t in (1, 2):
            case = f"{what}/images:{images}"
            ours = milliseconds(hourglass, f"{case}/posekit/threads:{t}")
            torch = [milliseconds(hourglass, f"{case}/torch_{layout}/threads:{t}") for layout in ("nchw", "nhwc")]
            rows.append([label, str(images), str(t), f"{ours:.0f}", against(ours, min([x for x in torch if x], default=None))])
print("**Stacked hourglasses**: 2 stacks, 256 channels, images of 256 x 256, milliseconds. A step is forward, Eq. 1 of Wang et al., "
      "backward, RMSprop; PyTorch's targets are made before. PyTorch is the faster of its two layouts.\n")
table(["what", "images", "threads", "posekit", "PyTorch 1.13"], rows)

lifting = medians("lifting-1") | medians("lifting-2")
rows = []
for case in ("lifter step of 64", "lifter forward of 64", "lifter forward of 1"):
    for t in (1, 2):
        ours = milliseconds(lifting, f"{case}/posekit/threads:{t}")
        rows.append([case, str(t), f"{ours:.2f}", against(ours, milliseconds(lifting, f"{case}/torch/threads:{t}"))])
print("**Lifting**: the network of Martinez et al. (16 joints, 4.29 million parameters), milliseconds. A step is forward, squared error, "
      "backward, RMSprop.\n")
table(["what", "threads", "posekit", "PyTorch 1.13"], rows)
rows = []
for name in sorted({n.split("/")[0] for n in lifting if n.startswith("product ")}):
    one, two = (lifting[f"{name}/posekit/threads:{t}"] for t in (1, 2))
    rows.append([name.removeprefix("product "), f"{one['GMAC/s']:.0f}", f"{one['peak%']:.0f} %", f"{one['GB/s']:.0f}", f"{two['peak%']:.0f} %"])
print("**Dense products** of layers with 64 or 1,024 features to 128 or 1,024: multiply-adds, and what they are of the peak.\n")
table(["product of so many rows", "GMAC/s", "of the peak", "GB/s", "of the peak, 2 threads"], rows)
