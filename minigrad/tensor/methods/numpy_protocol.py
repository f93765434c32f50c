"""Tensors in NumPy: arrays on the other side of an operator, and ufuncs of tensors."""

from typing import Any

import numpy as np

from minigrad.core import dtypes
from minigrad.core.types import Array
from minigrad.engine.graph import Value, wrap
from minigrad.engine.step_recorder import numbers_read
from minigrad.tensor.methods.array import ArrayValue

# `scalar * tensor` of a NumPy scalar is a call of the ufunc: the tensor's operator computes it.
_REFLECTED = {
    np.add: "__radd__",
    np.subtract: "__rsub__",
    np.multiply: "__rmul__",
    np.true_divide: "__rtruediv__",
    np.floor_divide: "__rfloordiv__",
    np.remainder: "__rmod__",
    np.power: "__rpow__",
    np.bitwise_and: "__rand__",
    np.bitwise_or: "__ror__",
    np.bitwise_xor: "__rxor__",
    np.left_shift: "__rlshift__",
    np.right_shift: "__rrshift__",
}
# Of comparisons the same holds for arrays: they give tensors of bools, as between tensors.
_SWAPPED = {
    np.equal: "__eq__",
    np.not_equal: "__ne__",
    np.less: "__gt__",
    np.less_equal: "__ge__",
    np.greater: "__lt__",
    np.greater_equal: "__le__",
}


class NumPyProtocol(ArrayValue):
    """The protocols by which NumPy takes tensors."""

    def numpy(self, *, force: bool = False) -> Array:
        """The NumPy array beneath, sharing memory.

        Raises RuntimeError if the tensor requires gradients, unless force is True.
        """
        if self.requires_grad and not force:
            raise RuntimeError(
                "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() "
                "instead."
            )
        array: Array = numbers_read(self.array, self.array)
        return array

    def __array__(self, dtype: np.dtype[Any] | None = None, copy: bool | None = None) -> Array:
        return np.asarray(self.numpy(), dtype=dtype, copy=copy)

    def __array_wrap__(
        self, array: Array, context: Any = None, return_scalar: bool = False
    ) -> Value:
        """A tensor around what a NumPy function computed of this one; bools become uint8."""
        if array.dtype == np.bool_:
            array = array.astype(np.uint8)
        dtypes.of_numpy(array.dtype)
        tensor: Value = wrap(self.kind, array)
        return tensor

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **options: Any
    ) -> Any:
        """A ufunc of tensors gives tensors, and what NumPy computes, in NumPy's dtypes.

        Raises RuntimeError for tensors that require gradients, as `numpy()`.
        PyTorch differs: `array * tensor` is an error there; here it is what `tensor * array` is.
        """
        left = inputs[0]
        if method == "__call__" and out is None and not options and not isinstance(left, Value):
            computed = NotImplemented
            if isinstance(left, np.generic) and ufunc in _REFLECTED:
                computed = getattr(inputs[1], _REFLECTED[ufunc])(left)
            elif ufunc in _SWAPPED:
                other = left if isinstance(left, np.generic) else _tensor_of(self, left)
                computed = getattr(inputs[1], _SWAPPED[ufunc])(other)
            if computed is not NotImplemented:
                return computed
        if out is not None:
            if any(isinstance(given, Value) for given in out):
                raise TypeError("return arrays must be of ArrayType, not tensors")
            options["out"] = out
        arrays = [x.numpy() if isinstance(x, NumPyProtocol) else x for x in inputs]
        result = getattr(ufunc, method)(*arrays, **options)
        if out is not None or method in ("outer", "at"):
            return result
        if isinstance(result, tuple):
            return tuple(self.__array_wrap__(np.asarray(each)) for each in result)
        return self.__array_wrap__(np.asarray(result))

    def __dlpack__(self, **options: Any) -> Any:
        return self.numpy().__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.array.__dlpack_device__()


def _tensor_of(like: NumPyProtocol, operand: Any) -> Any:
    """An array as a tensor to compare with; anything else as it is."""
    if isinstance(operand, np.ndarray) and operand.dtype.kind in "biuf":
        return wrap(like.kind, operand)
    return operand
