"""Variance, standard deviation, medians and quantiles."""

from collections.abc import Callable
from typing import Any, overload

import numpy as np

from minigrad.core.types import Array, Dim
from minigrad.engine.grad_mode import ignore_fp_errors
from minigrad.engine.graph import V, wrap_like
from minigrad.engine.op import arr, composed, label_node, op, sample
from minigrad.engine.step_recorder import numbers_read
from minigrad.kernels.reduction import reduce as kernels
from minigrad.ops.dims import axes, kept_shape, wrap_dim
from minigrad.ops.elementwise.elementary import where
from minigrad.ops.reduction import sorting
from minigrad.ops.reduction.extrema import share_among_equals
from minigrad.ops.reduction.reduce import (
    count,
    expand_reduced,
    mean,
    over_dims,
    require_elements,
    require_floating,
)
from minigrad.ops.results import ValuesAndIndices

# --- variance -------------------------------------------------------------------------------


def _var_rule(g: V, out: V, x: V, *, dim: Dim, correction: float, keepdim: bool) -> V:
    centred = x - mean(x, dim=dim, keepdim=True)
    divisor = count(x.shape, dim) - correction
    scale = 2.0 / divisor if divisor else float("inf")
    return expand_reduced(g * scale, x.shape, dim, keepdim) * centred


def _var_array_rule(
    g: Array, out: Array, x: Array, *, dim: Dim, correction: float, keepdim: bool
) -> Array:
    reduced = axes(dim, x.ndim)
    n, real = count(x.shape, dim), x.dtype.type
    divisor = n - correction
    share = g * real(2.0 / divisor if divisor else np.inf)
    mean = kernels.sum(x, reduced, True) * real(1.0 / n if n else np.nan)
    dx: Array = np.subtract(x, mean)
    dx *= share if keepdim else share.reshape(kept_shape(x.shape, dim))
    return dx


def _std_rule(g: V, out: V, x: V, *, dim: Dim, correction: float, keepdim: bool) -> V:
    slope = where(out.eq(0), 0.0, g / (2 * out))  # torch's subgradient where nothing varies
    return _var_rule(slope, out, x, dim=dim, correction=correction, keepdim=keepdim)


VARIANCES = [
    *over_dims(distinct=True)[:-1],
    sample(arr.of(3, 4, distinct=True), dim=1, correction=0),
]


@op(
    node="VarBackward0",
    vjp=(_var_rule,),
    array_vjp=(_var_array_rule,),
    samples=VARIANCES,
    accumulates=True,
)
def _var(input: Array, *, dim: Dim = None, correction: float = 1, keepdim: bool = False) -> Array:
    """Squared deviations from the mean over `dim`, divided by (count - correction)."""
    require_floating("var", input)
    reduced = axes(dim, input.ndim)
    divisor = max(count(input.shape, dim) - correction, 0)
    return kernels.variance(input, reduced, divisor, keepdim)


@op(node="StdBackward0", vjp=(_std_rule,), samples=VARIANCES, accumulates=True)
def _std(input: Array, *, dim: Dim = None, correction: float = 1, keepdim: bool = False) -> Array:
    """The square root of the variance over `dim`."""
    require_floating("std", input)
    divisor = max(count(input.shape, dim) - correction, 0)
    return kernels.deviation(input, axes(dim, input.ndim), divisor, keepdim)


def _corrected(dim: Dim | bool, unbiased: bool, correction: float | None) -> dict[str, Any]:
    """The settings dim and correction, from `unbiased` or `correction`; also of `x.var(False)`."""
    if isinstance(dim, bool):
        unbiased, dim = dim, None
    return {"dim": dim, "correction": int(unbiased) if correction is None else correction}


@composed
def var(
    input: V,
    dim: Dim = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> V:
    """The variance over `dim`: squared deviations divided by (count - correction).

    correction is 1 unless given, or 0 with unbiased=False.  Raises RuntimeError for integers.
    """
    return _var(input, keepdim=keepdim, **_corrected(dim, unbiased, correction))


@composed
def std(
    input: V,
    dim: Dim = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> V:
    """The standard deviation over `dim`, the square root of `var`."""
    return _std(input, keepdim=keepdim, **_corrected(dim, unbiased, correction))


@composed(node="VarMeanBackward0")
def var_mean(
    input: V,
    dim: Dim = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[V, V]:
    """The variance and the mean over `dim`."""
    given = _corrected(dim, unbiased, correction)
    return _var(input, keepdim=keepdim, **given), mean(input, dim=given["dim"], keepdim=keepdim)


@composed(node="StdMeanBackward0")
def std_mean(
    input: V,
    dim: Dim = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[V, V]:
    """The standard deviation and the mean over `dim`."""
    given = _corrected(dim, unbiased, correction)
    deviation = _std(input, keepdim=keepdim, **given)
    return deviation, mean(input, dim=given["dim"], keepdim=keepdim)


# --- medians --------------------------------------------------------------------------------

FLAT = [sample(arr.of(3, 4, distinct=True)), sample(arr.of(5, distinct=True)), sample(arr.of())]


def _flat_median(name: str, index_of: Callable[..., Array], input: Array) -> Array:
    if input.dtype == bool:
        raise RuntimeError(f"{name}() is not implemented for bool tensors")
    if not input.size and input.dtype.kind != "f":
        raise RuntimeError(f"{name}(): an integer tensor of shape {list(input.shape)} has none")
    flat = input.reshape(-1)
    return flat[index_of(flat, 0)[0]] if flat.size else np.asarray(np.nan, input.dtype)


@op(node="MedianBackward0", vjp=(share_among_equals,), samples=FLAT)
def _median(input: Array) -> Array:
    """The median of all elements, the lower one of two; nan if there is one."""
    return _flat_median("median", sorting.median_index, input)


@op(node="NanmedianBackward0", vjp=(share_among_equals,), samples=FLAT)
def _nanmedian(input: Array) -> Array:
    """The median of all elements that are not nan, the lower one of two."""
    return _flat_median("nanmedian", sorting.nanmedian_index, input)


@overload
def median(input: V, dim: None = None, keepdim: bool = False) -> V: ...
@overload
def median(input: V, dim: int, keepdim: bool = False) -> ValuesAndIndices[V]: ...
@composed
def median(input: V, dim: int | None = None, keepdim: bool = False) -> V | ValuesAndIndices[V]:
    """The median, the lower one of two, of all elements; with dim, (values, indices) along it.

    nan if there is one.  The gradient goes to the elements at `indices`; without dim, equal
    elements share it.
    """
    if dim is None:
        return _median(input)
    return _median_along_dim("median", sorting.median_index, input, dim, keepdim)


@overload
def nanmedian(input: V, dim: None = None, keepdim: bool = False) -> V: ...
@overload
def nanmedian(input: V, dim: int, keepdim: bool = False) -> ValuesAndIndices[V]: ...
@composed
def nanmedian(input: V, dim: int | None = None, keepdim: bool = False) -> V | ValuesAndIndices[V]:
    """The median of what is not nan; with dim, (values, indices) along it."""
    if dim is None:
        return _nanmedian(input)
    return _median_along_dim("nanmedian", sorting.nanmedian_index, input, dim, keepdim)


def _median_along_dim(
    name: str, index_of: Callable[..., Array], input: V, dim: int, keepdim: bool
) -> ValuesAndIndices[V]:
    array = input.array if input.ndim else input.array.reshape(1)
    axis = wrap_dim(dim, input.ndim)
    if array.dtype == bool:
        raise RuntimeError(f"{name}() is not implemented for bool tensors")
    require_elements(name, array.shape, axis)
    index = ignore_fp_errors(index_of, array, axis)
    found = sorting.values_and_indices(input, dim, index, keepdim)
    return label_node(found, f"{name.title()}Backward1")


# --- quantiles ------------------------------------------------------------------------------

ROUNDING = {"lower": np.floor, "higher": np.ceil, "nearest": np.rint}
INTERPOLATIONS = ("linear", "midpoint", *ROUNDING)


@composed
def quantile(
    input: V,
    q: V,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> V:
    """The elements of rank q * (n - 1) along `dim`, or of all; q is a number or a 1-d tensor.

    Between two ranks `interpolation` decides: linear, lower, higher, midpoint or nearest.  A
    tensor q gives the result a first dimension of its size.  nan where there is a nan.  Raises
    RuntimeError for q outside [0, 1], integers, another dtype of q, and an empty input.
    """
    return _quantile("quantile", input, q, dim, keepdim, interpolation)


@composed
def nanquantile(
    input: V,
    q: V,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> V:
    """`quantile` of the elements that are not nan."""
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation)


def _quantile(name: str, input: V, q: V, dim: int | None, keepdim: bool, interpolation: str) -> V:
    points = _checked_points(name, input, q, interpolation)
    lines = input.reshape(-1) if dim is None or not input.ndim else input
    axis = 0 if dim is None else wrap_dim(dim, input.ndim)
    ranks = _ranks(lines, axis, points, skip_nans=name == "nanquantile")
    found = _between(sorting.sort(lines, axis).values, ranks, axis, interpolation)
    order = [axis, *(i for i in range(lines.ndim) if i != axis)]
    rest = [size for i, size in enumerate(lines.shape) if i != axis]
    kept = kept_shape(input.shape, dim) if keepdim else rest
    return found.permute(order).reshape(points.shape + tuple(kept))


def _ranks(lines: V, axis: int, points: V, skip_nans: bool) -> V:
    """The ranks of the quantiles `points`, which take the place of the axis in the shape."""
    unknown = np.isnan(lines.array)
    size = lines.shape[axis]
    known = size - np.sum(unknown, axis=axis, keepdims=True)
    last = np.maximum(known - 1, 0) if skip_nans else np.full(known.shape, size - 1)
    sizes = [points.numel() if i == axis else 1 for i in range(lines.ndim)]
    ranks = points.reshape(sizes) * wrap_like(lines, last.astype(lines.array.dtype))
    if skip_nans:
        return ranks
    return where(wrap_like(lines, known < size), size - 1.0, ranks)


def _between(ordered: V, ranks: V, axis: int, interpolation: str) -> V:
    """The elements at fractional ranks along an axis that is sorted."""

    def at(rounding: np.ufunc) -> V:
        index = rounding(ranks.array).astype(np.int64)
        return ordered.gather(axis, wrap_like(ordered, index))

    if interpolation in ROUNDING:
        return at(ROUNDING[interpolation])
    below, above = at(np.floor), at(np.ceil)
    if interpolation == "midpoint":
        return below + 0.5 * (above - below)
    weight = ranks - ranks.detach().floor()
    step = above - below
    # From the nearer one: an infinite neighbour of weight 0 would give nan.
    return where(weight < 0.5, below + weight * step, above - (1 - weight) * step)


def _checked_points(name: str, input: V, q: V, interpolation: str) -> V:
    """q as a tensor; errors as torch's."""
    if input.array.dtype not in (np.float32, np.float64):
        raise RuntimeError(
            f"{name}() input tensor must be either float or double dtype, got {input.dtype}"
        )
    if not input.array.size:
        raise RuntimeError(
            f"{name}() input tensor must be non-empty, got shape {list(input.shape)}"
        )
    if interpolation not in INTERPOLATIONS:
        raise RuntimeError(
            f"{name}() interpolation must be one of {', '.join(INTERPOLATIONS)}, but got "
            f"{interpolation}"
        )
    points = q if hasattr(q, "array") else wrap_like(input, np.asarray(q, input.array.dtype))
    if points.dtype is not input.dtype or points.ndim > 1:
        raise RuntimeError(
            f"{name}() q must be a number or a 1-d tensor of the input's dtype {input.dtype}, got "
            f"shape {list(points.shape)} of {points.dtype}"
        )
    inside = ((points.array >= 0) & (points.array <= 1)).all()
    if not numbers_read(points.array, inside):
        raise RuntimeError(f"{name}() q must be in the range [0, 1] but got {q}")
    return points
