"""A writer of safetensors files: https://github.com/huggingface/safetensors, section Format.

The package of that name copies all elements before it writes, and writes the strings of the header
in an order of chance, so that equal states would have different files.
"""

import json
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from minigrad.core.types import Array

_PART = 1 << 22  # bytes given out at a time
_TYPES = {
    "float64": "F64", "float32": "F32", "float16": "F16", "int64": "I64", "int32": "I32",
    "int16": "I16", "int8": "I8", "uint64": "U64", "uint32": "U32", "uint16": "U16", "uint8": "U8",
    "bool": "BOOL", "complex64": "C64",
}  # fmt: skip


class SafetensorsContent(NamedTuple):
    """A file in parts: its header, and the arrays behind it in their order."""

    header: bytes
    arrays: list[Array]

    def parts(self) -> Iterator[memoryview]:
        """The bytes of the arrays, a few megabytes at a time."""
        for array in self.arrays:
            content = np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
            for start in range(0, len(content), _PART):
                yield content[start : start + _PART]


def safetensors_content(
    arrays: Mapping[str, Array], metadata: Mapping[str, str]
) -> SafetensorsContent:
    """The file of these arrays and strings; nothing is copied."""
    # The widest first, so all are aligned; then by name, as their order is that of addresses.
    ordered = sorted(arrays.items(), key=lambda item: (-item[1].itemsize, item[0]))
    header: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    end = 0
    for name, array in ordered:
        begin, end = end, end + array.nbytes
        kind = _TYPES[array.dtype.name]
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return SafetensorsContent(len(text).to_bytes(8, "little") + text, [a for _, a in ordered])
