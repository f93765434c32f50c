"""Reductions over some dimensions or all: sums, means, products, norms, logic."""

import math
from typing import Any

import numpy as np

from minigrad.core import dtypes
from minigrad.core.types import Array, Dim
from minigrad.engine.graph import V
from minigrad.engine.half_precision import in_float32
from minigrad.engine.op import arr, composed, op, sample
from minigrad.engine.step_recorder import numbers_read
from minigrad.kernels.accumulation import logsumexp as logsumexp_kernels
from minigrad.kernels.accumulation import products
from minigrad.kernels.reduction import reduce as kernels
from minigrad.kernels.simd.math import FLOATS
from minigrad.ops.dims import axes, broadcast_view, kept_shape, wrap_dim
from minigrad.ops.elementwise.comparison import isnan
from minigrad.ops.elementwise.elementary import where
from minigrad.ops.shape import copies

DType = dtypes.dtype | None


def over_dims(**domain: Any) -> list[Any]:
    """The usual samples of a reduction with dim and keepdim."""
    return [
        sample(arr.of(3, 4, **domain)),
        sample(arr.of(3, 4, **domain), dim=0),
        sample(arr.of(2, 3, 4, **domain), dim=(0, -1), keepdim=True),
        sample(arr.of(2, 3, 4, **domain), dim=(1,)),
        sample(arr.of(2, 3, 2, 2, **domain), dim=(0, 2, 3)),
        sample(arr.of(**domain)),
    ]


def over_one_dim(**domain: Any) -> list[Any]:
    """The usual samples of a reduction that takes one dimension or all."""
    return [
        sample(arr.of(3, 4, **domain)),
        sample(arr.of(3, 4, **domain), dim=0),
        sample(arr.of(2, 3, 4, **domain), dim=-2, keepdim=True),
        sample(arr.of(**domain)),
    ]


# --- what reductions share ------------------------------------------------------------------


def expand_reduced(g: V, shape: tuple[int, ...], dim: Dim, keepdim: bool) -> V:
    """A cotangent of the reduced shape, expanded to the shape before."""
    return (g if keepdim else g.reshape(kept_shape(shape, dim))).expand(shape)


def _expand_array(g: Array, shape: tuple[int, ...], dim: Dim, keepdim: bool) -> Array:
    return broadcast_view(g if keepdim else g.reshape(kept_shape(shape, dim)), shape)


def count(shape: tuple[int, ...], dim: Dim) -> int:
    """The number of elements that a reduction over `dim` combines."""
    return math.prod([shape[i] for i in axes(dim, len(shape))])


def one_axis(dim: int | None, input: Array) -> int | None:
    """The axis that NumPy is to reduce; None for all, and for a tensor without dimensions."""
    if dim is None:
        return None
    axis = wrap_dim(dim, input.ndim)
    return axis if input.ndim else None


def as_sum_dtype(input: Array, dtype: DType = None) -> Array:
    """The array as `dtype`; without one, bools and small integers become int64."""
    if dtype is not None:
        return input.astype(dtypes.to_numpy(dtype), copy=False)
    return input if input.dtype.kind == "f" else input.astype(np.int64, copy=False)


def cast_back(g: V, before: dtypes.dtype, dtype: DType) -> V:
    """A cotangent of `dtype`, as the dtype of the input before it was cast to that."""
    return g if dtype is None else g.to(before)


def _cast_array_back(g: Array, before: dtypes.dtype, dtype: DType) -> Array:
    return g if dtype is None else g.astype(dtypes.to_numpy(before), copy=False)


def require_floating(name: str, input: Array) -> None:
    """Raise RuntimeError for integers and bools."""
    if input.dtype.kind != "f":
        raise RuntimeError(
            f"{name}(): could not infer output dtype. Input dtype must be either a floating "
            f"point or complex dtype. Got: {dtypes.torch_name(input.dtype)}"
        )


def require_elements(name: str, shape: tuple[int, ...], dim: Dim) -> None:
    """Raise IndexError if a reduction over `dim`, which has no identity, would find nothing."""
    empty = [axis for axis in axes(dim, len(shape)) if shape[axis] == 0]
    if empty:
        raise IndexError(
            f"{name}(): Expected reduction dim {empty[0]} to have non-zero size, got a tensor of "
            f"shape {list(shape)}"
        )


# --- sums -----------------------------------------------------------------------------------


@op(
    node=lambda node: "SumBackward0" if node.settings["dim"] is None else "SumBackward1",
    vjp=(
        lambda g, out, x, *, dim, keepdim, dtype: expand_reduced(
            cast_back(g, x.dtype, dtype), x.shape, dim, keepdim
        ),
    ),
    array_vjp=(
        lambda g, out, x, *, dim, keepdim, dtype: _expand_array(
            _cast_array_back(g, x.dtype, dtype), x.shape, dim, keepdim
        ),
    ),
    degree=1,
    samples=[*over_dims(), sample(arr.of(0, 3), dim=0)],
)
def sum(input: Array, *, dim: Dim = None, keepdim: bool = False, dtype: DType = None) -> Array:
    """The sum over `dim` (an int, several, or None for all), of the elements as `dtype`."""
    wide = as_sum_dtype(input, dtype)
    total = kernels.sum(wide, axes(dim, input.ndim), keepdim)
    return total if dtype is None else total.astype(wide.dtype, copy=False)


def _mean_rule(g: V, out: V, x: V, *, dim: Dim, keepdim: bool, dtype: DType) -> V:
    share = cast_back(g, x.dtype, dtype) * (1.0 / max(count(x.shape, dim), 1))
    return expand_reduced(share, x.shape, dim, keepdim)


def _mean_array_rule(g: Array, out: Array, x: V, *, dim: Dim, keepdim: bool, dtype: DType) -> Array:
    share = _cast_array_back(g, x.dtype, dtype)
    share = np.multiply(share, share.dtype.type(1.0 / max(count(x.shape, dim), 1)))
    return _expand_array(np.asarray(share), x.shape, dim, keepdim)


@op(
    node=lambda node: "MeanBackward0" if node.settings["dim"] is None else "MeanBackward1",
    vjp=(_mean_rule,),
    array_vjp=(_mean_array_rule,),
    degree=1,
    samples=over_dims(),
    accumulates=True,
)
def mean(input: Array, *, dim: Dim = None, keepdim: bool = False, dtype: DType = None) -> Array:
    """The arithmetic mean over `dim`.  Raises RuntimeError for integers, unless dtype is given."""
    wide = input if dtype is None else as_sum_dtype(input, dtype)
    require_floating("mean", wide)
    reduced = axes(dim, input.ndim)
    n = math.prod([input.shape[axis] for axis in reduced])
    total = kernels.sum(wide, reduced, keepdim)
    total *= wide.dtype.type(1.0 / n if n else np.nan)
    return total


@op(
    vjp=(
        lambda g, out, x, *, dim, keepdim, dtype: where(
            isnan(x), 0.0, expand_reduced(cast_back(g, x.dtype, dtype), x.shape, dim, keepdim)
        ),
    ),
    degree=1,
    samples=over_dims(),
)
def nansum(input: Array, *, dim: Dim = None, keepdim: bool = False, dtype: DType = None) -> Array:
    """The sum over `dim` of the elements that are not nan."""
    wide = as_sum_dtype(input, dtype)
    known = np.where(np.isnan(wide), wide.dtype.type(0), wide)
    return kernels.sum(known, axes(dim, input.ndim), keepdim).astype(wide.dtype, copy=False)


@composed
@in_float32
def nanmean(input: V, dim: Dim = None, keepdim: bool = False, *, dtype: DType = None) -> V:
    """The arithmetic mean over `dim` of the elements that are not nan; nan where there are none.

    Raises RuntimeError for integer tensors.
    """
    require_floating("nanmean", input.array)
    known = sum(~isnan(input), dim=dim, keepdim=keepdim)
    return nansum(input, dim=dim, keepdim=keepdim, dtype=dtype) / known


@composed
def count_nonzero(input: V, dim: Dim = None) -> V:
    """The number of elements over `dim` that are not zero."""
    return sum(input.ne(0), dim=dim)


# --- products -------------------------------------------------------------------------------


def _products_before(x: V, dim: int) -> V:
    """At each position along `dim`, the product of the elements before it."""
    ones = x.new_ones([1 if axis == dim else size for axis, size in enumerate(x.shape)])
    return copies.concatenate(ones, x.narrow(dim, 0, x.shape[dim] - 1), dim=dim).cumprod(dim)


def _products_of_others(x: V, dim: int | None) -> V:
    """At each position, the product of all other elements along `dim`, without a division."""
    if dim is None:
        return _products_of_others(x.reshape(-1), 0).reshape(x.shape)
    axis = wrap_dim(dim, x.ndim)
    return _products_before(x, axis) * _products_before(x.flip(axis), axis).flip(axis)


def _prod_rule(g: V, out: V, x: V, *, dim: Any, keepdim: bool, dtype: DType) -> V:
    wide = x if dtype is None else x.to(dtype)
    g = expand_reduced(g, x.shape, dim, keepdim)
    if bool(numbers_read(wide.array, (wide.array == 0).any())):
        slope = g * _products_of_others(wide, dim if x.ndim else None)
    else:
        slope = g * (expand_reduced(out, x.shape, dim, keepdim) / wide)
    return cast_back(slope, x.dtype, dtype)


@op(
    node=lambda node: "ProdBackward0" if node.settings["dim"] is None else "ProdBackward1",
    vjp=(_prod_rule,),
    samples=over_one_dim(low=0.3),
    accumulates=True,
)
def prod(
    input: Array, *, dim: int | None = None, keepdim: bool = False, dtype: DType = None
) -> Array:
    """The product along `dim`, or of all elements; bools and integers multiply as int64."""
    wide = as_sum_dtype(input, dtype)
    if not keepdim and products.is_worth_it(wide):
        return products.product(wide, one_axis(dim, input))
    return np.prod(wide, axis=one_axis(dim, input), keepdims=keepdim, dtype=wide.dtype)


# --- exponentials and norms -----------------------------------------------------------------


@op(
    vjp=(
        lambda g, out, x, *, dim, keepdim: (
            expand_reduced(g, x.shape, dim, keepdim)
            * (x - expand_reduced(out, x.shape, dim, keepdim)).exp()
        ),
    ),
    floats=True,
    samples=over_dims(),
    accumulates=True,
)
def logsumexp(input: Array, *, dim: Dim = None, keepdim: bool = False) -> Array:
    """log(sum(exp(input))) over `dim`, without overflow."""
    reduced = axes(dim, input.ndim)
    if input.dtype in FLOATS and input.size >= _MANY:
        return _logsumexp_of_rows(input, reduced, keepdim)
    top = np.max(input, axis=reduced, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, 0).astype(input.dtype)
    total = np.log(kernels.sum(np.exp(input - top), reduced, True)) + top
    return total if keepdim else np.squeeze(total, axis=reduced)


# Of so many elements a kernel takes the exponentials faster than NumPy.
_MANY = 4096


def _logsumexp_of_rows(input: Array, reduced: tuple[int, ...], keepdim: bool) -> Array:
    """`logsumexp` with the reduced dimensions last, each row of them in one pass."""
    kept = [i for i in range(input.ndim) if i not in reduced]
    rows = np.ascontiguousarray(input.transpose(*kept, *reduced))
    found = logsumexp_kernels.logsumexp(
        rows.reshape(math.prod(rows.shape[: len(kept)]), math.prod(rows.shape[len(kept) :]))
    )
    sizes = [1 if i in reduced else n for i, n in enumerate(input.shape) if keepdim or i in kept]
    return found.reshape(sizes)


def _norm_rule(g: V, out: V, x: V, *, dim: Dim, keepdim: bool) -> V:
    slope = where(out.eq(0), 0.0, g / out)  # torch's subgradient at the origin
    return expand_reduced(slope, x.shape, dim, keepdim) * x


@op(
    node="LinalgVectorNormBackward0",
    vjp=(_norm_rule,),
    samples=over_dims(low=0.2),
    accumulates=True,
)
def euclidean_norm(input: Array, *, dim: Dim = None, keepdim: bool = False) -> Array:
    """The square root of the sum of squares over `dim`."""
    require_floating("norm", input)
    return np.sqrt(kernels.sum(np.square(input), axes(dim, input.ndim), keepdim))


# --- logic ----------------------------------------------------------------------------------


def _truth(found: Array, input: Array) -> Array:
    """The result as torch types it: uint8 for uint8, bool for everything else."""
    return found.astype(np.uint8) if input.dtype == np.uint8 else found


@op(vjp=None)
def all(input: Array, *, dim: Dim = None, keepdim: bool = False) -> Array:
    """True where every element over `dim` is nonzero."""
    return _truth(np.all(input, axis=axes(dim, input.ndim), keepdims=keepdim), input)


@op(vjp=None)
def any(input: Array, *, dim: Dim = None, keepdim: bool = False) -> Array:
    """True where some element over `dim` is nonzero."""
    return _truth(np.any(input, axis=axes(dim, input.ndim), keepdims=keepdim), input)
