"""Three-dimensional convolution and its two adjoints, on the kernels of two dimensions."""

import math
from typing import Any

import numpy as np

from minigrad.core.types import Array
from minigrad.engine.op import arr, op, sample
from minigrad.kernels.conv import conv2d as kernels
from minigrad.ops.nn.volume_windows import (
    Depth,
    Pair,
    Triple,
    add_windows,
    images_of,
    volumes_of,
    windows,
)

Pads = tuple[Pair, Pair, Pair]


def _geometry(stride: Triple, padding: Pads, dilation: Triple, groups: int) -> dict[str, Any]:
    return {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}


NO_PADS = ((0, 0), (0, 0), (0, 0))
PLAIN = _geometry((1, 1, 1), NO_PADS, (1, 1, 1), 1)
STRIDED = _geometry((2, 1, 2), ((1, 2), (1, 1), (0, 1)), (1, 1, 1), 1)
DILATED = _geometry((1, 2, 1), ((2, 1), (1, 0), (1, 1)), (2, 1, 1), 1)
GROUPED = _geometry((1, 1, 1), ((1, 1), (1, 1), (1, 1)), (1, 1, 1), 2)
ALONG_DEPTH = _geometry((2, 1, 1), ((1, 1), (0, 0), (0, 0)), (1, 1, 1), 1)


def _depth(shape: tuple[int, ...], taps: int, stride: Triple, padding: Pads, dilation: Triple
           ) -> Depth:  # fmt: skip
    outputs = kernels.conv_output_size(shape[2], taps, stride[0], *padding[0], dilation[0])
    return Depth(shape[2], outputs, taps, stride[0], padding[0], dilation[0])


def _moves_along_depth_only(
    kernel: tuple[int, ...], stride: Triple, padding: Pads, dilation: Triple
) -> bool:
    """True if each pixel of the images is convolved by itself: then these can be one row."""
    return kernel[1:] == (1, 1) == stride[1:] and padding[1:] == NO_PADS[1:]


def _rows(volumes: Array) -> Array:
    """(N, C, D, H, W) -> (N, C, D, H W)."""
    return volumes.reshape(*volumes.shape[:3], math.prod(volumes.shape[3:]))


def _row_geometry(stride: Triple, padding: Pads, dilation: Triple, groups: int) -> tuple[Any, ...]:
    return (stride[0], 1), (padding[0], (0, 0)), (dilation[0], 1), groups


def _image_weight(weight: Array) -> Array:
    """(F, C/groups, J, K, L) -> (F, C/groups J, K, L): the depth taps are channels."""
    return weight.reshape(len(weight), math.prod(weight.shape[1:3]), *weight.shape[3:])


@op(
    node="ConvolutionBackward0",
    vjp=(
        lambda g, out, x, w, b, **geometry: conv3d_input_grad(g, w, shape=x.shape, **geometry),
        lambda g, out, x, w, b, **geometry: conv3d_weight_grad(g, x, shape=w.shape, **geometry),
        lambda g, out, x, w, b, **geometry: g.sum((0, 2, 3, 4)),
    ),
    degree=1,
    samples=[
        sample(arr.of(2, 3, 3, 4, 3), arr.of(2, 3, 2, 3, 2), arr.of(2), **PLAIN),
        sample(arr.of(1, 2, 4, 3, 4), arr.of(2, 2, 3, 2, 2), **STRIDED),
        sample(arr.of(1, 2, 4, 4, 3), arr.of(3, 2, 2, 2, 3), arr.of(3), **DILATED),
        sample(arr.of(2, 4, 2, 3, 2), arr.of(4, 2, 3, 3, 3), arr.of(4), **GROUPED),
        sample(arr.of(2, 2, 5, 2, 3), arr.of(3, 2, 3, 1, 1), arr.of(3), **ALONG_DEPTH),
        sample(arr.of(0, 2, 3, 3, 3), arr.of(3, 2, 2, 2, 2), arr.of(3), **PLAIN),
    ],
    accumulates=True,
)
def conv3d(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    *,
    stride: Triple,
    padding: Pads,
    dilation: Triple,
    groups: int,
) -> Array:
    """(N, C, D, H, W) * (F, C/groups, J, K, L) + (F,) -> (N, F, D', H', W'); padding per side.

    out[n, f, z, i, j] = bias[f] + sum over c, m, k, l of
        weight[f, c, m, k, l] * padded input[n, c, z * stride + m * dilation, ...]
    """
    if _moves_along_depth_only(weight.shape[2:], stride, padding, dilation):
        options = _row_geometry(stride, padding, dilation, groups)
        row = kernels.conv2d(_rows(input), weight[..., 0], bias, *options)
        return row.reshape(*row.shape[:3], *input.shape[3:])
    depth = _depth(input.shape, weight.shape[2], stride, padding, dilation)
    rows, columns = (
        kernels.conv_output_size(
            input.shape[2 + i], weight.shape[2 + i], stride[i], *padding[i], dilation[i]
        )
        for i in (1, 2)
    )
    out = np.empty((len(input), len(weight), depth.outputs, rows, columns), input.dtype)
    step = depth.samples_at_once(input)
    for start in range(0, len(input), step):
        part = windows(input[start : start + step], depth)
        images = kernels.conv2d(
            part, _image_weight(weight), bias, stride[1:], padding[1:], dilation[1:], groups
        )
        here = out[start : start + step]
        here[...] = volumes_of(images, len(here))
    return out


@op(
    node="ConvolutionBackwardBackward0",
    vjp=(
        lambda g, out, c, w, *, shape, **geometry: conv3d(g, w, **geometry),
        lambda g, out, c, w, *, shape, **geometry: conv3d_weight_grad(
            c, g, shape=w.shape, **geometry
        ),
    ),
    degree=1,
    samples=[
        sample(arr.of(2, 2, 2, 2, 2), arr.of(2, 3, 2, 3, 2), shape=(2, 3, 3, 4, 3), **PLAIN),
        sample(arr.of(2, 4, 2, 3, 2), arr.of(4, 2, 3, 3, 3), shape=(2, 4, 2, 3, 2), **GROUPED),
        sample(arr.of(2, 3, 3, 2, 3), arr.of(3, 2, 3, 1, 1), shape=(2, 2, 5, 2, 3), **ALONG_DEPTH),
    ],
    accumulates=True,
)
def conv3d_input_grad(
    cotangent: Array,
    weight: Array,
    *,
    shape: tuple[int, ...],
    stride: Triple,
    padding: Pads,
    dilation: Triple,
    groups: int,
) -> Array:
    """The adjoint of conv3d in its input: (N, F, D', H', W') -> (N, C, D, H, W), the `shape`."""
    if _moves_along_depth_only(weight.shape[2:], stride, padding, dilation):
        options = _row_geometry(stride, padding, dilation, groups)
        flat = (*shape[:3], math.prod(shape[3:]))
        row = kernels.conv2d_input_grad(_rows(cotangent), weight[..., 0], flat, *options)
        return row.reshape(shape)
    depth = _depth(shape, weight.shape[2], stride, padding, dilation)
    out = np.zeros(shape, cotangent.dtype)
    step = depth.samples_at_once(out)
    for start in range(0, len(out), step):
        here = out[start : start + step]
        of_windows = (len(here) * depth.outputs, shape[1] * depth.taps, *shape[3:])
        images = kernels.conv2d_input_grad(
            images_of(cotangent[start : start + step]), _image_weight(weight), of_windows,
            stride[1:], padding[1:], dilation[1:], groups,
        )  # fmt: skip
        add_windows(here, images, depth)
    return out


@op(
    node="ConvolutionBackwardBackward0",
    vjp=(
        lambda g, out, c, x, *, shape, **geometry: conv3d(x, g, **geometry),
        lambda g, out, c, x, *, shape, **geometry: conv3d_input_grad(
            c, g, shape=x.shape, **geometry
        ),
    ),
    degree=1,
    samples=[
        sample(arr.of(2, 2, 2, 2, 2), arr.of(2, 3, 3, 4, 3), shape=(2, 3, 2, 3, 2), **PLAIN),
        sample(arr.of(2, 4, 2, 3, 2), arr.of(2, 4, 2, 3, 2), shape=(4, 2, 3, 3, 3), **GROUPED),
        sample(arr.of(2, 3, 3, 2, 3), arr.of(2, 2, 5, 2, 3), shape=(3, 2, 3, 1, 1), **ALONG_DEPTH),
    ],
    accumulates=True,
)
def conv3d_weight_grad(
    cotangent: Array,
    input: Array,
    *,
    shape: tuple[int, ...],
    stride: Triple,
    padding: Pads,
    dilation: Triple,
    groups: int,
) -> Array:
    """The adjoint of conv3d in its weight: (N, F, D', H', W'), (N, C, D, H, W) -> the `shape`."""
    if _moves_along_depth_only(shape[2:], stride, padding, dilation):
        options = _row_geometry(stride, padding, dilation, groups)
        return kernels.conv2d_weight_grad(
            _rows(cotangent), _rows(input), shape[:4], *options
        ).reshape(shape)
    depth = _depth(input.shape, shape[2], stride, padding, dilation)
    of_images = (shape[0], shape[1] * shape[2], *shape[3:])
    out = np.zeros(of_images, input.dtype)
    step = depth.samples_at_once(input)
    for start in range(0, len(input), step):
        out += kernels.conv2d_weight_grad(
            images_of(cotangent[start : start + step]),
            windows(input[start : start + step], depth), of_images,
            stride[1:], padding[1:], dilation[1:], groups,
        )  # fmt: skip
    return out.reshape(shape)
