"""Transforms of complex and of real tensors to complex ones."""

from minigrad.engine.graph import V
from minigrad.engine.op import composed
from minigrad.fft.arguments import (
    Dims,
    Points,
    Sizes,
    as_floats,
    as_real,
    one_dim,
    require_dims,
    resized,
    scale_of,
    several_dims,
)
from minigrad.ops.fourier.transforms import c2c, r2c


def _transformed(input: V, points: Points, norm: str | None, forward: bool) -> V:
    """The transform over all frequencies of a real or complex tensor."""
    given = resized(as_floats(input), points)
    scale = scale_of(norm, forward)
    if given._is_complex:
        return c2c(given, dim=points.dim, scale=scale, forward=forward)
    return r2c(given, dim=points.dim, scale=scale, forward=forward, onesided=False)


def _real_transformed(name: str, input: V, points: Points, norm: str | None) -> V:
    require_dims(name, points)
    given = resized(as_real(name, input), points)
    return r2c(given, dim=points.dim, scale=scale_of(norm, True), forward=True, onesided=True)


@composed
def fft(input: V, n: int | None = None, dim: int = -1, norm: str | None = None) -> V:
    """The transform over one dimension, of `n` points: the input is cut off or padded with zeros.

    norm: "backward" (no factor), "forward" (1 / n) or "ortho" (1 / sqrt(n)).
    Raises RuntimeError for another norm, for float16 and for n below 1.
    """
    return _transformed(input, one_dim(input, n, dim), norm, True)


@composed
def ifft(input: V, n: int | None = None, dim: int = -1, norm: str | None = None) -> V:
    """The inverse of `fft`."""
    return _transformed(input, one_dim(input, n, dim), norm, False)


@composed
def rfft(input: V, n: int | None = None, dim: int = -1, norm: str | None = None) -> V:
    """The transform of a real tensor: its frequencies 0 ... n // 2, the others are conjugates."""
    return _real_transformed("rfft", input, one_dim(input, n, dim), norm)


@composed
def fftn(input: V, s: Sizes = None, dim: Dims = None, norm: str | None = None) -> V:
    """The transform over several dimensions, all of them by default, of sizes `s`."""
    return _transformed(input, several_dims(input, s, dim), norm, True)


@composed
def ifftn(input: V, s: Sizes = None, dim: Dims = None, norm: str | None = None) -> V:
    """The inverse of `fftn`."""
    return _transformed(input, several_dims(input, s, dim), norm, False)


@composed
def rfftn(input: V, s: Sizes = None, dim: Dims = None, norm: str | None = None) -> V:
    """The transform of a real tensor over several dimensions, of the last one half."""
    return _real_transformed("rfftn", input, several_dims(input, s, dim), norm)


@composed
def fft2(input: V, s: Sizes = None, dim: Dims = (-2, -1), norm: str | None = None) -> V:
    """The transform over two dimensions."""
    return _transformed(input, several_dims(input, s, dim), norm, True)


@composed
def ifft2(input: V, s: Sizes = None, dim: Dims = (-2, -1), norm: str | None = None) -> V:
    """The inverse of `fft2`."""
    return _transformed(input, several_dims(input, s, dim), norm, False)


@composed
def rfft2(input: V, s: Sizes = None, dim: Dims = (-2, -1), norm: str | None = None) -> V:
    """The transform of a real tensor over two dimensions, of the last one half."""
    return _real_transformed("rfft2", input, several_dims(input, s, dim), norm)
