"""Windows of memory: views by strides, and how a change made through a view reaches its tensor."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.engine.op import arr, op, sample
from minigrad.kernels.gather import add_at

Array = Any

WINDOWS: list[dict[str, Any]] = [
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


def memory_order(array: Array) -> tuple[int, ...] | None:
    """The dimensions from the slowest to the fastest in memory; None for C order.

    Raises RuntimeError if there are gaps between the elements.
    """
    if array.flags.c_contiguous:
        return None
    order = tuple(sorted(range(array.ndim), key=lambda i: -array.strides[i]))
    if not array.transpose(order).flags.c_contiguous:
        raise RuntimeError(
            f"a tensor of shape {list(array.shape)} and strides "
            f"{[s // array.itemsize for s in array.strides]}, whose memory is not contiguous, "
            f"cannot be seen through another window of its memory; clone() it first"
        )
    return order


def disjoint(shape: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether no two elements of a window share a place."""
    reach = 0
    for stride, size in sorted((abs(s), n) for s, n in zip(strides, shape, strict=True) if n > 1):
        if stride <= reach:
            return 0 in shape
        reach += stride * (size - 1)
    return True


def _window(
    array: Array, shape: tuple[int, ...], strides: tuple[int, ...], offset: int, order: Any
) -> Array:
    """A view of an array that is contiguous in `order`; offset and strides count its elements."""
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
        lambda g, out, x, *, shape, strides, offset, order: window_adjoint(
            g, whole=x.shape, strides=strides, offset=offset, order=order
        ),
    ),
    degree=1,
    views=True,
    samples=[sample(arr.of(3, 4), **window) for window in WINDOWS + OVERLAPPING],
)
def take_window(
    input: Array,
    *,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    offset: int,
    order: tuple[int, ...] | None = None,
) -> Array:
    """The elements of a window of the tensor, its own counted with the dimensions in `order`.

    It is a view if they lie in memory in this order, and read-only where places repeat.
    """
    return _window(input, shape, strides, offset, order)


@op(
    vjp=(
        lambda g, out, c, *, whole, strides, offset, order: take_window(
            g, shape=c.shape, strides=strides, offset=offset, order=order
        ),
    ),
    degree=1,
    samples=[
        sample(
            arr(window["shape"]), whole=(3, 4), **{k: v for k, v in window.items() if k != "shape"}
        )
        for window in WINDOWS + OVERLAPPING
    ],
)
def window_adjoint(
    cotangent: Array,
    *,
    whole: tuple[int, ...],
    strides: tuple[int, ...],
    offset: int,
    order: tuple[int, ...] | None = None,
) -> Array:
    """Zeros of the shape `whole` with the cotangent added in a window."""
    shape = cotangent.shape
    sizes = whole if order is None else tuple(whole[i] for i in order)
    out = np.zeros(sizes, cotangent.dtype)
    if disjoint(shape, strides):
        _window(out, shape, strides, offset, None)[...] = cotangent
    else:
        places = _window(np.arange(out.size), shape, strides, offset, None)
        add_at(out.reshape(-1), (places,), cotangent)
    return out if order is None else out.transpose(np.argsort(order))


@op(
    node="CopySlices",
    vjp=(
        lambda g, out, x, values, *, shape, strides, offset, order: put_window(
            g, g.new_zeros(shape), shape=shape, strides=strides, offset=offset, order=order
        ),
        lambda g, out, x, values, *, shape, strides, offset, order: take_window(
            g, shape=shape, strides=strides, offset=offset, order=order
        ),
    ),
    degree=1,
    samples=[sample(arr.of(3, 4), arr(window["shape"]), **window) for window in WINDOWS],
)
def put_window(
    input: Array,
    values: Array,
    *,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    offset: int,
    order: tuple[int, ...] | None = None,
) -> Array:
    """A copy of the tensor with `values` in a window, no two places of which are the same."""
    out = np.array(input if order is None else input.transpose(order), order="C")
    _window(out, shape, strides, offset, None)[...] = values
    return out if order is None else out.transpose(np.argsort(order))


def as_strided(
    input: Any, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None
) -> Any:
    """A view by sizes and strides of the tensor's memory, from `storage_offset` on.

    Raises RuntimeError for windows that leave the tensor's memory, and for negative strides.
    PyTorch differs: there the window may leave a view for the rest of the memory it is a view of;
    and views whose elements overlap can be written to.
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
    return take_window(input, shape=shape, strides=strides, offset=offset, order=order)
