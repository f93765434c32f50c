"""Tensors made from data, from a pattern, or from a NumPy array's own memory."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.device import require_cpu
from minigrad.graph import wrap
from minigrad.methods.array import new_shape
from minigrad.tensor import Tensor

Shape = Sequence[int]


def _made(array: np.ndarray[Any, Any], device: Any, requires_grad: bool) -> Tensor:
    require_cpu(device)
    new: Tensor = wrap(Tensor, array)
    return new.requires_grad_() if requires_grad else new


def _floating(dtype: Any) -> np.dtype[Any]:
    return dtypes.default_numpy() if dtype is None else dtypes.to_numpy(dtype)


def _array_of(data: Any, dtype: Any, copy: bool | None) -> np.ndarray[Any, Any]:
    """An array of torch's dtype for the data: Python floats become the default dtype."""
    if isinstance(data, Tensor):
        data = data.array
    if dtype is not None:
        return np.array(data, dtypes.to_numpy(dtype), copy=copy)
    if isinstance(data, np.ndarray | np.generic):
        dtypes.of_numpy(data.dtype)
        return np.array(data, copy=copy)
    if isinstance(data, list | tuple) and _holds_tensors(data):
        return np.array([_array_of(item, None, None) for item in data])
    try:
        array = np.array(data)
    except ValueError as error:
        raise ValueError(f"cannot make a tensor of this data: {error}") from None
    if array.dtype.kind == "f" and not _holds_numpy(data):
        return array.astype(dtypes.default_numpy())
    if array.size == 0 and isinstance(data, list | tuple):
        return array.astype(dtypes.default_numpy())
    dtypes.of_numpy(array.dtype)
    return array


def _holds_tensors(data: Any) -> bool:
    return (
        any(isinstance(item, Tensor) or _holds_tensors(item) for item in data)
        if isinstance(data, list | tuple)
        else False
    )


def _holds_numpy(data: Any) -> bool:
    while isinstance(data, list | tuple) and len(data):
        data = data[0]
    return isinstance(data, np.ndarray | np.generic)


def tensor(
    data: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A tensor with a copy of `data`: numbers, nested sequences, an array or a tensor.

    Python floats get the default dtype, ints int64, bools bool; an array keeps its own.  Raises
    ValueError for ragged sequences, TypeError for elements minigrad does not hold.
    `pin_memory` has no effect, as there is no other device to copy to.
    """
    return _made(_array_of(data, dtype, copy=True), device, requires_grad)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """The data as a tensor that shares its memory where it can."""
    require_cpu(device)
    if isinstance(data, Tensor):
        return data if dtype is None else data.to(dtype)
    return _made(_array_of(data, dtype, copy=None), device, False)


asarray = as_tensor


def from_numpy(ndarray: np.ndarray[Any, Any]) -> Tensor:
    """A tensor on the memory of a NumPy array.  Raises TypeError for other objects."""
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    dtypes.of_numpy(ndarray.dtype)
    return _made(ndarray, None, False)


def from_dlpack(ext_tensor: Any) -> Tensor:
    """A tensor on the memory of any array that speaks DLPack, torch's and JAX's among them."""
    return from_numpy(np.from_dlpack(ext_tensor))


def zeros(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of zeros."""
    return _made(np.zeros(new_shape(size), _floating(dtype)), device, requires_grad)


def ones(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of ones."""
    return _made(np.ones(new_shape(size), _floating(dtype)), device, requires_grad)


def empty(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of uninitialised memory."""
    return _made(np.empty(new_shape(size), _floating(dtype)), device, requires_grad)


def full(
    size: Shape,
    fill_value: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of one value, whose kind (bool, int, float) decides the dtype if none is given."""
    found = dtypes.result_type(fill_value) if dtype is None else dtypes.to_numpy(dtype)
    return _made(np.full(tuple(size), fill_value, found), device, requires_grad)


def _like(input: Tensor, dtype: Any) -> np.dtype[Any]:
    return input.array.dtype if dtype is None else dtypes.to_numpy(dtype)


def zeros_like(
    input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Zeros of the shape and dtype of `input`."""
    return _made(np.zeros(input.shape, _like(input, dtype)), device, requires_grad)


def ones_like(
    input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Ones of the shape and dtype of `input`."""
    return _made(np.ones(input.shape, _like(input, dtype)), device, requires_grad)


def empty_like(
    input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Uninitialised memory of the shape and dtype of `input`."""
    return _made(np.empty(input.shape, _like(input, dtype)), device, requires_grad)


def full_like(
    input: Tensor,
    fill_value: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """One value in the shape and dtype of `input`."""
    return _made(np.full(input.shape, fill_value, _like(input, dtype)), device, requires_grad)


def arange(
    start: float = 0,
    end: float | None = None,
    step: float = 1,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """start, start + step, ... below `end`; `arange(end)` starts from 0.

    Raises RuntimeError if step is 0 or leads away from end.
    """
    first, last = (0, start) if end is None else (start, end)
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (last - first) / step < 0:
        raise RuntimeError(
            f"upper bound and lower bound inconsistent with step sign: {first}, {last}, {step}"
        )
    if dtype is None:
        whole = all(isinstance(n, int | np.integer) for n in (first, last, step))
        found = np.dtype(np.int64) if whole else dtypes.default_numpy()
    else:
        found = dtypes.to_numpy(dtype)
    count = math.ceil((last - first) / step)
    return _made((first + step * np.arange(count)).astype(found), device, requires_grad)


def linspace(
    start: float,
    end: float,
    steps: int,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """`steps` numbers at equal distances from start to end, both included."""
    if steps < 0:
        raise RuntimeError(f"number of steps must be non-negative, got {steps}")
    return _made(np.linspace(start, end, steps, dtype=_floating(dtype)), device, requires_grad)


def eye(
    n: int,
    m: int | None = None,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """(n, m) with ones on the diagonal and zeros elsewhere; m is n if not given."""
    return _made(np.eye(n, m, dtype=_floating(dtype)), device, requires_grad)


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """Coordinate grids of 1-d tensors.  Raises RuntimeError for other indexing than ij and xy."""
    if indexing not in {"ij", "xy"}:
        raise RuntimeError(f'indexing must be one of "xy" or "ij", got {indexing!r}')
    given = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], list | tuple) else tensors
    rank = len(given)
    order = list(range(rank))
    if indexing == "xy" and rank > 1:
        order[:2] = [1, 0]
    shape = [given[i].numel() for i in order]
    places = [order.index(i) for i in range(rank)]
    return tuple(
        t.reshape([-1 if j == place else 1 for j in range(rank)]).expand(shape)
        for t, place in zip(given, places, strict=True)
    )
