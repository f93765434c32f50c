"""Indexing: `x[...]` and `x[...] = v`, and what their derivatives need."""

import operator
import warnings
from types import EllipsisType
from typing import Any

import numpy as np

from minigrad.engine.grad_mode import thread
from minigrad.engine.graph import Value
from minigrad.engine.op import arr, op, sample
from minigrad.kernels.gather import add_at, take_at

Array = Any


class Index(tuple[Any, ...]):
    """An index as NumPy takes it, with arrays in the place of tensors."""

    @property
    def is_basic(self) -> bool:
        """Whether it selects a view: no arrays among its parts."""
        return not any(isinstance(part, np.ndarray) for part in self)


def along(axis: int, part: Any) -> Index:
    """The index of one part at a dimension, and everything of those before it."""
    return Index((slice(None),) * axis + (part,))


def held(index: Array, *users: Any) -> Array:
    """An index as the graph may keep it: a copy where the operation on `users` is recorded.

    PyTorch differs: it refuses the backward if the index has been changed in place since.
    """
    recorded = thread.mode.grad and any(isinstance(u, Value) and u.requires_grad for u in users)
    return index.copy() if recorded else index


def as_index(given: Any, *users: Any) -> Index:
    """An index as written by the user; tensors become arrays, copied if the graph keeps them.

    A list that holds sequences, slices, None, ... or tensors counts as a tuple, as in torch.
    Raises IndexError for parts that cannot index, ValueError for slices that step backwards.
    """
    if isinstance(given, list) and any(isinstance(part, _AS_TUPLE) for part in given):
        given = tuple(given)
    parts = given if isinstance(given, tuple) else (given,)
    index = Index(map(_as_part, parts))
    return index if index.is_basic else Index(_held_part(part, users) for part in index)


_AS_TUPLE = (list, tuple, slice, EllipsisType, type(None), Value, np.ndarray)


def _held_part(part: Any, users: tuple[Any, ...]) -> Any:
    return held(part, *users) if isinstance(part, np.ndarray) else part


def _as_part(part: Any) -> Any:
    part = getattr(part, "array", part)
    if isinstance(part, list | tuple | range):
        part = np.asarray(part) if len(part) else np.empty(0, np.int64)
    elif isinstance(part, bool | np.bool_):
        part = np.asarray(part)
    elif isinstance(part, np.integer):
        part = int(part)
    if isinstance(part, np.ndarray):
        if part.dtype not in _INDEX_DTYPES:
            raise IndexError(
                f"tensors used as indices must be long, int, uint8 or bool tensors, got "
                f"{part.dtype}"
            )
        if part.dtype == np.uint8:
            warnings.warn("uint8 tensors index as masks; use bool ones instead", stacklevel=4)
            part = part.astype(bool)
        return int(part) if part.ndim == 0 and part.dtype != bool else part
    if isinstance(part, slice):
        part = slice(*map(_bound, (part.start, part.stop, part.step)))
        if part.step is not None and part.step <= 0:
            raise ValueError(f"step must be greater than zero, got {part.step}")
    elif not isinstance(part, int | None | EllipsisType):
        raise IndexError(
            f"only integers, slices (`:`), ellipsis (`...`), None and tensors of integers or "
            f"bools are valid indices, got {part!r}"
        )
    return part


_INDEX_DTYPES = (np.int64, np.int32, np.uint8, np.bool_)


def _bound(given: Any) -> int | None:
    """A bound of a slice, which may be an integer tensor of one element."""
    return None if given is None else operator.index(given)


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
        if not index.is_basic:
            return take_at(place, inner)
        return place[inner if Ellipsis in inner else (*inner, Ellipsis)]  # lest a number is a copy
    except IndexError as error:
        raise IndexError(f"{error} (tensor of shape {list(input.shape)})") from None


def _last_step(index: Index) -> str:
    """The last of the views and look-ups that torch makes for an index, one after another."""
    if not index.is_basic:
        return "Index"
    steps = [part for part in index if part is not Ellipsis and part != slice(None)]
    if not steps:
        return "Alias"
    last = steps[-1]
    return "Unsqueeze" if last is None else "Slice" if isinstance(last, slice) else "Select"


@op(
    node=lambda node: f"{_last_step(node.settings['index'])}Backward0",
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
    node=lambda node: (
        f"{_last_step(node.settings['index'])}BackwardBackward0"
        if node.settings["index"].is_basic
        else "IndexPutImplBackward0"
    ),
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
    if _may_repeat(inner):
        add_at(place, inner, cotangent)
    else:
        place[inner] = cotangent
    return out


def _may_repeat(index: Any) -> bool:
    """Whether the index may name a place more than once."""
    return any(isinstance(part, np.ndarray) and part.dtype != bool for part in index)


def assign(array: Array, index: Index, values: Array) -> None:
    """`array[index] = values`, with torch's error where the shapes do not fit."""
    place, inner = _place(array, index)
    while values.ndim and values.shape[0] == 1:  # NumPy minds these at masks and at integers
        values = values[0]
    try:
        place[inner] = values
    except ValueError:
        raise RuntimeError(
            f"shape mismatch: a value of shape {list(np.shape(values))} cannot be broadcast to "
            f"the indexed place of shape {list(place[inner].shape)}"
        ) from None
    except IndexError as error:
        raise IndexError(f"{error} (tensor of shape {list(array.shape)})") from None


def _shrunk(g: Any, shape: tuple[int, ...]) -> Any:
    """A cotangent summed to a shape that broadcast to it, be it with more dimensions of 1."""
    more = len(shape) - len(g.shape)
    return (g.reshape((1,) * more + g.shape) if more > 0 else g).sum_to_size(shape)


@op(
    node=lambda node: "CopySlices" if node.settings["index"].is_basic else "IndexPutBackward0",
    vjp=(
        lambda g, out, x, v, *, index: index_filled(g, index=index),
        lambda g, out, x, v, *, index: _shrunk(getitem(g, index=index), v.shape),
    ),
    degree=1,
    samples=[
        sample(arr.of(3, 4), arr.of(1, 1, 4), index=Index((1,))),
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
    node=lambda node: "CopySlices" if node.settings["index"].is_basic else "IndexPutBackward0",
    vjp=(lambda g, out, x, *, index, value: index_filled(g, index=index),),
    samples=[sample(arr.of(3, 4), index=Index((1,)), value=2.0)],
)
def index_filled(input: Array, *, index: Index, value: float = 0.0) -> Array:
    """A copy of input with one number at the index."""
    out = input.copy()
    assign(out, index, np.asarray(value, input.dtype))
    return out


@op(
    node="IndexPutBackward0",
    vjp=(
        lambda g, out, x, v, *, index: g,
        lambda g, out, x, v, *, index: _shrunk(getitem(g, index=index), v.shape),
    ),
    degree=1,
    samples=[
        sample(arr.of(3, 4), arr.of(3, 4), index=Index((np.array([2, 0, 2]),))),
        sample(arr.of(3, 4), arr.of(), index=Index((np.array([0, 0]), np.array([3, 3])))),
        sample(arr.of(2, 3), arr.of(1), index=Index((np.array([[True, False, True]] * 2),))),
    ],
)
def index_accumulate(input: Array, values: Array, *, index: Index) -> Array:
    """A copy of input with `values` added at the index, repeated places adding up."""
    out = input.copy()
    place, inner = _place(out, index)
    try:
        add_at(place, inner, values)
    except ValueError:
        raise RuntimeError(
            f"shape mismatch: a value of shape {list(values.shape)} cannot be broadcast to the "
            f"indexed place of shape {list(place[inner].shape)}"
        ) from None
    except IndexError as error:
        raise IndexError(f"{error} (tensor of shape {list(input.shape)})") from None
    return out
