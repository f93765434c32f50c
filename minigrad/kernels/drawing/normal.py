"""Normal numbers from NumPy's SFC64, bit for bit those that NumPy draws, in half of the time.

NumPy's ziggurat (Marsaglia and Tsang 2000) asks its generator for each number by a pointer to a
function.  Here both are one loop.  The tables are Numba's copy of NumPy's; before the first use
some numbers are compared with NumPy's own, which go on being used wherever one differs.
"""

import math
from functools import cache
from typing import Any

import numpy as np

from minigrad.kernels.compiler.kernel import device_function, kernel

try:
    from numba.np.random import _constants as tables
except ImportError:  # another Numba: NumPy draws everything
    tables = None

Array = np.ndarray[Any, Any]
State = tuple[Any, Any, Any, Any]

# For fewer, reading and writing the state, and compiling once, take longer than is won.
LEAST = 100_000
# Numbers that are compared with NumPy's, among them some of the tail.
_COMPARED = 20_000

_U = np.uint64
_DOUBLE, _SINGLE = 1 / 9007199254740992.0, np.float32(1 / 16777216.0)
_TAIL, _TAIL_RATE = 3.6541528853610087963519472518, 0.27366123732975827203338247596
_TAIL_SINGLE, _TAIL_RATE_SINGLE = np.float32(_TAIL), np.float32(_TAIL_RATE)


@device_function(inlined=True, fastmath=frozenset())
def _next(a: Any, b: Any, c: Any, counter: Any) -> Any:
    """64 random bits, and the state after them (SFC64, Doty-Humphrey 2014)."""
    bits = a + b + counter
    after = ((c << _U(24)) | (c >> _U(40))) + bits
    return bits, b ^ (b >> _U(11)), c + (c << _U(3)), after, counter + _U(1)


@kernel(fastmath=frozenset())
def _fill(
    out: Array, state: Array, limits: Array, widths: Array, heights: Array, mean: float, std: float
) -> None:
    """out = mean + std * normal numbers, which are drawn in double precision."""
    a, b, c, counter = state[0], state[1], state[2], state[3]
    for i in range(out.size):
        while True:
            bits, a, b, c, counter = _next(a, b, c, counter)
            strip = bits & _U(0xFF)
            place = (bits >> _U(9)) & _U(0x000FFFFFFFFFFFFF)
            x = np.int64(place) * widths[strip]
            if (bits >> _U(8)) & _U(1):
                x = -x
            if place < limits[strip]:
                break
            if strip == _U(0):  # the tail
                while True:
                    bits, a, b, c, counter = _next(a, b, c, counter)
                    beyond = -_TAIL_RATE * math.log1p(-(np.int64(bits >> _U(11)) * _DOUBLE))
                    bits, a, b, c, counter = _next(a, b, c, counter)
                    y = -math.log1p(-(np.int64(bits >> _U(11)) * _DOUBLE))
                    if y + y > beyond * beyond:
                        break
                x = _TAIL + beyond
                if (place >> _U(8)) & _U(1):
                    x = -x
                break
            bits, a, b, c, counter = _next(a, b, c, counter)
            height = heights[strip - _U(1)] - heights[strip]
            uniform = np.int64(bits >> _U(11)) * _DOUBLE
            if height * uniform + heights[strip] < math.exp(-0.5 * x * x):
                break
        out[i] = mean + std * x
    state[0], state[1], state[2], state[3] = a, b, c, counter


@device_function(inlined=True, fastmath=frozenset())
def _next_half(a: Any, b: Any, c: Any, counter: Any, has_half: Any, half: Any) -> Any:
    """32 random bits: the half that is left over, or the lower one of 64 new bits."""
    if has_half:
        return half, a, b, c, counter, _U(0), half
    bits, a, b, c, counter = _next(a, b, c, counter)
    return bits & _U(0xFFFFFFFF), a, b, c, counter, _U(1), bits >> _U(32)


@kernel(fastmath=frozenset())
def _fill_single(out: Array, state: Array, limits: Array, widths: Array, heights: Array) -> None:
    """Normal numbers that are drawn in single precision."""
    a, b, c, counter, has_half, half = state[0], state[1], state[2], state[3], state[4], state[5]
    one = np.float32(1)
    for i in range(out.size):
        while True:
            bits, a, b, c, counter, has_half, half = _next_half(a, b, c, counter, has_half, half)
            strip = bits & _U(0xFF)
            place = bits >> _U(9)
            x = np.float32(np.int64(place)) * widths[strip]
            if (bits >> _U(8)) & _U(1):
                x = -x
            if place < _U(limits[strip]):
                break
            if strip == _U(0):  # the tail
                while True:
                    bits, a, b, c, counter, has_half, half = _next_half(
                        a, b, c, counter, has_half, half
                    )
                    uniform = np.float32(np.int64(bits >> _U(8))) * _SINGLE
                    beyond = -_TAIL_RATE_SINGLE * math.log1p(-uniform)
                    bits, a, b, c, counter, has_half, half = _next_half(
                        a, b, c, counter, has_half, half
                    )
                    uniform = np.float32(np.int64(bits >> _U(8))) * _SINGLE
                    y = -math.log1p(-uniform)
                    if y + y > beyond * beyond:
                        break
                x = _TAIL_SINGLE + beyond
                if (place >> _U(8)) & _U(1):
                    x = -x
                break
            bits, a, b, c, counter, has_half, half = _next_half(a, b, c, counter, has_half, half)
            uniform = np.float32(np.int64(bits >> _U(8))) * _SINGLE
            height = heights[strip - _U(1)] - heights[strip]
            double = np.float64(x * one)
            if np.float64(height * uniform + heights[strip]) < math.exp(-0.5 * double * double):
                break
        out[i] = x
    state[0], state[1], state[2], state[3], state[4], state[5] = a, b, c, counter, has_half, half


# ------------------------------------------------------------------------ from a generator


def _drawn(source: np.random.Generator, out: Array, mean: float, std: float, single: bool) -> None:
    """Fill a flat array from the generator's state, and leave the state after it."""
    bits = source.bit_generator
    with bits.lock:
        before: Any = bits.state
        state = np.array(
            [*before["state"]["state"], before["has_uint32"], before["uinteger"]], np.uint64
        )
        if single:
            _fill_single.run(out, state, tables.ki_float, tables.wi_float, tables.fi_float)
        else:
            _fill.run(out, state, tables.ki_double, tables.wi_double, tables.fi_double, mean, std)
        after = {"bit_generator": "SFC64", "state": {"state": state[:4].copy()}}
        bits.state = {**after, "has_uint32": int(state[4]), "uinteger": int(state[5])}


@cache
def _is_numpys(single: bool) -> bool:
    """Return whether the kernel draws what NumPy draws, on this machine."""
    if tables is None:
        return False
    mine, numpys = (np.random.Generator(np.random.SFC64(7)) for _ in range(2))
    found = np.empty(_COMPARED, np.float32)
    _drawn(mine, found, 0.7, 1.3, single)
    right = (
        numpys.standard_normal(_COMPARED, np.float32) if single
        else numpys.normal(0.7, 1.3, _COMPARED).astype(np.float32)
    )  # fmt: skip
    return bool(np.array_equal(found, right)) and mine.random() == numpys.random()


def _takes(source: np.random.Generator, shape: tuple[int, ...], single: bool) -> bool:
    """Return whether the kernel draws so many from this generator."""
    if math.prod(shape) < LEAST or type(source.bit_generator) is not np.random.SFC64:
        return False
    return _is_numpys(single)


def standard_normal(source: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> Array:
    """`source.standard_normal(shape, dtype)`, of float32 or float64."""
    single = dtype == np.float32
    if not _takes(source, shape, single):
        return np.asarray(source.standard_normal(shape, dtype))
    out = np.empty(shape, dtype)
    _drawn(source, out.reshape(-1), 0.0, 1.0, single)
    return out


def normal(
    source: np.random.Generator, mean: float, std: float, shape: tuple[int, ...], dtype: Any
) -> Array:
    """`source.normal(mean, std, shape)`, which is drawn in double precision, as this dtype."""
    if dtype not in (np.float32, np.float64) or not _takes(source, shape, False):
        return np.asarray(source.normal(mean, std, shape), dtype)
    out = np.empty(shape, dtype)
    _drawn(source, out.reshape(-1), float(mean), float(std), False)
    return out
