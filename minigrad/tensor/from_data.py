"""Arrays from data as Python has it: numbers, nested sequences, arrays, and tensors among them."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigrad.core import dtypes
from minigrad.core.types import Array, DTypeLike
from minigrad.engine.graph import Value
from minigrad.engine.step_recorder import numbers_read
from minigrad.tensor.methods.array import require_even

_NUMBERS = frozenset({int, float, bool, complex})


def array_of(data: Any, dtype: DTypeLike = None, copy: bool | None = True) -> Array:
    """An array of torch's dtype for the data, or of `dtype`.

    Python's floats become the default dtype, integers int64; NumPy's numbers and tensors keep
    theirs, and mixed ones meet in their common dtype.  A tensor in a sequence counts as a number.
    Raises ValueError for ragged sequences and for tensors of several elements in a sequence,
    RuntimeError for data of other types, TypeError for a dtype that tensors do not hold.
    """
    if isinstance(data, Value):
        data = data.array
    wanted = None if dtype is None else dtypes.to_numpy(dtype)
    if isinstance(data, np.ndarray | np.generic):
        if wanted is None:
            dtypes.of_numpy(data.dtype)
        return np.array(data, wanted, copy=copy)
    leaves = _leaf_types(data) if isinstance(data, list | tuple) else {type(data)}
    if any(issubclass(leaf, Value) for leaf in leaves):
        if wanted is None:
            wanted = _common_dtype(data)
        data = _without_tensors(data)
    elif wanted is None and not leaves <= _NUMBERS and any(_is_numpy(leaf) for leaf in leaves):
        wanted = _common_dtype(data)
    if wanted is None:
        wanted = _default_dtype(leaves)
    return _filled(data, wanted)


def _leaf_types(data: Sequence[Any]) -> set[type]:
    """The types of the elements of nested lists and tuples."""
    found = set(map(type, data))
    if any(issubclass(kind, list | tuple) for kind in found):
        for item in data:
            if isinstance(item, list | tuple):
                found |= _leaf_types(item)
        found = {kind for kind in found if not issubclass(kind, list | tuple)}
    return found


def _is_numpy(kind: type) -> bool:
    return issubclass(kind, np.ndarray | np.generic)


def _default_dtype(leaves: Iterable[type]) -> np.dtype[Any] | None:
    """The dtype for Python's numbers; None where NumPy is to find it, in a buffer say."""
    found = set(leaves)
    if any(issubclass(kind, complex) for kind in found):
        return dtypes.get_default_dtype().to_complex().numpy
    if not found or any(issubclass(kind, float) for kind in found):
        return dtypes.default_numpy()
    return None


def _common_dtype(data: Any) -> np.dtype[Any]:
    """The dtype in which all elements of nested sequences meet, each counted like an array."""
    return dtypes.result_type(*(np.empty(1, each) for each in _element_dtypes(data)))


def _element_dtypes(data: Any) -> set[np.dtype[Any]]:
    if isinstance(data, Value):
        return {data.array.dtype}
    if isinstance(data, np.ndarray | np.generic):
        dtypes.of_numpy(data.dtype)
        return {data.dtype}
    if isinstance(data, list | tuple):
        return set[np.dtype[Any]]().union(*map(_element_dtypes, data))
    if isinstance(data, complex):
        return {dtypes.get_default_dtype().to_complex().numpy}
    if isinstance(data, float):
        return {dtypes.default_numpy()}
    return {np.dtype(bool if isinstance(data, bool) else np.int64)}


def _without_tensors(data: Any) -> Any:
    """The same nested sequences with numbers for tensors."""
    if isinstance(data, Value):
        if data.array.size != 1:
            raise ValueError(
                f"only one element tensors can be converted to Python scalars; a sequence holds a "
                f"tensor of shape {list(data.array.shape)}: use stack() or cat()"
            )
        return numbers_read(data.array, data.array.item())
    if isinstance(data, list | tuple):
        return [_without_tensors(item) for item in data]
    return data


def _filled(data: Any, dtype: np.dtype[Any] | None) -> Array:
    try:
        array = np.array(data, dtype)
    except ValueError as error:
        require_even(data)
        if "NaN" in str(error):
            raise RuntimeError(
                f"value cannot be converted to type {dtype} without overflow: it is not a number"
            ) from None
        raise ValueError(f"cannot make a tensor of this data: {error}") from None
    except OverflowError:
        return _of_large_integers(data, dtype)
    except TypeError:
        if dtype is None or np.array(data).dtype.kind != "O":
            raise
        array = np.array(data)
    if array.dtype.kind == "O":
        odd = next((x for x in array.ravel() if not isinstance(x, int | float | complex)), None)
        raise RuntimeError(f"Could not infer dtype of {type(odd).__name__}")
    if dtype is None and array.size == 0 and isinstance(data, list | tuple):
        return array.astype(dtypes.default_numpy())
    if array.dtype == np.uint64 and not isinstance(data, np.ndarray):
        raise ValueError("Overflow when unpacking long: an integer is above 2**63 - 1")
    dtypes.of_numpy(array.dtype)
    return array


def _of_large_integers(data: Any, dtype: np.dtype[Any] | None) -> Array:
    """Integers that the dtype cannot hold: negative ones wrap around in unsigned dtypes.

    Raises RuntimeError for others.
    """
    try:
        wide = np.array(data, np.int64)
    except OverflowError:
        wide = None
    if wide is not None and dtype is not None and dtype.kind == "u":
        top = np.iinfo(dtype).max
        if np.all((wide >= -top) & (wide <= top)):
            return wide.astype(dtype)
    raise RuntimeError(
        f"value cannot be converted to type {dtype} without overflow: an integer of the data is "
        f"out of its range"
    ) from None
