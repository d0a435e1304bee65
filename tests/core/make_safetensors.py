"""Writes tests/data/safetensors/small.safetensors, header by hand, data by numpy.

Run: python3 tests/core/make_safetensors.py tests/data/safetensors
"""
import json
import os
import struct
import sys

import numpy

TENSORS = [  # in the order of the data; the header lists them in another
    ("steps", "I64", numpy.array(-7, numpy.int64)),
    ("conv1.weight", "F32", numpy.arange(6, dtype=numpy.float32).reshape(2, 3) / 4),
    ("half", "F16", numpy.array([1.5, -2], numpy.float16)),
    ("none", "F64", numpy.zeros((3, 0), numpy.float64)),
    ("ints", "I32", numpy.array([[[1], [-2]]], numpy.int32)),
    ("bytes", "U8", numpy.array([9, 8, 7], numpy.uint8)),
    ("flags", "BOOL", numpy.array([True])),
]

header, data = {}, b""
for name, dtype, values in TENSORS:
    raw = values.astype(values.dtype.newbyteorder("<")).tobytes()
    header[name] = {"dtype": dtype, "shape": list(values.shape), "data_offsets": [len(data), len(data) + len(raw)]}
    data += raw
header = {"__metadata__": {"format": "pt", "note": "\u00e4\n"}, **dict(sorted(header.items()))}
text = json.dumps(header, separators=(",", ":")).encode()
text += b" " * (-len(text) % 8)
with open(os.path.join(sys.argv[1], "small.safetensors"), "wb") as f:
    f.write(struct.pack("<Q", len(text)) + text + data)
