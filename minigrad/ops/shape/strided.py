"""Views of memory by sizes and strides, and writes through such views, with their derivatives."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.core.types import Array, Shape
from minigrad.engine.graph import V
from minigrad.engine.op import arr, op, sample
from minigrad.kernels.gather import add_at

VIEWS: list[dict[str, Any]] = [
    {"shape": (2, 3), "strides": (4, 1), "offset": 5},
    {"shape": (3,), "strides": (-4,), "offset": 9},
    {"shape": (), "strides": (), "offset": 7},
    {"shape": (0, 2), "strides": (1, 1), "offset": 0},
    {"shape": (2, 2), "strides": (1, 4), "offset": 1, "order": (1, 0)},
]
OVERLAPPING: list[dict[str, Any]] = [
    {"shape": (3, 3), "strides": (2, 1), "offset": 1},
    {"shape": (3, 2), "strides": (0, 4), "offset": 2},
]


def slowest_first(array: Array) -> tuple[int, ...]:
    """The dimensions from the slowest to the fastest in memory."""
    return tuple(sorted(range(array.ndim), key=lambda i: -array.strides[i]))


def is_dense(array: Array) -> bool:
    """True if the elements lie one after the other in memory, in some order of the dimensions."""
    if array.flags.c_contiguous:
        return True
    return bool(array.transpose(slowest_first(array)).flags.c_contiguous)


def memory_order(array: Array) -> tuple[int, ...] | None:
    """The dimensions from the slowest to the fastest in memory; None for C order.

    Raises RuntimeError if there are gaps between the elements.
    """
    if array.flags.c_contiguous:
        return None
    order = slowest_first(array)
    if not array.transpose(order).flags.c_contiguous:
        raise RuntimeError(
            f"a tensor of shape {list(array.shape)} and strides "
            f"{[s // array.itemsize for s in array.strides]}, whose memory is not contiguous, "
            f"has no view by other strides; clone() it first"
        )
    return order


def disjoint(shape: Sequence[int], strides: Sequence[int]) -> bool:
    """True if no two elements of a view by these strides are the same in memory."""
    reach = 0
    for stride, size in sorted((abs(s), n) for s, n in zip(strides, shape, strict=True) if n > 1):
        if stride <= reach:
            return 0 in shape
        reach += stride * (size - 1)
    return True


def _view(
    array: Array,
    shape: Shape,
    strides: tuple[int, ...],
    offset: int,
    order: tuple[int, ...] | None,
) -> Array:
    """A view of an array that is contiguous in `order`; offset and strides are in elements."""
    if 0 in shape:
        return np.empty(shape, array.dtype)
    in_order = np.ascontiguousarray(array if order is None else array.transpose(order))
    in_bytes = tuple(s * array.itemsize for s in strides)
    view = np.ndarray(shape, array.dtype, in_order.data, offset * array.itemsize, in_bytes)
    if not disjoint(shape, strides):
        view.flags.writeable = False
    return view


@op(
    node="AsStridedBackward0",
    vjp=(
        lambda g, out, x, *, shape, strides, offset, order: as_strided_backward(
            g, input_shape=x.shape, strides=strides, offset=offset, order=order
        ),
    ),
    degree=1,
    views=True,
    samples=[sample(arr.of(3, 4), **each) for each in VIEWS + OVERLAPPING],
)
def as_strided_view(
    input: Array,
    *,
    shape: Shape,
    strides: tuple[int, ...],
    offset: int,
    order: tuple[int, ...] | None = None,
) -> Array:
    """The elements at strides and an offset, which count elements with the dimensions in `order`.

    It is a view if the tensor is contiguous in this order, and read-only if elements repeat.
    """
    return _view(input, shape, strides, offset, order)


@op(
    vjp=(
        lambda g, out, c, *, input_shape, strides, offset, order: as_strided_view(
            g, shape=c.shape, strides=strides, offset=offset, order=order
        ),
    ),
    degree=1,
    samples=[
        sample(
            arr(each["shape"]),
            input_shape=(3, 4),
            **{k: v for k, v in each.items() if k != "shape"},
        )
        for each in VIEWS + OVERLAPPING
    ],
)
def as_strided_backward(
    cotangent: Array,
    *,
    input_shape: Shape,
    strides: tuple[int, ...],
    offset: int,
    order: tuple[int, ...] | None = None,
) -> Array:
    """Zeros of `input_shape` with the cotangent added to the elements of the view."""
    shape = cotangent.shape
    sizes = input_shape if order is None else tuple(input_shape[i] for i in order)
    out = np.zeros(sizes, cotangent.dtype)
    if disjoint(shape, strides):
        _view(out, shape, strides, offset, None)[...] = cotangent
    else:
        positions = _view(np.arange(out.size), shape, strides, offset, None)
        add_at(out.reshape(-1), (positions,), cotangent)
    return out if order is None else out.transpose(np.argsort(order))


@op(
    node="CopySlices",
    vjp=(
        lambda g, out, x, values, *, shape, strides, offset, order: as_strided_scatter(
            g, g.new_zeros(shape), shape=shape, strides=strides, offset=offset, order=order
        ),
        lambda g, out, x, values, *, shape, strides, offset, order: as_strided_view(
            g, shape=shape, strides=strides, offset=offset, order=order
        ),
    ),
    degree=1,
    samples=[sample(arr.of(3, 4), arr(each["shape"]), **each) for each in VIEWS],
)
def as_strided_scatter(
    input: Array,
    values: Array,
    *,
    shape: Shape,
    strides: tuple[int, ...],
    offset: int,
    order: tuple[int, ...] | None = None,
) -> Array:
    """A copy of the tensor with `values` in a view by strides, all of whose elements differ."""
    out = np.array(input if order is None else input.transpose(order), order="C")
    _view(out, shape, strides, offset, None)[...] = values
    return out if order is None else out.transpose(np.argsort(order))


def as_strided(
    input: V, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None
) -> V:
    """A view of the tensor's memory with sizes and strides in elements, from `storage_offset` on.

    Raises RuntimeError for views that leave the tensor's memory, and for negative strides.
    PyTorch differs: of a view it allows views of the whole memory, and
    views in which elements overlap are writable.
    """
    shape, strides, offset = tuple(size), tuple(stride), storage_offset or 0
    if len(shape) != len(strides) or any(s < 0 for s in (*shape, *strides)) or offset < 0:
        raise RuntimeError(
            f"as_strided: as many strides as sizes are expected, none of them negative, got size="
            f"{list(shape)}, stride={list(strides)}, storage_offset={offset}"
        )
    last = offset + sum(s * (n - 1) for s, n in zip(strides, shape, strict=True))
    if 0 not in shape and last >= input.numel():
        raise RuntimeError(
            f"as_strided: size {list(shape)} with stride {list(strides)} and storage_offset "
            f"{offset} needs {last + 1} elements, but the tensor of shape {list(input.shape)} has "
            f"{input.numel()}"
        )
    order = memory_order(input.array)
    return as_strided_view(input, shape=shape, strides=strides, offset=offset, order=order)
