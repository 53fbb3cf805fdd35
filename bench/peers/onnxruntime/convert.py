#!/usr/bin/env python3
"""A TensorFlow.js graph model as an ONNX model, for timing ONNX Runtime on it.

    convert.py MODEL.json INPUT_NODE SIZE LOW HIGH OUTPUT_NODE OUT.onnx

The model is NCHW all through, with paddings folded into convolutions, as an exporter would write it.
Beside it go OUT.input.bin and OUT.output.bin: a pattern and what PyTorch makes of it in float64.
Needs Debian's python3-numpy, python3-onnx and python3-torch.
"""
import base64
import math
import pathlib
import sys

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "tests" / "golden"))
from tfjs_in_torch import Network, text  # noqa: E402

model_path, feed, size, low, high, output, out = sys.argv[1:]
size, low, high, out = int(size), float(low), float(high), pathlib.Path(out)
network = Network(model_path, torch.float32)
nodes, weights, names, shapes, pads = [], [], {}, {}, {}


def weight(name, array):
    weights.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
    return name


def emit(op, inputs, name, **attributes):
    nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
    return name


def constant(name):
    return network.weights[name].numpy()


def convolution(node, sources, depthwise):
    name = node["name"]
    stride = int(node["attr"]["strides"]["list"]["i"][1])
    filters = constant(sources[1])
    kernel = filters.shape[:2]
    source = sources[0]
    before = pads.get(source)
    amounts = [0, 0, 0, 0]  # top, left, bottom, right
    if text(node["attr"]["padding"]) == "SAME":
        for axis in (0, 1):
            extent = shapes[source][axis]
            total = max((math.ceil(extent / stride) - 1) * stride + kernel[axis] - extent, 0)
            amounts[axis], amounts[axis + 2] = total // 2, total - total // 2
    elif before:
        source, amounts = before
    extents = [(shapes[source][a] + amounts[a] + amounts[a + 2] - kernel[a]) // stride + 1 for a in (0, 1)]
    shapes[name] = extents
    order = (2, 3, 0, 1) if depthwise else (3, 2, 0, 1)
    inputs = [names[source], weight(name + ".w", filters.transpose(order))]
    if len(sources) > 2:
        inputs.append(weight(name + ".b", constant(sources[2])))
    fused = [base64.b64decode(v).decode() for v in node["attr"]["fused_ops"]["list"]["s"]] if "fused_ops" in node["attr"] else []
    result = emit("Conv", inputs, name, strides=[stride, stride], pads=amounts,
                  group=filters.shape[2] if depthwise else 1)
    for op in fused[1:]:
        result = rectifier(op, result, name + ".act")
    names[name] = result


def rectifier(op, source, name):
    if op == "Relu":
        return emit("Relu", [source], name)
    if op == "Relu6":
        return emit("Clip", [source, weight(name + ".lo", np.float32(0)), weight(name + ".hi", np.float32(6))], name)
    raise SystemExit(f"{name}: {op}")


def visit(name):
    node = network.nodes[name]
    op = node["op"]
    sources = [i.split(":")[0] for i in node.get("input", []) if i[0] != "^"]
    for source in sources:
        if source not in names and source not in pads and network.nodes[source]["op"] != "Const":
            visit(source)
    if op in ("_FusedConv2D", "Conv2D"):
        convolution(node, sources, False)
    elif op in ("FusedDepthwiseConv2dNative", "DepthwiseConv2dNative"):
        convolution(node, sources, True)
    elif op == "Pad":
        amounts = constant(sources[1]).astype(int)
        if not amounts[0].any() and not amounts[3].any():
            pads[name] = (sources[0], [int(amounts[1][0]), int(amounts[2][0]), int(amounts[1][1]), int(amounts[2][1])])
        order = (0, 3, 1, 2)
        onnx_pads = weight(name + ".p", np.array([amounts[a][e] for e in (0, 1) for a in order], np.int64))
        names[name] = emit("Pad", [names[sources[0]], onnx_pads], name)
        shapes[name] = [shapes[sources[0]][a] + int(amounts[a + 1].sum()) for a in (0, 1)]
    elif op in ("AddV2", "Add"):
        names[name] = emit("Add", [names[s] for s in sources], name)
        shapes[name] = shapes[sources[0]]
    elif op in ("Relu", "Relu6"):
        names[name] = rectifier(op, names[sources[0]], name)
        shapes[name] = shapes[sources[0]]
    elif op == "Sigmoid":
        names[name] = emit("Sigmoid", [names[sources[0]]], name)
        shapes[name] = shapes[sources[0]]
    elif op == "Identity":
        names[name], shapes[name] = names[sources[0]], shapes[sources[0]]
    elif op == "MaxPool":
        kernel, stride = (int(node["attr"][k]["list"]["i"][1]) for k in ("ksize", "strides"))
        names[name] = emit("MaxPool", [names[sources[0]]], name, kernel_shape=[kernel] * 2, strides=[stride] * 2)
        shapes[name] = [(e - kernel) // stride + 1 for e in shapes[sources[0]]]
    elif op == "ResizeBilinear":
        target = [int(v) for v in constant(sources[1])]
        scales = np.array([1, 1] + [t / s for t, s in zip(target, shapes[sources[0]])], np.float32)
        names[name] = emit("Resize", [names[sources[0]], "", weight(name + ".s", scales)], name, mode="linear",
                           coordinate_transformation_mode="half_pixel")
        shapes[name] = target
    else:
        raise SystemExit(f"{name}: {op} is not converted")


y, x, c = np.meshgrid(np.arange(size), np.arange(size), np.arange(3), indexing="ij")
image = 0.5 + 0.3 * np.sin(0.11 * x + 0.05 * y + c) + 0.2 * np.cos(0.07 * y - 0.13 * x + 2 * c)
image = (low + (high - low) * image).astype("f4")
names[feed], shapes[feed] = "input", [size, size]
visit(output)
exact = Network(model_path)
with torch.no_grad():
    value = exact({feed: torch.from_numpy(image[None].astype("f8"))}, [output])[0]
value = value.numpy().transpose(0, 3, 1, 2).astype("f4")
graph = helper.make_graph(
    nodes, "network", [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, size, size])],
    [helper.make_tensor_value_info(names[output], TensorProto.FLOAT, value.shape)], weights)
# Pads that convolutions took over are read by nobody.
read = {i for n in nodes for i in n.input} | {names[output]}
kept = [n for n in graph.node if n.output[0] in read]
del graph.node[:]
graph.node.extend(kept)
used = [w for w in graph.initializer if any(w.name in n.input for n in kept)]
del graph.initializer[:]
graph.initializer.extend(used)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
model.ir_version = 8
onnx.checker.check_model(model)
onnx.save(model, str(out))
image.transpose(2, 0, 1).tofile(out.with_suffix(".input.bin"))
value.tofile(out.with_suffix(".output.bin"))
