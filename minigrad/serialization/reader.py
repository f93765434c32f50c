"""Loading: safetensors files, and those that torch.save writes."""

import json
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from minigrad.serialization.element_types import widened
from minigrad.serialization.form import Decoder
from minigrad.serialization.map_location import Locations, MapLocation
from minigrad.serialization.safetensors_reader import SafetensorsFile, is_safetensors
from minigrad.serialization.source import Source
from minigrad.serialization.torch_legacy import MAGIC, load_legacy
from minigrad.serialization.torch_zip import load_zip
from minigrad.serialization.writer import FORM
from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_array


def load(
    f: str | os.PathLike[str] | BinaryIO,
    map_location: MapLocation = None,
    pickle_module: None = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
) -> Any:
    """The object in a file of `save`, of `torch.save`, or the tensors of any safetensors file.

    f: a path, or a file opened for reading bytes, which is read from its present position.
    map_location: the CPU in any of torch's ways; without it tensors of all devices come here, too.
    weights_only: has no effect, because only tensors and plain values are ever read, and objects of
        classes that `serialization.add_safe_globals` names.
    mmap: read elements when they are used, through a private map of the file; `f` is then a path.

    Nothing else from the file is executed.  Types that NumPy does not have are read as wider ones,
    with a warning: bfloat16 and 8-bit floats as float32.  Raises OSError if the file cannot be
    read, and ValueError, before more memory is taken than the file's size accounts for, if it is
    damaged, of another format, or holds objects of other classes.
    """
    if pickle_module is not None:
        raise ValueError("load() unpickles by itself: leave pickle_module out")
    locations = Locations(map_location)
    if isinstance(f, str | os.PathLike):
        with open(f, "rb") as file:
            return _load(file, str(f), locations, Path(f) if mmap else None, True)
    if not (hasattr(f, "read") and hasattr(f, "seek") and hasattr(f, "tell")):
        raise TypeError(f"load() expects a path or a file to read from, not {type(f).__name__}")
    if mmap:
        raise ValueError("f must be a file path in order to use mmap")
    return _load(f, getattr(f, "name", None) or type(f).__name__, locations, None, False)


def _load(
    file: BinaryIO, name: str, locations: Locations, mapped: Path | None, is_whole: bool
) -> Any:
    with _naming(name):
        source = Source(file, mapped)
        beginning = source.read(0, min(source.size, 32))
        if is_safetensors(beginning):
            result, types = _load_safetensors(source, locations, is_whole)
        elif beginning[:2] == b"PK":
            result, types = load_zip(source, locations, check=mapped is None)
        elif MAGIC in beginning:
            result, types = load_legacy(source, locations)
        else:
            raise ValueError(_unknown(beginning))
    for given in sorted(types):
        warnings.warn(
            f"{name} holds elements of type {given}, which NumPy does not have: "
            f"they are read as {widened(given)}",
            stacklevel=3,
        )
    return result


@contextmanager
def _naming(name: str) -> Iterator[None]:
    """Put the file's name before what is wrong with it."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"load() cannot read {name}: {error}") from error


def _load_safetensors(source: Source, locations: Locations, is_whole: bool) -> tuple[Any, set[str]]:
    file = SafetensorsFile(source)
    if is_whole and file.size != source.size:
        raise ValueError(
            f"it is not complete: it should have {file.size} bytes, and has {source.size}"
        )

    types: set[str] = set()

    def tensor(name: str) -> Tensor:
        made = from_array(file.array(name))
        types.add(file.dtype(name))
        locations.map(made, "cpu")
        return made

    locations.check("cpu")
    if FORM in file.metadata:
        result = Decoder(file.numpy_array, tensor).decode(_json(file.metadata[FORM]))
    else:
        result = {name: tensor(name) for name in file.names()}
    source.finish(file.size)
    return result, {name for name in types if widened(name)}


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("its structure is nested too deeply") from error
    except ValueError as error:
        raise ValueError(f"its structure is no JSON ({error})") from error


def _unknown(beginning: bytes) -> str:
    if beginning[:1] == b"\x80":
        return "it is a pickle, but none that torch.save wrote"
    return (
        "it is neither safetensors nor a file that torch.save wrote" if beginning else "it is empty"
    )
