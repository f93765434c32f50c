"""Groups of fields that the plan records of convolution kernels share."""

import math
from typing import NamedTuple

from minigrad.kernels.conv.axis import Axis


class ImageFields(NamedTuple):
    """The memory of images (N, C, H, W): strides in elements, and sizes."""

    image_stride: int
    channel_stride: int
    row_stride: int
    column_stride: int
    height: int
    width: int
    readable: int  # elements that may be read from the first one on, see `readable_elements`


class WeightFields(NamedTuple):
    """The strides, in elements, of filters (F, C, K, L)."""

    filter_stride: int
    channel_stride: int
    row_stride: int
    column_stride: int


class AxisFields(NamedTuple):
    """An `Axis` without its taps."""

    length: int
    stride: int
    origin: int
    out_offset: int
    out_stride: int
    source_dilation: int


def image_fields(shape: tuple[int, ...], strides: tuple[int, ...], itemsize: int) -> ImageFields:
    """The fields of an array (N, C, H, W) of this shape and these strides, in bytes."""
    image, channel, row, column = (stride // itemsize for stride in strides)
    return ImageFields(
        image_stride=image,
        channel_stride=channel,
        row_stride=row,
        column_stride=column,
        height=shape[2],
        width=shape[3],
        readable=readable_elements(shape, (image, channel, row, column)),
    )


def weight_fields(strides: tuple[int, ...], itemsize: int) -> WeightFields:
    """The fields of filters (F, C, K, L) with these strides, in bytes."""
    filter, channel, row, column = (stride // itemsize for stride in strides)
    return WeightFields(
        filter_stride=filter, channel_stride=channel, row_stride=row, column_stride=column
    )


def axis_fields(axis: Axis) -> AxisFields:
    """The fields of an axis."""
    return AxisFields(
        length=axis.length,
        stride=axis.stride,
        origin=axis.origin,
        out_offset=axis.out_offset,
        out_stride=axis.out_stride,
        source_dilation=axis.source_dilation,
    )


def readable_elements(shape: tuple[int, ...], strides: tuple[int, ...]) -> int:
    """The number of elements, used or not, that may be read from an array's first one on.

    Of an array that is not contiguous it is less than 0 by so much that no vector may be read from
    any of its elements: strides may be negative.
    """
    expected = 1
    for length, stride in zip(reversed(shape), reversed(strides), strict=True):
        if length != 1 and stride != expected:
            return -(2**62)
        expected *= length
    return math.prod(shape)
