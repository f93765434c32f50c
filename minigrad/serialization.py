"""Saving and loading tensors by name, in safetensors files: no pickle is written or read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from minigrad.creation import from_numpy
from minigrad.files import write_atomically
from minigrad.tensor import Tensor


def save(obj: Mapping[str, Tensor], f: str | Path, metadata: dict[str, str] | None = None) -> None:
    """Write named tensors, such as `model.state_dict()`, to the file `f`.

    metadata: strings kept in the file's header.
    Raises TypeError for anything but tensors under string names, OSError if `f` cannot be written.

    PyTorch differs: the file is safetensors, which torch reads through the package of that name.
    """
    if not isinstance(obj, Mapping):
        raise TypeError(
            f"save() expects named tensors such as a state_dict, got {type(obj).__name__}"
        )
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    for name, value in obj.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise TypeError(
                f"save() expects tensors under string names, got {type(value).__name__} under "
                f"{name!r}"
            )
        arrays[name] = np.asarray(value.array, order="C")
    write_atomically(f, lambda path: safetensors.numpy.save_file(arrays, path, metadata))


def load(f: str | Path) -> dict[str, Tensor]:
    """Read the named tensors of a safetensors file.

    Raises FileNotFoundError if there is none, ValueError if it is damaged or of another format.
    """
    path = Path(f)
    if not path.is_file():
        raise FileNotFoundError(f"load() found no file at {path}")
    try:
        arrays = safetensors.numpy.load_file(path)
    except safetensors.SafetensorError as error:
        raise ValueError(
            f"{path} is not a complete safetensors file ({error}); files of torch.save are "
            f"pickles, which minigrad does not load: write them with safetensors.torch.save_file"
        ) from error
    return {name: from_numpy(array) for name, array in arrays.items()}
