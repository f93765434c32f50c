"""Scans along a dimension: cumulative sums, products and extremes, differences, integrals."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.core import dtypes
from minigrad.core.types import Array
from minigrad.engine.complex_form import refuse_complex
from minigrad.engine.grad_mode import ignore_fp_errors
from minigrad.engine.graph import V, wrap_like
from minigrad.engine.op import arr, composed, op, sample
from minigrad.engine.step_recorder import numbers_read
from minigrad.kernels.accumulation import running_extremes, running_products
from minigrad.kernels.reduction import scan as kernels
from minigrad.kernels.simd.math import FLOATS
from minigrad.ops.dims import wrap_dim
from minigrad.ops.elementwise.arithmetic import common_dtype
from minigrad.ops.elementwise.comparison import ne
from minigrad.ops.elementwise.elementary import exp, where
from minigrad.ops.reduction.reduce import DType, as_sum_dtype, cast_back, require_floating
from minigrad.ops.results import ValuesAndIndices
from minigrad.ops.shape import copies

# Of so many elements a kernel finds the running extremes faster than NumPy.
_MANY = 1024

LINES = [
    sample(arr.of(5), dim=0),
    sample(arr.of(3, 4), dim=-1),
    sample(arr.of(2, 3, 2), dim=1),
    sample(arr.of(), dim=0),
    sample(arr.of(0, 3), dim=1),
]


def _accumulated(ufunc: np.ufunc, input: Array, dim: int, dtype: Any = None) -> Array:
    """The cumulative result of a ufunc along `dim`."""
    axis = wrap_dim(dim, input.ndim)
    return ufunc.accumulate(input, axis=axis, dtype=dtype) if input.ndim else input.copy()


def _accumulator_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype of the accumulator: float64 for floats, so that rounding errors do not grow."""
    return np.dtype(np.float64) if dtype.kind == "f" else dtype


# --- sums and products ----------------------------------------------------------------------


def _cumsum_rule(g: V, out: V, x: V, *, dim: int, dtype: DType) -> V:
    back = g.flip(dim).cumsum(dim).flip(dim) if g.ndim else g
    return cast_back(back, x.dtype, dtype)


@op(vjp=(_cumsum_rule,), degree=1, samples=LINES, accumulates=True)
def cumsum(input: Array, *, dim: int, dtype: DType = None) -> Array:
    """Cumulative sums along `dim`; bools and integers add as int64."""
    from_all = as_sum_dtype(input, dtype)
    if from_all.dtype in FLOATS and input.ndim:
        return kernels.running_sums(from_all, wrap_dim(dim, input.ndim))
    sums = _accumulated(np.add, from_all, dim, _accumulator_dtype(from_all.dtype))
    return sums.astype(from_all.dtype, copy=False)


def _shifted(x: V, dim: int, fill: float) -> V:
    """x shifted by one position along `dim`, with `fill` in front."""
    sizes = [1 if axis == wrap_dim(dim, x.ndim) else size for axis, size in enumerate(x.shape)]
    return copies.concatenate(
        x.new_full(sizes, fill), x.narrow(dim, 0, max(x.shape[dim] - 1, 0)), dim=dim
    ).narrow(dim, 0, x.shape[dim])


def _backwards(factor: V, addend: V, dim: int) -> V:
    """h[k] = addend[k] + factor[k + 1] * h[k + 1], from the end of `dim` to its start."""
    before = _shifted(factor.flip(dim), dim, 0.0)
    return recurrence(before, addend.flip(dim), dim=dim).flip(dim)


def _recurrence_rule(
    g: V, out: V, factor: V, addend: V, *, dim: int, wanted: Sequence[int]
) -> tuple[V, V]:
    back = _backwards(factor, g, dim)
    return back * _shifted(out, dim, 0.0), back


@op(
    vjp=_recurrence_rule,
    samples=[
        sample(arr.of(5), arr.of(5), dim=0),
        sample(arr.of(3, 4), arr.of(3, 4), dim=-1),
        sample(arr.of(2, 3, 2), arr.of(2, 3, 2), dim=1),
        sample(arr.of(0, 3), arr.of(0, 3), dim=0),
    ],
    accumulates=True,
)
def recurrence(factor: Array, addend: Array, *, dim: int) -> Array:
    """h[k] = factor[k] * h[k - 1] + addend[k] along `dim`, with h[-1] = 0.

    Its adjoint is the same recurrence from the end; the adjoints of the scans use it.
    """
    return kernels.recurrence(factor, addend, wrap_dim(dim, addend.ndim))


def _cumprod_rule(g: V, out: V, x: V, *, dim: int, dtype: DType) -> V:
    """The product of the elements before, times a recurrence of those after: no division."""
    if not x.ndim:
        return cast_back(g, x.dtype, dtype)
    factors = x if dtype is None else x.to(dtype)
    slope = _backwards(factors, g, dim) * _shifted(out, dim, 1.0)
    return cast_back(slope, x.dtype, dtype)


@op(vjp=(_cumprod_rule,), samples=LINES, accumulates=True)
def cumprod(input: Array, *, dim: int, dtype: DType = None) -> Array:
    """Cumulative products along `dim`; bools and integers multiply as int64."""
    from_all = as_sum_dtype(input, dtype)
    if from_all.dtype in FLOATS and input.ndim:
        return running_products.running_products(from_all, wrap_dim(dim, input.ndim))
    products = _accumulated(np.multiply, from_all, dim, _accumulator_dtype(from_all.dtype))
    return products.astype(from_all.dtype, copy=False)


def _logcumsumexp_rule(g: V, out: V, x: V, *, dim: int) -> V:
    """sum over i >= k of g[i] exp(x[k] - out[i]), as a recurrence of factors that are at most 1.

    In float64: the factors are close to 1, and in float32 their errors would multiply.
    """
    if not x.ndim:
        return g.clone()
    exact_g, exact_out, exact_x = (value.to(dtypes.float64) for value in (g, out, x))
    now, before = _neighbours(exact_out, dim)
    fading = exp(where(now > before, before - now, 0.0))
    start = exact_out.narrow(dim, 0, min(out.shape[dim], 1))
    factors = copies.concatenate(start.new_zeros(start.shape), fading, dim=dim)
    own = exp(where(x.eq(out), 0.0, exact_x - exact_out))
    if numbers_read(out.array, np.isinf(out.array).any()):
        share = wrap_like(x, _infinite_share(exact_x.array, exact_out.array, wrap_dim(dim, x.ndim)))
        own, factors = own * share, where(share.eq(1), factors, factors * (1 - share))
    return (_backwards(factors, exact_g, dim) * own).to(x.dtype)


def _infinite_share(x: Array, out: Array, axis: int) -> Array:
    """What share an element has in an infinite output that it equals; 1 for all others.

    The k infinite elements so far have 1 / k each: the limit for equal elements.
    """
    tied = np.isinf(out) & (x == out)
    counts = [np.cumsum(tied & (np.sign(out) == sign), axis=axis) for sign in (1, -1)]
    count = np.where(out > 0, counts[0], counts[1])
    return np.where(tied, 1 / np.maximum(count, 1), 1).astype(x.dtype)


@op(vjp=(_logcumsumexp_rule,), samples=LINES, accumulates=True)
def logcumsumexp(input: Array, *, dim: int) -> Array:
    """log(cumsum(exp(input))) along `dim`, without overflow."""
    require_floating("logcumsumexp", input)
    sums = _accumulated(np.logaddexp, input, dim, _accumulator_dtype(input.dtype))
    return sums.astype(input.dtype, copy=False)


# --- extremes -------------------------------------------------------------------------------


def _running_extreme(ufunc: np.ufunc, input: V, dim: int) -> ValuesAndIndices[V]:
    axis = wrap_dim(dim, input.ndim)
    array = input.array if input.ndim else input.array.reshape(1)
    last = ignore_fp_errors(_last_extremes, ufunc, array, axis).reshape(input.shape)
    indices = wrap_like(input, last)
    return ValuesAndIndices(input.gather(dim, indices) if input.ndim else input.clone(), indices)


def _last_extremes(ufunc: np.ufunc, array: Array, axis: int) -> Array:
    """The last position of the extreme element so far, at each position."""
    if array.dtype in FLOATS and array.size >= _MANY:
        largest = ufunc is np.maximum
        return running_extremes.running_extremes(array, axis, largest)
    is_extreme = array == ufunc.accumulate(array, axis=axis)
    if array.dtype.kind == "f":
        is_extreme |= np.isnan(array)
    sizes = [-1 if i == axis else 1 for i in range(array.ndim)]
    position = np.arange(array.shape[axis]).reshape(sizes)
    last: Array = np.maximum.accumulate(np.where(is_extreme, position, 0), axis=axis)
    return last


@composed(node="CummaxBackward0")
def cummax(input: V, dim: int) -> ValuesAndIndices[V]:
    """The largest element so far along `dim`, and its last index; nan from the first nan on."""
    refuse_complex("cummax", input)
    return _running_extreme(np.maximum, input, dim)


@composed(node="CumminBackward0")
def cummin(input: V, dim: int) -> ValuesAndIndices[V]:
    """The smallest element so far along `dim`, and its last index; nan from the first nan on."""
    refuse_complex("cummin", input)
    return _running_extreme(np.minimum, input, dim)


# --- differences and areas ------------------------------------------------------------------


@composed
def diff(
    input: V, n: int = 1, dim: int = -1, prepend: V | None = None, append: V | None = None
) -> V:
    """Differences of neighbours along `dim`, taken n times; of bools, True where they differ.

    `prepend` and `append` are joined to the input first; with n = 0 the input is all there is.
    """
    if not input.ndim:
        raise RuntimeError("diff expects input to be at least one-dimensional, got shape []")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    if n == 0:
        return input.clone()
    parts = [part for part in (prepend, input, append) if part is not None]
    if len(parts) > 1:
        dtype = common_dtype(*parts)
        parts = [part.to(dtype) for part in parts]
    joined = parts[0] if len(parts) == 1 else copies.concatenate(*parts, dim=dim)
    for _ in range(min(n, joined.shape[wrap_dim(dim, input.ndim)])):
        later, earlier = _neighbours(joined, dim)
        joined = ne(later, earlier) if joined.array.dtype == bool else later - earlier
    return joined


def _neighbours(x: V, dim: int) -> tuple[V, V]:
    """Along `dim`, all but the first, and all but the last."""
    pairs = max(x.shape[wrap_dim(dim, x.ndim)] - 1, 0)
    return x.narrow(dim, min(1, x.shape[dim]), pairs), x.narrow(dim, 0, pairs)


def _areas(name: str, y: V, x: V | None, dx: float | None, dim: int) -> V:
    """The area under the curve between each two neighbours along `dim`."""
    if not y.ndim:
        raise IndexError(f"{name}(): dim={dim} of a tensor without dimensions")
    if x is not None and dx is not None:
        raise TypeError(f"{name}() takes either x or dx, got both")
    later, earlier = _neighbours(y, dim)
    if x is None:
        return (later + earlier) * ((1 if dx is None else dx) / 2.0)
    widths = diff(x, dim=dim if x.ndim > 1 else 0)
    if x.ndim == 1:
        axis = wrap_dim(dim, y.ndim)
        if x.shape[0] != y.shape[axis]:
            raise RuntimeError(
                f"{name}(): there must be one x for each of the {y.shape[axis]} elements of dim="
                f"{dim}, got {x.shape[0]}"
            )
        widths = widths.reshape([-1 if i == axis else 1 for i in range(y.ndim)])
    return (later + earlier) * widths / 2.0


@composed
def trapezoid(y: V, x: V | None = None, *, dx: float | None = None, dim: int = -1) -> V:
    """The area under y along `dim` by the trapezoidal rule, at positions x or distance dx (1)."""
    return _areas("trapezoid", y, x, dx, dim).sum(dim)


@composed
def cumulative_trapezoid(y: V, x: V | None = None, *, dx: float | None = None, dim: int = -1) -> V:
    """The area under y along `dim` up to each element but the first."""
    return _areas("cumulative_trapezoid", y, x, dx, dim).cumsum(dim)
