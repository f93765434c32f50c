"""torch's oldest constructor, `Tensor(...)`: sizes, or data that are copied to one dtype."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.core import dtypes
from minigrad.core.device import require_cpu
from minigrad.core.types import Array, DeviceLike, Size
from minigrad.engine.graph import Value
from minigrad.tensor.from_data import array_of
from minigrad.tensor.methods.array import allocated, new_shape


def constructed(
    dtype: dtypes.dtype | None,
    given: Sequence[Any],
    data: Any = None,
    size: Sequence[int] | None = None,
    device: DeviceLike = None,
) -> Array:
    """The array of a new tensor, from the arguments of `Tensor(...)`, `FloatTensor(...)`, `new`.

    Sizes one by one, or a `Size`, give a tensor of that shape, which nobody has written.  A
    sequence or an array is copied to the dtype, by default the default one; a tensor's own memory
    is taken.  Raises TypeError for anything else, and for a tensor of another dtype.
    """
    require_cpu(device)
    numpy_dtype = dtypes.default_numpy() if dtype is None else dtype.numpy
    if data is not None:
        given = (data,)
    if size is not None:
        given = (Size(size),)
    first = given[0] if given else None
    if len(given) == 1 and isinstance(first, Value):
        return _memory_of(first, dtype)
    if len(given) == 1 and not isinstance(first, Size) and not _is_size(first):
        return _copied(first, numpy_dtype)
    if not all(_is_size(each) or isinstance(each, Size) for each in given):
        raise TypeError(f"new(): sizes must be integers, got {list(given)}")
    return allocated(np.empty, new_shape(given) if given else (0,), numpy_dtype)


def _is_size(given: Any) -> bool:
    return isinstance(given, int | np.integer) and not isinstance(given, bool)


def _memory_of(tensor: Value, dtype: dtypes.dtype | None) -> Array:
    if dtype is not None and tensor.dtype is not dtype:
        raise TypeError(
            f"expected a tensor of dtype {dtype}, got one of {tensor.dtype}; cast it with `to`"
        )
    return tensor.array


def _copied(data: Any, dtype: np.dtype[Any]) -> Array:
    if isinstance(data, str):
        raise TypeError("new(): invalid data type 'str'")
    if not hasattr(data, "__len__"):
        raise TypeError(f"new(): data must be a sequence (got {type(data).__name__})")
    if not isinstance(data, np.ndarray | list | tuple):
        data = list(data)
    return array_of(data, dtype)
