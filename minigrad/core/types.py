"""Types that signatures share, under the names that torch's documentation has for them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.core.device import device
from minigrad.core.dtypes import dtype

Array = np.ndarray[Any, Any]
"""A NumPy array of any shape and element type: what the forward of an operation computes on."""

Number = int | float
"""A Python number; `bool` is an `int`."""

Shape = tuple[int, ...]
"""The sizes of an array's dimensions."""


class _AnyTuple(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, tuple)


class Size(tuple[int, ...], metaclass=_AnyTuple):
    """The type of `Tensor.shape`: a plain tuple, which `isinstance` takes for a Size."""

    __slots__ = ()


Dim = int | Sequence[int] | None
"""A dimension, several of them, or all."""

DTypeLike = dtype | np.dtype[Any] | type | None
"""An element type in any of its forms: `minigrad.float32`, NumPy's, `float`, `int`, `bool`."""

DeviceLike = device | str | None
"""A device in any of its forms: `minigrad.device("cpu")`, its name, or the only one there is."""
