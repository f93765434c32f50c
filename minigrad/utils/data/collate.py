"""Collation: from a list of samples to one batch of tensors."""

import copy
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

from minigrad.core.dtypes import float64
from minigrad.core.types import Array
from minigrad.ops.shape.join import stack
from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_numpy, tensor


class Columns(Sequence[tuple[Any, ...]]):
    """Samples stored by column, for a dataset's `__getitems__`.

    A column is a Tensor or array whose first axis runs over the samples, or a list with one element
    per sample.  It can be read like a list of tuples, so any `collate_fn` works with it;
    `default_collate` uses the columns directly, without stacking.

    PyTorch differs: it has no such class; there `__getitems__` returns a list of samples.

    >>> from minigrad.utils.data import Columns
    >>> Columns(["a", "b"], [3, 5])[1][1]
    5
    """

    def __init__(self, *columns: Tensor | Array | list[Any]) -> None:
        lengths = [len(column) for column in columns]
        if not lengths or min(lengths) != max(lengths):
            raise ValueError(f"Columns expects columns of one length, got lengths {lengths}")
        self.columns = columns

    def __len__(self) -> int:
        return len(self.columns[0])

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Columns(*(column[index] for column in self.columns))
        return tuple(column[index] for column in self.columns)


def default_collate(batch: Sequence[Any]) -> Any:
    """Stack a list of samples into one batch, with the samples along a new first axis.

    Tensors and arrays are stacked, numbers become a tensor (floats in float64), strings stay a
    list; mappings, named tuples and sequences are collated field by field.  Raises RuntimeError
    if samples differ in length or shape, TypeError for a type that no tensor can hold.

    >>> from minigrad.utils.data import default_collate
    >>> default_collate([(0, 1.0), (2, 3.0)])
    [tensor([0, 2]), tensor([1., 3.], dtype=minigrad.float64)]
    """
    if isinstance(batch, Columns):
        return [_as_tensor(column) for column in batch.columns]
    first = batch[0]
    for kinds, collate in _LEAVES:
        if isinstance(first, kinds):
            return collate(batch)
    if isinstance(first, Mapping):
        return _collate_mapping(first, batch)
    if isinstance(first, Sequence):
        return _collate_sequence(first, batch)
    raise TypeError(
        "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; "
        f"found {type(first)}"
    )


def default_convert(data: Any) -> Any:
    """Turn every array in a sample into a Tensor; a DataLoader without batching applies this."""
    if isinstance(data, np.ndarray | np.number | np.bool_):
        return data if np.asarray(data).dtype.kind in "SUO" else from_numpy(np.asarray(data))
    if isinstance(data, Mapping):
        return _like_mapping(data, {key: default_convert(data[key]) for key in data})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*map(default_convert, data))
    if isinstance(data, tuple):
        return [default_convert(element) for element in data]
    if isinstance(data, Sequence) and not isinstance(data, str | bytes):
        return _like_sequence(data, [default_convert(element) for element in data])
    return data


def _as_tensor(column: Tensor | Array | list[Any]) -> Any:
    if isinstance(column, np.ndarray):
        _check_numeric(column)
        return from_numpy(column)
    return column if isinstance(column, Tensor) else default_collate(tuple(column))


def _check_numeric(array: Array) -> None:
    if array.dtype.kind in "SUO":
        raise TypeError(
            "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; "
            f"found an array of {array.dtype}"
        )


def _collate_arrays(batch: Sequence[Array]) -> Tensor:
    _check_numeric(batch[0])
    stacked: Tensor = stack([from_numpy(array) for array in batch])
    return stacked


def _collate_integers(batch: Sequence[int]) -> Tensor:
    array = np.array(batch)  # several times as fast as `tensor` on a list
    return from_numpy(array) if array.dtype in (np.int64, np.bool_) else tensor(list(batch))


_LEAVES: list[tuple[Any, Callable[[Any], Any]]] = [
    (Tensor, lambda batch: stack(list(batch))),
    (np.ndarray, _collate_arrays),
    ((np.bool_, np.number), lambda batch: from_numpy(np.array(batch))),
    (float, lambda batch: tensor(list(batch), dtype=float64)),
    (int, _collate_integers),
    ((str, bytes), lambda batch: batch),
]


def _collate_mapping(first: Mapping[Any, Any], batch: Sequence[Mapping[Any, Any]]) -> Any:
    fields = {key: default_collate([sample[key] for sample in batch]) for key in first}
    return _like_mapping(first, fields)


def _collate_sequence(first: Sequence[Any], batch: Sequence[Sequence[Any]]) -> Any:
    if any(len(sample) != len(first) for sample in batch):
        raise RuntimeError(
            "each element in list of batch should be of equal size, "
            f"got lengths {[len(sample) for sample in batch]}"
        )
    fields = [default_collate(entries) for entries in zip(*batch, strict=True)]
    if isinstance(first, tuple):
        return type(first)(*fields) if hasattr(first, "_fields") else fields
    return _like_sequence(first, fields)


def _like_mapping(original: Mapping[Any, Any], fields: dict[Any, Any]) -> Any:
    """`fields` in the type of the mapping, or a dict if that type cannot be made from them."""
    try:
        if not isinstance(original, MutableMapping):
            return type(original)(fields)  # type: ignore[call-arg]
        clone = copy.copy(original)
        clone.update(fields)
        return clone
    except TypeError:
        return fields


def _like_sequence(original: Sequence[Any], fields: list[Any]) -> Any:
    """`fields` in the type of the sequence, or a list if that type cannot be made from them."""
    try:
        if not isinstance(original, MutableSequence):
            return type(original)(fields)  # type: ignore[call-arg]
        clone = copy.copy(original)
        for position, field in enumerate(fields):
            clone[position] = field
        return clone
    except TypeError:
        return fields
