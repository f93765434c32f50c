"""torch's files before 1.6: five pickles, and then the bytes of all storages."""

import struct
from typing import Any

from minigrad.core.types import Array
from minigrad.core.unpickler import Unpickler
from minigrad.serialization.map_location import Locations
from minigrad.serialization.source import Source
from minigrad.serialization.torch_storage import StorageRecord, Storages
from minigrad.serialization.torch_unpickler import TorchUnpickler
from minigrad.tensor import Tensor
from minigrad.tensor.creation import zeros

MAGIC = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""The pickle of the number with which these files begin, without its protocol."""
_PROTOCOL = 1001


def load_legacy(source: Source, locations: Locations) -> tuple[Any, set[str]]:
    """The object in a file, and the types of elements that were widened.

    The pickle that says how large storages are comes before them, and so is read twice: first for
    the sizes, then, when it is known where each storage lies, for the tensors.
    """
    stream = source.stream(0)
    Unpickler().load(stream)
    if Unpickler().load(stream) != _PROTOCOL:
        raise ValueError("its version is unknown")
    Unpickler().load(stream)  # sizes of C's integers where it was written, and the byte order
    start = stream.tell()
    survey = _Survey(_unread, locations)
    TorchUnpickler(survey).load(stream)
    # This leaves the file where the stream has it.
    pickled = source.read(start, stream.tell() - start)
    keys = Unpickler().load(stream)
    places, end = _places(source, survey.records, keys, stream.tell())

    def fetch(key: str, nbytes: int) -> Array:
        return source.array(places[key], nbytes)

    storages = Storages(fetch, locations)
    result = TorchUnpickler(storages).load(pickled)
    source.finish(end)
    return result, storages.widened


def _places(
    source: Source, records: dict[str, StorageRecord], keys: Any, position: int
) -> tuple[dict[str, int], int]:
    """Where the bytes of each storage begin, and where the last ends."""
    if type(keys) is not list or not all(type(key) is str for key in keys):
        raise ValueError("the list of its storages is missing")
    if len(set(keys)) != len(keys) or set(keys) != records.keys():
        raise ValueError("the list of its storages has others than its tensors")
    places = {}
    for key in keys:
        (count,) = struct.unpack("<q", source.read(position, 8))
        record = records[key]
        if count != record.count:
            raise ValueError(f"a storage should have {record.count} elements, and has {count}")
        places[key] = position + 8
        position += 8 + record.nbytes
        if position > source.size:
            raise ValueError(f"it should have {position} bytes, and has {source.size}")
    return places, position


def _unread(key: str, nbytes: int) -> Array:
    raise ValueError("a storage is used before it is read")


class _Survey(Storages):
    """Storages that are only noted: tensors on them are empty."""

    def view(self, record: StorageRecord, dtype: str | None, *_: Any) -> Tensor:
        """A tensor without elements."""
        return zeros(0)
