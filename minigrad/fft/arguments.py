"""What all transforms do with their arguments: dtypes, sizes, dimensions and the factor."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from minigrad.core import dtypes
from minigrad.core.types import Shape
from minigrad.engine.graph import V
from minigrad.ops import cast, narrow, pad_constant
from minigrad.ops.dims import wrap_dim
from minigrad.ops.fourier.transforms import Scale

Sizes = Sequence[int] | int | None
Dims = Sequence[int] | int | None


class Points(NamedTuple):
    """The dimensions to transform, and the number of points in each."""

    dim: Shape
    sizes: Shape


def scale_of(norm: str | None, forward: bool) -> Scale:
    """The factor that a norm asks for in one direction.  Raises RuntimeError for other norms."""
    if norm is None or norm == "backward":
        return "none" if forward else "n"
    if norm == "forward":
        return "n" if forward else "none"
    if norm == "ortho":
        return "root"
    raise RuntimeError(
        f'Invalid normalization mode: "{norm}", expected one of "backward", "forward" and "ortho"'
    )


def as_floats(input: V) -> V:
    """The input in a floating or complex dtype.  Raises RuntimeError for float16."""
    if input.array.dtype == np.float16:
        raise RuntimeError("Unsupported dtype Half: transforms are of float32 and float64; cast it")
    if input.array.dtype.kind in "fc":
        return input
    return cast(input, dtype=dtypes.get_default_dtype())


def as_complex(input: V) -> V:
    """The input in a complex dtype."""
    floats = as_floats(input)
    dtype = dtypes.of_numpy(floats.array.dtype)
    return floats if dtype.is_complex else cast(floats, dtype=dtype.to_complex())


def as_real(name: str, input: V) -> V:
    """The input in a floating dtype.  Raises RuntimeError for a complex one."""
    if input.array.dtype.kind == "c":
        raise RuntimeError(
            f"{name} expects a real input tensor, but got {dtypes.torch_name(input.array.dtype)}"
        )
    return as_floats(input)


def one_dim(input: V, n: int | None, dim: int) -> Points:
    """The points of a transform over one dimension."""
    if input.ndim == 0:
        wrap_dim(dim, 0)
        raise IndexError("Dimension specified as -1 but tensor has no dimensions")
    axis = wrap_dim(dim, input.ndim)
    return Points((axis,), (input.shape[axis] if n is None else n,))


def several_dims(input: V, s: Sizes, dim: Dims) -> Points:
    """The points of a transform over several dimensions, all of them by default.

    A size of -1 stands for the input's.
    """
    sizes = (s,) if isinstance(s, int) else None if s is None else tuple(s)
    if dim is not None:
        given = (dim,) if isinstance(dim, int) else tuple(dim)
        axes = tuple(wrap_dim(each, input.ndim) for each in given)
        if len(set(axes)) < len(axes):
            raise RuntimeError(f"FFT dims must be unique, got dim={list(given)}")
        if sizes is not None and len(sizes) != len(axes):
            raise RuntimeError(
                f"When given, dim and shape arguments must have the same length, got "
                f"dim={list(given)} and s={list(sizes)}"
            )
    elif sizes is None:
        axes = tuple(range(input.ndim))
    else:
        if len(sizes) > input.ndim:
            raise RuntimeError(
                f"Got shape with {len(sizes)} values but input tensor only has {input.ndim} "
                f"dimensions."
            )
        axes = tuple(range(input.ndim - len(sizes), input.ndim))
    own = tuple(input.shape[axis] for axis in axes)
    if sizes is None:
        return Points(axes, own)
    return Points(axes, tuple(m if n == -1 else n for n, m in zip(sizes, own, strict=True)))


def require_points(sizes: Shape) -> None:
    """Raise RuntimeError if a dimension is to have no points."""
    for size in sizes:
        if size < 1:
            raise RuntimeError(f"Invalid number of data points ({size}) specified")


def require_dims(name: str, points: Points) -> None:
    """Raise RuntimeError if there is no dimension to transform."""
    if not points.dim:
        raise RuntimeError(f"{name} must transform at least one axis")


def resized(input: V, points: Points) -> V:
    """The input with as many points in each dimension: cut off, or zeros added.

    Raises RuntimeError for less than one point.
    """
    require_points(points.sizes)
    padding = [(0, 0)] * input.ndim
    for axis, size in zip(points.dim, points.sizes, strict=True):
        if size < input.shape[axis]:
            input = narrow(input, axis, 0, size)
        padding[axis] = (0, size - input.shape[axis])
    if not any(after for _, after in padding):
        return input
    return pad_constant(input, padding=tuple(padding))
