"""Tensors on parts of a storage, as files describe them: offset, sizes, strides."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.core.types import Array
from minigrad.engine.graph import wrap
from minigrad.tensor import Tensor

_MAX_DIMENSIONS = 64  # NumPy's


def view_of(flat: Tensor, offset: Any, size: Any, stride: Any) -> Tensor:
    """A tensor on the memory of `flat`, which has one dimension; all numbers count elements.

    Raises ValueError unless every element lies inside.
    """
    numbers = _checked(offset, size, stride)
    last = offset + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
    if 0 in size:
        array = np.empty(numbers, flat.array.dtype)
    elif last >= flat.array.size:
        raise ValueError(
            f"a tensor of size {numbers} with strides {tuple(stride)} from element {offset} does "
            f"not fit a storage of {flat.array.size} elements"
        )
    else:
        step = flat.array.itemsize
        array = np.ndarray(
            numbers,
            flat.array.dtype,
            flat.array.data,
            offset * step,
            tuple(s * step for s in stride),
        )
    tensor: Tensor = wrap(Tensor, array)
    tensor._storage = flat.change_record()
    return tensor


def _checked(offset: Any, size: Any, stride: Any) -> tuple[int, ...]:
    """The sizes as a tuple.  Raises ValueError unless all are counts, and few."""
    fitting = isinstance(size, list | tuple) and isinstance(stride, list | tuple)
    if not fitting or len(size) != len(stride) or len(size) > _MAX_DIMENSIONS:
        raise ValueError("a tensor should have as many strides as sizes, and at most 64")
    for number in (offset, *size, *stride):
        if type(number) is not int or not 0 <= number < 1 << 63:
            raise ValueError("offset, sizes and strides of a tensor should be integers >= 0")
    count = 1
    for number in size:
        count *= max(number, 1)
    if count >= 1 << 60:
        raise ValueError("a tensor has more elements than can be counted")
    return tuple(size)


def element_strides(array: Array) -> list[int]:
    """The strides of an array, counted in elements."""
    return [stride // array.itemsize for stride in array.strides]


def is_dense(size: Sequence[int], stride: Sequence[int]) -> bool:
    """True if these strides, counted in elements, give each element a place and leave no gap."""
    step = 1
    for s, n in sorted((s, n) for n, s in zip(size, stride, strict=True) if n != 1):
        if s != step:
            return False
        step *= n
    return True


def laid_out(array: Array, stride: Any) -> Array:
    """The elements of an array, in memory in the order of these strides.

    Raises ValueError if these leave gaps.
    """
    numbers = _checked(0, array.shape, stride)
    if 0 in numbers:
        return array
    if not is_dense(numbers, stride):
        raise ValueError(f"strides {tuple(stride)} do not fit an array of shape {numbers}")
    result = np.empty(array.size, array.dtype)
    steps = tuple(0 if n == 1 else s * array.itemsize for n, s in zip(numbers, stride, strict=True))
    view = np.ndarray(numbers, array.dtype, result, 0, steps)
    view[...] = array
    return view
