"""Tensors made from data, from a pattern, or from a NumPy array's own memory."""

import math
import operator
from collections.abc import Sequence
from typing import Any, TypedDict, Unpack

import numpy as np

from minigrad.core import dtypes, unsupported
from minigrad.core.device import require_cpu
from minigrad.core.memory_format import preserve_format, require_format, strided
from minigrad.engine.graph import wrap
from minigrad.tensor import Tensor
from minigrad.tensor.methods.array import allocated, new_shape

Shape = Sequence[int]


class Placement(TypedDict, total=False):
    """What may be said of a new tensor besides its elements; there is one device and one layout.

    `pin_memory` has no effect, as there is no other device to copy to.
    """

    device: Any
    requires_grad: bool
    layout: Any
    pin_memory: bool


class LikeOptions(Placement, total=False):
    """The same where a tensor is the model."""

    memory_format: Any


def made(
    array: np.ndarray[Any, Any],
    *,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = strided,
    pin_memory: bool = False,
    memory_format: Any = preserve_format,
) -> Tensor:
    """The array as a new tensor, if what is asked for can be had.

    Raises NotImplementedError for sparse layouts and other orders in memory.
    """
    require_cpu(device)
    for given in (layout, memory_format):
        unsupported.refuse_unsupported(given)
    if layout is not strided and layout is not None:
        raise TypeError(f"layout must be minigrad.strided, got {layout!r}")
    require_format(memory_format)
    new: Tensor = wrap(Tensor, array)
    return new.requires_grad_() if requires_grad else new


def shape_of(given: Sequence[Any], options: dict[str, Any]) -> tuple[int, ...]:
    """The sizes passed one by one, as a sequence, or as `size` among the options."""
    named = options.pop("size", None)
    if named is None:
        return new_shape(given)
    if given:
        raise TypeError(f"the size was given twice: {given} and size={named}")
    return new_shape((named,))


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
    return made(_array_of(data, dtype, copy=True), device=device, requires_grad=requires_grad)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """The data as a tensor that shares its memory where it can."""
    require_cpu(device)
    if isinstance(data, Tensor):
        return data if dtype is None else data.to(dtype)
    return made(_array_of(data, dtype, copy=None), device=device)


def asarray(
    obj: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    copy: bool | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """The data as a tensor: sharing its memory where it can, with a copy, or (copy=False) only so.

    Raises ValueError if copy=False cannot be had.
    """
    source = obj.array if isinstance(obj, Tensor) else obj
    shared = as_tensor(source, dtype, device)
    shares = isinstance(source, np.ndarray) and np.may_share_memory(shared.array, source)
    if copy is False and not shares:
        raise ValueError(f"asarray(): copy=False, but {type(obj).__name__} cannot be shared")
    return made(shared.array.copy() if copy and shares else shared.array,
                requires_grad=requires_grad)  # fmt: skip


def frombuffer(
    buffer: Any, *, dtype: Any, count: int = -1, offset: int = 0, requires_grad: bool = False
) -> Tensor:
    """A 1-d tensor on the memory of a buffer: `count` elements, or all, from byte `offset` on."""
    array = np.frombuffer(buffer, dtypes.to_numpy(dtype), count, offset)
    return made(array, requires_grad=requires_grad)


def from_numpy(ndarray: np.ndarray[Any, Any]) -> Tensor:
    """A tensor on the memory of a NumPy array.  Raises TypeError for other objects."""
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    dtypes.of_numpy(ndarray.dtype)
    return made(ndarray)


def from_dlpack(ext_tensor: Any) -> Tensor:
    """A tensor on the memory of any array that speaks DLPack, torch's and JAX's among them."""
    return from_numpy(np.from_dlpack(ext_tensor))


def zeros(*size: Any, dtype: Any = None, **options: Any) -> Tensor:
    """A tensor of zeros."""
    return made(allocated(np.zeros, shape_of(size, options), _floating(dtype)), **options)


def ones(*size: Any, dtype: Any = None, **options: Any) -> Tensor:
    """A tensor of ones."""
    return made(allocated(np.ones, shape_of(size, options), _floating(dtype)), **options)


def empty(*size: Any, dtype: Any = None, **options: Any) -> Tensor:
    """A tensor of uninitialised memory."""
    return made(allocated(np.empty, shape_of(size, options), _floating(dtype)), **options)


def full(
    size: Shape, fill_value: Any, *, dtype: Any = None, **options: Unpack[Placement]
) -> Tensor:
    """A tensor of one value, whose kind (bool, int, float) decides the dtype if none is given."""
    value = _number("full", fill_value)
    found = dtypes.result_type(value) if dtype is None else dtypes.to_numpy(dtype)
    array = allocated(np.empty, new_shape((size,)), found)
    array[...] = value
    return made(array, **options)


def scalar_tensor(s: Any, *, dtype: Any = None, **options: Unpack[Placement]) -> Tensor:
    """A 0-d tensor of a number, of the default dtype unless another is given."""
    return made(np.array(_number("scalar_tensor", s), _floating(dtype)), **options)


def _number(name: str, given: Any) -> Any:
    """A Python number, also of a tensor with one element.  Raises TypeError for others."""
    if isinstance(given, Tensor | np.generic):
        return given.item()
    if isinstance(given, bool | int | float):
        return given
    if isinstance(given, complex):
        unsupported.complex64.refuse()
    raise TypeError(f"{name}(): expected a number, got {given!r} of type {type(given).__name__}")


def like(input: Tensor, dtype: Any) -> np.dtype[Any]:
    """The dtype of a tensor that is made after `input`: its own unless another is given."""
    return input.array.dtype if dtype is None else dtypes.to_numpy(dtype)


def zeros_like(input: Tensor, *, dtype: Any = None, **options: Unpack[LikeOptions]) -> Tensor:
    """Zeros of the shape and dtype of `input`."""
    return made(np.zeros(input.shape, like(input, dtype)), **options)


def ones_like(input: Tensor, *, dtype: Any = None, **options: Unpack[LikeOptions]) -> Tensor:
    """Ones of the shape and dtype of `input`."""
    return made(np.ones(input.shape, like(input, dtype)), **options)


def empty_like(input: Tensor, *, dtype: Any = None, **options: Unpack[LikeOptions]) -> Tensor:
    """Uninitialised memory of the shape and dtype of `input`."""
    return made(np.empty(input.shape, like(input, dtype)), **options)


def full_like(
    input: Tensor, fill_value: Any, *, dtype: Any = None, **options: Unpack[LikeOptions]
) -> Tensor:
    """One value in the shape and dtype of `input`."""
    value = _number("full_like", fill_value)
    return made(np.full(input.shape, value, like(input, dtype)), **options)


def arange(
    start: Any = 0,
    end: Any = None,
    step: Any = 1,
    *,
    dtype: Any = None,
    **options: Unpack[Placement],
) -> Tensor:
    """start, start + step, ... below `end`; `arange(end)` starts from 0.

    Raises RuntimeError if step is 0 or leads away from end, and for bounds that are not finite.
    """
    first, last = (0, start) if end is None else (start, end)
    first, last, step = (_number("arange", n) for n in (first, last, step))
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if not (math.isfinite(first) and math.isfinite(last)):
        raise RuntimeError(f"unsupported range: {first} -> {last}")
    if (last - first) / step < 0:
        raise RuntimeError(
            f"upper bound and lower bound inconsistent with step sign: {first}, {last}, {step}"
        )
    if dtype is None:
        whole = all(isinstance(n, int) for n in (first, last, step))
        found = np.dtype(np.int64) if whole else dtypes.default_numpy()
    else:
        found = dtypes.to_numpy(dtype)
    steps = np.arange(math.ceil((last - first) / step))
    return made((first + step * steps).astype(found), **options)


def _evenly(name: str, start: Any, end: Any, steps: Any) -> np.ndarray[Any, Any]:
    """`steps` numbers from start to end, in double precision."""
    count = operator.index(steps)
    if count < 0:
        raise RuntimeError(f"{name}(): number of steps must be non-negative, got {count}")
    return np.linspace(_number(name, start), _number(name, end), count, dtype=np.float64)


def linspace(
    start: Any, end: Any, steps: int, *, dtype: Any = None, **options: Unpack[Placement]
) -> Tensor:
    """`steps` numbers at equal distances from start to end, both included."""
    return made(_evenly("linspace", start, end, steps).astype(_floating(dtype)), **options)


def logspace(
    start: Any,
    end: Any,
    steps: int,
    base: float = 10.0,
    *,
    dtype: Any = None,
    **options: Unpack[Placement],
) -> Tensor:
    """base ** start ... base ** end: `steps` numbers, each the same multiple of the one before."""
    exponents = _evenly("logspace", start, end, steps)
    return made(np.power(float(base), exponents).astype(_floating(dtype)), **options)


def eye(n: int, m: int | None = None, *, dtype: Any = None, **options: Unpack[Placement]) -> Tensor:
    """(n, m) with ones on the diagonal and zeros elsewhere; m is n if not given."""
    for name, size in (("n", n), ("m", m)):
        if size is not None and size < 0:
            raise RuntimeError(f"{name} must be greater or equal to 0, got {size}")
    return made(np.eye(n, m, dtype=_floating(dtype)), **options)


def _places(find: Any, row: int, col: int, offset: int, dtype: Any, device: Any) -> Tensor:
    if row < 0 or col < 0:
        raise RuntimeError(
            f"{find.__name__}: row and col must be non-negative, got {row} and {col}"
        )
    found = dtypes.int64.numpy if dtype is None else dtypes.to_numpy(dtype)
    return as_tensor(np.stack(find(row, offset, col)).astype(found), device=device)


def tril_indices(
    row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None
) -> Tensor:
    """(2, count): rows and columns of the lower triangle of a (row, col) matrix."""
    return _places(np.tril_indices, row, col, offset, dtype, device)


def triu_indices(
    row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None
) -> Tensor:
    """(2, count): rows and columns of the upper triangle of a (row, col) matrix."""
    return _places(np.triu_indices, row, col, offset, dtype, device)
