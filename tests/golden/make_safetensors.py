#!/usr/bin/env python3
"""Files in the safetensors format, and what each of their tensors holds, as NumPy writes it."""
import json
import pathlib
import struct

import numpy as np

out = pathlib.Path(__file__).parent / "safetensors"
out.mkdir(exist_ok=True)


def bfloat16(bits):
    """The number that a sign, 8 bits of exponent and 7 of fraction stand for."""
    sign = -1.0 if bits & 0x8000 else 1.0
    exponent, fraction = (bits >> 7) & 0xFF, bits & 0x7F
    if exponent == 0xFF:
        return np.float32(np.nan if fraction else sign * np.inf)
    if exponent == 0:
        return np.float32(sign * fraction * 2.0**-133)
    return np.float32(sign * (128 + fraction) * 2.0 ** (exponent - 134))


bf16 = np.array([0x0000, 0x8000, 0x3F80, 0xC049, 0x0001, 0x807F, 0x7F7F, 0xFF80, 0x7F80, 0x4260, 0x3DCD, 0x7FC0],
                "<u2").reshape(3, 4)
halves = np.array([1, -2, 65504, 6e-8, np.inf, 0.333, -0.0, 1024.5, 7e-5, np.nan], "<f2").reshape(2, 5)
# name: (type, array as it is stored, array of its values)
tensors = {
    "doubles": ("F64", np.array([[0.1, -2.5e300, 3], [5e-324, np.inf, -0.0]], "<f8")),
    "floats": ("F32", np.array([1.5, -3.25e38, 1e-45, np.nan, 16777216, 0.1], "<f4").reshape(3, 1, 2)),
    "halves": ("F16", halves, halves.astype("<f4")),
    "brains": ("BF16", bf16, np.array([bfloat16(int(b)) for b in bf16.ravel()], "<f4").reshape(3, 4)),
    "longs": ("I64", np.array([-2**63, 2**63 - 1, 2**53 + 1], "<i8")),
    "ints": ("I32", np.array([[-2**31], [2**31 - 1]], "<i4")),
    "shorts": ("I16", np.array([-32768, 32767, 7], "<i2")),
    "chars": ("I8", np.array([-128, 127, 3, -4, 5], "i1")),
    "bytes": ("U8", np.arange(250, 256, dtype="u1").reshape(2, 1, 3)),
    "words": ("U16", np.array([65535, 1], "<u2")),
    "unsigned": ("U32", np.array([2**32 - 1, 4, 2**31], "<u4")),
    "huge": ("U64", np.array([2**64 - 1, 2**63], "<u8")),
    "flags": ("BOOL", np.array([1, 0, 0, 1, 1, 0, 1], "u1")),
    "scalar": ("F32", np.array(-7.5, "<f4")),
    "empty": ("F32", np.zeros((0, 3), "<f4")),
    "böden/层 \"0\"": ("I64", np.zeros((2, 0, 4), "<i8")),
}


def write(name, header, buffer):
    header = header.encode()
    (out / name).write_bytes(struct.pack("<Q", len(header)) + header + buffer)


# An awkward file: the header in another order than the elements and indented, of an odd length, so
# that no tensor lies on a boundary of its elements' size; metadata last.
header, buffer = {}, b""
for name in ["chars", "doubles", "scalar", "flags", "longs", "halves", "empty", "huge", "bytes", "brains", "ints",
             "words", "floats", "böden/层 \"0\"", "shorts", "unsigned"]:
    dtype, stored = tensors[name][:2]
    raw = stored.tobytes()
    header[name] = {"shape": list(stored.shape), "data_offsets": [len(buffer), len(buffer) + len(raw)], "dtype": dtype}
    buffer += raw
header = dict(sorted(header.items()))
header["__metadata__"] = {"format": "np", "größe": "10 µm\n\"x\"", "": ""}
text = json.dumps(header, indent=1)
text += " " * (1 - len(text.encode()) % 2)
write("awkward.safetensors", text, buffer)
for name, (_, *arrays) in tensors.items():
    if arrays[-1].size:
        np.save(out / f"{name}.npy", arrays[-1])

# A file as the reference implementation would lay it out: no space in the header but at its end.
chosen = sorted((t for t in tensors.items() if t[0] not in ("halves", "words", "shorts", "huge", "unsigned", "ints")),
                key=lambda t: (-t[1][1].dtype.itemsize, t[0].encode()))
header, buffer = {"__metadata__": {"a\tb": "ü\\", "z": "1"}}, b""
for name, (dtype, stored, *_) in chosen:
    raw = stored.tobytes()
    header[name] = {"dtype": dtype, "shape": list(stored.shape), "data_offsets": [len(buffer), len(buffer) + len(raw)]}
    buffer += raw
text = json.dumps(header, separators=(",", ":"), ensure_ascii=False)
text += " " * (-len(text.encode()) % 8)
write("canonical.safetensors", text, buffer)
