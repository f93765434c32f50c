"""A reader of safetensors files: https://github.com/huggingface/safetensors, section Format.

The package of that name stops at element types that NumPy does not have, and reads no file objects.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

from minigrad.core.types import Array
from minigrad.serialization.element_types import decode, item_size, widened
from minigrad.serialization.source import Source

_LENGTH = 8  # bytes of the number before the header
_TYPES = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2", "F8_E8M0": "float8_e8m0fnu",
    "F8_E4M3FNUZ": "float8_e4m3fnuz", "F8_E5M2FNUZ": "float8_e5m2fnuz",
    "I64": "int64", "I32": "int32", "I16": "int16", "I8": "int8",
    "U64": "uint64", "U32": "uint32", "U16": "uint16", "U8": "uint8", "BOOL": "bool",
    "C64": "complex64", "F4": "float4", "F6_E2M3": "float6", "F6_E3M2": "float6",
}  # fmt: skip


class _Entry(NamedTuple):
    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


def is_safetensors(beginning: bytes) -> bool:
    """True if a file that begins so is safetensors, or nothing else that is read."""
    return beginning[_LENGTH : _LENGTH + 1] == b"{"


def read_metadata(path: Path) -> dict[str, str]:
    """The strings in a file's header.  Raises ValueError for what is no whole safetensors file."""
    with path.open("rb") as file:
        source = Source(file)
        if not is_safetensors(source.read(0, min(source.size, 32))):
            raise ValueError(f"{path} is not a safetensors file")
        try:
            return SafetensorsFile(source).metadata
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error


class SafetensorsFile:
    """The tensors of a file, by name, and the strings in its header.

    All sizes are compared with each other and with the file's before anything is allocated.
    Raises ValueError for a file that is damaged or forged.
    """

    def __init__(self, source: Source) -> None:
        length = int.from_bytes(source.read(0, _LENGTH), "little")
        header = _header(source.read(_LENGTH, length))
        self.metadata = _metadata(header.pop("__metadata__", {}))
        self._source, self._start = source, _LENGTH + length
        self._entries = {name: _entry(name, given) for name, given in header.items()}
        end = 0
        for entry in sorted(self._entries.values(), key=lambda entry: (entry.begin, entry.end)):
            if entry.begin != end:
                raise ValueError(f"tensor {entry.name[:50]!r} overlaps another, or leaves a gap")
            end = entry.end
        self.size = self._start + end
        if self.size > source.size:
            raise ValueError(
                f"it is not complete: it should have {self.size} bytes, and has {source.size}"
            )

    def names(self) -> list[str]:
        """The names, in the order of the file."""
        return list(self._entries)

    def dtype(self, name: str) -> str:
        """The type of a tensor's elements in the file."""
        return self._entry(name).dtype

    def array(self, name: str) -> Array:
        """The elements of a tensor."""
        entry = self._entry(name)
        raw = self._source.array(self._start + entry.begin, entry.end - entry.begin)
        return decode(raw, entry.dtype).reshape(entry.shape)

    def numpy_array(self, name: str) -> Array:
        """The elements of a tensor, in a type of NumPy's that minigrad may not have."""
        entry = self._entry(name)
        if widened(entry.dtype) is None or entry.dtype.startswith("uint"):
            raw = self._source.array(self._start + entry.begin, entry.end - entry.begin)
            return raw.view(entry.dtype).reshape(entry.shape)
        return self.array(name)

    def _entry(self, name: str) -> _Entry:
        if name not in self._entries:
            raise ValueError("its structure names a tensor that is missing")
        return self._entries[name]


def _header(content: bytes) -> dict[str, Any]:
    try:
        header = json.loads(content.decode("utf-8"), object_pairs_hook=_unique)
    except RecursionError as error:
        raise ValueError("its header is nested too deeply") from error
    except ValueError as error:
        raise ValueError(f"its header is no JSON ({error})") from error
    if not isinstance(header, dict):
        raise ValueError("its header is no object")
    return header


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("its header has a name twice")
    return result


def _metadata(given: Any) -> dict[str, str]:
    if not isinstance(given, dict) or not all(isinstance(v, str) for v in given.values()):
        raise ValueError("the metadata in its header should be strings")
    return given


def _entry(name: str, given: Any) -> _Entry:
    if not isinstance(given, dict) or given.keys() != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"tensor {name[:50]!r} should have a dtype, a shape and offsets")
    dtype, shape, offsets = given["dtype"], given["shape"], given["data_offsets"]
    if not isinstance(dtype, str) or dtype not in _TYPES:
        raise ValueError(f"tensor {name[:50]!r} has a dtype that is unknown: {str(dtype)[:20]}")
    if not _are_counts(shape) or len(shape) > 64:
        raise ValueError(f"tensor {name[:50]!r} should have a shape of at most 64 sizes >= 0")
    if not _are_counts(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise ValueError(f"tensor {name[:50]!r} should have a beginning and an end")
    size = item_size(_TYPES[dtype])
    span = 1
    for n in shape:
        size *= n
        span *= max(n, 1)
    if span >= 1 << 60:
        raise ValueError(f"tensor {name[:50]!r} has more elements than can be counted")
    if size != offsets[1] - offsets[0]:
        raise ValueError(
            f"tensor {name[:50]!r} of shape {shape} and type {dtype} should have {size} bytes, "
            f"and has {offsets[1] - offsets[0]}"
        )
    return _Entry(name, _TYPES[dtype], tuple(shape), *offsets)


def _are_counts(given: Any) -> bool:
    return isinstance(given, list) and all(type(n) is int and 0 <= n < 1 << 63 for n in given)
