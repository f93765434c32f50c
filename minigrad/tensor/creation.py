"""Tensors made from data, from a pattern, or on the memory of a NumPy array."""

import math
import operator
from collections.abc import Sequence
from typing import Any, TypedDict, Unpack

import numpy as np

from minigrad.core import dtypes
from minigrad.core.device import require_cpu
from minigrad.core.memory_format import (
    laid_out,
    preserve_format,
    require_format,
    require_strided,
    strided,
)
from minigrad.core.memory_format import layout as Layout
from minigrad.core.memory_format import memory_format as MemoryFormat
from minigrad.core.types import Array, DeviceLike, DTypeLike, Number, Shape
from minigrad.engine.graph import wrap_new
from minigrad.engine.out_argument import write_new
from minigrad.engine.overrides import overridable
from minigrad.engine.step_recorder import made_of_numbers
from minigrad.tensor import Tensor
from minigrad.tensor.from_data import array_of
from minigrad.tensor.methods.array import (
    allocated,
    new_shape,
    warn_of_copy,
    warn_of_read_only,
)

Scalar = Number | Tensor
"""A number, or a tensor of one element."""


class Placement(TypedDict, total=False):
    """Settings of a new tensor besides its elements; there is one device and one layout.

    `pin_memory` has no effect, as there is no other device to copy to.
    """

    device: DeviceLike
    requires_grad: bool
    layout: Layout | None
    pin_memory: bool
    out: Tensor | None


class SizedPlacement(Placement, total=False):
    """The same of functions whose sizes may also be given by name."""

    size: Sequence[int]


class LikeOptions(Placement, total=False):
    """The same of functions that take shape and dtype from a tensor."""

    memory_format: MemoryFormat


def from_array(
    array: Array,
    *,
    device: DeviceLike = None,
    requires_grad: bool = False,
    layout: Layout | None = strided,
    pin_memory: bool = False,
    memory_format: MemoryFormat = preserve_format,
    out: Tensor | None = None,
    dtype: DTypeLike = None,
) -> Tensor:
    """A tensor on the array's memory, or `out` with its elements; `dtype` is what was asked for.

    Raises NotImplementedError for sparse layouts, RuntimeError for a memory format that is for
    another number of dimensions.
    """
    if device is not None:
        require_cpu(device)
    if layout is not strided or memory_format is not preserve_format:
        require_strided(layout)
        require_format(memory_format)
        array = laid_out(array, memory_format)
    new: Tensor = wrap_new(Tensor, array)
    if out is not None:
        new = write_new(new, out, None if dtype is None else dtypes.to_numpy(dtype))
    return new.requires_grad_() if requires_grad else new


def of_numbers(array: Array, **options: Any) -> Tensor:
    """The same for an array that was made of Python's numbers alone."""
    return from_array(made_of_numbers(array), **options)


def split_size(
    given: Sequence[int | Sequence[int]], options: SizedPlacement
) -> tuple[Shape, Placement]:
    """The sizes, passed one by one, as a sequence or as `size` among the options; the others."""
    named = options.pop("size", None)
    if named is None:
        return new_shape(given), options
    if given:
        raise TypeError(f"the size was given twice: {given} and size={named}")
    return new_shape((named,)), options


def _floating(dtype: DTypeLike) -> np.dtype[Any]:
    return dtypes.default_numpy() if dtype is None else dtypes.to_numpy(dtype)


def tensor(
    data: Any,
    *,
    dtype: DTypeLike = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A tensor with a copy of `data`: numbers, nested sequences, an array or a tensor.

    Python floats get the default dtype, ints int64, bools bool; arrays, NumPy's numbers and tensors
    keep their own, and mixed ones meet in their common dtype.  A tensor in a sequence counts as a
    number.  Raises ValueError for ragged sequences and for tensors of several elements in one,
    RuntimeError or TypeError for elements that minigrad does not hold.
    `pin_memory` has no effect, as there is no other device to copy to.
    """
    if isinstance(data, Tensor):
        warn_of_copy()
    array = array_of(data, dtype, copy=True)
    if not isinstance(data, Tensor | np.ndarray):
        made_of_numbers(array)
    return from_array(array, device=device, requires_grad=requires_grad)


def as_tensor(data: Any, dtype: DTypeLike = None, device: DeviceLike = None) -> Tensor:
    """The data as a tensor that shares its memory where it can."""
    require_cpu(device)
    if isinstance(data, Tensor):
        return data if dtype is None else data.to(dtype)
    return from_array(array_of(data, dtype, copy=None), device=device)


def asarray(
    obj: Any,
    *,
    dtype: DTypeLike = None,
    device: DeviceLike = None,
    copy: bool | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """The data as a tensor: a copy, or on its memory (copy=False); by default as `as_tensor`.

    Raises ValueError if copy=False and the memory cannot be shared.
    """
    source = obj.array if isinstance(obj, Tensor) else obj
    shared = as_tensor(source, dtype, device)
    shares = isinstance(source, np.ndarray) and np.may_share_memory(shared.array, source)
    if copy is False and not shares:
        raise ValueError(f"asarray(): copy=False, but {type(obj).__name__} cannot be shared")
    return from_array(shared.array.copy() if copy and shares else shared.array,
                requires_grad=requires_grad)  # fmt: skip


def frombuffer(
    buffer: Any, *, dtype: DTypeLike, count: int = -1, offset: int = 0, requires_grad: bool = False
) -> Tensor:
    """A 1-d tensor on the memory of a buffer: `count` elements, or all, from byte `offset` on."""
    array = np.frombuffer(buffer, dtypes.to_numpy(dtype), count, offset)
    if not array.flags.writeable:
        warn_of_read_only("buffer")
    return from_array(array, requires_grad=requires_grad)


def from_numpy(ndarray: Array) -> Tensor:
    """A tensor on the memory of a NumPy array.  Raises TypeError for other objects."""
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    dtypes.of_numpy(ndarray.dtype)
    if not ndarray.flags.writeable:
        warn_of_read_only("NumPy array")
    return from_array(ndarray)


def from_dlpack(ext_tensor: Any, *, device: DeviceLike = None, copy: bool | None = None) -> Tensor:
    """A tensor on the memory of any array with the DLPack protocol, such as torch's and JAX's.

    A capsule of the protocol will do as well, once.  copy=True: on memory of its own.
    """
    require_cpu(device)
    given = ext_tensor if hasattr(ext_tensor, "__dlpack__") else _Capsule(ext_tensor)
    return from_numpy(np.from_dlpack(given, copy=copy))


class _Capsule:
    """A capsule of the DLPack protocol as an array that gives it away."""

    def __init__(self, capsule: Any) -> None:
        if type(capsule).__name__ != "PyCapsule":
            raise TypeError(
                f"from_dlpack() takes an array with __dlpack__ or a capsule, not "
                f"{type(capsule).__name__}"
            )
        self.capsule = capsule

    def __dlpack__(self, **options: Any) -> Any:
        return self.capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0  # the CPU


def zeros(
    *sizes: int | Sequence[int], dtype: DTypeLike = None, **options: Unpack[SizedPlacement]
) -> Tensor:
    """A tensor of zeros."""
    shape, placement = split_size(sizes, options)
    return of_numbers(allocated(np.zeros, shape, _floating(dtype)), dtype=dtype, **placement)


def ones(
    *sizes: int | Sequence[int], dtype: DTypeLike = None, **options: Unpack[SizedPlacement]
) -> Tensor:
    """A tensor of ones."""
    shape, placement = split_size(sizes, options)
    return of_numbers(allocated(np.ones, shape, _floating(dtype)), dtype=dtype, **placement)


def empty(
    *sizes: int | Sequence[int], dtype: DTypeLike = None, **options: Unpack[SizedPlacement]
) -> Tensor:
    """A tensor of uninitialised memory."""
    shape, placement = split_size(sizes, options)
    return of_numbers(allocated(np.empty, shape, _floating(dtype)), dtype=dtype, **placement)


def full(
    size: Sequence[int],
    fill_value: Scalar,
    *,
    dtype: DTypeLike = None,
    **options: Unpack[Placement],
) -> Tensor:
    """A tensor of one value, whose kind (bool, int, float) decides the dtype if none is given."""
    value = _number("full", fill_value)
    found = dtypes.result_type(value) if dtype is None else dtypes.to_numpy(dtype)
    array = allocated(np.empty, new_shape((size,)), found)
    array[...] = dtypes.held_by(found, value)
    return of_numbers(array, dtype=dtype, **options)


def scalar_tensor(s: Scalar, *, dtype: DTypeLike = None, **options: Unpack[Placement]) -> Tensor:
    """A 0-d tensor of a number, of the default dtype unless another is given."""
    return of_numbers(np.array(_number("scalar_tensor", s), _floating(dtype)), **options)


def _number(name: str, given: object) -> Number:
    """A Python number, also of a tensor with one element.  Raises TypeError for others."""
    if isinstance(given, Tensor | np.generic):
        number: Number = given.item()
        return number
    if isinstance(given, bool | int | float | complex):
        return given  # type: ignore[return-value]
    raise TypeError(f"{name}(): expected a number, got {given!r} of type {type(given).__name__}")


def dtype_like(input: Tensor, dtype: DTypeLike) -> np.dtype[Any]:
    """The dtype that is given, or that of `input`."""
    return input.array.dtype if dtype is None else dtypes.to_numpy(dtype)


@overridable
def zeros_like(input: Tensor, *, dtype: DTypeLike = None, **options: Unpack[LikeOptions]) -> Tensor:
    """Zeros of the shape and dtype of `input`."""
    return of_numbers(np.zeros(input.shape, dtype_like(input, dtype)), **options)


@overridable
def ones_like(input: Tensor, *, dtype: DTypeLike = None, **options: Unpack[LikeOptions]) -> Tensor:
    """Ones of the shape and dtype of `input`."""
    return of_numbers(np.ones(input.shape, dtype_like(input, dtype)), **options)


@overridable
def empty_like(input: Tensor, *, dtype: DTypeLike = None, **options: Unpack[LikeOptions]) -> Tensor:
    """Uninitialised memory of the shape and dtype of `input`."""
    return of_numbers(np.empty(input.shape, dtype_like(input, dtype)), **options)


@overridable
def full_like(
    input: Tensor, fill_value: Scalar, *, dtype: DTypeLike = None, **options: Unpack[LikeOptions]
) -> Tensor:
    """One value in the shape and dtype of `input`."""
    found = dtype_like(input, dtype)
    value = dtypes.held_by(found, _number("full_like", fill_value))
    return of_numbers(np.full(input.shape, value, found), **options)


def arange(
    start: Scalar = 0,
    end: Scalar | None = None,
    step: Scalar = 1,
    *,
    dtype: DTypeLike = None,
    **options: Unpack[Placement],
) -> Tensor:
    """start, start + step, ... below `end`; `arange(end)` starts from 0.

    With an integer dtype start and step are rounded towards 0, and with int64 end, too.
    Raises RuntimeError if step is 0 or leads away from end, for bounds that are not finite, and for
    bool; ValueError if step is rounded to 0.
    """
    first, last = (0, start) if end is None else (start, end)
    first, last, stride = (_number("arange", n) for n in (first, last, step))
    if stride == 0:
        raise RuntimeError("step must be nonzero")
    if not (math.isfinite(first) and math.isfinite(last)):
        raise RuntimeError(f"unsupported range: {first} -> {last}")
    if (last - first) / stride < 0:
        raise RuntimeError(
            f"upper bound and lower bound inconsistent with step sign: {first}, {last}, {stride}"
        )
    if dtype is None:
        whole = all(isinstance(n, int) for n in (first, last, stride))
        found = np.dtype(np.int64) if whole else dtypes.default_numpy()
    else:
        found = dtypes.to_numpy(dtype)
        if found.kind != "f":
            return of_numbers(_whole_range(first, last, stride, found), dtype=dtype, **options)
    steps = np.arange(math.ceil((last - first) / stride))
    return of_numbers((first + stride * steps).astype(found), dtype=dtype, **options)


def _whole_range(first: Number, last: Number, stride: Number, dtype: np.dtype[Any]) -> Array:
    """`arange` in an integer dtype, of which torch counts int64 alone without floats."""
    if dtype.kind == "b":
        raise RuntimeError(f"arange is not implemented for {dtype}")
    if int(stride) == 0:
        raise ValueError(f"step must be nonzero, got {stride}, which is 0 in {dtype}")
    if dtype == np.int64:
        first, last, stride = int(first), int(last), int(stride)
        count = -((first - last) // stride)
    else:
        count = math.ceil((last - first) / stride)
    return (int(first) + int(stride) * np.arange(max(count, 0))).astype(dtype)


def _linspace(name: str, start: Scalar, end: Scalar, steps: int) -> Array:
    """`steps` numbers from start to end, in double precision."""
    count = operator.index(steps)
    if count < 0:
        raise RuntimeError(f"{name}(): number of steps must be non-negative, got {count}")
    return np.linspace(_number(name, start), _number(name, end), count, dtype=np.float64)


def linspace(
    start: Scalar, end: Scalar, steps: int, *, dtype: DTypeLike = None, **options: Unpack[Placement]
) -> Tensor:
    """`steps` numbers at equal distances from start to end, both included."""
    return of_numbers(
        _linspace("linspace", start, end, steps).astype(_floating(dtype)), dtype=dtype, **options
    )


def logspace(
    start: Scalar,
    end: Scalar,
    steps: int,
    base: float = 10.0,
    *,
    dtype: DTypeLike = None,
    **options: Unpack[Placement],
) -> Tensor:
    """base ** start ... base ** end: `steps` numbers, each the same multiple of the one before."""
    exponents = _linspace("logspace", start, end, steps)
    return of_numbers(
        np.power(float(base), exponents).astype(_floating(dtype)), dtype=dtype, **options
    )


def eye(
    n: int, m: int | None = None, *, dtype: DTypeLike = None, **options: Unpack[Placement]
) -> Tensor:
    """(n, m) with ones on the diagonal and zeros elsewhere; m is n if not given."""
    for name, size in (("n", n), ("m", m)):
        if size is not None and size < 0:
            raise RuntimeError(f"{name} must be greater or equal to 0, got {size}")
    return of_numbers(np.eye(n, m, dtype=_floating(dtype)), dtype=dtype, **options)
