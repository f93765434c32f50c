"""Windows of memory: how a change made through a view reaches the tensor it is a view of."""

from typing import Any

import numpy as np

from minigrad.op import arr, op, sample

Array = Any

WINDOWS: list[dict[str, Any]] = [
    {"shape": (2, 3), "strides": (4, 1), "offset": 5},
    {"shape": (3,), "strides": (-4,), "offset": 9},
    {"shape": (), "strides": (), "offset": 7},
    {"shape": (0, 2), "strides": (1, 1), "offset": 0},
]


def _window(array: Array, shape: tuple[int, ...], strides: tuple[int, ...], offset: int) -> Array:
    """A view of a C-contiguous array; offset and strides count its elements."""
    in_bytes = tuple(s * array.itemsize for s in strides)
    return np.ndarray(shape, array.dtype, array.data, offset * array.itemsize, in_bytes)


@op(
    vjp=(
        lambda g, out, x, *, shape, strides, offset: put_window(
            g.new_zeros(x.shape), g, shape=shape, strides=strides, offset=offset
        ),
    ),
    degree=1,
    samples=[sample(arr.of(3, 4), **window) for window in WINDOWS],
)
def take_window(
    input: Array, *, shape: tuple[int, ...], strides: tuple[int, ...], offset: int
) -> Array:
    """The elements of a window of the tensor, whose own are counted in C order."""
    return _window(np.ascontiguousarray(input), shape, strides, offset).copy()


@op(
    vjp=(
        lambda g, out, x, values, *, shape, strides, offset: put_window(
            g, g.new_zeros(shape), shape=shape, strides=strides, offset=offset
        ),
        lambda g, out, x, values, *, shape, strides, offset: take_window(
            g, shape=shape, strides=strides, offset=offset
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
) -> Array:
    """A copy of the tensor with `values` in the window."""
    out = np.array(input, order="C")
    _window(out, shape, strides, offset)[...] = values
    return out
