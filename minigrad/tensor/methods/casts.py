"""Other dtypes, copies, and new tensors of the same dtype."""

import builtins
from collections.abc import Sequence
from typing import Any, Self, overload

import numpy as np

from minigrad import ops
from minigrad.core import dtypes
from minigrad.core.device import is_device, require_cpu
from minigrad.core.dtypes import dtype as Dtype
from minigrad.core.memory_format import contiguous_format, ordered, preserve_format, require_format
from minigrad.core.memory_format import memory_format as MemoryFormat
from minigrad.core.types import Array, DeviceLike, DTypeLike, Number
from minigrad.engine.graph import Value, wrap_like
from minigrad.engine.step_recorder import made_of_numbers
from minigrad.tensor.from_data import array_of
from minigrad.tensor.methods.array import (
    ArrayValue,
    allocated,
    new_shape,
    warn_of_copy,
)
from minigrad.tensor.methods.signatures import method
from minigrad.tensor.methods.type_names import NAMES, TensorType, dtype_named


class CastMethods(ArrayValue):
    """torch's casts and copies as methods, and its `new_...` family."""

    def _new(self, array: Array, device: DeviceLike, requires_grad: bool) -> Value:
        require_cpu(device)
        new = wrap_like(self, array)
        if requires_grad:
            new.requires_grad = True
        return new

    def _dtype_for_new(self, dtype: DTypeLike) -> np.dtype[Any]:
        return self.array.dtype if dtype is None else dtypes.to_numpy(dtype)

    @method
    def new_tensor(
        self,
        data: Any,
        *,
        dtype: DTypeLike = None,
        device: DeviceLike = None,
        requires_grad: bool = False,
    ) -> Value:
        """A copy of `data`, by default with this tensor's dtype."""
        if isinstance(data, Value):
            warn_of_copy()
        array = array_of(data, self.dtype if dtype is None else dtype)
        if not isinstance(data, Value | np.ndarray):
            made_of_numbers(array)
        return self._new(array, device, requires_grad)

    @method
    def new_zeros(
        self,
        *sizes: int | Sequence[int],
        size: Sequence[int] | None = None,
        dtype: DTypeLike = None,
        device: DeviceLike = None,
        requires_grad: bool = False,
    ) -> Value:
        """Zeros, by default of this tensor's dtype."""
        array = allocated(np.zeros, new_shape(sizes, size), self._dtype_for_new(dtype))
        return self._new(made_of_numbers(array), device, requires_grad)

    @method
    def new_ones(
        self,
        *sizes: int | Sequence[int],
        size: Sequence[int] | None = None,
        dtype: DTypeLike = None,
        device: DeviceLike = None,
        requires_grad: bool = False,
    ) -> Value:
        """Ones, by default of this tensor's dtype."""
        array = allocated(np.ones, new_shape(sizes, size), self._dtype_for_new(dtype))
        return self._new(made_of_numbers(array), device, requires_grad)

    @method
    def new_empty(
        self,
        *sizes: int | Sequence[int],
        size: Sequence[int] | None = None,
        dtype: DTypeLike = None,
        device: DeviceLike = None,
        requires_grad: bool = False,
    ) -> Value:
        """Uninitialised memory, by default of this tensor's dtype."""
        array = allocated(np.empty, new_shape(sizes, size), self._dtype_for_new(dtype))
        return self._new(made_of_numbers(array), device, requires_grad)

    @method
    def new_full(
        self,
        size: int | Sequence[int],
        fill_value: Number,
        *,
        dtype: DTypeLike = None,
        device: DeviceLike = None,
        requires_grad: bool = False,
    ) -> Value:
        """A tensor of `fill_value`, by default of this one's dtype."""
        found = self._dtype_for_new(dtype)
        value = dtypes.held_by(found, fill_value)
        array = allocated(np.empty, new_shape((size,)), found)
        array[...] = value
        return self._new(made_of_numbers(array), device, requires_grad)

    # --- copies and casts ---

    @method
    def clone(self, *, memory_format: MemoryFormat = preserve_format) -> Value:
        """A copy, by default with its elements in the same order in memory."""
        if memory_format is preserve_format:
            return ops.clone(self)
        require_format(memory_format)
        copy: Value = self.contiguous(memory_format=memory_format)
        return ops.clone(copy) if copy.array is self.array else copy

    @method
    def contiguous(self, *, memory_format: MemoryFormat = contiguous_format) -> Value:
        """The same elements in C order, or in that of a format; the tensor itself if they are."""
        if memory_format is not contiguous_format:
            return _in_format(self, memory_format)
        return self if self.array.flags.c_contiguous else ops.contiguous(self)

    @method
    def to(
        self,
        *args: ArrayValue | DTypeLike | DeviceLike | bool,
        dtype: DTypeLike = None,
        device: DeviceLike = None,
        copy: bool = False,
        non_blocking: bool = False,
        memory_format: MemoryFormat = preserve_format,
    ) -> Value:
        """This tensor as another dtype: `to(dtype)`, `to("cpu")`, `to("cpu", dtype)`, `to(other)`.

        The tensor itself if nothing changes, unless copy=True.  Raises RuntimeError for devices
        other than the CPU.  `non_blocking` has no effect: no device works beside the CPU.
        """
        require_format(memory_format)
        require_cpu(device)
        wanted: Any = dtype
        for given in args:
            if is_device(given):
                require_cpu(given)
            elif isinstance(given, ArrayValue):
                wanted = given.dtype
            elif given is not None and not isinstance(given, builtins.bool):
                wanted = given
        if wanted is not None and not isinstance(wanted, Dtype):
            wanted = dtypes.of_numpy(dtypes.to_numpy(wanted))
        result = self if wanted is None else self._cast(wanted)
        if copy and result is self:
            result = ops.clone(self)
        return result._cast(result.dtype, memory_format)

    def _cast(self, dtype: Dtype, memory_format: MemoryFormat = preserve_format) -> Self:
        cast = self if dtype.numpy == self.array.dtype else ops.cast(self, dtype=dtype)
        if memory_format is preserve_format:
            return cast
        return cast.contiguous(memory_format=memory_format)  # type: ignore[no-any-return]

    @method
    def type_as(self, other: ArrayValue) -> Value:
        """The elements in the dtype of `other`."""
        return self._cast(other.dtype)

    # The names of Python's types come last: below them they would mean these methods.

    @overload
    def type(self) -> str: ...
    @overload
    def type(self, dtype: DTypeLike | str) -> Self: ...
    def type(self, dtype: DTypeLike | str = None) -> Self | str:
        """This tensor as another dtype; without one, the type's name, as "minigrad.FloatTensor"."""
        if dtype is None:
            return f"minigrad.{NAMES[self.dtype]}"
        if isinstance(dtype, builtins.type) and issubclass(dtype, Value):
            return self._cast(dtypes.get_default_dtype())  # `x.type(Tensor)`
        if isinstance(dtype, TensorType):
            dtype = dtype.dtype
        if isinstance(dtype, str):
            dtype = dtype_named(dtype)
        return self._cast(dtypes.of_numpy(dtypes.to_numpy(dtype)))

    @method
    def half(self, *, memory_format: MemoryFormat = preserve_format) -> Value:
        return self._cast(dtypes.float16, memory_format)

    @method
    def double(self, *, memory_format: MemoryFormat = preserve_format) -> Value:
        return self._cast(dtypes.float64, memory_format)

    @method
    def long(self, *, memory_format: MemoryFormat = preserve_format) -> Value:
        return self._cast(dtypes.int64, memory_format)

    @method
    def short(self, *, memory_format: MemoryFormat = preserve_format) -> Value:
        return self._cast(dtypes.int16, memory_format)

    @method
    def char(self, *, memory_format: MemoryFormat = preserve_format) -> Value:
        return self._cast(dtypes.int8, memory_format)

    @method
    def byte(self, *, memory_format: MemoryFormat = preserve_format) -> Value:
        return self._cast(dtypes.uint8, memory_format)

    @method
    def float(self, *, memory_format: MemoryFormat = preserve_format) -> Value:
        return self._cast(dtypes.float32, memory_format)

    @method
    def int(self, *, memory_format: MemoryFormat = preserve_format) -> Value:
        return self._cast(dtypes.int32, memory_format)

    @method
    def bool(self, *, memory_format: MemoryFormat = preserve_format) -> Value:
        return self._cast(dtypes.bool_, memory_format)


def _in_format(tensor: Any, memory_format: MemoryFormat) -> Value:
    """The tensor with its elements in the order of a format; itself if they are."""
    require_format(memory_format)
    if memory_format.order is None:
        raise RuntimeError(f"{memory_format.name} memory format is unsupported by contiguous")
    given: Value = tensor
    if tensor.is_contiguous(memory_format):
        return given
    ordered(tensor.array, memory_format)  # which raises where the dimensions do not fit
    moved = ops.contiguous(ops.permute(tensor, memory_format.order))
    found: Value = ops.permute(moved, tuple(np.argsort(memory_format.order)))
    return found


for _name, _dtype in {
    "half": "float16", "float": "float32", "double": "float64", "bool": "bool", "byte": "uint8",
    "char": "int8", "short": "int16", "int": "int32", "long": "int64",
}.items():  # fmt: skip
    vars(CastMethods)[_name].__doc__ = f"The elements as {_dtype}."
