"""A tensor and its memory: where it lies, and tensors made to lie elsewhere."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from minigrad import ops
from minigrad.core import dtypes
from minigrad.core.dtypes import dtype as Dtype
from minigrad.core.memory_format import contiguous_format
from minigrad.core.memory_format import memory_format as MemoryFormat
from minigrad.core.types import Array, Shape
from minigrad.engine.graph import Value, wrap
from minigrad.engine.op import label_node
from minigrad.engine.overrides import DisableTorchFunctionSubclass
from minigrad.ops.inplace import check_writable
from minigrad.tensor.memory import bytes_of, owner_of, view_of
from minigrad.tensor.methods.array import ArrayValue, new_shape
from minigrad.tensor.storage import TypedStorage, UntypedStorage


class StorageMethods(ArrayValue):
    """torch's methods for the memory beneath."""

    def data_ptr(self) -> int:
        """The address of the first element; 0 if there is none."""
        return int(self.array.ctypes.data) if self.array.size else 0

    const_data_ptr = data_ptr

    def storage_offset(self) -> int:
        """Elements between the start of the memory this is a view of and its own."""
        array = self.array
        return int(array.ctypes.data - owner_of(array).ctypes.data) // array.itemsize

    def untyped_storage(self) -> UntypedStorage:
        """The memory this tensor is a view of, as bytes."""
        return UntypedStorage(bytes_of(owner_of(self.array)))

    def storage(self) -> TypedStorage:
        """The memory this tensor is a view of, as elements of its dtype."""
        return TypedStorage(bytes_of(owner_of(self.array)), self.dtype)

    def dim_order(self) -> Shape:
        """The dimensions from the outermost to the innermost in memory."""
        strides = self.array.strides
        return tuple(sorted(range(len(strides)), key=lambda dim: -strides[dim]))

    def is_set_to(self, tensor: Value) -> bool:
        """True if both are the same elements of the same memory."""
        mine, its = self.array, tensor.array
        return bool(
            mine.ctypes.data == its.ctypes.data
            and mine.shape == its.shape
            and mine.strides == its.strides
            and mine.dtype == its.dtype
        )

    def resize_(
        self, *sizes: int | Sequence[int], memory_format: MemoryFormat = contiguous_format
    ) -> Self:
        """Make this tensor one of another shape, on its own memory where that is large enough.

        Elements that are added are those of the memory, or ones that nobody has written.  Raises
        RuntimeError for a tensor that requires gradients.
        PyTorch differs: where memory is replaced, views of the old one follow there; here they
        keep it.
        """
        if memory_format is not contiguous_format:
            raise RuntimeError(
                f"resize_: memory_format must be contiguous_format, got {memory_format}"
            )
        shape = new_shape(sizes)
        if self._requires_grad:
            raise RuntimeError("cannot resize variables that require grad")
        check_writable(self)
        if shape != self.array.shape:
            self._lie_at(_resized(self.array, shape), None)
        return self

    def resize_as_(self, the_template: Value) -> Self:
        """Make this tensor one of the template's shape, as `resize_`."""
        return self.resize_(the_template.shape)

    def set_(
        self,
        source: "Value | UntypedStorage | None" = None,
        storage_offset: int = 0,
        size: Sequence[int] | None = None,
        stride: Sequence[int] | None = None,
    ) -> Self:
        """Make this tensor lie in the memory of `source`, a tensor or a storage.

        Without `size`, it is the tensor, or all elements of the storage.  Raises RuntimeError for
        another dtype, for a place outside the memory, and for a tensor that requires gradients.
        """
        dtype = self.array.dtype
        if self._requires_grad:
            raise RuntimeError("cannot set_ a tensor that requires grad; use its detach()")
        if source is None:
            self._lie_at(np.empty(0, dtype), None)
            return self
        if isinstance(source, Value):
            if source.array.dtype != dtype:
                raise RuntimeError(
                    f"Could not set tensor of type {source.dtype} to a tensor of type {self.dtype}"
                )
            if size is None:
                self._lie_at(source.array, source)
                return self
            owner = owner_of(source.array)
        else:
            owner = source.memory
            size = (owner.nbytes // dtype.itemsize,) if size is None else size
        shape = tuple(size)
        steps = _contiguous_steps(shape) if stride is None else tuple(stride)
        strides = tuple(step * dtype.itemsize for step in steps)
        place = (dtype.str, shape, strides, storage_offset * dtype.itemsize)
        self._lie_at(view_of(owner, place), source if isinstance(source, Value) else None)
        return self

    def as_subclass(self, cls: type[Any]) -> Any:
        """The same tensor, in the graph too, as one of a subclass of Tensor."""
        if not (isinstance(cls, type) and issubclass(cls, Value.kind)):
            raise TypeError(f"as_subclass(): expected a subclass of Tensor, got {cls!r}")
        with DisableTorchFunctionSubclass():
            same: Value = _alias(self) if self._requires_grad else self.detach()
        new = wrap(cls, same.array)
        vars(new).update(vars(same))
        return new

    def _lie_at(self, array: Array, source: Value | None) -> None:
        """Take another array, with the record of changes of the tensor that has the memory."""
        if source is not None:
            self._storage = source.change_record()
        elif not np.may_share_memory(array, self.array):
            self._storage = None
        self.array = array
        self._base = None


def _alias(tensor: Value) -> Value:
    return label_node(ops.view(tensor, shape=tensor.shape), "AliasBackward0", (tensor,))


def _contiguous_steps(shape: Sequence[int]) -> tuple[int, ...]:
    steps, step = [], 1
    for size in reversed(shape):
        steps.append(step)
        step *= max(size, 1)
    return tuple(reversed(steps))


def _resized(array: Array, shape: tuple[int, ...]) -> Array:
    """An array of another shape that starts where this one does, in new memory if need be."""
    owner = owner_of(array)
    offset = array.ctypes.data - owner.ctypes.data
    strides = tuple(step * array.itemsize for step in _contiguous_steps(shape))
    count = int(np.prod(shape))
    if offset + count * array.itemsize > owner.nbytes:
        memory = np.empty(offset + count * array.itemsize, np.uint8)
        memory[: owner.nbytes] = bytes_of(owner)
        owner = memory
    return view_of(owner, (array.dtype.str, shape, strides, offset))


def reinterpreted(tensor: ArrayValue, dtype: Dtype) -> Value:
    """The memory of a tensor as elements of another dtype, `x.view(dtype)`, outside the graph.

    Raises RuntimeError where the last dimension does not hold a whole number of them.
    """
    alias: Value = wrap(tensor.kind, _in_dtype(tensor.array, dtype))
    alias._storage = tensor.change_record()
    return alias


def _in_dtype(array: Array, dtype: Dtype) -> Array:
    if dtype.itemsize == array.itemsize:
        return array.view(dtype.numpy)
    change = f"to view {dtypes.of_numpy(array.dtype)} as {dtype} (different element sizes)"
    if array.ndim == 0:
        raise RuntimeError(f"self.dim() cannot be 0 {change}")
    step = array.strides[-1] // array.itemsize
    if array.size == 0:
        last = array.shape[-1] * array.itemsize // dtype.itemsize
        return np.empty((*array.shape[:-1], last), dtype.numpy)
    if step != 1:
        raise RuntimeError(f"self.stride(-1) must be 1 {change}, but got {step}")
    if array.shape[-1] * array.itemsize % dtype.itemsize:
        raise RuntimeError(
            f"self.size(-1) must be divisible by {dtype.itemsize // array.itemsize} {change}, but "
            f"got {array.shape[-1]}"
        )
    try:
        return array.view(dtype.numpy)
    except ValueError as error:
        raise RuntimeError(f"self.stride() must be divisible {change}: {error}") from None
