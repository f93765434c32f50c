"""Dimensions renamed, merged, split and turned: views composed of the declared ones."""

import math
from collections.abc import Sequence
from typing import Any

from minigrad.engine.op import composed
from minigrad.ops.dims import each_dim, infer_shape, wrap_dim
from minigrad.ops.shape import copies, views


@composed
def t(input: Any) -> Any:
    """A matrix transposed; fewer dimensions stay as they are."""
    if input.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.ndim}D")
    return views.transpose(input, dim0=0, dim1=1) if input.ndim == 2 else input


@composed
def adjoint(input: Any) -> Any:
    """Each matrix (..., m, n) transposed, as elements are real; a 0-d tensor stays as it is."""
    if input.ndim == 1:
        raise RuntimeError(
            f"adjoint is for matrices or batches of them, got a tensor of shape {input.shape}"
        )
    return views.transpose(input, dim0=-2, dim1=-1) if input.ndim else input


@composed
def movedim(input: Any, source: int | Sequence[int], destination: int | Sequence[int]) -> Any:
    """A view with dimensions at other places, the rest in the order they had.

    Raises RuntimeError unless source and destination name as many different dimensions.
    """
    sources, places = (
        [given] if isinstance(given, int) else list(given) for given in (source, destination)
    )
    if len(sources) != len(places):
        raise RuntimeError(
            f"movedim: source and destination must have the same number of dimensions, got "
            f"{sources} and {places}"
        )
    each_dim(sources, input.ndim)
    each_dim(places, input.ndim)
    if input.ndim == 0:
        return input
    moved = {
        wrap_dim(place, input.ndim): wrap_dim(taken, input.ndim)
        for place, taken in zip(places, sources, strict=True)
    }
    others = iter([d for d in range(input.ndim) if d not in moved.values()])
    order = tuple(moved[d] if d in moved else next(others) for d in range(input.ndim))
    return views.permute(input, dims=order)


@composed
def flatten(input: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """The dimensions start_dim ... end_dim made one."""
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
def unflatten(input: Any, dim: int, sizes: Sequence[int]) -> Any:
    """One dimension made several, of `sizes`."""
    axis = wrap_dim(dim, input.ndim)
    if len(sizes) == 0:
        raise RuntimeError("unflatten: sizes must be non-empty")
    if input.ndim == 0:
        return input.reshape(infer_shape(tuple(sizes), 1, ()))
    size = input.shape[axis]
    found = infer_shape(tuple(sizes), size, (size,))
    return views.view(input, shape=(*input.shape[:axis], *found, *input.shape[axis + 1 :]))


def _each(function: Any, tensors: tuple[Any, ...]) -> Any:
    """The function of one tensor; of several, or of a sequence of them, a tuple of results."""
    if len(tensors) == 1 and not isinstance(tensors[0], list | tuple):
        return function(tensors[0])
    given = tensors[0] if len(tensors) == 1 else tensors
    return tuple(map(function, given))


def atleast_1d(*tensors: Any) -> Any:
    """The tensors, those of no dimension as one element."""
    return _each(lambda x: x if x.ndim else x.reshape(1), tensors)


def atleast_2d(*tensors: Any) -> Any:
    """The tensors as views of 2 dimensions or more; a vector becomes a row."""
    return _each(lambda x: x if x.ndim > 1 else x.reshape(1, x.numel()), tensors)


def atleast_3d(*tensors: Any) -> Any:
    """The tensors as views of 3 dimensions or more; (n,) -> (1, n, 1), (m, n) -> (m, n, 1)."""
    return _each(
        lambda x: x if x.ndim > 2 else (x if x.ndim == 2 else atleast_2d(x)).unsqueeze(-1), tensors
    )


@composed
def rot90(input: Any, k: int = 1, dims: Sequence[int] = (0, 1)) -> Any:
    """The plane of two dimensions turned by k right angles, from the first towards the second."""
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
def fliplr(input: Any) -> Any:
    """The second dimension in reverse order."""
    _require_dims("fliplr", input, 2)
    return copies.flip(input, dims=(1,))


@composed
def flipud(input: Any) -> Any:
    """The first dimension in reverse order."""
    _require_dims("flipud", input, 1)
    return copies.flip(input, dims=(0,))


def _require_dims(name: str, input: Any, least: int) -> None:
    if input.ndim < least:
        raise RuntimeError(
            f"{name}: a tensor of at least {least} dimensions is expected, got shape "
            f"{list(input.shape)}"
        )
