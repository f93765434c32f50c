"""A Value as an array among arrays: what it is, its numbers, its protocols, how it is written."""

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any, overload

import numpy as np

from minigrad.core import dtypes
from minigrad.core.device import device as Device
from minigrad.core.memory_format import contiguous_format, require_format, strided
from minigrad.core.memory_format import layout as Layout
from minigrad.core.memory_format import memory_format as MemoryFormat
from minigrad.core.printing import format_tensor
from minigrad.core.types import Array, Number, Shape, Size
from minigrad.engine.graph import Node, Value
from minigrad.ops.dims import wrap_dim


def sizes(given: Sequence[Any], needed_by: str = "") -> tuple[int, ...]:
    """Sizes or dimensions passed one by one, or as one sequence.

    Raises TypeError if there are none though `needed_by` names a method that needs them.
    """
    if not given and needed_by:
        raise TypeError(f"{needed_by}() needs sizes, one by one or as one sequence, got none")
    if len(given) == 1 and not isinstance(given[0], int | np.integer | Value):
        given = given[0]
    return tuple(operator.index(size) for size in given)


def new_shape(given: Sequence[Any]) -> tuple[int, ...]:
    """The sizes of a tensor to be made.  Raises RuntimeError if one is negative."""
    found = sizes(given)
    if any(size < 0 for size in found):
        raise RuntimeError(f"a tensor cannot have negative dimensions, got shape {list(found)}")
    return found


def allocated(make: Callable[..., Array], shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """`make(shape, dtype)`.  Raises RuntimeError if there is not so much memory."""
    try:
        return make(shape, dtype)
    except (MemoryError, ValueError):
        amount = math.prod(shape) * dtype.itemsize
        raise RuntimeError(
            f"not enough memory: a tensor of shape {list(shape)} and dtype {dtype} takes "
            f"{amount:,} bytes"
        ) from None


class ArrayValue(Value):
    """What a tensor has in common with NumPy's arrays."""

    # A mixin does not know the tensor that it becomes a part of.
    kind: type[Any]

    # NumPy is to leave `np.float64(2) * tensor` to the tensor.
    __array_priority__ = 1000

    # --- what it is ---

    @property
    def device(self) -> Device:
        return Device("cpu")

    @property
    def itemsize(self) -> int:
        return self.array.itemsize

    @property
    def nbytes(self) -> int:
        return self.array.nbytes

    @property
    def grad_fn(self) -> Node | None:
        """The node of the graph that made this tensor, or None for a leaf."""
        return None if self.node is None else self.node.named()

    @property
    def layout(self) -> Layout:
        return strided

    is_cpu = property(lambda self: True)
    is_cuda = is_mps = is_xpu = is_meta = property(lambda self: False)
    is_sparse = is_sparse_csr = is_quantized = is_nested = is_mkldnn = is_cuda

    def get_device(self) -> int:
        """-1, torch's number for the CPU."""
        return -1

    @overload
    def size(self, dim: None = None) -> Size: ...
    @overload
    def size(self, dim: int) -> int: ...
    def size(self, dim: int | None = None) -> Size | int:
        """The shape, or one size of it."""
        return self.shape if dim is None else self.shape[wrap_dim(dim, self.ndim)]

    def dim(self) -> int:
        return self.array.ndim

    def numel(self) -> int:
        return self.array.size

    ndimension = dim
    nelement = numel

    def element_size(self) -> int:
        return self.array.itemsize

    @overload
    def stride(self, dim: None = None) -> Shape: ...
    @overload
    def stride(self, dim: int) -> int: ...
    def stride(self, dim: int | None = None) -> Shape | int:
        """Elements to step over per dimension.

        PyTorch differs: it may give another number for a dimension of size 1, where none is used.
        """
        strides = tuple(s // self.array.itemsize for s in self.array.strides)
        return strides if dim is None else strides[wrap_dim(dim, self.ndim)]

    def data_ptr(self) -> int:
        return int(self.array.ctypes.data)

    def storage_offset(self) -> int:
        """Elements between the start of the memory this is a view of and its own."""
        base = self.array if self._base is None else self._base.array
        return int(self.array.ctypes.data - base.ctypes.data) // self.array.itemsize

    def is_contiguous(self, memory_format: MemoryFormat = contiguous_format) -> bool:
        require_format(memory_format)
        return bool(self.array.flags.c_contiguous)

    def is_floating_point(self) -> bool:
        return bool(self.array.dtype.kind == "f")

    def is_signed(self) -> bool:
        return self.dtype.is_signed

    def is_same_size(self, other: Value) -> bool:
        return bool(self.array.shape == other.array.shape)

    def is_set_to(self, tensor: Value) -> bool:
        """Whether both are the same elements of the same memory."""
        mine, its = self.array, tensor.array
        return bool(
            mine.ctypes.data == its.ctypes.data
            and mine.shape == its.shape
            and mine.strides == its.strides
            and mine.dtype == its.dtype
        )

    def is_nonzero(self) -> bool:
        """Whether the one element is not zero.  Raises RuntimeError if there are more or none."""
        return bool(self)

    def is_complex(self) -> bool:
        return False

    is_conj = is_neg = is_complex

    def is_pinned(self) -> bool:
        return False

    is_shared = is_pinned

    def is_inference(self) -> bool:
        return self._is_inference

    # --- numbers out ---

    def numpy(self, *, force: bool = False) -> Array:
        """The NumPy array beneath, sharing memory.

        Raises RuntimeError if the tensor requires gradients, unless force is True.
        """
        if self.requires_grad and not force:
            raise RuntimeError(
                "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() "
                "instead."
            )
        return self.array

    def __array__(self, dtype: np.dtype[Any] | None = None, copy: bool | None = None) -> Array:
        return np.asarray(self.numpy(), dtype=dtype, copy=copy)

    def __dlpack__(self, **options: Any) -> Any:
        return self.numpy().__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.array.__dlpack_device__()

    def item(self) -> Number:
        """The one element, as a Python number."""
        if self.array.size != 1:
            raise RuntimeError(
                f"a Tensor with {self.array.size} elements cannot be converted to Scalar"
            )
        number: Number = self.array.item()
        return number

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

    def _number(self) -> Any:
        if self.array.size != 1:
            raise ValueError(
                f"only one element tensors can be converted to Python scalars, this one has "
                f"{self.array.size}"
            )
        return self.array.item()

    def __float__(self) -> float:
        return float(self._number())

    def __int__(self) -> int:
        return int(self._number())

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

    __hash__ = object.__hash__  # a tensor is itself, whatever its elements equal

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
