"""Limits and promotion of dtypes, constants, and tests of an object's type."""

import math

import numpy as np

from minigrad.core import dtypes
from minigrad.core.dtypes import dtype
from minigrad.core.number_formats import NumberFormat, uint16, uint32, uint64
from minigrad.core.types import DTypeLike, Number
from minigrad.engine.graph import Value

e, pi, inf, nan = math.e, math.pi, math.inf, math.nan
newaxis = None
UNSIGNED = (uint16, uint32, uint64)


class finfo:  # noqa: N801  torch's name
    """The limits of a floating dtype, by default of the default one.  Raises TypeError for others.

    >>> minigrad.finfo(minigrad.float32).eps
    1.1920928955078125e-07
    """

    def __init__(self, type: DTypeLike = None) -> None:
        asked = dtypes.get_default_dtype() if type is None else type
        if not isinstance(asked, dtype):
            asked = dtypes.of_numpy(dtypes.to_numpy(asked))
        if asked.is_complex:
            asked = asked.to_real()
        if not asked.is_floating_point:
            raise TypeError(f"torch.finfo() requires a floating point input type, got {asked}")
        self.dtype, self.bits = asked.name, asked.itemsize * 8
        if isinstance(asked, NumberFormat):
            self._read(asked)
            return
        limits = np.finfo(asked.numpy)
        self.eps, self.resolution = float(limits.eps), 10.0**-limits.precision
        self.min, self.max = float(limits.min), float(limits.max)
        self.tiny = self.smallest_normal = float(limits.smallest_normal)

    def _read(self, asked: NumberFormat) -> None:
        """Take the limits of a format that no tensor has."""
        limits = asked.limits
        if limits is None:
            raise NotImplementedError(f"finfo: {asked.name} has no limits of its own")
        self.eps, self.resolution, self.max = limits.eps, limits.resolution, limits.max
        self.min = -limits.max if limits.min is None else limits.min
        self.tiny = self.smallest_normal = limits.tiny

    def __repr__(self) -> str:
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, "
            f"eps={self.eps:g}, smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, "
            f"dtype={self.dtype})"
        )


class iinfo:  # noqa: N801  torch's name
    """The limits of an integer dtype.  Raises TypeError for others.

    >>> minigrad.iinfo(minigrad.int8).max
    127
    """

    def __init__(self, type: DTypeLike) -> None:
        if isinstance(type, NumberFormat) and type in UNSIGNED:  # NumPy knows them, no tensor does
            self.dtype, self.bits, self.min = type.name, type.itemsize * 8, 0
            self.max = 2**self.bits - 1
            return
        asked = dtypes.of_numpy(dtypes.to_numpy(type))
        if asked.numpy.kind not in "iu":
            raise TypeError(f"torch.iinfo() requires an integer input type, got {asked}")
        limits = np.iinfo(asked.numpy)
        self.dtype = asked.name
        self.bits, self.min, self.max = limits.bits, int(limits.min), int(limits.max)

    def __repr__(self) -> str:
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"


def result_type(tensor1: Value | Number, tensor2: Value | Number) -> dtype:
    """The dtype of arithmetic between two tensors or numbers."""
    operands = [t.array if isinstance(t, Value) else t for t in (tensor1, tensor2)]
    return dtypes.of_numpy(dtypes.result_type(*operands))


def promote_types(type1: DTypeLike, type2: DTypeLike) -> dtype:
    """The common dtype by torch's rules: a float and an integer give the float."""
    samples = [np.empty(1, dtypes.to_numpy(each)) for each in (type1, type2)]
    return dtypes.of_numpy(dtypes.result_type(*samples))


def can_cast(from_: DTypeLike, to: DTypeLike) -> bool:
    """True if an in-place operation may turn one into the other: not floats into integers."""
    return dtypes.castable(dtypes.to_numpy(from_), dtypes.to_numpy(to))


def _assert(condition: object, message: object) -> None:
    """Raise AssertionError with the message if the condition is false: `assert`, as a function."""
    if not condition:
        raise AssertionError(message)


def is_tensor(obj: object) -> bool:
    """True if the object is a tensor."""
    return isinstance(obj, Value)
