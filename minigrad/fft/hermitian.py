"""Transforms between real tensors and the half of a spectrum that determines them."""

from minigrad.engine.graph import V
from minigrad.engine.op import composed
from minigrad.fft.arguments import (
    Dims,
    Points,
    Sizes,
    as_complex,
    as_real,
    one_dim,
    require_dims,
    require_points,
    resized,
    scale_of,
    several_dims,
)
from minigrad.ops.fourier.transforms import c2r, r2c


def _to_real(
    name: str, input: V, points: Points, size: int | None, norm: str | None, forward: bool
) -> V:
    """The real tensor, with `size` points along the last dimension, 2 * (m - 1) by default."""
    require_dims(name, points)
    given = as_complex(input)
    count = 2 * (given.shape[points.dim[-1]] - 1) if size is None else size
    require_points((count,))
    halved = Points(points.dim, (*points.sizes[:-1], count // 2 + 1))
    scale = scale_of(norm, forward)
    return c2r(resized(given, halved), dim=points.dim, scale=scale, forward=forward, size=count)


def _of_one(name: str, input: V, n: int | None, dim: int, norm: str | None, forward: bool) -> V:
    return _to_real(name, input, one_dim(input, n, dim), n, norm, forward)


def _of_several(name: str, input: V, s: Sizes, dim: Dims, norm: str | None, forward: bool) -> V:
    points = several_dims(input, s, dim)
    last = None if s is None else s if isinstance(s, int) else s[-1] if len(s) else None
    last = None if last == -1 else last  # the default
    return _to_real(name, input, points, last, norm, forward)


def _half_of_real(name: str, input: V, points: Points, norm: str | None) -> V:
    require_dims(name, points)
    given = resized(as_real(name, input), points)
    return r2c(given, dim=points.dim, scale=scale_of(norm, False), forward=False, onesided=True)


@composed
def irfft(input: V, n: int | None = None, dim: int = -1, norm: str | None = None) -> V:
    """The inverse of `rfft`: `n` real points, 2 * (m - 1) by default for m frequencies.

    Raises RuntimeError for n below 1; give n where it was odd.
    """
    return _of_one("irfft", input, n, dim, norm, False)


@composed
def irfftn(input: V, s: Sizes = None, dim: Dims = None, norm: str | None = None) -> V:
    """The inverse of `rfftn`."""
    return _of_several("irfftn", input, s, dim, norm, False)


@composed
def irfft2(input: V, s: Sizes = None, dim: Dims = (-2, -1), norm: str | None = None) -> V:
    """The inverse of `rfft2`."""
    return _of_several("irfft2", input, s, dim, norm, False)


@composed
def hfft(input: V, n: int | None = None, dim: int = -1, norm: str | None = None) -> V:
    """The real transform of a signal of which the half from 0 on is given, the rest conjugate."""
    return _of_one("hfft", input, n, dim, norm, True)


@composed
def hfftn(input: V, s: Sizes = None, dim: Dims = None, norm: str | None = None) -> V:
    """`hfft` over several dimensions: the last is the one that is halved."""
    return _of_several("hfftn", input, s, dim, norm, True)


@composed
def hfft2(input: V, s: Sizes = None, dim: Dims = (-2, -1), norm: str | None = None) -> V:
    """`hfft` over two dimensions."""
    return _of_several("hfft2", input, s, dim, norm, True)


@composed
def ihfft(input: V, n: int | None = None, dim: int = -1, norm: str | None = None) -> V:
    """The inverse of `hfft`: half of the inverse transform of a real tensor."""
    return _half_of_real("ihfft", input, one_dim(input, n, dim), norm)


@composed
def ihfftn(input: V, s: Sizes = None, dim: Dims = None, norm: str | None = None) -> V:
    """The inverse of `hfftn`."""
    return _half_of_real("ihfftn", input, several_dims(input, s, dim), norm)


@composed
def ihfft2(input: V, s: Sizes = None, dim: Dims = (-2, -1), norm: str | None = None) -> V:
    """The inverse of `hfft2`."""
    return _half_of_real("ihfft2", input, several_dims(input, s, dim), norm)
