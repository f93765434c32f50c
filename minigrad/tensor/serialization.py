"""Saving and loading tensors by name, in safetensors files: no pickle is written or read."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from minigrad.core.files import write_atomically
from minigrad.core.types import Array
from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_numpy

# The key in the file's header for the structure of a nested object.
FORM = "minigrad.form"
_PLAIN = (str, int, float, bool, type(None))


def save(obj: Any, f: str | Path, metadata: dict[str, str] | None = None) -> None:
    """Write named tensors, such as `model.state_dict()`, to the file `f`.

    obj may also be a checkpoint: dictionaries, lists and tuples of tensors, numbers, strings and
    None, nested as in `{"model": model.state_dict(), "optimizer": optimizer.state_dict()}`.
    metadata: strings kept in the file's header.
    Raises TypeError for anything else, OSError if `f` cannot be written.

    PyTorch differs: the file is safetensors, which torch reads through the package of that name.
    """
    if not isinstance(obj, Mapping | list | tuple):
        raise TypeError(
            f"save() expects named tensors such as a state_dict, or a checkpoint of dictionaries "
            f"and lists, got {type(obj).__name__}"
        )
    header = dict(metadata or {})
    arrays: dict[str, Array] = {}
    if isinstance(obj, Mapping) and _is_flat(obj):
        arrays.update((name, _contiguous(value)) for name, value in obj.items())
    else:
        header[FORM] = json.dumps(_flatten(obj, (), arrays))
    write_atomically(f, lambda path: safetensors.numpy.save_file(arrays, path, header or None))


def load(f: str | Path) -> Any:
    """Read a file of `save`, or the named tensors of any safetensors file: a dictionary.

    Raises FileNotFoundError if there is none, ValueError if it is damaged or of another format.
    """
    path = Path(f)
    if not path.is_file():
        raise FileNotFoundError(f"load() found no file at {path}")
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            header = file.metadata() or {}
            tensors = {name: from_numpy(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118
    except safetensors.SafetensorError as error:
        raise ValueError(
            f"{path} is not a complete safetensors file ({error}); files of torch.save are "
            f"pickles, which minigrad does not load: write them with safetensors.torch.save_file"
        ) from error
    return _unflatten(json.loads(header[FORM]), tensors) if FORM in header else tensors


def _is_flat(obj: Mapping[Any, Any]) -> bool:
    return all(isinstance(k, str) and isinstance(v, Tensor) for k, v in obj.items())


def _contiguous(tensor: Tensor) -> Array:
    return np.asarray(tensor.array, order="C")


def _flatten(obj: Any, path: tuple[Any, ...], arrays: dict[str, Any]) -> Any:
    """The structure of an object as JSON can hold it; its tensors go to `arrays`."""
    if isinstance(obj, Tensor):
        name = ".".join(map(str, path))
        while name in arrays:  # a key with a dot in it may look like a path
            name += "_"
        arrays[name] = _contiguous(obj)
        return {"tensor": name}
    if isinstance(obj, Mapping):
        _require_keys(obj, path)
        return {"dict": [[k, _flatten(v, (*path, k), arrays)] for k, v in obj.items()]}
    if isinstance(obj, list | tuple):
        items = [_flatten(v, (*path, i), arrays) for i, v in enumerate(obj)]
        return {"tuple" if isinstance(obj, tuple) else "list": items}
    if isinstance(obj, np.generic):
        obj = obj.item()
    if isinstance(obj, _PLAIN):
        return obj
    where = ".".join(map(str, path))
    raise TypeError(
        f"save() expects tensors, numbers, strings and None in dictionaries, lists and tuples, "
        f"got {type(obj).__name__} at '{where}'"
    )


def _require_keys(obj: Mapping[Any, Any], path: tuple[Any, ...]) -> None:
    for key in obj:
        if not isinstance(key, _PLAIN):
            where = ".".join(map(str, path))
            raise TypeError(
                f"save() expects strings and numbers as keys, got {type(key).__name__} in '{where}'"
            )


def _unflatten(form: Any, tensors: Mapping[str, Tensor]) -> Any:
    if not isinstance(form, dict):
        return form
    ((kind, content),) = form.items()
    if kind == "tensor":
        return tensors[content]
    if kind == "dict":
        return {key: _unflatten(value, tensors) for key, value in content}
    items = [_unflatten(value, tensors) for value in content]
    return tuple(items) if kind == "tuple" else items
