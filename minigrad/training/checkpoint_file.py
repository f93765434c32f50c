"""One checkpoint in one file: safetensors, with a checksum over all of it in its header."""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from minigrad.core.files import write_atomically
from minigrad.core.types import Array
from minigrad.ops.generator import Generator
from minigrad.serialization import load
from minigrad.serialization.form import Encoder
from minigrad.serialization.safetensors_reader import SafetensorsFile
from minigrad.serialization.safetensors_writer import SafetensorsContent, safetensors_content
from minigrad.serialization.source import Source
from minigrad.serialization.writer import FORM
from minigrad.version import minigrad as version

FORMAT = 1
"""The version of what is in a file; a reader refuses those that it does not know."""
DESCRIPTION, CHECKSUM = "minigrad.checkpoint", "minigrad.sha256"
_NO_DIGEST = "0" * 64  # stands in the header while the checksum is computed
_MARK = f'"{CHECKSUM}":"'.encode()
_PART = 1 << 22  # bytes read at a time


class DamagedCheckpointError(ValueError):
    """A checkpoint is not what was written: cut off, changed, or of another version."""


class CheckpointVersionError(DamagedCheckpointError):
    """A checkpoint is whole, of a format that this version of minigrad does not read."""


class Snapshot(NamedTuple):
    """The state of some objects at one moment: their structure, and copies of all arrays."""

    form: Any
    arrays: dict[str, Array]
    metrics: dict[str, float]

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return sum(array.nbytes for array in self.arrays.values())


def take_snapshot(objects: Mapping[str, Any], memory: Snapshot | None = None) -> Snapshot:
    """Copy the state of objects, of those with a `state_dict` what that returns.

    memory: a snapshot that is used no more, whose arrays are filled anew.
    Raises TypeError for what cannot be saved.
    """
    encoder = Encoder()
    form = encoder.encode({name: _state_of(value) for name, value in objects.items()}, False)
    used = {} if memory is None else memory.arrays
    copies = {name: _copied(a, used.get(name)) for name, a in encoder.arrays.items()}
    return Snapshot(form, copies, _metrics(objects.get("metrics", {})))


def _state_of(value: Any) -> Any:
    if callable(getattr(value, "state_dict", None)):
        return value.state_dict()
    return value.get_state() if isinstance(value, Generator) else value


def _copied(array: Array, memory: Array | None) -> Array:
    if memory is None or memory.shape != array.shape or memory.dtype != array.dtype:
        memory = np.empty(array.shape, array.dtype)
    np.copyto(memory, array)
    return memory


def _metrics(given: Any) -> dict[str, float]:
    if not isinstance(given, Mapping):
        raise TypeError(f"metrics should be a dictionary of numbers, got {type(given).__name__}")
    for name, value in given.items():
        if not isinstance(value, int | float | np.number):
            raise TypeError(f"the metric {name!r} should be a number, got {type(value).__name__}")
    return {str(name): float(value) for name, value in given.items()}


def write_checkpoint(path: Path, step: int, snapshot: Snapshot) -> None:
    """Write a checkpoint; the file is complete and on the disk, or it is not there.

    Raises OSError if it cannot be written.
    """
    described = {"format": FORMAT, "step": step, "minigrad": version}
    metrics = {n: v if math.isfinite(v) else None for n, v in snapshot.metrics.items()}
    content = safetensors_content(
        snapshot.arrays,
        {
            CHECKSUM: _NO_DIGEST,
            DESCRIPTION: json.dumps({**described, "metrics": metrics}),
            FORM: json.dumps(snapshot.form),
        },
    )
    write_atomically(path, lambda part: _write(part, content), durable=True)


def _write(path: Path, content: SafetensorsContent) -> None:
    digest = hashlib.sha256(content.header)
    with path.open("r+b", buffering=0) as file:
        _write_all(file, content.header)
        for part in content.parts():
            digest.update(part)
            _write_all(file, part)
        file.seek(content.header.index(_MARK) + len(_MARK))
        _write_all(file, digest.hexdigest().encode())


def _write_all(file: Any, content: bytes | memoryview) -> None:
    left = memoryview(content)
    while left:
        left = left[file.write(left) :]


def read_description(path: Path) -> dict[str, Any]:
    """The step, format and metrics of a checkpoint; its elements are not read.

    Raises DamagedCheckpointError if it is none.
    """
    with path.open("rb") as file:
        return _description(path, _header(path, file))


def read_checkpoint(path: Path) -> Any:
    """The state in a checkpoint.

    Raises OSError if the file cannot be read, and DamagedCheckpointError if it is not what was
    written, or of another version.
    """
    with path.open("rb") as file:
        metadata = _header(path, file)
        file.seek(0)
        digest = hashlib.sha256()
        for part in _parts_without_digest(file, metadata[CHECKSUM]):
            digest.update(part)
        if digest.hexdigest() != metadata[CHECKSUM]:
            raise DamagedCheckpointError(
                f"{path} is damaged: its checksum differs from that of its bytes"
            )
        _description(path, metadata)  # of a whole file, so another format is no damage
        file.seek(0)
        try:
            return load(file)
        except ValueError as error:
            raise DamagedCheckpointError(f"{path} is damaged: {error}") from error


def _header(path: Path, file: BinaryIO) -> dict[str, str]:
    try:
        source = Source(file)
        header = SafetensorsFile(source)
        if header.size != source.size:
            raise ValueError(f"it should have {header.size} bytes, and has {source.size}")
    except ValueError as error:
        raise DamagedCheckpointError(f"{path} is damaged: {error}") from error
    for name in (CHECKSUM, DESCRIPTION, FORM):
        if name not in header.metadata:
            raise DamagedCheckpointError(f"{path} is no checkpoint: its header has no {name}")
    return header.metadata


def _description(path: Path, metadata: Mapping[str, str]) -> dict[str, Any]:
    try:
        described = json.loads(metadata[DESCRIPTION])
        found, by = described["format"], described["minigrad"]
        described["step"], described["metrics"].items()
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise DamagedCheckpointError(f"{path} is damaged: its description is no JSON") from error
    if found != FORMAT:
        raise CheckpointVersionError(
            f"{path} has format {found!r:.20}, written by minigrad {by!r:.20}; this is minigrad "
            f"{version}, which reads format {FORMAT}"
        )
    return dict(described)


def _parts_without_digest(file: BinaryIO, digest: str) -> Iterator[bytes]:
    """The bytes of a file, with zeros where the checksum stands in the header."""
    length = file.read(8)
    header = file.read(int.from_bytes(length, "little"))
    yield length
    yield header.replace(_MARK + digest.encode(), _MARK + _NO_DIGEST.encode(), 1)
    while part := file.read(_PART):
        yield part
