"""The memory of a tensor as torch shows it: bytes, or elements of the tensor's dtype."""

from collections.abc import Iterator
from typing import Any, Self

import numpy as np

from minigrad.core.device import device as Device
from minigrad.core.dtypes import dtype as Dtype
from minigrad.core.types import Array


class UntypedStorage:
    """Memory as bytes; tensors that share it have storages of the same `data_ptr()`."""

    is_cuda = False

    def __init__(self, memory: int | Array = 0) -> None:
        self.memory: Array = np.empty(memory, np.uint8) if isinstance(memory, int) else memory

    @property
    def device(self) -> Device:
        return Device("cpu")

    def data_ptr(self) -> int:
        """The address of the first byte; 0 for none."""
        return int(self.memory.ctypes.data) if self.memory.size else 0

    def nbytes(self) -> int:
        return self.memory.nbytes

    def size(self) -> int:
        """The number of elements, here of bytes."""
        return self.memory.size

    def element_size(self) -> int:
        """The bytes of one element."""
        return self.memory.itemsize

    def is_shared(self) -> bool:
        """False: tensors live in memory of this process."""
        return False

    def tolist(self) -> list[Any]:
        elements: list[Any] = self.memory.tolist()
        return elements

    def clone(self) -> Self:
        """A copy."""
        return self._of(self.memory.copy())

    def copy_(self, source: "UntypedStorage") -> Self:
        """Write the elements of another storage over this one's."""
        self.memory[...] = source.memory
        return self

    def fill_(self, value: float) -> Self:
        """Make every element `value`."""
        self.memory[...] = value
        return self

    def _of(self, memory: Array) -> Self:
        new = object.__new__(type(self))
        new.memory = memory
        return new

    def __len__(self) -> int:
        return self.memory.size

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def __getitem__(self, index: int | slice) -> Any:
        found = self.memory[index]
        return self._of(found) if isinstance(index, slice) else found.item()

    def __setitem__(self, index: int | slice, value: Any) -> None:
        self.memory[index] = value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, UntypedStorage):
            return NotImplemented
        return self.data_ptr() == other.data_ptr() and self.nbytes() == other.nbytes()

    def __hash__(self) -> int:
        return hash(self.data_ptr())

    def __repr__(self) -> str:
        return f"[minigrad.{type(self).__name__} of size {self.size()}]"


class TypedStorage(UntypedStorage):
    """The same memory as elements of a tensor's dtype."""

    def __init__(self, memory: Array, dtype: Dtype) -> None:
        super().__init__(memory.view(dtype.numpy))
        self.dtype = dtype

    def untyped(self) -> UntypedStorage:
        """The same memory as bytes."""
        return UntypedStorage(self.memory.view(np.uint8))

    def _of(self, memory: Array) -> Self:
        new = super()._of(memory)
        new.dtype = self.dtype
        return new


def is_storage(obj: object) -> bool:
    """True if the object is a storage."""
    return isinstance(obj, UntypedStorage)
