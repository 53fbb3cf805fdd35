"""TensorFlow.js graph models on PyTorch, in float32 or float64: an implementation to compare with.

Only what posekit's networks need. Needs Debian's python3-numpy and python3-torch.
"""
import base64
import json
import math
import pathlib

import numpy as np
import torch
import torch.nn.functional as F


class Rectifier(torch.autograd.Function):
    """clamp(x, 0, high), whose derivative is a mask that the caller gives."""

    @staticmethod
    def forward(ctx, x, high, mask):
        ctx.save_for_backward(mask)
        return torch.clamp(x, 0, high)

    @staticmethod
    def backward(ctx, gradient):
        return gradient * ctx.saved_tensors[0], None, None


def text(attribute):
    return base64.b64decode(attribute["s"]).decode()


class Network:
    def __init__(self, path, dtype=torch.float64):
        path = pathlib.Path(path)
        model = json.loads(path.read_text())
        self.nodes = {n["name"]: n for n in model["modelTopology"]["node"]}
        signature = model.get("signature") or model.get("userDefinedMetadata", {}).get("signature", {})
        self.outputs = {k: v["name"].split(":")[0] for k, v in signature.get("outputs", {}).items()}
        self.weights = {}
        for group in model["weightsManifest"]:
            data = b"".join((path.parent / p).read_bytes() for p in group["paths"])
            at = 0
            for w in group["weights"]:
                stored = w.get("quantization", {}).get("dtype", w["dtype"])
                kind = {"float16": "<f2", "float32": "<f4", "int32": "<i4"}[stored]
                size = int(np.prod(w["shape"])) * np.dtype(kind).itemsize
                array = np.frombuffer(data[at:at + size], kind).reshape(w["shape"])
                at += size
                tensor = torch.from_numpy(array.astype("f8" if stored.startswith("float") else "i8"))
                self.weights[w["name"]] = tensor.to(dtype) if tensor.is_floating_point() else tensor
        self.before = {}  # rectifier node -> what went in, NCHW
        self.highs = {}   # rectifier node -> where it saturates
        self.masks = {}   # rectifier node -> derivatives to use instead of its own

    def __call__(self, feeds, outputs):
        value = dict(feeds)
        for output in outputs:
            stack = [output]
            while stack:
                name = stack[-1]
                node = self.nodes[name]
                sources = [i.split(":")[0] for i in node.get("input", []) if i[0] != "^"]
                missing = [s for s in sources if s not in value]
                if name not in value and missing:
                    stack += missing
                    continue
                if name not in value:
                    value[name] = self.run(node, [value[s] for s in sources])
                stack.pop()
        return [value[o] for o in outputs]

    def rectify(self, name, x, high):
        self.before[name] = x.detach()
        self.highs[name] = high
        mask = self.masks.get(name)
        if mask is None:
            mask = ((x > 0) & (x <= high)).to(x.dtype)
        return Rectifier.apply(x, high, mask)

    def convolve(self, node, x, depthwise):
        attributes = node["attr"]
        stride = int(attributes["strides"]["list"]["i"][1])
        source, filters = x[0].permute(0, 3, 1, 2), x[1]
        if text(attributes["padding"]) == "SAME":
            pads = []
            for size, kernel in ((source.shape[3], filters.shape[1]), (source.shape[2], filters.shape[0])):
                pad = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
                pads += [pad // 2, pad - pad // 2]
            source = F.pad(source, pads)
        order, groups = ((2, 3, 0, 1), filters.shape[2]) if depthwise else ((3, 2, 0, 1), 1)
        y = F.conv2d(source, filters.permute(order), x[2] if len(x) > 2 else None, stride, groups=groups)
        fused = [base64.b64decode(v).decode() for v in attributes["fused_ops"]["list"]["s"]] if "fused_ops" in attributes else []
        for op in fused[1:]:
            if op == "Prelu":
                y = torch.where(y > 0, y, y * x[3].reshape(1, -1, 1, 1))
            else:
                y = self.rectify(node["name"], y, {"Relu": math.inf, "Relu6": 6.0}[op])
        return y.permute(0, 2, 3, 1)

    def run(self, node, x):
        op, attributes = node["op"], node.get("attr", {})
        if op == "Const":
            return self.weights[node["name"]]
        if op in ("_FusedConv2D", "Conv2D"):
            return self.convolve(node, x, False)
        if op in ("FusedDepthwiseConv2dNative", "DepthwiseConv2dNative"):
            return self.convolve(node, x, True)
        if op in ("AddV2", "Add", "AddN"):
            return sum(x[1:], x[0])
        if op in ("Relu", "Relu6"):
            y = self.rectify(node["name"], x[0].permute(0, 3, 1, 2), math.inf if op == "Relu" else 6.0)
            return y.permute(0, 2, 3, 1)
        if op == "Pad":
            pads = [int(p) for pair in reversed(x[1].tolist()) for p in pair]
            return F.pad(x[0], pads)
        if op == "ResizeBilinear":
            return F.interpolate(x[0].permute(0, 3, 1, 2), size=x[1].tolist(), mode="bilinear",
                                 align_corners=False).permute(0, 2, 3, 1)
        if op in ("MaxPool", "AvgPool"):
            kernel, stride = (int(attributes[k]["list"]["i"][1]) for k in ("ksize", "strides"))
            pool = F.max_pool2d if op == "MaxPool" else F.avg_pool2d
            return pool(x[0].permute(0, 3, 1, 2), kernel, stride).permute(0, 2, 3, 1)
        if op == "Conv2DBackpropInput":
            crop = (x[1].shape[0] - 2) // 2
            return F.conv_transpose2d(x[2].permute(0, 3, 1, 2), x[1].permute(3, 2, 0, 1), None, 2, crop).permute(0, 2, 3, 1)
        simple = {
            "Mul": lambda: x[0] * x[1],
            "Sub": lambda: x[0] - x[1],
            "Sigmoid": lambda: torch.sigmoid(x[0]),
            "Identity": lambda: x[0],
            "Reshape": lambda: x[0].reshape(x[1].tolist()),
            "ConcatV2": lambda: torch.cat(x[:-1], int(x[-1])),
            "Shape": lambda: torch.tensor(x[0].shape),
            "StridedSlice": lambda: x[0][int(x[1])],
            "Pack": lambda: torch.stack([torch.as_tensor(v) for v in x], int(attributes["axis"]["i"])),
            "Mean": lambda: x[0].mean(x[1].tolist()),
            "_FusedMatMul": lambda: x[0] @ x[1] + x[2],
        }
        if op not in simple:
            raise NotImplementedError(f"{node['name']}: {op}")
        return simple[op]()
