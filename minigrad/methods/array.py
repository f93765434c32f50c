"""A Value as an array among arrays: what it is, its numbers, its protocols, how it is written."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import dtypes, ops
from minigrad.device import device as Device
from minigrad.device import is_device, require_cpu
from minigrad.dtypes import dtype as Dtype
from minigrad.graph import Value, wrap
from minigrad.ops.dims import wrap_dim
from minigrad.printing import format_tensor


def sizes(given: Sequence[Any]) -> tuple[int, ...]:
    """Sizes or dimensions passed one by one, or as one sequence."""
    if len(given) == 1 and not isinstance(given[0], int | np.integer | Value):
        given = given[0]
    return tuple(int(size) for size in given)


def new_shape(given: Sequence[Any]) -> tuple[int, ...]:
    """The sizes of a tensor to be made.  Raises RuntimeError if one is negative."""
    found = sizes(given)
    if any(size < 0 for size in found):
        raise RuntimeError(f"a tensor cannot have negative dimensions, got shape {list(found)}")
    return found


class ArrayValue(Value):
    """What a tensor has in common with NumPy's arrays."""

    # NumPy is to leave `np.float64(2) * tensor` to the tensor.
    __array_priority__ = 1000

    # --- what it is ---

    @property
    def shape(self) -> tuple[int, ...]:
        shape: tuple[int, ...] = self.array.shape
        return shape

    @property
    def dtype(self) -> Dtype:
        return dtypes.of_numpy(self.array.dtype)

    @property
    def device(self) -> Device:
        return Device("cpu")

    @property
    def ndim(self) -> int:
        return self.array.ndim

    @property
    def itemsize(self) -> int:
        return self.array.itemsize

    @property
    def nbytes(self) -> int:
        return self.array.nbytes

    @property
    def grad_fn(self) -> Any:
        return self.node

    @property
    def is_cuda(self) -> bool:
        return False

    def size(self, dim: int | None = None) -> Any:
        """The shape, or one size of it."""
        return self.shape if dim is None else self.shape[wrap_dim(dim, self.ndim)]

    def dim(self) -> int:
        return self.array.ndim

    def numel(self) -> int:
        return self.array.size

    nelement = numel

    def element_size(self) -> int:
        return self.array.itemsize

    def stride(self, dim: int | None = None) -> Any:
        """Elements to step over per dimension."""
        strides = tuple(s // self.array.itemsize for s in self.array.strides)
        return strides if dim is None else strides[dim]

    def data_ptr(self) -> int:
        return int(self.array.ctypes.data)

    def is_contiguous(self) -> bool:
        return bool(self.array.flags.c_contiguous)

    def is_floating_point(self) -> bool:
        return bool(self.array.dtype.kind == "f")

    def is_complex(self) -> bool:
        return False

    def is_inference(self) -> bool:
        return self._is_inference

    # --- numbers out ---

    def numpy(self, *, force: bool = False) -> np.ndarray[Any, Any]:
        """The NumPy array beneath, sharing memory.

        Raises RuntimeError if the tensor requires gradients, unless force is True.
        """
        if self.requires_grad and not force:
            raise RuntimeError(
                "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() "
                "instead."
            )
        return self.array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return np.asarray(self.numpy(), dtype=dtype, copy=copy)

    def __dlpack__(self, **options: Any) -> Any:
        return self.numpy().__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self.array.__dlpack_device__()

    def item(self) -> Any:
        """The one element, as a Python number."""
        if self.array.size != 1:
            raise RuntimeError(
                f"a Tensor with {self.array.size} elements cannot be converted to Scalar"
            )
        return self.array.item()

    def tolist(self) -> Any:
        """Nested lists of Python numbers."""
        return self.array.tolist()

    def __bool__(self) -> bool:
        if self.array.size != 1:
            raise RuntimeError(
                f"Boolean value of Tensor with {self.array.size} values is ambiguous"
                if self.array.size
                else "Boolean value of Tensor with no values is ambiguous"
            )
        return bool(self.array.item())

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        if self.array.dtype.kind not in "iub" or self.array.size != 1:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self.item())

    def __len__(self) -> int:
        if self.array.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return len(self.array)

    def __hash__(self) -> int:
        return id(self)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if self.ndim == 0 else object.__format__(self, spec)

    def __repr__(self) -> str:
        notes = []
        plain = (dtypes.get_default_dtype(), dtypes.int64, dtypes.bool_)
        shown = None if self.dtype in plain and self.array.size else repr(self.dtype)
        if self.array.size == 0 and self.dtype is dtypes.get_default_dtype():
            shown = None
        if self.node is not None:
            notes.append(f"grad_fn={self.node!r}")
        elif self.requires_grad:
            notes.append("requires_grad=True")
        return format_tensor(self.array, "tensor(", notes, shown)

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
        array = np.zeros(new_shape(size), self._dtype_for_new(dtype))
        return self._new(array, device, requires_grad)

    def new_ones(
        self, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False
    ) -> Any:
        """Ones, by default of this tensor's dtype."""
        array = np.ones(new_shape(size), self._dtype_for_new(dtype))
        return self._new(array, device, requires_grad)

    def new_empty(
        self, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False
    ) -> Any:
        """Uninitialised memory, by default of this tensor's dtype."""
        array = np.empty(new_shape(size), self._dtype_for_new(dtype))
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
        array = np.full(size, fill_value, self._dtype_for_new(dtype))
        return self._new(array, device, requires_grad)

    # --- casts ---

    def to(self, *args: Any, **options: Any) -> Any:
        """This tensor as another dtype: `to(dtype)`, `to("cpu")`, `to("cpu", dtype)`, `to(other)`.

        The tensor itself if nothing changes, unless copy=True.  Raises RuntimeError for devices
        other than the CPU.
        """
        copy = options.pop("copy", False)
        options.pop("non_blocking", None)  # a hint for devices that work beside the CPU
        wanted = options.pop("dtype", None)
        require_cpu(options.pop("device", None))
        if options:
            raise TypeError(f"to() got an unexpected keyword argument '{next(iter(options))}'")
        for given in args:
            if is_device(given):
                require_cpu(given)
            elif isinstance(given, ArrayValue):
                wanted = given.dtype
            elif given is not None and not isinstance(given, bool):
                wanted = given
        dtype = self.array.dtype if wanted is None else dtypes.to_numpy(wanted)
        if dtype != self.array.dtype:
            return ops.cast(self, dtype=dtypes.of_numpy(dtype))
        return ops.clone(self) if copy else self

    def type_as(self, other: Any) -> Any:
        return self.to(other.dtype)

    def cpu(self) -> Any:
        return self

    def cuda(self, *_: Any) -> Any:
        raise RuntimeError("minigrad computes on the CPU only: there is no cuda device")

    # The names of Python's types come last: below them they would mean these methods.

    def type(self, dtype: Any) -> Any:
        return self.to(dtype)

    def half(self) -> Any:
        return self.to(dtypes.float16)

    def double(self) -> Any:
        return self.to(dtypes.float64)

    def long(self) -> Any:
        return self.to(dtypes.int64)

    def float(self) -> Any:
        return self.to(dtypes.float32)

    def int(self) -> Any:
        return self.to(dtypes.int32)

    def bool(self) -> Any:
        return self.to(dtypes.bool_)
