"""Other dtypes, copies, and new tensors of the same dtype."""

import builtins
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.core import dtypes
from minigrad.core.device import is_device, require_cpu
from minigrad.core.memory_format import contiguous_format, preserve_format, require_format
from minigrad.engine.graph import wrap
from minigrad.tensor.methods.array import ArrayValue, allocated, new_shape

_TYPE_NAMES = {
    "HalfTensor": dtypes.float16,
    "FloatTensor": dtypes.float32,
    "DoubleTensor": dtypes.float64,
    "CharTensor": dtypes.int8,
    "ShortTensor": dtypes.int16,
    "IntTensor": dtypes.int32,
    "LongTensor": dtypes.int64,
    "ByteTensor": dtypes.uint8,
    "BoolTensor": dtypes.bool_,
}
_NAMES = {dtype: name for name, dtype in _TYPE_NAMES.items()}


class CastMethods(ArrayValue):
    """torch's casts and copies as methods, and its `new_...` family."""

    # --- new tensors of the same dtype ---

    def _new(self, array: np.ndarray[Any, Any], device: Any, requires_grad: bool) -> Any:
        require_cpu(device)
        new = wrap(self.kind, array)
        return new.requires_grad_() if requires_grad else new

    def _dtype_for_new(self, dtype: Any) -> np.dtype[Any]:
        return self.array.dtype if dtype is None else dtypes.to_numpy(dtype)

    def new_tensor(
        self, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
    ) -> Any:
        """A copy of `data`, by default with this tensor's dtype."""
        array = np.array(data, self._dtype_for_new(dtype))
        return self._new(array, device, requires_grad)

    def new_zeros(
        self, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False
    ) -> Any:
        """Zeros, by default of this tensor's dtype."""
        array = allocated(np.zeros, new_shape(size), self._dtype_for_new(dtype))
        return self._new(array, device, requires_grad)

    def new_ones(
        self, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False
    ) -> Any:
        """Ones, by default of this tensor's dtype."""
        array = allocated(np.ones, new_shape(size), self._dtype_for_new(dtype))
        return self._new(array, device, requires_grad)

    def new_empty(
        self, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False
    ) -> Any:
        """Uninitialised memory, by default of this tensor's dtype."""
        array = allocated(np.empty, new_shape(size), self._dtype_for_new(dtype))
        return self._new(array, device, requires_grad)

    def new_full(
        self,
        size: Any,
        fill_value: Any,
        *,
        dtype: Any = None,
        device: Any = None,
        requires_grad: bool = False,
    ) -> Any:
        """A tensor of `fill_value`, by default of this one's dtype."""
        array = allocated(np.empty, new_shape((size,)), self._dtype_for_new(dtype))
        array[...] = fill_value
        return self._new(array, device, requires_grad)

    # --- copies and casts ---

    def clone(self, *, memory_format: Any = preserve_format) -> Any:
        """A copy, by default with its elements in the same order in memory."""
        if memory_format is preserve_format:
            return ops.clone(self)
        require_format(memory_format)
        copy = ops.contiguous(self)
        return ops.clone(copy) if copy.array is self.array else copy

    def contiguous(self, *, memory_format: Any = contiguous_format) -> Any:
        """The same elements in C order; the tensor itself if they are."""
        require_format(memory_format)
        return self if self.array.flags.c_contiguous else ops.contiguous(self)

    def to(self, *args: Any, **options: Any) -> Any:
        """This tensor as another dtype: `to(dtype)`, `to("cpu")`, `to("cpu", dtype)`, `to(other)`.

        The tensor itself if nothing changes, unless copy=True.  Raises RuntimeError for devices
        other than the CPU.
        """
        copy = options.pop("copy", False)
        options.pop("non_blocking", None)  # a hint for devices that work beside the CPU
        wanted = options.pop("dtype", None)
        form = options.pop("memory_format", preserve_format)
        require_format(form)
        require_cpu(options.pop("device", None))
        if options:
            raise TypeError(f"to() got an unexpected keyword argument '{next(iter(options))}'")
        for given in args:
            if is_device(given):
                require_cpu(given)
            elif isinstance(given, ArrayValue):
                wanted = given.dtype
            elif given is not None and not isinstance(given, builtins.bool):
                wanted = given
        dtype = self.array.dtype if wanted is None else dtypes.to_numpy(wanted)
        if dtype != self.array.dtype:
            self = ops.cast(self, dtype=dtypes.of_numpy(dtype))  # noqa: PLW0642
        elif copy:
            self = ops.clone(self)  # noqa: PLW0642
        return self if form is preserve_format else self.contiguous()

    def type_as(self, other: Any) -> Any:
        return self.to(other.dtype)

    def cpu(self) -> Any:
        return self

    def cuda(self, *_: Any) -> Any:
        raise RuntimeError("minigrad computes on the CPU only: there is no cuda device")

    # The names of Python's types come last: below them they would mean these methods.

    def type(self, dtype: Any = None) -> Any:
        """This tensor as another dtype; without one, the type's name, as "minigrad.FloatTensor"."""
        if dtype is None:
            return f"minigrad.{_NAMES[self.dtype]}"
        if isinstance(dtype, str):
            name = dtype.rpartition(".")[2]
            if name not in _TYPE_NAMES:
                raise ValueError(f"invalid type: {dtype!r}; the types are {', '.join(_TYPE_NAMES)}")
            dtype = _TYPE_NAMES[name]
        return self.to(dtype)

    def half(self) -> Any:
        return self.to(dtypes.float16)

    def double(self) -> Any:
        return self.to(dtypes.float64)

    def long(self) -> Any:
        return self.to(dtypes.int64)

    def short(self) -> Any:
        return self.to(dtypes.int16)

    def char(self) -> Any:
        return self.to(dtypes.int8)

    def byte(self) -> Any:
        return self.to(dtypes.uint8)

    def float(self) -> Any:
        return self.to(dtypes.float32)

    def int(self) -> Any:
        return self.to(dtypes.int32)

    def bool(self) -> Any:
        return self.to(dtypes.bool_)
