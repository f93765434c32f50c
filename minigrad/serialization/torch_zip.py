"""torch's files since 1.6: zip archives of a pickle and a member for each storage."""

import struct
import zipfile
import zlib
from typing import Any

from minigrad.core.types import Array
from minigrad.serialization.map_location import Locations
from minigrad.serialization.source import Source
from minigrad.serialization.torch_storage import Storages
from minigrad.serialization.torch_unpickler import TorchUnpickler

_HEADER = struct.Struct("<4sHHHHHIIIHH")
_SEVERAL = 1  # the flag of encrypted members


def load_zip(source: Source, locations: Locations, check: bool) -> tuple[Any, set[str]]:
    """The object in an archive, and the types of elements that were widened.

    check: compare checksums of storages, for which all of them must be read.
    """
    archive = _Archive(source)
    if archive.has("constants.pkl"):
        raise ValueError("it is a TorchScript program: save the module's state_dict()")
    order = archive.read("byteorder") if archive.has("byteorder") else b"little"
    if order not in (b"little", b"big"):
        raise ValueError("its byte order is unknown")

    def fetch(key: str, nbytes: int) -> Array:
        found = archive.array(f"data/{key}", check)
        if found.size != nbytes:
            raise ValueError(f"a storage should have {nbytes} bytes, and has {found.size}")
        return found

    storages = Storages(fetch, locations, big_endian=order == b"big")
    result = TorchUnpickler(storages).load(archive.read("data.pkl"))
    return result, storages.widened


class _Archive:
    """The members of a zip archive, in its one folder; all are stored, none overlaps another.

    So no member takes more memory than its bytes in the file.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._members: dict[str, zipfile.ZipInfo] = {}
        # zipfile reads the list of members; what it cannot make sense of ends in many errors.
        try:
            with zipfile.ZipFile(source.stream(0)) as archive:
                found = archive.infolist()
        except (zipfile.BadZipFile, NotImplementedError, OSError) as error:
            raise ValueError(f"its list of members is damaged ({error})") from error
        except (struct.error, OverflowError, LookupError, EOFError) as error:
            raise ValueError("its list of members is damaged") from error
        pickles = [m.filename for m in found if m.filename.split("/")[1:] == ["data.pkl"]]
        if len(pickles) != 1:
            raise ValueError("it is a zip archive, but none that torch.save wrote: no data.pkl")
        self._folder = pickles[0].removesuffix("data.pkl")
        for member in found:
            if member.filename in self._members:
                raise ValueError(f"it has two members named {member.filename[:50]!r}")
            self._members[member.filename] = member
        self._places = self._checked_places(found)

    def _checked_places(self, found: list[zipfile.ZipInfo]) -> dict[str, int]:
        """Where the content of each member begins."""
        places, end = {}, 0
        for member in sorted(found, key=lambda member: member.header_offset):
            name = member.filename[:50]
            if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & _SEVERAL:
                raise ValueError(f"its member {name!r} is compressed or encrypted")
            if member.file_size != member.compress_size:
                raise ValueError(f"its member {name!r} has two sizes")
            if member.header_offset < end:
                raise ValueError(f"its member {name!r} overlaps another")
            header = _HEADER.unpack(self._source.read(member.header_offset, _HEADER.size))
            if header[0] != b"PK\x03\x04":
                raise ValueError(f"its member {name!r} has no header")
            start = member.header_offset + _HEADER.size + header[-2] + header[-1]
            end = start + member.file_size
            if end > self._source.size:
                raise ValueError(f"its member {name!r} does not lie in the file")
            places[member.filename] = start
        return places

    def has(self, name: str) -> bool:
        """True if there is a member of this name in the folder."""
        return self._folder + name in self._members

    def read(self, name: str) -> bytes:
        """The bytes of a member."""
        return self.array(name, check=True).tobytes()

    def array(self, name: str, check: bool) -> Array:
        """The bytes of a member, in memory that may be written."""
        if not self.has(name):
            raise ValueError(f"its member {name[:50]!r} is missing")
        member = self._members[self._folder + name]
        content = self._source.array(self._places[member.filename], member.file_size)
        if check and zlib.crc32(content.data) != member.CRC:
            raise ValueError(f"its member {name[:50]!r} is damaged: the checksum differs")
        return content
