"""Two-dimensional convolution and its two adjoints, each a correlation of its own."""

import math
from functools import lru_cache
from itertools import groupby, product
from typing import NamedTuple

import numpy as np

from minigrad.kernels.axis import Axis
from minigrad.kernels.correlate import correlate_tiles, correlate_tiles_gradient
from minigrad.kernels.planes import correlate_planes, correlate_planes_gradient
from minigrad.kernels.simd import TILE_VECTORS, VECTOR_BYTES

Pair = tuple[int, int]
Padding = tuple[Pair, Pair]

# An axis is cut in pieces, a call of the kernels each, where at most this share of taps is useful.
SPARSE = 0.6


class Piece(NamedTuple):
    """Some outputs along an axis, with the taps of the kernel that they meet."""

    axis: Axis
    taps: slice
    outputs: slice


Pieces = tuple[tuple[Piece, ...], tuple[Piece, ...]]


def conv_output_size(
    size: int, kernel: int, stride: int, pad_before: int, pad_after: int, dilation: int
) -> int:
    """Places of a dilated kernel along a padded axis: the length of a convolution's output."""
    return (size + pad_before + pad_after - dilation * (kernel - 1) - 1) // stride + 1


def conv2d(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None,
    stride: Pair,
    padding: Padding,
    dilation: Pair,
    groups: int,
) -> np.ndarray:
    """(N, C, H, W), (F, C / groups, K, L) and (F,) -> (N, F, H', W'), see `conv_output_size`."""
    rows, columns = (
        conv_output_size(x.shape[2 + i], weight.shape[2 + i], stride[i], *padding[i], dilation[i])
        for i in (0, 1)
    )
    out = np.empty((len(x), len(weight), rows, columns), x.dtype)
    pieces = _forward_pieces(out.shape, weight.shape, x.shape, stride, padding, dilation)
    _fill(out, x, _grouped(weight, groups), bias, pieces)
    return out


def conv2d_input_grad(
    g: np.ndarray,
    weight: np.ndarray,
    input_shape: tuple[int, ...],
    stride: Pair,
    padding: Padding,
    dilation: Pair,
    groups: int,
) -> np.ndarray:
    """(N, F, H', W'), (F, C / groups, K, L) -> (N, C, H, W): the transposed convolution.

    The input's pixels fall into stride x stride phases.  Each phase meets taps of its own, whose
    sources are neighbours in `g`: it is a convolution of stride 1.
    """
    out = np.empty(input_shape, g.dtype)
    flipped = _grouped(weight, groups).swapaxes(1, 2)
    rows, columns = (
        _phases(
            input_shape[2 + i], weight.shape[2 + i], g.shape[2 + i],
            stride[i], padding[i][0], dilation[i],
        )
        for i in (0, 1)
    )  # fmt: skip
    _fill(out, g, flipped, None, (rows, columns))
    return out


def conv2d_weight_grad(
    g: np.ndarray,
    x: np.ndarray,
    weight_shape: tuple[int, ...],
    stride: Pair,
    padding: Padding,
    dilation: Pair,
    groups: int,
) -> np.ndarray:
    """(N, F, H', W'), (N, C, H, W) -> (F, C / groups, K, L)."""
    out = np.zeros(weight_shape, x.dtype)
    if out.size == 0 or g.size == 0:
        return out
    planes = _fills_few_lanes(weight_shape[0] // groups, out.itemsize)
    correlate = correlate_planes_gradient if planes else correlate_tiles_gradient
    pieces = _forward_pieces(g.shape, weight_shape, x.shape, stride, padding, dilation)
    for rows, columns in product(*pieces):
        place = _grouped(out, groups)[..., rows.taps, columns.taps]
        if place.size:
            part = np.empty(place.shape, out.dtype)
            correlate(part, g[:, :, rows.outputs, columns.outputs], x, (rows.axis, columns.axis))
            place += part
    return out


def _fill(
    out: np.ndarray,
    source: np.ndarray,
    filters: np.ndarray,
    bias: np.ndarray | None,
    pieces: Pieces,
) -> None:
    """Fill `out` piece by piece with source * filters + bias, or bias where no taps reach."""
    planes = _fills_few_lanes(filters.shape[1], out.itemsize)
    correlate = correlate_planes if planes else correlate_tiles
    for rows, columns in product(*pieces):
        taps = filters[..., rows.taps, columns.taps]
        if taps.size and out.size:
            correlate(out, source, taps, bias, (rows.axis, columns.axis))
        else:
            place = out[:, :, rows.outputs, columns.outputs]
            place[:] = 0 if bias is None else bias[:, None, None]


def _fills_few_lanes(filters: int, itemsize: int) -> bool:
    """Whether vectors of pixels are faster than tiles of a group's filters, most of them idle.

    The one place where an algorithm is chosen.  Measured, a multiply-add of pixels costs as much
    as three or four lanes of a tile.
    """
    return 4 * filters <= TILE_VECTORS * VECTOR_BYTES // itemsize


@lru_cache(1024)
def _forward_pieces(
    out_shape: tuple[int, ...],
    weight_shape: tuple[int, ...],
    input_shape: tuple[int, ...],
    stride: Pair,
    padding: Padding,
    dilation: Pair,
) -> Pieces:
    rows, columns = (
        _split(
            Axis(
                out_shape[i],
                stride[i - 2],
                -padding[i - 2][0],
                tuple(range(0, weight_shape[i] * dilation[i - 2], dilation[i - 2])),
            ),
            slice(0, weight_shape[i], 1),
            input_shape[i],
        )
        for i in (2, 3)
    )
    return rows, columns


@lru_cache(1024)
def _phases(
    size: int, kernel: int, source: int, stride: int, padding: int, dilation: int
) -> tuple[Piece, ...]:
    """Each phase of an input axis with the slice of the kernel's taps that reach it."""
    period = stride // math.gcd(stride, dilation)
    phases: list[Piece] = []
    for first in range(min(stride, size)):
        met = [r for r in range(kernel) if (first + padding - r * dilation) % stride == 0]
        sources = [(first + padding - r * dilation) // stride for r in met]
        origin = min(sources, default=0)
        count = -(-(size - first) // stride)
        taps = slice(met[0], kernel, period) if met else slice(0, 0, 1)
        axis = Axis(count, 1, origin, tuple(r - origin for r in sources), first, stride)
        phases += _split(axis, taps, source)
    return tuple(phases)


def _split(axis: Axis, taps: slice, source: int) -> tuple[Piece, ...]:
    """Cut an axis where the taps that fall on its `source` pixels change, if few of them do.

    On maps as small as the kernel most taps meet padding: it pays not to multiply by those.
    """
    met = []
    for i in range(axis.count):
        at = axis.origin + i * axis.step
        inside = [k for k, tap in enumerate(axis.taps) if 0 <= at + tap < source]
        met.append((inside[0], inside[-1] + 1) if inside else (0, 0))
    useful = sum(end - begin for begin, end in met)
    if useful > SPARSE * axis.count * len(axis.taps):
        return (Piece(axis, taps, _outputs(axis)),)
    pieces = []
    for (begin, end), group in groupby(range(axis.count), key=met.__getitem__):
        run = list(group)
        least = min(axis.taps[begin:end], default=0)
        piece = Axis(
            len(run),
            axis.step,
            axis.origin + run[0] * axis.step + least,
            tuple(tap - least for tap in axis.taps[begin:end]),
            axis.first + run[0] * axis.spacing,
            axis.spacing,
        )
        kept = slice(taps.start + begin * taps.step, taps.start + end * taps.step, taps.step)
        pieces.append(Piece(piece, kept, _outputs(piece)))
    return tuple(pieces)


def _outputs(axis: Axis) -> slice:
    return slice(axis.first, axis.first + axis.count * axis.spacing, axis.spacing)


def _grouped(weight: np.ndarray, groups: int) -> np.ndarray:
    """(F, C / groups, K, L) -> (groups, F / groups, C / groups, K, L)."""
    return weight.reshape(groups, len(weight) // groups, *weight.shape[1:])
