"""Sorting, and what is chosen by rank: top-k, the k-th smallest, the median, the mode.

Which elements are chosen is found on arrays; `take_along` takes them and is what has a derivative.
"""

import numpy as np

from minigrad.core.types import Array
from minigrad.engine.complex_form import refuse_complex
from minigrad.engine.grad_mode import ignore_fp_errors
from minigrad.engine.graph import V, wrap_like
from minigrad.engine.op import arr, composed, label_node, op, sample
from minigrad.kernels import gather
from minigrad.kernels.selection import largest as kernels
from minigrad.kernels.simd.math import FLOATS
from minigrad.ops.dims import wrap_dim
from minigrad.ops.reduction.reduce import require_elements
from minigrad.ops.results import ValuesAndIndices

ORDER = np.array([[1, 2, 0], [0, 2, 1]])
# Of so many elements a kernel chooses the few largest faster than NumPy.
_MANY = 1024


# --- choosing -------------------------------------------------------------------------------


@op(
    node="GatherBackward0",
    vjp=(lambda g, out, x, *, dim, index: put_along(g, dim=dim, index=index, shape=x.shape),),
    degree=1,
    samples=[
        sample(arr.of(2, 3), dim=1, index=ORDER),
        sample(arr.of(2, 4), dim=-1, index=ORDER),
        sample(arr.of(), dim=0, index=np.zeros((), np.int64)),
    ],
)
def take_along(input: Array, *, dim: int, index: Array) -> Array:
    """The elements at `index` along `dim`: a gather that takes each position at most once."""
    if not input.ndim:
        return input.copy()
    return gather.take_along(input, index, wrap_dim(dim, input.ndim))


@op(
    node="ScatterBackward0",
    vjp=(lambda g, out, c, *, dim, index, shape: take_along(g, dim=dim, index=index),),
    degree=1,
    samples=[
        sample(arr.of(2, 3), dim=1, index=ORDER, shape=(2, 4)),
        sample(arr.of(), dim=0, index=np.zeros((), np.int64), shape=()),
    ],
)
def put_along(cotangent: Array, *, dim: int, index: Array, shape: tuple[int, ...]) -> Array:
    """Zeros of `shape` with the cotangent put at `index` along `dim`: the adjoint of take_along."""
    if not shape:
        return cotangent.copy()
    out = np.zeros(shape, cotangent.dtype)
    gather.put_along(out, index, cotangent, wrap_dim(dim, len(shape)))
    return out


def values_and_indices(
    input: V, dim: int, index: Array, keepdim: bool = True
) -> ValuesAndIndices[V]:
    """The elements at `index` along `dim`; without keepdim, there is one, and `dim` goes."""
    index = index.reshape(()) if not input.ndim else index
    values = take_along(input, dim=dim, index=index)
    if keepdim or not input.ndim:
        return ValuesAndIndices(values, wrap_like(input, index))
    indices = wrap_like(input, np.squeeze(index, wrap_dim(dim, input.ndim)))
    return ValuesAndIndices(values.squeeze(dim), indices)


def _lines(input: V, dim: int) -> tuple[Array, int]:
    """The array with at least one dimension, and the axis along which to look."""
    axis = wrap_dim(dim, input.ndim)
    return (input.array if input.ndim else input.array.reshape(1)), axis


def ascending(array: Array, axis: int) -> Array:
    """The indices that sort along the axis, equal elements in their order and nan last."""
    return np.argsort(array, axis=axis, kind="stable")


def descending_order(array: Array, axis: int) -> Array:
    """The same, from the largest down and nan first."""
    backwards = ascending(np.flip(array, axis), axis)
    return array.shape[axis] - 1 - np.flip(backwards, axis)


def _first(index: Array, k: int, axis: int) -> Array:
    return index[(slice(None),) * axis + (slice(k),)]


# --- sorting --------------------------------------------------------------------------------


@composed
def sort(
    input: V, dim: int = -1, descending: bool = False, stable: bool = False
) -> ValuesAndIndices[V]:
    """The elements in order along `dim`, and their indices; nan counts as the largest.

    Equal elements always keep their order, whether or not `stable` asks for it.
    """
    array, axis = _lines(input, dim)
    index = ignore_fp_errors(descending_order if descending else ascending, array, axis)
    found = values_and_indices(input, dim, index)
    return label_node(found, f"SortBackward{1 if stable else 0}")


@composed
def argsort(input: V, dim: int = -1, descending: bool = False, stable: bool = False) -> V:
    """The indices that sort the elements along `dim`; equal ones keep their order."""
    refuse_complex("argsort", input)
    array, axis = _lines(input, dim)
    order = ignore_fp_errors(descending_order if descending else ascending, array, axis)
    return wrap_like(input, order.reshape(input.shape))


@composed
def msort(input: V) -> V:
    """The elements in order along the first dimension."""
    return sort(input, 0).values


# --- by rank --------------------------------------------------------------------------------


def _refuse_bools(name: str, array: Array) -> None:
    if array.dtype == bool:
        raise RuntimeError(f"{name}() does not support bool tensors")


@composed(node="TopkBackward0")
def topk(
    input: V, k: int, dim: int = -1, largest: bool = True, sorted: bool = True
) -> ValuesAndIndices[V]:
    """The k largest (or smallest) elements along `dim` and their indices, in order.

    They come in order also without `sorted`.  nan counts as the largest.  Raises RuntimeError if
    there are fewer than k elements.
    """
    array, axis = _lines(input, dim)
    size = array.shape[axis]
    _refuse_bools("topk", array)
    if not 0 <= k <= size:
        raise RuntimeError(
            f"topk(): selected index k out of range: k={k} of {size} elements (shape "
            f"{list(input.shape)}, dim={dim})"
        )
    k = k if input.ndim else 1  # a number has no dimension that could be empty
    return values_and_indices(input, dim, ignore_fp_errors(top, array, k, axis, largest))


def top(array: Array, k: int, axis: int, largest: bool) -> Array:
    """The indices of the k largest elements, or the smallest, in order."""
    size = array.shape[axis]
    order = descending_order if largest else ascending
    if 0 < k <= kernels.MOST and array.dtype in FLOATS and array.size >= _MANY and 4 * k <= size:
        found: Array = kernels.first_in_order(array, k, axis, largest)
        return found
    if 0 < 8 * k < size:  # partition first: sorting everything would cost more
        split = np.argpartition(array, size - k if largest else k - 1, axis=axis)
        candidates = _first(np.flip(split, axis) if largest else split, k, axis)
        few = np.take_along_axis(array, candidates, axis)
        return np.take_along_axis(candidates, order(few, axis), axis)
    return np.ascontiguousarray(_first(order(array, axis), k, axis))


@composed(node="KthvalueBackward0")
def kthvalue(input: V, k: int, dim: int = -1, keepdim: bool = False) -> ValuesAndIndices[V]:
    """The k-th smallest element along `dim`, counted from 1, and its index."""
    array, axis = _lines(input, dim)
    _refuse_bools("kthvalue", array)
    require_elements("kthvalue", array.shape, axis)
    if not 1 <= k <= array.shape[axis]:
        raise RuntimeError(
            f"kthvalue(): selected number k out of range for dimension {axis}: k={k} of "
            f"{array.shape[axis]} elements"
        )
    index = ignore_fp_errors(_of_rank, array, k - 1, axis)
    return values_and_indices(input, dim, index, keepdim)


def _of_rank(array: Array, rank: int, axis: int) -> Array:
    """The index of the element of this rank, counted from 0 for the smallest; its axis stays."""
    split = np.argpartition(array, rank, axis=axis)
    return np.take(split, [rank], axis=axis)


def median_index(array: Array, axis: int) -> Array:
    """The index of the median, the lower one of two; of the first nan if there is one."""
    place = _of_rank(array, (array.shape[axis] - 1) // 2, axis)
    if array.dtype.kind != "f":
        return place
    unknown = np.isnan(array)
    first = np.argmax(unknown, axis=axis, keepdims=True)
    return np.where(np.any(unknown, axis=axis, keepdims=True), first, place)


def nanmedian_index(array: Array, axis: int) -> Array:
    """The index of the median of what is not nan; 0 if all is."""
    if array.dtype.kind != "f":
        return median_index(array, axis)
    known = np.sum(~np.isnan(array), axis=axis, keepdims=True)
    middle = np.maximum(known - 1, 0) // 2
    return np.take_along_axis(ascending(array, axis), middle, axis)


@composed(node="ModeBackward0")
def mode(input: V, dim: int = -1, keepdim: bool = False) -> ValuesAndIndices[V]:
    """The most frequent element along `dim`, the smallest of several, and its last index."""
    array, axis = _lines(input, dim)
    require_elements("mode", array.shape, axis)
    order = ascending(array, axis)
    ordered = np.moveaxis(np.take_along_axis(array, order, axis), axis, -1)
    place = np.arange(ordered.shape[-1])
    starts = np.ones(ordered.shape, bool)
    starts[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
    length = place - np.maximum.accumulate(np.where(starts, place, 0), axis=-1)
    last = np.moveaxis(np.argmax(length, axis=-1, keepdims=True), -1, axis)
    return values_and_indices(input, dim, np.take_along_axis(order, last, axis), keepdim)
