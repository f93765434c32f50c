"""Distinct values, counts, histograms and searches in sorted sequences; none is differentiable."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.core import dtypes
from minigrad.core.types import Array
from minigrad.engine.complex_form import refuse_complex
from minigrad.engine.graph import V, Value, wrap_like
from minigrad.engine.op import composed, op
from minigrad.ops.dims import wrap_dim
from minigrad.ops.results import Histogram, HistogramDD

# --- distinct values ------------------------------------------------------------------------


@composed
def unique(
    input: V,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> V | tuple[V, ...]:
    """The distinct elements in order, or the distinct slices of `dim`; every nan is its own.

    Also, where asked for: the index of the value of each element, and the number of each value.
    They come in order also without `sorted`.
    """
    refuse_complex("unique", input)
    axis = None if dim is None else wrap_dim(dim, input.ndim)
    options: Any = {"return_inverse": return_inverse, "return_counts": return_counts}
    found = np.unique(input.array, axis=axis, equal_nan=False, **options)
    parts = list(found) if isinstance(found, tuple) else [found]
    if return_inverse:
        parts[1] = parts[1].reshape(input.shape if dim is None else -1)
    tensors = tuple(wrap_like(input, part) for part in parts)
    return tensors if len(tensors) > 1 else tensors[0]


@composed
def unique_consecutive(
    input: V, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> V | tuple[V, ...]:
    """The elements, or slices of `dim`, without those that equal the one before.

    Also, where asked for: for each element the index of its run, and the lengths of the runs.
    """
    refuse_complex("unique_consecutive", input)
    array = input.array.reshape(-1) if dim is None else input.array
    axis = 0 if dim is None else wrap_dim(dim, input.ndim)
    rows = np.moveaxis(array, axis, 0)
    size = rows.shape[0]
    starts = np.ones(size, bool)
    starts[1:] = (rows[1:] != rows[:-1]).any(axis=tuple(range(1, rows.ndim)))
    found = [np.compress(starts, array, axis)]
    if return_inverse:
        run = np.cumsum(starts) - 1
        found.append(run.reshape(input.shape) if dim is None else run)
    if return_counts:
        found.append(np.diff(np.append(np.flatnonzero(starts), size)))
    tensors = tuple(wrap_like(input, part) for part in found)
    return tensors if len(tensors) > 1 else tensors[0]


@composed
def isin(
    elements: V, test_elements: Any, *, assume_unique: bool = False, invert: bool = False
) -> V:
    """True where an element is among the test elements; one of the two may be a number."""
    refuse_complex("isin", elements, test_elements)
    first = elements if hasattr(elements, "array") else test_elements
    if not hasattr(first, "array"):
        raise TypeError("isin() expects elements or test_elements to be a Tensor")
    left: Any = getattr(elements, "array", elements)
    right: Any = getattr(test_elements, "array", test_elements)
    found = np.isin(left, right, assume_unique=assume_unique, invert=invert)
    return wrap_like(first, np.asarray(found))


# --- counts ---------------------------------------------------------------------------------


@op(vjp=None)
def bincount(input: Array, weights: Array | None = None, *, minlength: int = 0) -> Array:
    """The number of occurrences of 0, 1, 2 ... in a 1-d tensor; with weights, the sums of these."""
    if input.ndim != 1 or input.dtype.kind not in "iu" or (input.size and input.min() < 0):
        raise RuntimeError(
            f"bincount only supports 1-d non-negative integral inputs, got shape "
            f"{list(input.shape)} of {dtypes.of_numpy(input.dtype)}"
        )
    if minlength < 0:
        raise RuntimeError(f"minlength should be >= 0, got {minlength}")
    if weights is None:
        return np.bincount(input, minlength=minlength)
    if weights.shape != input.shape:
        raise RuntimeError(
            f"weights should be 1-d and have the same length as input, got shapes "
            f"{list(weights.shape)} and {list(input.shape)}"
        )
    counts = np.bincount(input, weights, minlength)
    return counts.astype(np.float32) if weights.dtype == np.float32 else counts


def _range(name: str, array: Array, low: float, high: float, margin: float) -> tuple[float, float]:
    """The bounds of a histogram: those of the data if none are given, a margin around one value."""
    if high < low:
        raise RuntimeError(f"torch.{name}: max must be larger than min, got {low} and {high}")
    if low == high and array.size:
        low, high = float(array.min()), float(array.max())
    if not np.isfinite([low, high]).all():
        raise RuntimeError(f"{name}: range of [{low}, {high}] is not finite")
    if low == high:
        low, high = low - margin, high + margin
    return low, high


@op(vjp=None)
def histc(input: Array, *, bins: int = 100, min: float = 0, max: float = 0) -> Array:
    """The number of elements in each of `bins` equal parts of min ... max, that of the data if 0.

    Elements outside are left out.  Raises RuntimeError for integers and bounds that are not finite.
    """
    if input.dtype.kind != "f":
        raise RuntimeError(f"histc() is for floating tensors, got {dtypes.of_numpy(input.dtype)}")
    if bins <= 0:
        raise RuntimeError(f"histc(): bins must be > 0, but got {bins}")
    low, high = _range("histc", input, min, max, margin=1.0)
    inside = input[(input >= low) & (input <= high)]
    place = ((inside - input.dtype.type(low)) * bins / input.dtype.type(high - low)).astype(
        np.int64
    )
    counts = np.bincount(np.minimum(place, bins - 1), minlength=bins)
    return counts.astype(input.dtype)


@composed
def histogram(
    input: V,
    bins: V | int,
    *,
    range: tuple[float, float] | None = None,
    weight: V | None = None,
    density: bool = False,
) -> Histogram[V]:
    """The elements counted between edges: a tensor of them, or so many equal parts of the range.

    `weight` counts each element as so much; with `density` the counts are scaled so that the
    area under them is 1.
    """
    array = input.array.reshape(-1)
    _require_floating("histogram", input)
    edges = _edges("histogram", array, bins, range or (0.0, 0.0))
    if weight is not None and weight.shape != input.shape:
        raise RuntimeError(
            f"histogram(): weight of shape {list(weight.shape)} must have the input's shape "
            f"{list(input.shape)}"
        )
    counts = _counts([array], [edges], weight, density)
    return Histogram(wrap_like(input, counts), wrap_like(input, edges))


@composed
def histogramdd(
    input: V,
    bins: Any,
    *,
    range: Sequence[float] | None = None,
    weight: V | None = None,
    density: bool = False,
) -> HistogramDD[V]:
    """Points (..., D) counted between edges along each of D dimensions: the counts, D edges.

    bins: D tensors of edges, or into how many equal parts each range is cut, D ints or one for
    all.  range: low and high for each dimension, 2 D numbers, by default those of the points.
    `weight`, (...,), counts each point as so much; with `density` the counts are scaled so that
    the volume under them is 1.  Raises RuntimeError for what does not fit.
    """
    dimensions = input.shape[-1] if input.ndim else 0
    each = [bins] * dimensions if isinstance(bins, int) else list(bins)
    bounds = [0.0] * (2 * dimensions) if range is None else list(range)
    _require_points(input, len(each), len(bounds), weight)
    points = list(input.array.reshape(-1, dimensions).T)
    limits = zip(bounds[::2], bounds[1::2], strict=True)
    edges = [_edges("histogramdd", *given) for given in zip(points, each, limits, strict=True)]
    counts = _counts(points, edges, weight, density)
    return HistogramDD(wrap_like(input, counts), tuple(wrap_like(input, e) for e in edges))


def _require_points(input: V, bins: int, bounds: int, weight: Value | None) -> None:
    """Raise RuntimeError unless there are bins and bounds for all dimensions of the points."""
    _require_floating("histogramdd", input)
    if input.ndim < 2 or not input.shape[-1]:
        raise RuntimeError(
            f"histogramdd: input tensor should have at least 2 dimensions, (..., D), got "
            f"{list(input.shape)}"
        )
    dimensions = input.shape[-1]
    if bins != dimensions:
        raise RuntimeError(
            f"histogramdd: the size of bins must be equal to the innermost dimension of the input, "
            f"{dimensions}, but got {bins}"
        )
    if bounds != 2 * dimensions:
        raise RuntimeError(
            f"histogramdd: for a {dimensions}-dimensional histogram range should have "
            f"{2 * dimensions} elements, but got {bounds}"
        )
    if weight is not None and (weight.shape != input.shape[:-1] or weight.dtype != input.dtype):
        raise RuntimeError(
            f"histogramdd: weight should have the shape of the input without its innermost "
            f"dimension, and its dtype, but got input {list(input.shape)} of {input.dtype} and "
            f"weight {list(weight.shape)} of {weight.dtype}"
        )


def _require_floating(name: str, input: V) -> None:
    if input.array.dtype.kind != "f":
        raise RuntimeError(f"{name}() is for floating tensors, got {input.dtype}")


def _counts(points: list[Array], edges: list[Array], weight: Value | None, density: bool) -> Array:
    """The number of points, given by their coordinates, between the edges of each dimension."""
    sizes = [e.size - 1 for e in edges]
    places = []
    inside = np.ones(points[0].shape, bool)
    for x, e in zip(points, edges, strict=True):
        place = np.searchsorted(e, x, side="right") - 1
        place[x == e[-1]] = e.size - 2
        inside &= (x >= e[0]) & (x <= e[-1])
        places.append(place)
    bins = np.ravel_multi_index([place[inside] for place in places], sizes)
    chosen = None if weight is None else weight.array.reshape(-1)[inside]
    counts = np.bincount(bins, chosen, math.prod(sizes)).reshape(sizes).astype(points[0].dtype)
    if density:
        counts /= counts.sum()
        for axis, e in enumerate(edges):
            counts /= np.diff(e).reshape([-1] + [1] * (len(edges) - 1 - axis))
    return counts


def _edges(name: str, array: Array, bins: Any, bounds: tuple[float, float]) -> Array:
    if hasattr(bins, "array"):
        if bins.ndim != 1 or bins.array.dtype != array.dtype or bins.numel() < 2:
            raise RuntimeError(
                f"{name}(): bin edges must be 1-d, two or more, of the input's dtype, got shape "
                f"{list(bins.shape)} of {bins.dtype}"
            )
        return bins.array
    if bins <= 0:
        raise RuntimeError(f"{name}(): bins must be > 0, but got {bins}")
    low, high = bounds
    if not array.size and low == high:
        low, high = 0.0, 1.0
    low, high = _range(name, array, low, high, margin=0.5)
    return np.linspace(low, high, bins + 1, dtype=array.dtype)


# --- searches -------------------------------------------------------------------------------


@composed
def searchsorted(
    sorted_sequence: V,
    input: V,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: V | None = None,
) -> V:
    """The index at which each value would be inserted into a sequence sorted along its last dim.

    Before elements that equal it; with right=True or side="right" after them.  The sequence is
    1-d, or has the input's leading dimensions.  `sorter` holds the indices that put it in order.
    """
    refuse_complex("searchsorted", sorted_sequence, input)
    values = input if hasattr(input, "array") else wrap_like(sorted_sequence, np.asarray(input))
    sequence = sorted_sequence.array
    if side not in {None, "left", "right"}:
        raise RuntimeError(f"searchsorted(): side can only be 'left' or 'right' but got {side}")
    if side == "left" and right:
        raise RuntimeError(
            "searchsorted(): side and right can't be set to opposites, got side of left while "
            "right was True"
        )
    if not sequence.ndim:
        raise RuntimeError("searchsorted(): the sequence must have a dimension, got shape []")
    if sequence.ndim > 1 and sequence.shape[:-1] != values.shape[:-1]:
        raise RuntimeError(
            f"searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions "
            f"of boundaries tensor and input value tensor must match, but we got boundaries "
            f"{list(sequence.shape)} and input {list(values.shape)}"
        )
    if sorter is not None:
        if sorter.shape != sorted_sequence.shape:
            raise RuntimeError(
                f"searchsorted(): sequence and sorter must have the same shape, got "
                f"{list(sequence.shape)} and {list(sorter.shape)}"
            )
        sequence = np.take_along_axis(sequence, sorter.array, -1)
    places = insertion(
        sequence, values.array, np.less_equal if right or side == "right" else np.less
    )
    return wrap_like(sorted_sequence, places.astype(np.int32 if out_int32 else np.int64))


def insertion(sequence: Array, values: Array, goes_before: np.ufunc) -> Array:
    """The first index whose element does not go before the value, by bisection of all at once."""
    if sequence.ndim == 1 and sequence.dtype == values.dtype:
        side: Any = "right" if goes_before is np.less_equal else "left"
        places: Array = np.searchsorted(sequence, values, side)
        if sequence.dtype.kind == "f" and values.size:
            # nan goes behind everything, also behind the nan of the sequence.
            places = np.where(np.isnan(values), sequence.size, places)
        return places
    size = sequence.shape[-1]
    low = np.zeros(values.shape, np.int64)
    high = np.full(values.shape, size, np.int64)
    elements = sequence.reshape(-1)  # a row of it for each row of values, or one for all
    rows = sequence.shape[:-1]
    start = np.arange(0, elements.size, size).reshape(*rows, 1) if rows and size else 0
    # nan goes behind everything, and everything behind the nan of a sequence.
    behind, has_nan = np.isnan(values), np.isnan(elements).any()
    for _ in range(size.bit_length()):
        middle = (low + high) // 2
        element = elements.take(start + np.minimum(middle, size - 1))
        before = goes_before(element, values) | behind
        if has_nan:
            before |= np.isnan(element)
        before &= middle < high
        low, high = np.where(before, middle + 1, low), np.where(before, high, middle)
    return low


@composed
def bucketize(input: V, boundaries: V, *, out_int32: bool = False, right: bool = False) -> V:
    """The number of the interval between 1-d `boundaries`, in order, that each value falls into.

    Intervals are (low, high]; with right=True, [low, high).
    """
    if boundaries.ndim != 1:
        raise RuntimeError(f"boundaries tensor must be 1 dimension, but got dim({boundaries.ndim})")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)
