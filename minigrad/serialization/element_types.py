"""Element types of files: those that minigrad has, those that it widens, and others."""

from collections.abc import Callable

import numpy as np

from minigrad.core.types import Array

NATIVE = (
    "float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool",
    "complex64", "complex128",
)  # fmt: skip
"""Types that are read as they are."""


def _bfloat16(raw: Array) -> Array:
    """The upper halves of float32."""
    return (raw.view("<u2").astype("<u4") << 16).view("<f4")


def _float8(exponent_bits: int, bias: int, special: str) -> Callable[[Array], Array]:
    """A reader for 8-bit floats, by a table of their 256 values.

    special: "ieee" has infinities and nan as larger floats have, "fn" has nan where all bits are
    set, "fnuz" has one zero, and nan in place of the other.
    """
    mantissa_bits = 7 - exponent_bits
    code = np.arange(256)
    mantissa = code & ((1 << mantissa_bits) - 1)
    exponent = (code & 127) >> mantissa_bits
    fraction = np.where(exponent > 0, 1.0, 0.0) + mantissa / 2.0**mantissa_bits
    values = np.ldexp(fraction, np.maximum(exponent, 1) - bias)
    if special == "ieee":
        top = exponent == (1 << exponent_bits) - 1
        values[top] = np.where(mantissa[top] == 0, np.inf, np.nan)
    elif special == "fn":
        values[code & 127 == 127] = np.nan
    values = np.where(code > 127, -values, values)
    if special == "fnuz":
        values[128] = np.nan
    table = values.astype(np.float32)
    return lambda raw: table[raw]


def _float8_e8m0(raw: Array) -> Array:
    """Powers of two, as scales of blocks."""
    powers = np.ldexp(np.float32(1), np.minimum(raw, 254).astype(np.int32) - 127)
    return np.where(raw == 255, np.float32(np.nan), powers).astype(np.float32)


def _uint64(raw: Array) -> Array:
    numbers = raw.view("<i8")
    if numbers.size and numbers.min() < 0:
        raise ValueError("it has numbers of type uint64 above 2**63 - 1, which int64 does not hold")
    return numbers


# What is read as a wider type that has all its values.
_WIDENED: dict[str, tuple[int, str, Callable[[Array], Array]]] = {
    "bfloat16": (2, "float32", _bfloat16),
    "float8_e4m3fn": (1, "float32", _float8(4, 7, "fn")),
    "float8_e4m3fnuz": (1, "float32", _float8(4, 8, "fnuz")),
    "float8_e5m2": (1, "float32", _float8(5, 15, "ieee")),
    "float8_e5m2fnuz": (1, "float32", _float8(5, 16, "fnuz")),
    "float8_e8m0fnu": (1, "float32", _float8_e8m0),
    "uint16": (2, "int32", lambda raw: raw.view("<u2").astype(np.int32)),
    "uint32": (4, "int64", lambda raw: raw.view("<u4").astype(np.int64)),
    "uint64": (8, "int64", _uint64),
}


def widened(name: str) -> str | None:
    """The type as which elements of a type are read, or None if it is the same."""
    return _WIDENED[name][1] if name in _WIDENED else None


def item_size(name: str) -> int:
    """Bytes of an element.  Raises ValueError for types that are not read."""
    if name in _WIDENED:
        return _WIDENED[name][0]
    if name in NATIVE:
        return np.dtype(name).itemsize
    raise ValueError(f"it holds elements of type {name}, which minigrad does not have")


def decode(raw: Array, name: str, big_endian: bool = False) -> Array:
    """The elements that lie in `raw`, uint8 and writable, whose memory may be used."""
    size = item_size(name)
    if raw.ctypes.data % size:
        raw = raw.copy()
    if big_endian and size > 1:
        unit = size // 2 if name.startswith("complex") else size
        raw.view(f"u{unit}").byteswap(inplace=True)
    if name in _WIDENED:
        return _WIDENED[name][2](raw)
    if name == "bool":
        np.not_equal(raw, 0, out=raw.view(np.bool_))  # NumPy counts on bytes of 0 and 1
    return raw.view(name)
