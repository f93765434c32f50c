"""Discrete Fourier transforms of complex and real tensors over several dimensions.

numpy.fft computes them, in the precision of the input.  Each is linear, and its derivative is the
transform in the other direction with the same factor.
"""

from typing import Any, Literal

import numpy as np

from minigrad.core.types import Array, Shape
from minigrad.engine.graph import V
from minigrad.engine.op import arr, op, sample
from minigrad.ops.complex_numbers.parts import real
from minigrad.ops.shape.copies import pad_constant

Scale = Literal["none", "root", "n"]
"""The factor of a transform of n points: 1, 1 / sqrt(n) or 1 / n."""

_FORWARD: dict[Scale, Any] = {"none": "backward", "root": "ortho", "n": "forward"}
_INVERSE: dict[Scale, Any] = {"none": "forward", "root": "ortho", "n": "backward"}


@op(
    node="FftC2CBackward0",
    vjp=(
        lambda g, out, x, *, dim, scale, forward: c2c(g, dim=dim, scale=scale, forward=not forward),
    ),
    degree=1,
    takes_complex=True,
)
def c2c(input: Array, *, dim: Shape, scale: Scale, forward: bool) -> Array:
    """The transform of a complex tensor over `dim`, `forward` with exp(-i ...)."""
    if not dim:
        return input.copy()
    if forward:
        return np.fft.fftn(input, axes=dim, norm=_FORWARD[scale])
    return np.fft.ifftn(input, axes=dim, norm=_INVERSE[scale])


def _r2c_rule(
    g: V, out: V, x: V, *, dim: Shape, scale: Scale, forward: bool, onesided: bool
) -> Any:
    last = dim[-1] if dim else -1
    missing = x.shape[last] - g.shape[last]
    if missing:
        padding = [(0, 0)] * len(g.shape)
        padding[last] = (0, missing)
        g = pad_constant(g, padding=tuple(padding))
    return real(c2c(g, dim=dim, scale=scale, forward=not forward))


_REAL = [
    sample(arr.of(6), dim=(0,), scale="none", forward=True, onesided=True),
    sample(arr.of(2, 5), dim=(1,), scale="n", forward=False, onesided=True),
    sample(arr.of(3, 4, 2), dim=(0, 1), scale="root", forward=True, onesided=True),
    sample(arr.of(3, 4), dim=(1, 0), scale="none", forward=True, onesided=False),
    sample(arr.of(5), dim=(0,), scale="n", forward=False, onesided=False),
    sample(arr.of(1), dim=(0,), scale="none", forward=True, onesided=True),
]


@op(node="FftR2CBackward0", vjp=(_r2c_rule,), degree=1, samples=_REAL, takes_complex=True)
def r2c(input: Array, *, dim: Shape, scale: Scale, forward: bool, onesided: bool) -> Array:
    """The transform of a real tensor over `dim`.

    onesided: of the last of `dim` the frequencies from 0 on alone; the others are conjugates.
    """
    if not dim:
        return input.astype(np.result_type(input.dtype, np.complex64))
    if not onesided:
        function = np.fft.fftn if forward else np.fft.ifftn
        return function(input, axes=dim, norm=(_FORWARD if forward else _INVERSE)[scale])
    out = np.fft.rfftn(input, axes=dim, norm=_FORWARD[scale])
    return out if forward else np.conjugate(out, out=out)


def _c2r_rule(g: V, out: V, x: V, *, dim: Shape, scale: Scale, forward: bool, size: int) -> Any:
    """The onesided transform, twice where a frequency stands for its conjugate too."""
    found = r2c(g, dim=dim, scale=scale, forward=not forward, onesided=True)
    counts: Array = np.ones(found.shape[dim[-1]])
    counts[1 : 1 + size - counts.size] = 2
    shape = [1] * len(found.shape)
    shape[dim[-1]] = counts.size
    return found * found.new_tensor(counts.reshape(shape))


@op(node="FftC2RBackward0", vjp=(_c2r_rule,), degree=1, takes_complex=True)
def c2r(input: Array, *, dim: Shape, scale: Scale, forward: bool, size: int) -> Array:
    """The real transform of frequencies from 0 on, `size` points along the last of `dim`."""
    sizes = [input.shape[axis] for axis in dim[:-1]] + [size]
    given = np.conjugate(input) if forward else input
    return np.fft.irfftn(given, s=sizes, axes=dim, norm=_INVERSE[scale])
