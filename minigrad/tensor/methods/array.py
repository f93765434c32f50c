"""The attributes of a tensor: shape, strides, dtype and device."""

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, overload

import numpy as np

from minigrad.core.device import CPU
from minigrad.core.device import device as Device
from minigrad.core.errors import OutOfMemoryError
from minigrad.core.memory_format import contiguous_format, ordered, require_format, strided
from minigrad.core.memory_format import layout as Layout
from minigrad.core.memory_format import memory_format as MemoryFormat
from minigrad.core.types import Array, Shape, Size
from minigrad.core.warn import warn_caller
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


def named_sizes(given: Sequence[Any], named: Sequence[int]) -> tuple[int, ...]:
    """Sizes or dimensions passed by the argument's name.

    Raises TypeError if there are `given` ones by position, too.
    """
    if given:
        raise TypeError(f"sizes are given twice: {list(given)} by position, {named} by name")
    return sizes((named,))


def sizes_or_named(
    name: str, given: Sequence[Any], named: Mapping[str, Any], argument: str = "dims"
) -> tuple[int, ...]:
    """Sizes or dimensions passed by position, or by the argument's name.

    Raises TypeError for another name, and if there are none.
    """
    if named.keys() - {argument} or (given and named):
        raise TypeError(
            f"{name}() takes {argument} by position or by name, got {list(given)} and {dict(named)}"
        )
    return sizes((named[argument],) if named else given, name)


def new_shape(given: Sequence[Any], named: Sequence[int] | None = None) -> tuple[int, ...]:
    """The sizes of a tensor to be made.  Raises RuntimeError if one is negative."""
    found = sizes(given) if named is None else named_sizes(given, named)
    if any(size < 0 for size in found):
        raise RuntimeError(
            f"Dimension size must be non-negative: a tensor cannot have negative dimensions, got "
            f"shape {list(found)}"
        )
    return found


def warn_of_copy() -> None:
    """Warn as torch does of `tensor(x)` for a tensor x."""
    warn_caller(
        "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() "
        "or sourceTensor.detach().clone().requires_grad_(True), rather than tensor(sourceTensor)."
    )


def warn_of_read_only(what: str) -> None:
    """Warn that the memory of a new tensor cannot be written."""
    warn_caller(
        f"The given {what} is not writable. Operations in place on the tensor raise RuntimeError; "
        f"copy the {what} if it is to be changed."
    )


def require_even(data: Any, lengths: Sequence[int] | None = None, dim: int = 0) -> None:
    """Raise torch's ValueError if nested sequences do not all have the lengths of the first."""
    if lengths is None:
        lengths, first = [], data
        while isinstance(first, list | tuple):
            lengths.append(len(first))
            first = first[0] if first else None
    if dim == len(lengths):
        return
    if not isinstance(data, list | tuple) or len(data) != lengths[dim]:
        got = len(data) if isinstance(data, list | tuple) else type(data).__name__
        raise ValueError(f"expected sequence of length {lengths[dim]} at dim {dim} (got {got})")
    for item in data:
        require_even(item, lengths, dim + 1)


def allocated(make: Callable[..., Array], shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """`make(shape, dtype)`.  Raises OutOfMemoryError if there is not so much memory."""
    try:
        return make(shape, dtype)
    except (MemoryError, ValueError):
        amount = math.prod(shape) * dtype.itemsize
        raise OutOfMemoryError(
            f"not enough memory: a tensor of shape {list(shape)} and dtype {dtype} takes "
            f"{amount:,} bytes"
        ) from None


def strided_memory(size: Sequence[int], stride: Sequence[int], dtype: np.dtype[Any]) -> Array:
    """Uninitialised memory with strides in elements.

    Raises RuntimeError unless there is a stride, not negative, for each size.
    """
    if len(size) != len(stride) or any(n < 0 for n in (*size, *stride)):
        raise RuntimeError(
            f"dimensionality of sizes ({len(size)}) must match dimensionality of strides "
            f"({len(stride)}), and none be negative, got {list(size)} and {list(stride)}"
        )
    needed = 1 + sum(s * (n - 1) for n, s in zip(size, stride, strict=True))
    memory = allocated(np.empty, (0 if 0 in size else needed,), dtype)
    steps = [s * memory.itemsize for s in stride]
    array: Array = np.lib.stride_tricks.as_strided(memory, tuple(size), steps)
    return array


class ArrayValue(Value):
    """The attributes of an array."""

    # A mixin does not know the tensor that it becomes a part of.
    kind: type[Any]

    # torch's, for libraries that ask for it; NumPy itself asks `__array_ufunc__`.
    __array_priority__ = 1000

    @property
    def device(self) -> Device:
        return CPU

    @property
    def itemsize(self) -> int:
        return self.array.itemsize

    @property
    def nbytes(self) -> int:
        return self.array.nbytes

    @property
    def grad_fn(self) -> Node | None:
        """The node of the graph that made this tensor, or None for a leaf."""
        if self._needs_check:
            self.refresh_view()
        return None if self.node is None else self.node.named()

    @property
    def layout(self) -> Layout:
        return strided

    is_cpu = property(lambda self: True)
    is_cuda = is_mps = is_xpu = is_meta = property(lambda self: False)
    is_sparse = is_sparse_csr = is_quantized = is_nested = is_mkldnn = is_cuda
    is_ipu = is_maia = is_mtia = is_vulkan = is_xla = is_cuda
    name = property(lambda self: None)  # torch's compiler names tensors; programs look for it
    output_nr = property(lambda self: 0)  # nodes here have one result each

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
        """The number of dimensions."""
        return self.array.ndim

    def numel(self) -> int:
        """The number of elements."""
        return self.array.size

    ndimension = dim
    nelement = numel

    def element_size(self) -> int:
        """The bytes of one element."""
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

    def is_contiguous(self, memory_format: MemoryFormat = contiguous_format) -> bool:
        """True if the elements lie in memory in the order of `memory_format`."""
        require_format(memory_format)
        if memory_format.order is None:
            return bool(self.array.flags.c_contiguous)
        fits = self.array.ndim == len(memory_format.order)
        return fits and bool(ordered(self.array, memory_format).flags.c_contiguous)

    def is_floating_point(self) -> bool:
        """True if the dtype is a floating one."""
        return bool(self.array.dtype.kind == "f")

    def is_signed(self) -> bool:
        """True if the dtype has negative numbers."""
        return self.dtype.is_signed

    def is_same_size(self, other: Value) -> bool:
        """True if `other` has the same shape."""
        return bool(self.array.shape == other.array.shape)

    def is_nonzero(self) -> bool:
        """True if the one element is not zero.  Raises RuntimeError if there are more or none."""
        return bool(self)

    def is_complex(self) -> bool:
        """True if the dtype is complex."""
        return self._is_complex

    def is_conj(self) -> bool:
        """False: conjugates are computed at once."""
        return False

    is_neg = is_conj

    def is_pinned(self) -> bool:
        """False: memory is neither pinned nor shared here."""
        return False

    is_shared = is_pinned

    def is_inference(self) -> bool:
        """True if the tensor was made in inference mode."""
        return self._is_inference

    __hash__ = object.__hash__  # a tensor is itself, whatever its elements equal
