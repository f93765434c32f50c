"""Tensors with strides or an order in memory of the caller's, and torch's old `range`."""

from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np

from minigrad.core import dtypes
from minigrad.core.types import DTypeLike, Number
from minigrad.core.warn import warn_caller
from minigrad.tensor.creation import Placement, from_array
from minigrad.tensor.methods.array import allocated, strided_memory
from minigrad.tensor.tensor import Tensor


def empty_strided(
    size: Sequence[int], stride: Sequence[int], *, dtype: DTypeLike = None,
    **options: Unpack[Placement],
) -> Tensor:  # fmt: skip
    """A tensor of uninitialised memory with these strides, in elements.

    Raises RuntimeError unless there is a stride, not negative, for each size.
    """
    array = strided_memory(size, stride, _chosen(dtype))
    return from_array(array, dtype=dtype, **options)


def empty_permuted(
    size: Sequence[int], physical_layout: Sequence[int], *, dtype: DTypeLike = None,
    **options: Unpack[Placement],
) -> Tensor:  # fmt: skip
    """A tensor of uninitialised memory whose dimensions lie in this order, the outermost first.

    Raises RuntimeError unless the order names each dimension once.
    """
    if sorted(physical_layout) != list(range(len(size))):
        raise RuntimeError(
            f"Number of dimensions in size does not match the length of the physical_layout, or "
            f"it names one twice: got {list(size)} and {list(physical_layout)}"
        )
    memory = allocated(np.empty, tuple(size[i] for i in physical_layout), _chosen(dtype))
    return from_array(memory.transpose(np.argsort(physical_layout)), dtype=dtype, **options)


def range_(
    start: Number = 0, end: Number | None = None, step: Number = 1, *, dtype: DTypeLike = None,
    **options: Unpack[Placement],
) -> Tensor:  # fmt: skip
    """`torch.range`: start, start + step, ... up to `end`, floating unless a dtype is given."""
    warn_caller(
        "torch.range is deprecated and will be removed in a future release because its behavior "
        "is inconsistent with Python's range builtin. Instead, use torch.arange, which produces "
        "values in [start, end)."
    )
    start, end = (0, start) if end is None else (start, end)
    if step == 0 or (end - start) / step < 0:
        raise RuntimeError(
            f"upper bound and larger bound inconsistent with step sign: got {start}, {end}, {step}"
        )
    count = int((end - start) / step) + 1
    array = (start + step * np.arange(count)).astype(_chosen(dtype))
    return from_array(array, dtype=dtype, **options)


def _chosen(dtype: DTypeLike) -> np.dtype[Any]:
    return dtypes.default_numpy() if dtype is None else dtypes.to_numpy(dtype)
