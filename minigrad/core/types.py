"""Types that signatures share, under the names that torch's documentation has for them."""

import math
import operator
from collections.abc import Iterable, Sequence
from typing import Any, Self, SupportsIndex, overload

import numpy as np

from minigrad.core.device import device
from minigrad.core.dtypes import dtype

Array = np.ndarray[Any, Any]
"""A NumPy array of any shape and element type: what the forward of an operation computes on."""

Number = int | float
"""A Python number; `bool` is an `int`."""

Shape = tuple[int, ...]
"""The sizes of an array's dimensions."""


class Size(tuple[int, ...]):
    """The type of `Tensor.shape`: a tuple of sizes, whose slices and sums are of this type too.

    Raises TypeError for sizes that are no integers.
    """

    __slots__ = ()

    def __new__(cls, sizes: Iterable[Any] = ()) -> Self:
        found = tuple(sizes)
        for position, size in enumerate(found):
            if type(size) is not int and (isinstance(size, float | str) or not _is_index(size)):
                raise TypeError(
                    f"Size() takes an iterable of 'int' (item {position} is "
                    f"'{type(size).__name__}')"
                )
        return tuple.__new__(cls, map(operator.index, found))

    def numel(self) -> int:
        """The number of elements of a tensor of this shape."""
        return math.prod(self)

    @overload
    def __getitem__(self, index: SupportsIndex) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> "Size": ...
    def __getitem__(self, index: Any) -> Any:
        found: Any = tuple.__getitem__(self, index)
        return tuple.__new__(Size, found) if isinstance(index, slice) else found

    def __add__(self, other: Any) -> Any:
        return _as_size(tuple.__add__(self, other))

    def __radd__(self, other: Any) -> Any:
        return _as_size(tuple.__add__(other, self)) if isinstance(other, tuple) else NotImplemented

    def __mul__(self, count: Any) -> Any:
        return _as_size(tuple.__mul__(self, count))

    __rmul__ = __mul__

    def __repr__(self) -> str:
        return f"minigrad.Size({list(self)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Size, (tuple(self),)


def _is_index(size: Any) -> bool:
    return hasattr(size, "__index__")


def _as_size(result: Any) -> Any:
    return tuple.__new__(Size, result) if isinstance(result, tuple) else result


Dim = int | Sequence[int] | None
"""A dimension, several of them, or all."""

DTypeLike = dtype | np.dtype[Any] | type | None
"""An element type in any of its forms: `minigrad.float32`, NumPy's, `float`, `int`, `bool`."""

DeviceLike = device | str | None
"""A device in any of its forms: `minigrad.device("cpu")`, its name, or the only one there is."""
