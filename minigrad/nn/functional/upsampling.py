"""Interpolation: signals, images and volumes at another size."""

import functools
import math
from collections.abc import Callable, Sequence

import numpy as np

from minigrad import ops
from minigrad.core.types import Array
from minigrad.core.warn import warn_caller
from minigrad.engine.complex_form import refuse_complex
from minigrad.engine.half_precision import in_float32
from minigrad.engine.op import label_node
from minigrad.engine.step_recorder import made_of_numbers
from minigrad.kernels.resampling.reads import Reads, dense_reads
from minigrad.nn.functional.adaptive_pooling import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
)
from minigrad.nn.functional.arguments import require_tensor
from minigrad.ops.nn.resample import cubic_weights, read_along
from minigrad.tensor import Tensor

Taps = tuple[Array, Array]
"""The input positions that each output along a dimension reads, and their weights.

Both are (taps, outputs).
"""

Sizes = int | Sequence[int]
Scales = float | Sequence[float]


@in_float32
def interpolate(
    input: Tensor,
    size: Sizes | None = None,
    scale_factor: Scales | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """Resize (N, C, L), (N, C, H, W) or (N, C, D, H, W) to `size`, or by `scale_factor`.

    mode is "nearest", "nearest-exact", "linear" (L), "bilinear" or "bicubic" (H, W), "trilinear"
    (D, H, W) or "area".  With align_corners=True the centers of the corner elements keep their
    positions, otherwise their edges do.  With antialias=True ("bilinear" and "bicubic") a shrunken
    image averages over all the elements that it leaves out.  Raises ValueError unless exactly one
    of size and scale_factor is given, or if antialias does not fit the mode; NotImplementedError
    for a mode that does not fit the input.
    """
    require_tensor("interpolate", input=input)
    refuse_complex("interpolate", input)
    dimensions = input.ndim - 2
    if antialias and (mode not in _FILTERS or dimensions != 2):
        raise ValueError(
            "Anti-alias option is restricted to bilinear and bicubic modes and requires a 4-D "
            "tensor as input"
        )
    if mode not in _MODES or (_MODES[mode] and dimensions not in _MODES[mode]):
        fitting = [name for name, fits in _MODES.items() if not fits or dimensions in fits]
        raise NotImplementedError(
            f"interpolate of an input of {input.ndim} dimensions knows the modes "
            f"{', '.join(fitting)}, got {mode!r}"
        )
    if align_corners is not None and mode not in _INTERPOLATING_MODES:
        raise ValueError(
            f"align_corners option can only be set with the interpolating modes: "
            f"{' | '.join(_INTERPOLATING_MODES)}"
        )
    sizes, scales = _sizes(input, dimensions, size, scale_factor)
    if recompute_scale_factor:
        scales = [None] * dimensions
    if mode == "area":
        pools = {1: adaptive_avg_pool1d, 2: adaptive_avg_pool2d, 3: adaptive_avg_pool3d}
        return pools[dimensions](input, tuple(sizes))
    out = input
    for axis in range(dimensions):
        which = input.shape[2 + axis], sizes[axis], scales[axis], bool(align_corners)
        if mode in _COPYING_MODES:
            positions = _TAPS[mode](*which)[0][0]
            index = input.new_tensor(np.minimum(positions, which[0] - 1), dtype=int)
            made_of_numbers(index.array)
            out = ops.index_select(out, 2 + axis, index)
        else:
            out = read_along(out, dim=2 + axis, reads=_reads(mode, antialias, *which))
    return label_node(out, _node_name(mode, dimensions, antialias), (input,))


# The numbers of spatial dimensions that a mode is for; () means any.
_MODES: dict[str, tuple[int, ...]] = {
    "nearest": (), "nearest-exact": (), "area": (1, 2, 3), "linear": (1,), "bilinear": (2,),
    "bicubic": (2,), "trilinear": (3,),
}  # fmt: skip
_COPYING_MODES = ("nearest", "nearest-exact")
_INTERPOLATING_MODES = ("linear", "bilinear", "bicubic", "trilinear")


def _sizes(
    input: Tensor, dimensions: int, size: Sizes | None, scale_factor: Scales | None
) -> tuple[list[int], list[float | None]]:
    """The output's size and the scale, if it is given, for each spatial dimension."""
    given = scale_factor if size is None else size
    if given is None or (size is not None and scale_factor is not None):
        raise ValueError("only one of size or scale_factor should be defined, and one must be")
    each: list[float] = list(given) if isinstance(given, Sequence) else [given] * dimensions
    if len(each) != dimensions:
        name = "size" if scale_factor is None else "scale_factor"
        raise ValueError(
            f"Input and {name} must have the same number of spatial dimensions, but got input "
            f"with spatial dimensions of {list(input.shape[2:])} and {name} of {each}"
        )
    scales: list[float | None] = [None] * dimensions
    if scale_factor is None:
        sizes = [int(s) for s in each]
    else:
        scales = [float(s) for s in each]
        sizes = [math.floor(n * s) for n, s in zip(input.shape[2:], each, strict=True)]
    if any(s < 1 for s in (*sizes, *input.shape[1:])):
        raise RuntimeError(
            f"Input and output sizes should be greater than 0, but got input "
            f"{list(input.shape)} and output {sizes}"
        )
    return sizes, scales


@functools.lru_cache(256)
def _reads(
    mode: str, antialias: bool, size: int, outputs: int, scale: float | None, align_corners: bool
) -> Reads:
    """What each output along a dimension reads, and with which weights."""
    taps_of = functools.partial(_filtered, _FILTERS[mode]) if antialias else _TAPS[mode]
    positions, weights = taps_of(size, outputs, scale, align_corners)
    return dense_reads(np.clip(positions, 0, size - 1), weights, size)


def _node_name(mode: str, dimensions: int, antialias: bool) -> str:
    """torch's name of the node, UpsampleBilinear2DBackward0."""
    words = "".join(word.capitalize() for word in mode.split("-"))
    return f"Upsample{words}{dimensions}D{'Aa' if antialias else ''}Backward0"


def _source_coordinates(size: int, outputs: int, scale: float | None, align_corners: bool) -> Array:
    """The coordinate of each output's center among the inputs."""
    indices = np.arange(outputs, dtype=np.float64)
    if align_corners:
        return indices * ((size - 1) / (outputs - 1) if outputs > 1 else 0.0)
    step = size / outputs if scale is None else 1 / scale
    return (indices + 0.5) * step - 0.5


def _filtered(
    filter_: tuple[int, Callable[[Array], Array]],
    size: int,
    outputs: int,
    scale: float | None,
    align_corners: bool,
) -> Taps:
    """Taps of a filter that is as wide as an output where that is wider than an input."""
    half_width, shape = filter_
    if align_corners:
        step = (size - 1) / (outputs - 1) if outputs > 1 else 0.0
    else:
        step = size / outputs if scale is None else 1 / scale
    wide = max(step, 1.0)
    reach = half_width * wide
    centers = step * (np.arange(outputs) + 0.5)
    first = np.maximum((centers - reach + 0.5).astype(np.int64), 0)
    last = np.minimum((centers + reach + 0.5).astype(np.int64), size)
    positions = first + np.arange((last - first).max())[:, None]
    weights = np.where(positions < last, shape((positions + 0.5 - centers) / wide), 0.0)
    return positions, weights / weights.sum(axis=0)


def _triangle(distance: Array) -> Array:
    return np.maximum(1.0 - np.abs(distance), 0.0)


def _cubic_filter(distance: Array) -> Array:
    """Keys' cubic with a = -1/2, as in PIL; without antialiasing torch has a = -3/4."""
    x = np.abs(distance)
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


# Half the width of the antialiasing filter of a mode, in inputs, and its shape.
_FILTERS: dict[str, tuple[int, Callable[[Array], Array]]] = {
    "bilinear": (1, _triangle),
    "bicubic": (2, _cubic_filter),
}


def _nearest(size: int, outputs: int, scale: float | None, align_corners: bool) -> Taps:
    # In float32, as torch computes it: rounding decides ties.
    step = np.float32(size / outputs if scale is None else 1 / scale)
    positions = np.floor(np.arange(outputs, dtype=np.float32) * step).astype(np.int64)
    return positions[None], np.ones((1, outputs))


def _nearest_exact(size: int, outputs: int, scale: float | None, align_corners: bool) -> Taps:
    step = np.float32(size / outputs if scale is None else 1 / scale)
    centers = (np.arange(outputs, dtype=np.float32) + np.float32(0.5)) * step
    return np.floor(centers).astype(np.int64)[None], np.ones((1, outputs))


def _linear(size: int, outputs: int, scale: float | None, align_corners: bool) -> Taps:
    coordinates = np.maximum(_source_coordinates(size, outputs, scale, align_corners), 0.0)
    low = np.minimum(np.floor(coordinates).astype(np.int64), size - 1)
    fraction = coordinates - low
    return np.stack([low, low + 1]), np.stack([1 - fraction, fraction])


def _cubic(size: int, outputs: int, scale: float | None, align_corners: bool) -> Taps:
    coordinates = _source_coordinates(size, outputs, scale, align_corners)
    low = np.floor(coordinates).astype(np.int64)
    return np.stack([low + i for i in range(-1, 3)]), np.stack(cubic_weights(coordinates - low))


_TAPS: dict[str, Callable[[int, int, float | None, bool], Taps]] = {
    "nearest": _nearest,
    "nearest-exact": _nearest_exact,
    "linear": _linear,
    "bilinear": _linear,
    "trilinear": _linear,
    "bicubic": _cubic,
}


def upsample(
    input: Tensor,
    size: Sizes | None = None,
    scale_factor: Scales | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """An alias of `interpolate`, which torch has deprecated."""
    warn_caller("`nn.functional.upsample` is deprecated. Use `nn.functional.interpolate` instead.")
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(
    input: Tensor, size: Sizes | None = None, scale_factor: Scales | None = None
) -> Tensor:
    """`interpolate` with mode="nearest", under a name that torch has deprecated."""
    warn_caller(
        "`nn.functional.upsample_nearest` is deprecated. Use `nn.functional.interpolate` instead."
    )
    return interpolate(input, size, scale_factor, mode="nearest")


def upsample_bilinear(
    input: Tensor, size: Sizes | None = None, scale_factor: Scales | None = None
) -> Tensor:
    """`interpolate` with mode="bilinear" and align_corners=True, deprecated in torch, too."""
    warn_caller(
        "`nn.functional.upsample_bilinear` is deprecated. Use `nn.functional.interpolate` instead."
    )
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)


# --- pixels and channels ---
