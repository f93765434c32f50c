"""Volumes as images, so that the kernels of images serve them: depth joins the batch.

The windows of a volume are images, one for each depth of the output, whose channels are the
channels of the volume at each depth tap: a convolution of volumes is one convolution of those.
"""

from typing import NamedTuple

import numpy as np

from minigrad.core.types import Array

Triple = tuple[int, int, int]
Pair = tuple[int, int]

# Windows are made for so many bytes at once: they are read again while the caches hold them.
CHUNK_BYTES = 1 << 23


class Depth(NamedTuple):
    """How a window moves along the depth of a volume."""

    size: int
    """The depth of the volume."""
    outputs: int
    taps: int
    stride: int
    padding: Pair
    dilation: int

    def span(self, tap: int) -> tuple[slice, slice]:
        """The outputs whose tap lies inside the volume, and the depths that they read."""
        first = tap * self.dilation - self.padding[0]  # what output 0 reads
        start = max(0, -(first // self.stride))
        stop = max(start, min(self.outputs, (self.size - 1 - first) // self.stride + 1))
        begin = first + start * self.stride
        count = stop - start
        end = begin + (count - 1) * self.stride + 1 if count else begin
        return slice(start, stop), slice(begin, end, self.stride)

    def samples_at_once(self, volumes: Array) -> int:
        """The number of volumes (N, C, D, H, W) whose windows are made at once."""
        one = volumes[:1].size // max(self.size, 1) * self.outputs * self.taps * volumes.itemsize
        return max(1, CHUNK_BYTES // max(one, 1))


def windows(volumes: Array, depth: Depth) -> Array:
    """(N, C, D, H, W) -> (N outputs, C taps, H, W): the images under each window's taps."""
    batch, channels, _, *image = volumes.shape
    out = np.empty((batch, depth.outputs, channels, depth.taps, *image), volumes.dtype)
    for tap in range(depth.taps):
        outputs, depths = depth.span(tap)
        out[:, : outputs.start, :, tap] = 0
        out[:, outputs.stop :, :, tap] = 0
        out[:, outputs, :, tap] = volumes[:, :, depths].swapaxes(1, 2)
    return out.reshape(batch * depth.outputs, channels * depth.taps, *image)


def add_windows(volumes: Array, images: Array, depth: Depth) -> None:
    """Add images, as `windows` makes them, to the volumes they are windows of: its adjoint."""
    batch, channels, _, *image = volumes.shape
    taps = images.reshape(batch, depth.outputs, channels, depth.taps, *image)
    for tap in range(depth.taps):
        outputs, depths = depth.span(tap)
        volumes[:, :, depths] += taps[:, outputs, :, tap].swapaxes(1, 2)


def images_of(volumes: Array) -> Array:
    """(N, C, D, H, W) -> (N D, C, H, W), a copy unless D is 1."""
    batch, channels, size, *image = volumes.shape
    return volumes.swapaxes(1, 2).reshape(batch * size, channels, *image)


def volumes_of(images: Array, batch: int) -> Array:
    """(N D, C, H, W) -> (N, C, D, H, W), a view."""
    return images.reshape(batch, len(images) // max(batch, 1), *images.shape[1:]).swapaxes(1, 2)
