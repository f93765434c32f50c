"""Indexing: `x[...]`, gathers and their adjoints, the scatters."""

import operator
from types import EllipsisType
from typing import Any

import numpy as np

from minigrad.op import arr, op, sample
from minigrad.ops.dims import wrap_dim

Array = Any


class Index(tuple[Any, ...]):
    """An index as NumPy takes it, with arrays in the place of tensors."""

    @property
    def is_basic(self) -> bool:
        """Whether it selects a view: no arrays among its parts."""
        return not any(isinstance(part, np.ndarray) for part in self)


def as_index(given: Any) -> Index:
    """An index as written by the user; tensors become arrays.

    Raises IndexError for parts that cannot index, ValueError for slices that step backwards.
    """
    parts = given if isinstance(given, tuple) else (given,)
    return Index(map(_as_part, parts))


def _as_part(part: Any) -> Any:
    part = getattr(part, "array", part)
    if isinstance(part, list):
        part = np.asarray(part) if part else np.empty(0, np.int64)
    elif isinstance(part, bool | np.bool_):
        part = np.asarray(part)
    elif isinstance(part, np.integer):
        part = int(part)
    if isinstance(part, np.ndarray):
        if part.dtype.kind not in "iub":
            raise IndexError(
                f"tensors used as indices must be long, int, uint8 or bool tensors, got "
                f"{part.dtype}"
            )
        return int(part) if part.ndim == 0 and part.dtype.kind in "iu" else part
    if isinstance(part, slice):
        if part.step is not None and int(part.step) <= 0:
            raise ValueError(f"step must be greater than zero, got {part.step}")
    elif not isinstance(part, int | None | EllipsisType):
        raise IndexError(
            f"only integers, slices (`:`), ellipsis (`...`), None and tensors of integers or "
            f"bools are valid indices, got {part!r}"
        )
    return part


def _place(array: Array, index: Index) -> tuple[Array, tuple[Any, ...]]:
    """A view of the array and an index into it that together are `array[index]`.

    Integers beside index arrays are applied first, as torch does: NumPy would count them among the
    arrays, and put their common dimension in front.
    """
    if index.is_basic or not any(isinstance(part, int) for part in index):
        return array, tuple(index)
    first: list[Any] = []
    second: list[Any] = []
    for part in index:
        if isinstance(part, np.ndarray):
            first += [slice(None)] * (part.ndim if part.dtype == bool else 1)
            second.append(part)
        else:
            first.append(part)
            if not isinstance(part, int):
                second.append(part if part is Ellipsis else slice(None))
    return array[tuple(first)], tuple(second)


def _read(input: Array, index: Index) -> Array:
    try:
        place, inner = _place(input, index)
        if index.is_basic and Ellipsis not in inner:
            inner = (*inner, Ellipsis)  # lest integers for all dimensions give a copy
        return place[inner]
    except IndexError as error:
        raise IndexError(f"{error} (tensor of shape {list(input.shape)})") from None


@op(
    vjp=(lambda g, out, x, *, index: index_adjoint(g, index=index, shape=x.shape),),
    degree=1,
    views=True,
    samples=[
        sample(arr.of(3, 4), index=Index((1,))),
        sample(arr.of(3, 4), index=Index((slice(None), slice(1, 3)))),
        sample(arr.of(3, 4), index=Index((Ellipsis, None, 2))),
        sample(arr.of(3, 4), index=Index((np.array([2, 0, 2]),))),
        sample(arr.of(2, 2), index=Index((np.array([[True, False], [True, True]]),))),
        sample(arr.of(3, 4), index=Index((np.array([0, 1]), np.array([3, 3])))),
        sample(arr.of(2, 3, 4), index=Index((0, slice(None), np.array([3, 1])))),
        sample(arr.of(0, 4), index=Index((slice(None), 1))),
    ],
)
def getitem(input: Array, *, index: Index) -> Array:
    """`input[index]`: a view for ints, slices, None and ..., a copy where tensors index."""
    return _read(input, index)


@op(
    vjp=(lambda g, out, c, *, index, shape: getitem(g, index=index),),
    degree=1,
    samples=[
        sample(arr.of(4), index=Index((1,)), shape=(3, 4)),
        sample(arr.of(3, 4), index=Index((np.array([2, 0, 2]),)), shape=(3, 4)),
    ],
)
def index_adjoint(cotangent: Array, *, index: Index, shape: tuple[int, ...]) -> Array:
    """Zeros of `shape` with the cotangent added at the index, repeated places adding up."""
    out = np.zeros(shape, cotangent.dtype)
    place, inner = _place(out, index)
    if any(isinstance(part, np.ndarray) and part.dtype != bool for part in inner):
        np.add.at(place, inner, cotangent)
    else:
        place[inner] = cotangent
    return out


def assign(array: Array, index: Index, values: Array) -> None:
    """`array[index] = values`, with torch's error where the shapes do not fit."""
    place, inner = _place(array, index)
    try:
        place[inner] = values
    except ValueError:
        raise RuntimeError(
            f"shape mismatch: a value of shape {list(np.shape(values))} cannot be broadcast to "
            f"the indexed place of shape {list(place[inner].shape)}"
        ) from None
    except IndexError as error:
        raise IndexError(f"{error} (tensor of shape {list(array.shape)})") from None


@op(
    vjp=(
        lambda g, out, x, v, *, index: index_filled(g, index=index),
        lambda g, out, x, v, *, index: getitem(g, index=index).sum_to_size(v.shape),
    ),
    degree=1,
    samples=[
        sample(arr.of(3, 4), arr.of(4), index=Index((1,))),
        sample(arr.of(3, 4), arr.of(), index=Index((slice(None), slice(1, 3)))),
        sample(arr.of(3, 4), arr.of(2, 4), index=Index((np.array([2, 0]),))),
    ],
)
def index_put(input: Array, values: Array, *, index: Index) -> Array:
    """A copy of input with `input[index] = values`; values broadcast to the place."""
    out = input.copy()
    assign(out, index, values)
    return out


@op(
    vjp=(lambda g, out, x, *, index, value: index_filled(g, index=index),),
    samples=[sample(arr.of(3, 4), index=Index((1,)), value=2.0)],
)
def index_filled(input: Array, *, index: Index, value: float = 0.0) -> Array:
    """A copy of input with one number at the index."""
    out = input.copy()
    assign(out, index, np.asarray(value, input.dtype))
    return out


def _along(input: Array, index: Array, dim: int) -> int:
    """Check the index of a gather or scatter, and give its dimension."""
    axis = wrap_dim(dim, input.ndim)
    if index.dtype != np.int64:
        raise RuntimeError(f"gather(): expected dtype int64 for index, got {index.dtype}")
    if index.ndim != input.ndim:
        raise RuntimeError(
            f"gather(): index and input must have the same number of dimensions, got shapes "
            f"{list(index.shape)} and {list(input.shape)}"
        )
    for i, (have, size) in enumerate(zip(index.shape, input.shape, strict=True)):
        if i != axis and have > size:
            raise RuntimeError(
                f"gather(): index of shape {list(index.shape)} is larger than input of shape "
                f"{list(input.shape)} apart from dimension {axis}"
            )
    size = input.shape[axis] if input.ndim else 1
    if index.size and (index.min() < 0 or index.max() >= size):
        bad = index[(index < 0) | (index >= size)].flat[0]
        raise RuntimeError(f"index {bad} is out of bounds for dimension {axis} with size {size}")
    return axis


def _places(index: Array, axis: int) -> tuple[Array, ...]:
    """For every element of index, the coordinates it speaks of."""
    coordinates = list(np.ogrid[tuple(slice(s) for s in index.shape)])
    coordinates[axis] = index
    return tuple(coordinates)


def _corner(index: Array) -> Index:
    """The elements of src that an index speaks of: as many in each dimension."""
    return Index(slice(size) for size in index.shape)


INDICES = np.array([[0, 2, 0], [1, 1, 0]])


@op(
    vjp=(
        lambda g, out, x, *, dim, index: scatter_add(g.new_zeros(x.shape), g, dim=dim, index=index),
    ),
    degree=1,
    samples=[
        sample(arr.of(3, 4), dim=0, index=INDICES),
        sample(arr.of(2, 4), dim=1, index=INDICES),
    ],
)
def gather(input: Array, *, dim: int, index: Array) -> Array:
    """out[i][j] = input[index[i][j]][j] for dim=0, input[i][index[i][j]] for dim=1, and so on."""
    axis = _along(input, index, dim)
    return input[_places(index, axis)] if input.ndim else input.reshape(index.shape).copy()


@op(
    vjp=(
        lambda g, out, x, src, *, dim, index: g,
        lambda g, out, x, src, *, dim, index: index_adjoint(
            gather(g, dim=dim, index=index), index=_corner(index), shape=src.shape
        ),
    ),
    degree=1,
    samples=[
        sample(arr.of(3, 4), arr.of(2, 3), dim=0, index=INDICES),
        sample(arr.of(3, 4), arr.of(4, 3), dim=0, index=INDICES),
    ],
)
def scatter_add(input: Array, src: Array, *, dim: int, index: Array) -> Array:
    """A copy of input with src added where gather would read: the adjoint of gather."""
    axis = _along(input, index, dim)
    out = input.copy()
    if src.ndim != index.ndim or any(map(operator.gt, index.shape, src.shape)):
        raise RuntimeError(
            f"scatter_add(): index of shape {list(index.shape)} is larger than src of shape "
            f"{list(src.shape)}"
        )
    np.add.at(out, _places(index, axis), src[_corner(index)])
    return out


@op(
    vjp=(lambda g, out, x, *, mask, value: masked_fill(g, mask=mask, value=0.0),),
    broadcasts=True,
    samples=[
        sample(arr.of(2, 3), mask=np.array([True, False, True]), value=1.0),
        sample(arr.of(3), mask=np.array([[True, False, True], [False, False, True]]), value=1.0),
    ],
)
def masked_fill(input: Array, *, mask: Array, value: float) -> Array:
    """A copy of input with `value` where the mask, broadcast to it, is True."""
    if mask.dtype != bool:
        raise RuntimeError(f"masked_fill only supports boolean masks, got {mask.dtype}")
    return np.where(mask, np.asarray(value, input.dtype), input)


@op(vjp=None)
def nonzero(input: Array) -> Array:
    """The coordinates of the nonzero elements, one row each: (count, ndim)."""
    return np.argwhere(input)


@op(vjp=None)
def one_hot(input: Array, *, num_classes: int = -1) -> Array:
    """(...) of class numbers -> (..., num_classes), 1 at the class and 0 elsewhere."""
    if input.dtype != np.int64:
        raise RuntimeError(f"one_hot is only applicable to index tensors of int64: {input.dtype}")
    if input.size and input.min() < 0:
        raise RuntimeError(f"Class values must be non-negative, got {int(input.min())}")
    most = int(input.max()) + 1 if input.size else 0
    if num_classes == -1:
        num_classes = most
    if num_classes <= 0 or num_classes < most:
        raise RuntimeError(
            f"one_hot: num_classes={num_classes} must be positive and larger than every class, the "
            f"largest of which is {most - 1}"
        )
    return (input[..., None] == np.arange(num_classes)).astype(np.int64)
