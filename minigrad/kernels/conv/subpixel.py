"""The input's gradient of a strided convolution with the phases of its pixels as channels.

The input's pixels fall into stride x stride phases, see `backward_steps`.  If each is computed by
itself, few channels leave most lanes of a register tile empty, and the output's gradient is read
once for each phase.  Here one correlation of stride 1 computes all phases, with a filter for each
channel and phase and zeros for the taps that a phase lacks; then the phases are interleaved.
(Shi et al. 2016, "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel
Convolutional Neural Network".)
"""

import math
from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np

from minigrad.kernels.compiler.kernel import kernel, prange
from minigrad.kernels.conv.axis import Axis, Piece
from minigrad.kernels.conv.plan import (
    Padding,
    Pair,
    Shape,
    Sizes,
    Steps,
    algorithm_costs,
    phases_along,
    register_lanes,
    steps_of,
    winograd_enabled,
)

# What an output costs beside its taps, in multiply-adds: of a phase by itself, whose outputs are
# stored apart from each other, and of all phases at once, which are interleaved at the end.
APART_COST, TOGETHER_COST = 48, 32


class Subpixel(NamedTuple):
    """All phases of an input's pixels as channels of one correlation."""

    phases: tuple[tuple[Piece, ...], tuple[Piece, ...]]  # of rows and of columns
    axes: tuple[Axis, Axis]  # with the taps of all phases
    steps: Steps
    stride: Pair


def select_subpixel(
    out: Shape, weight: Shape, source: Shape, stride: Pair, padding: Padding, dilation: Pair,
    groups: int, itemsize: int,
) -> Subpixel | None:  # fmt: skip
    """The plan if it is faster to compute all phases at once, or else None."""
    if stride == (1, 1) or 0 in out or 0 in weight or 0 in source:
        return None
    options = stride, padding, dilation, groups
    return _select(out, weight, source, *options, itemsize, winograd_enabled())


@lru_cache(1024)
def _select(
    out: Shape, weight: Shape, source: Shape, stride: Pair, padding: Padding, dilation: Pair,
    groups: int, itemsize: int, _winograd_enabled: bool,
) -> Subpixel | None:  # fmt: skip
    phases = [
        phases_along(source[i], weight[i], stride[i - 2], padding[i - 2][0], dilation[i - 2])
        for i in (2, 3)
    ]
    if not all(phases):
        return None
    axes = tuple(
        _together(pieces, -(-source[i] // stride[i - 2]))
        for i, pieces in zip((2, 3), phases, strict=True)
    )
    apart = Sizes(out[0], weight[0] // groups, weight[1], itemsize)
    if apart.channels == apart.filters == 1:  # depthwise: `direct` reads a dilated source
        return None
    together = apart._replace(filters=weight[1] * math.prod(stride))
    cost = sum(_cost(apart, (r.axis, c.axis), APART_COST) for r, c in product(*phases))
    if _cost(together, (axes[0], axes[1]), TOGETHER_COST) >= cost:
        return None
    rows, columns = (Piece(axis, slice(0, len(axis.taps), 1)) for axis in axes)
    steps = steps_of((rows,), (columns,), out[2:], together)
    return Subpixel((phases[0], phases[1]), (axes[0], axes[1]), steps, stride)


def _together(phases: tuple[Piece, ...], length: int) -> Axis:
    """The axis of the pixels that are a stride apart, with the taps of all phases."""
    sources = {piece.axis.origin + tap for piece in phases for tap in piece.axis.taps}
    origin = min(sources)
    return Axis(length, 1, origin, tuple(tap - origin for tap in sorted(sources)))


def _cost(sizes: Sizes, axes: tuple[Axis, Axis], of_output: int) -> float:
    outputs = math.prod(axis.length for axis in axes)
    taps = outputs * math.prod(len(axis.taps) for axis in axes)
    lanes = register_lanes(sizes)
    return min(algorithm_costs(sizes, axes, taps).values()) + (
        sizes.images * outputs * of_output * lanes / sizes.vector
    )


def subpixel_filters(filters: np.ndarray, plan: Subpixel) -> np.ndarray:
    """(G, C, F, K, L) -> (G, C * phases, F, taps of axes[0], taps of axes[1])."""
    groups, channels, depth = filters.shape[:3]
    rows, columns = plan.axes
    shape = (groups, channels, *plan.stride, depth, len(rows.taps), len(columns.taps))
    out = np.zeros(shape, filters.dtype)
    for down, across in product(*plan.phases):
        phase = out[:, :, down.axis.out_offset, across.axis.out_offset]
        row_taps, column_taps = _indices(down.axis, rows), _indices(across.axis, columns)
        phase[..., row_taps[:, None], column_taps] = filters[..., down.taps, across.taps]
    return out.reshape(groups, -1, *shape[4:])


def _indices(phase: Axis, together: Axis) -> np.ndarray:
    """The taps of a phase among those of all phases."""
    return np.searchsorted(
        together.taps, [phase.origin - together.origin + tap for tap in phase.taps]
    )


def interleave(out: np.ndarray, phases: np.ndarray, stride: Pair) -> None:
    """Fill `out`, (N, C, H, W), from `phases`, (N, C * stride[0] * stride[1], H', W')."""
    images, channels, rows, columns = out.shape
    _interleave.run(
        out.size,
        out.reshape(images * channels, rows, columns),
        phases.reshape(images * channels, *stride, *phases.shape[2:]),
    )


@kernel
def _interleave(out: np.ndarray, phases: np.ndarray) -> None:
    """out[i, y, x] = phases[i, y % K, x % L, y // K, x // L], K and L the numbers of phases."""
    down, across = phases.shape[1], phases.shape[2]
    for i in prange(out.shape[0]):
        for y in range(out.shape[1]):
            row = out[i, y]
            if across == 2:  # LLVM makes vectors of both phases
                left, right = phases[i, y % down, 0, y // down], phases[i, y % down, 1, y // down]
                for x in range(row.size // 2):
                    row[2 * x] = left[x]
                    row[2 * x + 1] = right[x]
                if row.size % 2 == 1:
                    row[row.size - 1] = left[row.size // 2]
                continue
            for phase in range(across):
                pixels = phases[i, y % down, phase, y // down]
                for x in range((row.size - phase + across - 1) // across):
                    row[x * across + phase] = pixels[x]
