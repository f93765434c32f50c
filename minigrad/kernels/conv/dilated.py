"""Convolutions with dilated filters as plain ones of more and smaller images.

Outputs that are the dilation apart read pixels that are as far apart.  So the pixels fall into
phases, each an image of its own, with which the filters are convolved undilated.
"""

import numpy as np

from minigrad.kernels.compiler.kernel import kernel, prange
from minigrad.kernels.conv.plan import Pair, Shape, Steps


def reads_phases(steps: Steps, outputs: Shape, stride: Pair, dilation: Pair) -> bool:
    """Whether the steps of a convolution compute one phase each, by the same filters.

    They would transform the filters anew in each.  Every phase has an output.
    """
    if stride != (1, 1) or len(steps) == 1 or steps[0].algorithm != "winograd":
        return False
    return dilation != (1, 1) and dilation[0] <= outputs[0] and dilation[1] <= outputs[1]


def gather_phases(images: np.ndarray, origin: Pair, outputs: Pair, margin: Pair, dilation: Pair
                  ) -> np.ndarray:  # fmt: skip
    """(N, C, H, W) -> (N * phases, C, H', W'), from pixel `origin` on; zeros outside the images.

    A phase has as many pixels as the first one has `outputs`, and `margin` more.
    """
    n, channels, *sizes = images.shape
    down, across = dilation
    rows, columns = (-(-outputs[i] // dilation[i]) + margin[i] for i in (0, 1))
    out = np.empty((n * down * across, channels, rows, columns), images.dtype)
    planes = images.reshape(n * channels, *sizes)
    _gather.run(out.size, out.reshape(-1, rows, columns), planes, channels, origin, dilation)
    return out


def scatter_phases(out: np.ndarray, phases: np.ndarray, dilation: Pair) -> None:
    """Fill `out`, (N, C, H, W), from (N * phases, C, H', W'); what lies beyond is dropped."""
    planes = out.reshape(-1, *out.shape[2:])
    _scatter.run(out.size, planes, phases.reshape(-1, *phases.shape[2:]), out.shape[1], dilation)


@kernel
def _gather(
    out: np.ndarray, images: np.ndarray, channels: int, origin: Pair, dilation: Pair
) -> None:
    """out[n, i, j, c, y, x] = images[n, c, origin + i + y * K, origin + j + x * L].

    K and L are the dilation.
    """
    down, across = dilation
    height, width = images.shape[1], images.shape[2]
    for plane in prange(out.shape[0]):
        phase = plane // channels
        n, i, j = phase // (down * across), phase // across % down, phase % across
        pixels = images[n * channels + plane % channels]
        first = origin[1] + j
        columns = out.shape[2]
        low = min(columns, max(0, -(first // across)))
        top = max(low, min(columns, -((first - width) // across)))
        for v in range(out.shape[1]):
            row, y = out[plane, v], origin[0] + i + v * down
            if not 0 <= y < height:
                for x in range(columns):
                    row[x] = 0
                continue
            for x in range(low):
                row[x] = 0
            for x in range(low, top):
                row[x] = pixels[y, first + x * across]
            for x in range(top, columns):
                row[x] = 0


@kernel
def _scatter(out: np.ndarray, phases: np.ndarray, channels: int, dilation: Pair) -> None:
    """out[n, c, y, x] = phases[n, y % K, x % L, c, y // K, x // L], K and L the dilation."""
    down, across = dilation
    for plane in prange(out.shape[0]):
        n, c = plane // channels, plane % channels
        for y in range(out.shape[1]):
            row = out[plane, y]
            for j in range(min(across, row.size)):
                phase = ((n * down + y % down) * across + j) * channels + c
                pixels = phases[phase, y // down]
                for x in range((row.size - j + across - 1) // across):
                    row[j + x * across] = pixels[x]
