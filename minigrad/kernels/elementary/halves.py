"""Casts between float16 and float32, by vectors of integers.

NumPy casts one element after the other, by tests of its exponent.  Here each is a few operations on
bits and two on numbers, in which rounding happens: Dukhan's FP16 library has both functions.  They
are exact, and round to the nearest, halves to even.
"""

from typing import Any

import numpy as np

from minigrad.kernels.compiler.kernel import device_function, kernel, prange

Array = np.ndarray[Any, Any]

# Elements in one task, and those from which on the kernel is called.
CHUNK, LEAST = 8192, 4096

_u32 = np.uint32
_SIGN, _INFINITY_DOUBLED = np.uint32(0x80000000), np.uint32(0xFF000000)
_TO_INFINITY, _BACK = np.float32(2.0**112), np.float32(2.0**-110)
_LEAST_BIAS, _BIAS = np.uint32(0x71000000), np.uint32(0x07800000)
_EXPONENT, _MANTISSA, _NAN = np.uint32(0x7C00), np.uint32(0x0FFF), np.uint32(0x7E00)
_OFFSET, _SCALE = np.uint32(0xE0 << 23), np.float32(2.0**-112)
_MAGIC, _HALF, _NORMAL = np.uint32(126 << 23), np.float32(0.5), np.uint32(1 << 27)


@device_function(inlined=True)
def _narrowed(bits: Any) -> Any:
    """The bits of the float16 nearest to the float32 with these bits."""
    size = _u32(bits & ~_SIGN).view(np.float32)
    base = (size * _TO_INFINITY) * _BACK  # infinity where float16 has no larger number
    doubled = _u32(bits + bits)
    bias = _u32(doubled & _INFINITY_DOUBLED)
    bias = _LEAST_BIAS if bias < _LEAST_BIAS else bias
    # In this sum the bits that float16 lacks are rounded away.
    rounded = np.float32(_u32(_u32(bias >> _u32(1)) + _BIAS).view(np.float32) + base)
    found = rounded.view(np.uint32)
    number = _u32(_u32(_u32(found >> _u32(13)) & _EXPONENT) + _u32(found & _MANTISSA))
    number = _NAN if doubled > _INFINITY_DOUBLED else number
    return np.uint16(_u32(_u32(bits & _SIGN) >> _u32(16)) | number)


@device_function(inlined=True)
def _widened(half: Any) -> Any:
    """The bits of the float32 that equals the float16 with these bits."""
    bits = _u32(_u32(half) << _u32(16))
    doubled = _u32(bits + bits)
    normal = np.float32(_u32(_u32(doubled >> _u32(4)) + _OFFSET).view(np.float32) * _SCALE)
    small = np.float32(_u32(_u32(doubled >> _u32(17)) | _MAGIC).view(np.float32) - _HALF)
    number = small if doubled < _NORMAL else normal
    return _u32(_u32(bits & _SIGN) | np.float32(number).view(np.uint32))


@kernel
def _narrow(out: Array, x: Array) -> None:
    for chunk in prange((out.size + CHUNK - 1) // CHUNK):
        out_part = out[chunk * CHUNK : (chunk + 1) * CHUNK]
        x_part = x[chunk * CHUNK : (chunk + 1) * CHUNK]
        for i in range(out_part.size):
            out_part[i] = _narrowed(x_part[i])


@kernel
def _widen(out: Array, x: Array) -> None:
    for chunk in prange((out.size + CHUNK - 1) // CHUNK):
        out_part = out[chunk * CHUNK : (chunk + 1) * CHUNK]
        x_part = x[chunk * CHUNK : (chunk + 1) * CHUNK]
        for i in range(out_part.size):
            out_part[i] = _widened(x_part[i])


def is_worth_it(x: Array, dtype: np.dtype[Any]) -> bool:
    """Whether `cast` takes the array to the other of the two types, faster than NumPy."""
    return {x.dtype.char, dtype.char} == {"e", "f"} and x.size >= LEAST and x.flags.c_contiguous


def cast(x: Array) -> Array:
    """float32 to float16, or the reverse."""
    narrows = x.dtype == np.float32
    out = np.empty(x.shape, np.float16 if narrows else np.float32)
    if narrows:
        _narrow.run(x.size, out.ravel().view(np.uint16), x.ravel().view(np.uint32))
    else:
        _widen.run(x.size, out.ravel().view(np.uint32), x.ravel().view(np.uint16))
    return out
