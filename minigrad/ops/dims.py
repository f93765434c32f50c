"""Dimensions and shapes as torch counts them, checked; negative dimensions count from the end."""

import math
import operator
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from minigrad.core.types import Array, Dim, Shape, Size


def wrap_dim(dim: int, ndim: int) -> int:
    """`dim` as an int in 0 ... ndim - 1.  Raises IndexError if there is no such dimension."""
    if type(dim) is not int:
        try:
            if isinstance(dim, bool):
                raise TypeError
            dim = operator.index(dim)
        except TypeError:
            raise TypeError(
                f"dim must be an int, got {dim!r} of type {type(dim).__name__}"
            ) from None
    extent = max(ndim, 1)
    if not -extent <= dim < extent:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-extent}, {extent - 1}], "
            f"but got {dim})"
        )
    return dim % extent


def as_tuple(given: int | Sequence[int]) -> tuple[int, ...]:
    """Several ints, or one: an int, or an integer of NumPy or of a tensor without dimensions."""
    if isinstance(given, int) or getattr(given, "ndim", 1) == 0:
        return (given,)  # type: ignore[return-value]
    return tuple(given)


def each_dim(dims: int | Sequence[int], ndim: int) -> tuple[int, ...]:
    """The dimensions in order; none for an empty list.  Raises RuntimeError for repeated ones."""
    given = dims if type(dims) is tuple else as_tuple(dims)
    if len(given) == 1:
        only = wrap_dim(given[0], ndim)
        return (only,) if ndim else ()
    found = sorted(wrap_dim(d, ndim) for d in given)
    if len(set(found)) < len(found):
        raise RuntimeError(f"a dimension appears more than once in {list(given)}")
    return tuple(found) if ndim else ()


def axes(dim: Dim, ndim: int) -> tuple[int, ...]:
    """The dimensions to reduce over, in order; all of them for None or an empty list."""
    if dim is None or type(dim) is int:
        return _axes(dim, ndim)
    given = dim if type(dim) is tuple else as_tuple(dim)
    return each_dim(given, ndim) if given else _axes(None, ndim)


@lru_cache(1024)
def _axes(dim: int | None, ndim: int) -> tuple[int, ...]:
    return tuple(range(ndim)) if dim is None else each_dim(dim, ndim)


def kept_shape(shape: Shape, dim: Dim) -> Shape:
    """The shape after a reduction over `dim` with keepdim=True."""
    reduced = axes(dim, len(shape))
    return tuple(1 if i in reduced else size for i, size in enumerate(shape))


def broadcast_view(x: Array, shape: Shape) -> Array:
    """A read-only view of x, broadcast to `shape`; `np.broadcast_to` takes 5 us longer."""
    if not x.flags.c_contiguous or x.size == 0:
        return np.broadcast_to(x, shape)
    lead = len(shape) - x.ndim
    strides = [
        0 if own != size else stride
        for own, size, stride in zip(x.shape, shape[lead:], x.strides, strict=True)
    ]
    view: Array = np.ndarray(shape, x.dtype, x, 0, (*[0] * lead, *strides))
    view.flags.writeable = False
    return view


def infer_shape(shape: Sequence[int], size: int, given: Shape) -> Shape:
    """`shape` with the -1 in it replaced by the size that is left for it.

    `given` is the shape of the tensor of `size` elements.  Raises RuntimeError if they do not fit.
    """
    if -1 not in shape and math.prod(shape) == size and min(shape, default=0) >= 0:
        return tuple(shape)
    wanted = tuple(int(s) for s in shape)
    known = 1
    for s in wanted:
        known *= 1 if s == -1 else s
    unknown = wanted.count(-1)
    if unknown > 1:
        raise RuntimeError(f"only one dimension can be inferred, got shape {list(wanted)}")
    if any(s < -1 for s in wanted):
        raise RuntimeError(f"invalid shape {list(wanted)}: sizes must be -1 or at least 0")
    fits = known == size if not unknown else (known != 0 and size % known == 0)
    if not fits:
        raise RuntimeError(
            f"shape '{list(wanted)}' is invalid for input of size {size} (of shape {list(given)})"
        )
    return tuple(size // known if s == -1 else s for s in wanted)


def broadcast_shapes(*shapes: int | Sequence[int]) -> Size:
    """The shape that shapes broadcast to.  Raises RuntimeError if they do not broadcast."""
    given = [(s,) if isinstance(s, int) else tuple(s) for s in shapes]
    try:
        return Size(np.broadcast_shapes(*given))
    except ValueError:
        listed = " and ".join(str(list(s)) for s in given)
        raise RuntimeError(
            f"the shapes {listed} do not broadcast: counted from the last dimension, sizes must be "
            f"equal or 1"
        ) from None
