"""Conversions of tensors to Python's numbers and to text."""

from typing import Any

from minigrad.core import dtypes
from minigrad.core.printing import format_tensor
from minigrad.core.types import Number
from minigrad.engine.forward_mode import tangent_of
from minigrad.engine.grad_mode import thread
from minigrad.engine.overrides import overrides_functions
from minigrad.engine.step_recorder import numbers_read
from minigrad.tensor.methods.numpy_protocol import NumPyProtocol


class ConversionMethods(NumPyProtocol):
    """torch's conversions as methods; the protocols of `float(x)` and `str(x)`."""

    def item(self) -> Number:
        """The one element, as a Python number."""
        if self.array.size != 1:
            raise RuntimeError(
                f"a Tensor with {self.array.size} elements cannot be converted to Scalar; mean() "
                f"or sum() makes one number of them, tolist() a list"
            )
        number: Number = numbers_read(self.array, self.array.item())
        return number

    def tolist(self) -> Any:
        """Nested lists of Python numbers."""
        return numbers_read(self.array, self.array.tolist())

    def __bool__(self) -> bool:
        if self.array.size != 1:
            raise RuntimeError(
                f"Boolean value of Tensor with more than one value is ambiguous, got "
                f"{self.array.size} values; any() or all() makes one of them"
                if self.array.size
                else "Boolean value of Tensor with no values is ambiguous"
            )
        return bool(numbers_read(self.array, self.array.item()))

    def _number(self) -> Number:
        if self.array.size != 1:
            raise ValueError(
                f"only one element tensors can be converted to Python scalars, this one has "
                f"{self.array.size}"
            )
        number: Number = numbers_read(self.array, self.array.item())
        return number

    def _real_number(self) -> Number:
        number = self._number()
        if isinstance(number, complex):
            raise RuntimeError(
                f"value cannot be converted to a real number without overflow: {number} is complex"
            )
        return number

    def __float__(self) -> float:
        return float(self._real_number())

    def __int__(self) -> int:
        return int(self._real_number())

    def __complex__(self) -> complex:
        return complex(self._number())

    def __index__(self) -> int:
        if self.array.dtype.kind not in "iub" or self.array.size != 1:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self.item())

    def __len__(self) -> int:
        if self.array.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return len(self.array)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if self.ndim == 0 else object.__format__(self, spec)

    def __repr__(self) -> str:
        notes = []
        default = dtypes.get_default_dtype()
        plain = (default, default.to_complex(), dtypes.int64, dtypes.bool_)
        shown = None if self.dtype in plain and self.array.size else repr(self.dtype)
        if self.array.size == 0 and self.dtype is dtypes.get_default_dtype():
            shown = None
        if self.node is not None:
            notes.append(f"grad_fn={self.node!r}")
        elif self.requires_grad:
            notes.append("requires_grad=True")
        tangents = [tangent_of(self, level) for level in thread.mode.dual_levels]
        notes += [f"tangent={tangent!r}" for tangent in tangents if tangent is not None][-1:]
        kind = type(self)
        name = kind.__name__ if overrides_functions(kind) else "tensor"
        return format_tensor(numbers_read(self.array, self.array), f"{name}(", notes, shown)
