"""Storages of torch's files: runs of elements, which tensors share."""

from collections.abc import Callable
from typing import Any

from minigrad.core.types import Array
from minigrad.serialization.element_types import decode, item_size, widened
from minigrad.serialization.map_location import Locations
from minigrad.serialization.strided import view_of
from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_array

_TYPES = {
    "Double": "float64", "Float": "float32", "Half": "float16", "BFloat16": "bfloat16",
    "Long": "int64", "Int": "int32", "Short": "int16", "Char": "int8", "Byte": "uint8",
    "Bool": "bool", "ComplexFloat": "complex64", "ComplexDouble": "complex128",
    "QUInt8": "quint8", "QInt8": "qint8", "QInt32": "qint32",
}  # fmt: skip
STORAGE_TYPES = {
    **{f"torch {name}Storage": of for name, of in _TYPES.items()},
    **{f"torch.cuda {name}Storage": of for name, of in _TYPES.items()},
    "torch.storage UntypedStorage": "untyped",
    "torch UntypedStorage": "untyped",
}
"""The names of classes of storages, with the type of their elements."""

Fetch = Callable[[str, int], Array]
"""A reader of the bytes of a storage, given its key and how many there are."""


class StorageRecord:
    """A storage that a pickle refers to: its key and type, and the part of it that is meant."""

    def __init__(
        self, key: str, dtype: str, count: int, location: str = "cpu", offset: int = 0
    ) -> None:
        self.key, self.dtype, self.count = key, dtype, count
        self.location, self.offset = location, offset

    @property
    def nbytes(self) -> int:
        """Bytes of the storage.  Raises ValueError if minigrad does not have the type."""
        return self.count * (1 if self.dtype == "untyped" else item_size(self.dtype))


class Storages:
    """The storages of one file, each read once, when a tensor first asks for it."""

    def __init__(self, fetch: Fetch, locations: Locations, big_endian: bool = False) -> None:
        self._fetch, self._locations, self._big_endian = fetch, locations, big_endian
        self.records: dict[str, StorageRecord] = {}
        self._tensors: dict[tuple[str, str], Tensor] = {}
        self.widened: set[str] = set()

    def record(self, key: str, dtype: str, count: int, location: str) -> StorageRecord:
        """A reference to a storage.  Raises ValueError if it contradicts an earlier one."""
        new = StorageRecord(key, dtype, count, location)
        old = self.records.setdefault(key, new)
        if old is new:
            self._locations.check(location)
        elif (old.dtype, old.count) != (dtype, count):
            raise ValueError(f"it describes storage {key[:20]!r} in two ways")
        return old

    def view(
        self, record: StorageRecord, dtype: str | None, offset: Any, size: Any, stride: Any
    ) -> Tensor:
        """A tensor on elements of a storage; the type of an untyped one's is `dtype`."""
        if type(offset) is not int or offset < 0:
            raise ValueError("a tensor's offset should be an integer >= 0")
        return view_of(self._elements(record, dtype), offset + record.offset, size, stride)

    def _elements(self, record: StorageRecord, dtype: str | None) -> Tensor:
        if (dtype is None) == (record.dtype == "untyped"):
            raise ValueError("a tensor's type should be given by its storage or beside it, once")
        name = dtype or record.dtype
        found = self._tensors.get((record.key, name))
        if found is None:
            if record.nbytes % item_size(name):
                raise ValueError(f"a storage does not have a whole number of {name}")
            root = self.records[record.key]
            raw = self._fetch(root.key, root.nbytes)
            found = from_array(decode(raw, name, self._big_endian))
            if widened(name):
                self.widened.add(name)
            self._locations.map(found, root.location)
            self._tensors[record.key, name] = found
        return found


def storage_of(value: Any) -> StorageRecord:
    """The value.  Raises ValueError if it is no storage."""
    if not isinstance(value, StorageRecord):
        raise ValueError("a tensor's storage is missing")
    return value
