"""Images and signals at another size, and pixels moved between channels and places."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.nn.functional.arguments import require_tensor
from minigrad.nn.functional.pooling import adaptive_avg_pool1d, adaptive_avg_pool2d

Array = np.ndarray[Any, Any]
# For each output along an axis the places it reads, and their weights: both (taps, outputs).
Reading = tuple[Array, Array]


def interpolate(
    input: Any,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Any:
    """Resize (N, C, L), (N, C, H, W) or (N, C, D, H, W) to `size`, or by `scale_factor`.

    mode is "nearest", "nearest-exact", "linear" (L), "bilinear" or "bicubic" (H, W), "trilinear"
    (D, H, W) or "area".  With align_corners the corners' centres stay where they are, otherwise
    their edges do.  Raises ValueError unless exactly one of size and scale_factor is given, or if
    the mode does not fit; NotImplementedError for antialias.
    """
    require_tensor("interpolate", input=input)
    dimensions = input.ndim - 2
    if antialias:
        raise NotImplementedError("interpolate: antialias=True is not supported")
    if mode not in _MODES or (_MODES[mode] and dimensions not in _MODES[mode]):
        fitting = [name for name, fits in _MODES.items() if not fits or dimensions in fits]
        raise NotImplementedError(
            f"interpolate of an input of {input.ndim} dimensions knows the modes "
            f"{', '.join(fitting)}, got {mode!r}"
        )
    if align_corners is not None and mode not in _CORNERS:
        raise ValueError(
            f"align_corners option can only be set with the interpolating modes: "
            f"{' | '.join(_CORNERS)}"
        )
    sizes, scales = _sizes(input, dimensions, size, scale_factor)
    if recompute_scale_factor:
        scales = [None] * dimensions
    if mode == "area":
        pools = {1: adaptive_avg_pool1d, 2: adaptive_avg_pool2d}
        return pools[dimensions](input, tuple(sizes))
    reading = _READINGS[mode]
    for axis in range(dimensions):
        given = input.shape[2 + axis]
        places, weights = reading(given, sizes[axis], scales[axis], bool(align_corners))
        input = _read(input, 2 + axis, np.clip(places, 0, given - 1), weights)
    return input


# The dimensions that a mode is for; none listed means any.
_MODES: dict[str, tuple[int, ...]] = {
    "nearest": (), "nearest-exact": (), "area": (1, 2), "linear": (1,), "bilinear": (2,),
    "bicubic": (2,), "trilinear": (3,),
}  # fmt: skip
_CORNERS = ("linear", "bilinear", "bicubic", "trilinear")


def _sizes(
    input: Any, dimensions: int, size: Any, scale_factor: Any
) -> tuple[list[int], list[float | None]]:
    if (size is None) == (scale_factor is None):
        raise ValueError("only one of size or scale_factor should be defined, and one must be")
    given = size if scale_factor is None else scale_factor
    each = list(given) if isinstance(given, Sequence) else [given] * dimensions
    if len(each) != dimensions:
        name = "size" if scale_factor is None else "scale_factor"
        raise ValueError(
            f"Input and {name} must have the same number of spatial dimensions, but got input "
            f"with spatial dimensions of {list(input.shape[2:])} and {name} of {each}"
        )
    if scale_factor is None:
        sizes, scales = [int(s) for s in each], [None] * dimensions
    else:
        scales = [float(s) for s in each]  # type: ignore[misc]
        sizes = [math.floor(n * s) for n, s in zip(input.shape[2:], each, strict=True)]
    if any(s < 1 for s in (*sizes, *input.shape[2:])):
        raise RuntimeError(
            f"Input and output sizes should be greater than 0, but got input "
            f"{list(input.shape[2:])} and output {sizes}"
        )
    return sizes, scales  # type: ignore[return-value]


def _read(input: Any, dim: int, places: Array, weights: Array) -> Any:
    """The weighted sum of what lies at the places along dim."""
    shape = [-1] + [1] * (input.ndim - 1 - dim)
    total = None
    for place, weight in zip(places, weights, strict=True):
        term = ops.index_select(input, dim, input.new_tensor(place, dtype=int))
        if not (weight == 1).all():
            term = term * input.new_tensor(weight).reshape(shape)
        total = term if total is None else total + term
    return total


def _source(size: int, wanted: int, scale: float | None, align_corners: bool) -> Array:
    """Where the centre of each output lies among the inputs."""
    outputs = np.arange(wanted, dtype=np.float64)
    if align_corners:
        return outputs * ((size - 1) / (wanted - 1) if wanted > 1 else 0.0)
    step = size / wanted if scale is None else 1 / scale
    return (outputs + 0.5) * step - 0.5


def _nearest(size: int, wanted: int, scale: float | None, align_corners: bool) -> Reading:
    # In float32, as torch computes it: at ties the rounding decides.
    step = np.float32(size / wanted if scale is None else 1 / scale)
    places = np.floor(np.arange(wanted, dtype=np.float32) * step).astype(np.int64)
    return places[None], np.ones((1, wanted))


def _nearest_exact(size: int, wanted: int, scale: float | None, align_corners: bool) -> Reading:
    step = np.float32(size / wanted if scale is None else 1 / scale)
    centres = (np.arange(wanted, dtype=np.float32) + np.float32(0.5)) * step
    return np.floor(centres).astype(np.int64)[None], np.ones((1, wanted))


def _linear(size: int, wanted: int, scale: float | None, align_corners: bool) -> Reading:
    at = np.maximum(_source(size, wanted, scale, align_corners), 0.0)
    low = np.minimum(np.floor(at).astype(np.int64), size - 1)
    share = at - low
    return np.stack([low, low + 1]), np.stack([1 - share, share])


def _cubic(size: int, wanted: int, scale: float | None, align_corners: bool) -> Reading:
    at = _source(size, wanted, scale, align_corners)
    low = np.floor(at).astype(np.int64)
    return np.stack([low + i for i in range(-1, 3)]), np.stack(cubic_weights(at - low))


def cubic_weights(share: Any) -> list[Any]:
    """The weights of the places at -1, 0, 1 and 2 for what lies at `share`, between 0 and 1.

    Keys 1981, Cubic convolution interpolation, with a = -3/4.
    """
    a = -0.75

    def near(x: Any) -> Any:
        return ((a + 2) * x - (a + 3)) * x * x + 1

    def far(x: Any) -> Any:
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

    return [far(share + 1), near(share), near(1 - share), far(2 - share)]


_READINGS: dict[str, Callable[[int, int, float | None, bool], Reading]] = {
    "nearest": _nearest,
    "nearest-exact": _nearest_exact,
    "linear": _linear,
    "bilinear": _linear,
    "trilinear": _linear,
    "bicubic": _cubic,
}


def upsample(
    input: Any,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Any:
    """`interpolate` under its older name."""
    return interpolate(input, size, scale_factor, mode, align_corners)


# --- pixels and channels ---
