"""Two-dimensional convolution and its two adjoints, each the others' derivative."""

import math
from typing import Any

from minigrad.core.types import Array
from minigrad.engine.op import arr, op, sample
from minigrad.kernels.conv import conv2d as kernels
from minigrad.kernels.matmul.matmul import matmul

Pair = tuple[int, int]
Pads = tuple[Pair, Pair]


def _geometry(stride: Pair, padding: Pads, dilation: Pair, groups: int) -> dict[str, Any]:
    return {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}


PLAIN = _geometry((1, 1), ((0, 0), (0, 0)), (1, 1), 1)
STRIDED = _geometry((2, 1), ((1, 1), (2, 2)), (1, 1), 1)
DILATED = _geometry((1, 2), ((1, 0), (2, 1)), (2, 1), 1)
NO_PADS = ((0, 0), (0, 0))
# A 1x1 filter's sums over so many channels, for so many pixels or more, are fastest as a product of
# matrices.  Adding a bias to that takes longer than it saves unless filters are fewer by a factor.
PRODUCT_PIXELS, PRODUCT_CHANNELS, FEWER_FILTERS = 512, 24, 4
GROUPED = _geometry((1, 1), ((1, 1), (1, 1)), (1, 1), 2)
DEPTHWISE = _geometry((2, 2), ((1, 1), (1, 1)), (1, 1), 4)


def _is_single_window(
    images: tuple[int, ...], filters: tuple[int, ...], padding: Pads, dilation: Pair, groups: int
) -> bool:
    """Whether the filters cover the images exactly: then all of it is products of matrices."""
    return (
        images[2:] == filters[2:]
        and groups == 1
        and padding == NO_PADS
        and (dilation == (1, 1) or filters[2:] == (1, 1))
        and 0 not in filters
    )


def _is_fast_product(
    input: Array, weight: Array, bias: Array | None, stride: Pair, padding: Pads, groups: int
) -> bool:
    """Whether a product of the filters with each image is faster than a convolution."""
    filters, channels = weight.shape[:2]
    return (
        weight.shape[2:] == (1, 1) == stride
        and groups == 1
        and padding == NO_PADS
        and weight.dtype.kind == "f"
        and channels >= PRODUCT_CHANNELS
        and input.shape[2] * input.shape[3] >= PRODUCT_PIXELS
        and (bias is None or FEWER_FILTERS * filters <= channels)
        and input.flags.c_contiguous
        and len(input) > 0
    )


def _rows(images: Array) -> Array:
    """(N, C, H, W) -> (N, C * H * W)."""
    return images.reshape(len(images), math.prod(images.shape[1:]))


@op(
    node="ConvolutionBackward0",
    vjp=(
        lambda g, out, x, w, b, **geometry: conv2d_input_grad(g, w, shape=x.shape, **geometry),
        lambda g, out, x, w, b, **geometry: conv2d_weight_grad(g, x, shape=w.shape, **geometry),
        lambda g, out, x, w, b, **geometry: g.sum((0, 2, 3)),
    ),
    degree=1,
    samples=[
        sample(arr.of(2, 3, 5, 4), arr.of(4, 3, 3, 2), arr.of(4), **PLAIN),
        sample(arr.of(2, 3, 5, 4), arr.of(2, 3, 3, 2), **STRIDED),
        sample(arr.of(1, 2, 6, 5), arr.of(3, 2, 2, 3), arr.of(3), **DILATED),
        sample(arr.of(2, 4, 3, 3), arr.of(6, 2, 3, 3), arr.of(6), **GROUPED),
        sample(arr.of(2, 4, 4, 3), arr.of(8, 1, 3, 3), **DEPTHWISE),
        sample(arr.of(0, 2, 4, 4), arr.of(3, 2, 3, 3), arr.of(3), **PLAIN),
    ],
    accumulates=True,
)
def conv2d(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    *,
    stride: Pair,
    padding: Pads,
    dilation: Pair,
    groups: int,
) -> Array:
    """(N, C, H, W) * (F, C/groups, K, L) + (F,) -> (N, F, H', W'); padding per side.

    out[n, f, i, j] = bias[f] + sum over c, k, l of
        weight[f, c, k, l] * padded input[n, c, i * stride + k * dilation, ...]
    """
    if _is_single_window(input.shape, weight.shape, padding, dilation, groups):
        return matmul(_rows(input), _rows(weight).T, bias)[:, :, None, None]
    if _is_fast_product(input, weight, bias, stride, padding, groups):
        n, channels, height, width = input.shape
        product = matmul(_rows(weight), input.reshape(n, channels, height * width))
        if bias is not None:
            product += bias[:, None]
        return product.reshape(n, len(weight), height, width)
    return kernels.conv2d(input, weight, bias, stride, padding, dilation, groups)


@op(
    node="ConvolutionBackwardBackward0",
    vjp=(
        lambda g, out, c, w, *, shape, **geometry: conv2d(g, w, **geometry),
        lambda g, out, c, w, *, shape, **geometry: conv2d_weight_grad(
            c, g, shape=w.shape, **geometry
        ),
    ),
    degree=1,
    samples=[
        sample(arr.of(2, 4, 3, 3), arr.of(4, 3, 3, 2), shape=(2, 3, 5, 4), **PLAIN),
        sample(arr.of(2, 6, 3, 3), arr.of(6, 2, 3, 3), shape=(2, 4, 3, 3), **GROUPED),
    ],
    accumulates=True,
)
def conv2d_input_grad(
    cotangent: Array,
    weight: Array,
    *,
    shape: tuple[int, ...],
    stride: Pair,
    padding: Pads,
    dilation: Pair,
    groups: int,
) -> Array:
    """The adjoint of conv2d in its input: (N, F, H', W') -> (N, C, H, W), the `shape` given."""
    if _is_single_window(shape, weight.shape, padding, dilation, groups):
        return matmul(_rows(cotangent), _rows(weight)).reshape(shape)
    return kernels.conv2d_input_grad(cotangent, weight, shape, stride, padding, dilation, groups)


@op(
    node="ConvolutionBackwardBackward0",
    vjp=(
        lambda g, out, c, x, *, shape, **geometry: conv2d(x, g, **geometry),
        lambda g, out, c, x, *, shape, **geometry: conv2d_input_grad(
            c, g, shape=x.shape, **geometry
        ),
    ),
    degree=1,
    samples=[
        sample(arr.of(2, 4, 3, 3), arr.of(2, 3, 5, 4), shape=(4, 3, 3, 2), **PLAIN),
        sample(arr.of(2, 6, 3, 3), arr.of(2, 4, 3, 3), shape=(6, 2, 3, 3), **GROUPED),
    ],
    accumulates=True,
)
def conv2d_weight_grad(
    cotangent: Array,
    input: Array,
    *,
    shape: tuple[int, ...],
    stride: Pair,
    padding: Pads,
    dilation: Pair,
    groups: int,
) -> Array:
    """The adjoint of conv2d in its weight: (N, F, H', W'), (N, C, H, W) -> (F, C/groups, K, L)."""
    if _is_single_window(input.shape, shape, padding, dilation, groups):
        return matmul(_rows(cotangent).T, _rows(input)).reshape(shape)
    return kernels.conv2d_weight_grad(cotangent, input, shape, stride, padding, dilation, groups)
