"""Saving: safetensors files, whose header has the structure of nested objects."""

import json
import os
import warnings
from pathlib import Path
from typing import Any, BinaryIO

from minigrad.core.files import write_atomically
from minigrad.serialization.form import Encoder
from minigrad.serialization.safetensors_writer import SafetensorsContent, safetensors_content
from minigrad.tensor import Tensor

FORM = "minigrad.form"
"""The key in the file's header for the structure of an object."""
_TORCH_SUFFIXES = (".pt", ".pth")


def save(
    obj: Any, f: str | os.PathLike[str] | BinaryIO, metadata: dict[str, str] | None = None
) -> None:
    """Write tensors and plain values to the file `f`, a path or a file opened for writing.

    obj: a `state_dict()`, or a checkpoint such as `{"model": model.state_dict(), "epoch": 3}`:
    tensors, arrays, numbers, strings, bytes, None, dtypes, in dictionaries, lists, tuples and sets.
    Types and orders are kept, and tensors that share memory still do when they are read.
    metadata: strings for the file's header.
    Raises TypeError for anything else, OSError if `f` cannot be written.

    PyTorch differs: the file is safetensors, which torch reads through the package of that name:
    `safetensors.torch.load_file`.
    """
    if isinstance(f, str | os.PathLike):
        path = Path(f)
        if path.suffix in _TORCH_SUFFIXES:
            warnings.warn(
                f"save() writes safetensors, which torch.load does not read under the name "
                f"{path.name!r}: use the suffix .safetensors, and safetensors.torch.load_file",
                stacklevel=2,
            )
    elif not hasattr(f, "write"):
        raise TypeError(f"save() expects a path or a file to write to, not {type(f).__name__}")
    encoder = Encoder()
    form = encoder.encode(obj, every_name=_is_flat(obj))
    content = safetensors_content(encoder.arrays, {**(metadata or {}), FORM: json.dumps(form)})
    if isinstance(f, str | os.PathLike):
        write_atomically(path, lambda part: _write(part, content))
    else:
        f.write(content.header)
        for part in content.parts():
            f.write(bytes(part))


def _write(path: Path, content: SafetensorsContent) -> None:
    with path.open("wb") as file:
        file.write(content.header)
        for part in content.parts():
            file.write(part)


def _is_flat(obj: Any) -> bool:
    return isinstance(obj, dict) and all(
        isinstance(key, str) and isinstance(value, Tensor) for key, value in obj.items()
    )
