"""Indexing, `x[...]` and `x[...] = v`, and the operations that are its derivatives."""

import operator
from collections.abc import Iterable
from types import EllipsisType
from typing import Any

import numpy as np

from minigrad.core.types import Array, Shape
from minigrad.core.warn import warn_caller
from minigrad.engine.grad_mode import ignore_fp_errors, thread
from minigrad.engine.graph import V, Value, wrap_like
from minigrad.engine.op import arr, op, sample
from minigrad.engine.step_recorder import numbers_read
from minigrad.kernels.gather import add_at, take_at
from minigrad.ops.elementwise.elementary import where
from minigrad.ops.indexing.index_errors import index_error


class Index(tuple[Any, ...]):
    """An index as NumPy takes it, with an array for each tensor."""

    @property
    def is_basic(self) -> bool:
        """True if the index selects a view: no part of it is an array."""
        return np.ndarray not in map(type, self)


class BasicIndex(Index):
    """An index of ints, slices, None and ... alone, known to have no array without a look."""

    is_basic = True


def along(axis: int, part: Any) -> Index:
    """The index `[:, ..., :, part]` that has `part` at the dimension `axis`."""
    kind = BasicIndex if type(part) in _BASIC else Index
    return kind((slice(None),) * axis + (part,))


_BASIC = frozenset((int, slice, type(None), EllipsisType))


def saved_index(index: Array, *users: object) -> Array:
    """The index, copied if the graph records the operation on `users` and so saves it.

    PyTorch differs: there a change of the index in place makes the backward raise RuntimeError.
    """
    if thread.mode.grad:
        for user in users:
            if isinstance(user, Value) and user.requires_grad:
                copied: Array = ignore_fp_errors(np.copy, index)
                return copied
    return index


def as_index(given: Any, *users: object) -> Index:
    """The index that a user has written, with arrays for tensors, copied if the graph saves them.

    A list that holds sequences, slices, None, ... or tensors counts as a tuple, as in torch.
    Raises IndexError for parts that cannot index, ValueError for slices with a negative step.
    """
    if type(given) is int:  # most of all
        return BasicIndex((given,))
    if isinstance(given, Value) and given.array.ndim and given.array.dtype == np.int64:
        return Index((saved_index(given.array, *users),))
    if isinstance(given, list) and any(isinstance(part, _AS_TUPLE) for part in given):
        given = tuple(given)
    parts = given if isinstance(given, tuple) else (given,)
    index = [_as_part(part) for part in parts]
    if _BASIC.issuperset(map(type, index)):
        return BasicIndex(index)
    return Index([_saved_part(part, users) for part in index])


_AS_TUPLE = (list, tuple, slice, EllipsisType, type(None), Value, np.ndarray)


def _saved_part(part: Any, users: tuple[object, ...]) -> Any:
    return saved_index(part, *users) if isinstance(part, np.ndarray) else part


def _as_part(part: Any) -> Any:
    if type(part) is int or part is None or part is Ellipsis:
        return part
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
            warn_caller(
                "indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool "
                "instead: the tensor is taken as a mask."
            )
            part = part.astype(bool)
        if part.ndim == 0 and part.dtype != bool:
            return int(numbers_read(part, int(part)))
        return part
    if isinstance(part, slice):
        part = slice(*map(_slice_bound, (part.start, part.stop, part.step)))
        if part.step is not None and part.step <= 0:
            raise ValueError(f"step must be greater than zero, got {part.step}")
    elif not isinstance(part, int | None | EllipsisType):
        raise IndexError(
            f"only integers, slices (`:`), ellipsis (`...`), None and tensors of integers or "
            f"bools are valid indices, got {part!r}"
        )
    return part


_INDEX_DTYPES = (np.int64, np.int32, np.uint8, np.bool_)


def _slice_bound(given: Any) -> int | None:
    """A bound of a slice as an int; it may be an integer tensor of one element."""
    return None if given is None else operator.index(given)


def _view_and_index(array: Array, index: Index) -> tuple[Array, tuple[Any, ...]]:
    """A view of the array and an index into the view that together are `array[index]`.

    Integers beside index arrays are applied first, as in torch.  NumPy would treat them as arrays
    too, and put the dimension of the arrays in front.
    """
    for part in index:
        if type(part) is int and not index.is_basic:
            break
    else:
        return array, index
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
        if index.is_basic:
            # With an ellipsis NumPy gives a view, and not a number, of a single element too.
            found: Array = input[tuple(index) if Ellipsis in index else (*index, Ellipsis)]
            return found
        return take_at(*_view_and_index(input, index))
    except IndexError as error:
        raise index_error(error, index, input.shape) from None


def _last_step(index: Index) -> str:
    """The name of the last of the operations that torch records for an index."""
    if not index.is_basic:
        return "Index"
    steps = [part for part in index if part is not Ellipsis and part != slice(None)]
    if not steps:
        return "Alias"
    last = steps[-1]
    return "Unsqueeze" if last is None else "Slice" if isinstance(last, slice) else "Select"


def _add_at(total: Array, part: Array, *, index: Index) -> None:
    """Add `part` at the index, in place; repeated positions add up."""
    target, inner = _view_and_index(total, index)
    if _may_repeat(inner):
        add_at(target, inner, part)
    else:
        target[inner] += part


@op(
    node=lambda node: f"{_last_step(node.settings['index'])}Backward0",
    vjp=(lambda g, out, x, *, index: getitem_backward(g, index=index, shape=x.shape),),
    degree=1,
    views=True,
    add_part=_add_at,
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
def getitem_backward(cotangent: Array, *, index: Index, shape: Shape) -> Array:
    """Zeros of `shape` with the cotangent added at the index; repeated positions add up."""
    out = np.zeros(shape, cotangent.dtype)
    target, inner = _view_and_index(out, index)
    if _may_repeat(inner):
        add_at(target, inner, cotangent)
    else:
        target[inner] = cotangent
    return out


def _may_repeat(index: Iterable[Any]) -> bool:
    """True if an element may be selected more than once."""
    return any(isinstance(part, np.ndarray) and part.dtype != bool for part in index)


def assign(array: Array, index: Index, values: Array) -> None:
    """`array[index] = values`.  Raises torch's RuntimeError if the shapes do not fit."""
    target, inner = _view_and_index(array, index)
    while values.ndim and values.shape[0] == 1:  # NumPy refuses these for masks and for integers
        values = values[0]
    try:
        target[inner] = values
    except ValueError:
        raise RuntimeError(
            f"shape mismatch: a value of shape {list(np.shape(values))} cannot be broadcast to "
            f"the indexed shape {list(target[inner].shape)}"
        ) from None
    except IndexError as error:
        raise index_error(error, index, array.shape) from None


def _summed_to(g: V, shape: Shape) -> V:
    """A cotangent summed to a shape that broadcasts to its own; leading sizes of 1 may be more."""
    more = len(shape) - len(g.shape)
    return (g.reshape((1,) * more + g.shape) if more > 0 else g).sum_to_size(shape)


def written_cotangent(taken: V, index: Index, shape: Shape) -> V:
    """The cotangent of values written at an index of an array of `shape`.

    `taken` is what the result's cotangent has there.  Of several values for one position the last
    stayed, and the others get nothing.
    """
    if not _may_repeat(index):
        return taken
    writer = np.empty(shape, np.intp)  # which value was written last: set where it is read
    order = np.arange(taken.array.size).reshape(taken.array.shape)
    target, inner = _view_and_index(writer, index)
    target[inner] = order
    stayed = target[inner] == order
    return taken if stayed.all() else where(wrap_like(taken, stayed), taken, 0.0)


def _put_rule(g: V, shape: Shape, index: Index) -> V:
    return _summed_to(written_cotangent(getitem(g, index=index), index, g.shape), shape)


@op(
    node=lambda node: "CopySlices" if node.settings["index"].is_basic else "IndexPutBackward0",
    vjp=(
        lambda g, out, x, v, *, index: index_put_scalar(g, index=index),
        lambda g, out, x, v, *, index: _put_rule(g, v.shape, index),
    ),
    degree=1,
    samples=[
        sample(arr.of(3, 4), arr.of(1, 1, 4), index=Index((1,))),
        sample(arr.of(3, 4), arr.of(4), index=Index((1,))),
        sample(arr.of(3, 4), arr.of(), index=Index((slice(None), slice(1, 3)))),
        sample(arr.of(3, 4), arr.of(2, 4), index=Index((np.array([2, 0]),))),
        sample(arr.of(3, 4), arr.of(3, 4), index=Index((np.array([2, 0, 2]),))),
        sample(arr.of(3, 4), arr.of(), index=Index((np.array([1, 1]), np.array([3, 3])))),
    ],
)
def index_put(input: Array, values: Array, *, index: Index) -> Array:
    """A copy of input with `input[index] = values`; values broadcast to the indexed shape.

    PyTorch differs: of several values for one position it gives a gradient to all, and not only to
    the last, which is the one that stays.
    """
    out = input.copy()
    assign(out, index, values)
    return out


@op(
    node=lambda node: "CopySlices" if node.settings["index"].is_basic else "IndexPutBackward0",
    vjp=(lambda g, out, x, *, index, value: index_put_scalar(g, index=index),),
    samples=[sample(arr.of(3, 4), index=Index((1,)), value=2.0)],
)
def index_put_scalar(input: Array, *, index: Index, value: float = 0.0) -> Array:
    """A copy of input with one number at the index."""
    out = input.copy()
    assign(out, index, np.asarray(value, input.dtype))
    return out


@op(
    node="IndexPutBackward0",
    vjp=(
        lambda g, out, x, v, *, index: g,
        lambda g, out, x, v, *, index: _summed_to(getitem(g, index=index), v.shape),
    ),
    degree=1,
    samples=[
        sample(arr.of(3, 4), arr.of(3, 4), index=Index((np.array([2, 0, 2]),))),
        sample(arr.of(3, 4), arr.of(), index=Index((np.array([0, 0]), np.array([3, 3])))),
        sample(arr.of(2, 3), arr.of(1), index=Index((np.array([[True, False, True]] * 2),))),
    ],
)
def index_put_accumulate(input: Array, values: Array, *, index: Index) -> Array:
    """A copy of input with `values` added at the index; repeated positions add up."""
    out = input.copy()
    target, inner = _view_and_index(out, index)
    try:
        add_at(target, inner, values)
    except ValueError:
        raise RuntimeError(
            f"shape mismatch: a value of shape {list(values.shape)} cannot be broadcast to the "
            f"indexed shape {list(target[inner].shape)}"
        ) from None
    except IndexError as error:
        raise index_error(error, index, input.shape) from None
    return out
