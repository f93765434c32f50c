"""Dimensions moved, merged, split, reversed and rotated, by declared views and flips."""

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol, overload

from minigrad.engine.graph import V, Value
from minigrad.engine.op import composed
from minigrad.ops.dims import each_dim, infer_shape, wrap_dim
from minigrad.ops.shape import copies, views


@composed
def t(input: V) -> V:
    """A matrix transposed; fewer dimensions stay as they are."""
    if input.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.ndim}D")
    return views.transpose(input, dim0=0, dim1=1) if input.ndim == 2 else input


@composed
def adjoint(input: V) -> V:
    """Each matrix (..., m, n) transposed, and complex conjugated; a 0-d tensor stays as it is."""
    if input.ndim == 1:
        raise RuntimeError(
            f"adjoint is for matrices or batches of them, got a tensor of shape {input.shape}"
        )
    turned = views.transpose(input, dim0=-2, dim1=-1) if input.ndim else input
    return turned.conj() if input._is_complex else turned


@composed
def matrix_transpose(input: V) -> V:
    """Each matrix (..., m, n) transposed; a 0-d tensor stays as it is."""
    if input.ndim == 1:
        raise RuntimeError(
            f"tensor.mT is for matrices or batches of them, got a tensor of shape {input.shape}"
        )
    return views.transpose(input, dim0=-2, dim1=-1) if input.ndim else input


@composed
def movedim(input: V, source: int | Sequence[int], destination: int | Sequence[int]) -> V:
    """A view with dimensions moved to other positions; the order of the rest stays.

    Raises RuntimeError unless source and destination list equally many different dimensions.
    """
    sources, destinations = (
        [given] if isinstance(given, int) else list(given) for given in (source, destination)
    )
    if len(sources) != len(destinations):
        raise RuntimeError(
            f"movedim: source and destination must have the same number of dimensions, got "
            f"{sources} and {destinations}"
        )
    each_dim(sources, input.ndim)
    each_dim(destinations, input.ndim)
    if input.ndim == 0:
        return input
    moved = {
        wrap_dim(to, input.ndim): wrap_dim(origin, input.ndim)
        for to, origin in zip(destinations, sources, strict=True)
    }
    others = iter([d for d in range(input.ndim) if d not in moved.values()])
    order = tuple(moved[d] if d in moved else next(others) for d in range(input.ndim))
    return views.permute(input, dims=order)


@composed
def flatten(input: V, start_dim: int = 0, end_dim: int = -1) -> V:
    """The dimensions start_dim ... end_dim merged into one; a view where possible.

    Raises RuntimeError if start_dim comes after end_dim.
    """
    first, last = wrap_dim(start_dim, input.ndim), wrap_dim(end_dim, input.ndim)
    if first > last:
        raise RuntimeError(
            f"flatten() has invalid args: start_dim cannot come after end_dim, got {start_dim} "
            f"and {end_dim} for a tensor of shape {list(input.shape)}"
        )
    if input.ndim == 0:
        return input.reshape(1)
    if first == last:
        return input
    size = math.prod(input.shape[first : last + 1])
    return input.reshape(*input.shape[:first], size, *input.shape[last + 1 :])


@composed
def unflatten(input: V, dim: int, sizes: Sequence[int]) -> V:
    """A view with one dimension split into several of `sizes`, one of which may be -1."""
    axis = wrap_dim(dim, input.ndim)
    if len(sizes) == 0:
        raise RuntimeError("unflatten: sizes must be non-empty")
    if input.ndim == 0:
        return input.reshape(infer_shape(tuple(sizes), 1, ()))
    size = input.shape[axis]
    found = infer_shape(tuple(sizes), size, (size,))
    return views.view(input, shape=(*input.shape[:axis], *found, *input.shape[axis + 1 :]))


class _AtLeast(Protocol):
    """A function of one tensor gives a tensor; of several, or of a sequence of them, a tuple."""

    @overload
    def __call__(self, tensor: V, /) -> V: ...
    @overload
    def __call__(self, tensors: Sequence[V], /) -> tuple[V, ...]: ...
    @overload
    def __call__(self, *tensors: V) -> tuple[V, ...]: ...


def _of_each(function: Callable[[Any], Any]) -> _AtLeast:
    def call(*tensors: Any) -> Any:
        if len(tensors) == 1 and not isinstance(tensors[0], list | tuple):
            return function(tensors[0])
        given = tensors[0] if len(tensors) == 1 else tensors
        return tuple(map(function, given))

    call.__name__ = call.__qualname__ = function.__name__
    call.__doc__ = function.__doc__
    return call


@_of_each
def atleast_1d(tensor: V) -> V:
    """The tensor, with a dimension of size 1 if it has none; of several tensors a tuple."""
    return tensor if tensor.ndim else tensor.reshape(1)


@_of_each
def atleast_2d(tensor: V) -> V:
    """A view with 2 dimensions or more, a vector as a row; of several tensors a tuple."""
    return tensor if tensor.ndim > 1 else tensor.reshape(1, tensor.numel())


@_of_each
def atleast_3d(tensor: V) -> V:
    """A view with 3 dimensions or more; of several tensors a tuple.

    Shapes: (n,) -> (1, n, 1), (m, n) -> (m, n, 1).
    """
    if tensor.ndim > 2:
        return tensor
    return (tensor if tensor.ndim == 2 else tensor.reshape(1, tensor.numel())).unsqueeze(-1)


@composed(node="Rot90Backward0")
def rot90(input: V, k: int = 1, dims: Sequence[int] = (0, 1)) -> V:
    """The tensor rotated by k right angles in the plane of `dims`, from the first to the second.

    Raises RuntimeError unless dims are two different dimensions.
    """
    if len(dims) != 2:
        raise RuntimeError(f"rot90: two dims are expected, got dims={list(dims)}")
    if input.ndim < 2:
        raise RuntimeError(
            f"rot90: at least 2 dimensions are expected, got a tensor of shape {list(input.shape)}"
        )
    first, second = (wrap_dim(d, input.ndim) for d in dims)
    if first == second:
        raise RuntimeError(f"rot90: the dims must be different, got {list(dims)}")
    if k % 4 == 0:
        return input.clone()
    if k % 4 == 2:
        return copies.flip(input, dims=(first, second))
    if k % 4 == 1:
        return copies.flip(input, dims=(second,)).transpose(first, second)
    return copies.flip(input, dims=(first,)).transpose(first, second)


@composed
def fliplr(input: V) -> V:
    """A copy with the second dimension in reverse order."""
    _require_dims("fliplr", input, 2)
    return copies.flip(input, dims=(1,))


@composed
def flipud(input: V) -> V:
    """A copy with the first dimension in reverse order."""
    _require_dims("flipud", input, 1)
    return copies.flip(input, dims=(0,))


def _require_dims(name: str, input: Value, least: int) -> None:
    if input.ndim < least:
        raise RuntimeError(
            f"{name}: a tensor of at least {least} dimensions is expected, got shape "
            f"{list(input.shape)}"
        )
