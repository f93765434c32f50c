"""Pooling of volumes (N, C, D, H, W): over their images, then over depth, by the same kernels."""

import math
from typing import Any

import numpy as np

from minigrad.core.types import Array
from minigrad.engine.op import arr, op, sample
from minigrad.kernels.pooling import avg_pool as averages
from minigrad.kernels.pooling import integer
from minigrad.kernels.pooling import max_pool as maxima
from minigrad.ops.nn.pool import gather_planes, scatter_planes
from minigrad.ops.nn.volume_windows import Triple


def _window(kernel: Triple, stride: Triple, padding: Triple = (0, 0, 0), **more: Any) -> Any:
    return {"kernel_size": kernel, "stride": stride, "padding": padding, **more}


def _images(volumes: Array) -> Array:
    """(N, C, D, H, W) -> (N, C D, H, W)."""
    return volumes.reshape(len(volumes), math.prod(volumes.shape[1:3]), *volumes.shape[3:])


def _columns(images: Array, channels: int) -> Array:
    """(N, C D, H, W) -> (N, C, D, H W): one image for each channel, whose rows are depths."""
    depth = images.shape[1] // max(channels, 1)
    return images.reshape(len(images), channels, depth, math.prod(images.shape[2:]))


# --- maxima ---------------------------------------------------------------------------------------


def scatter_volumes(values: Any, indices: Array, size: tuple[int, ...]) -> Any:
    """Tensors (N, C, D', H', W') added into zeros (N, C, *size), each at its index in D * H * W."""
    flat = (*values.shape[:3], math.prod(values.shape[3:]))
    out = scatter_planes(
        values.reshape(flat), indices=indices.reshape(flat), size=(size[0] * size[1], size[2])
    )
    return out.reshape(*values.shape[:2], *size)


def gather_volumes(volumes: Any, indices: Array) -> Any:
    """The elements of each volume at the indices: the adjoint of scatter_volumes."""
    depth, height, width = volumes.shape[2:]
    images = volumes.reshape(*volumes.shape[:2], depth * height, width)
    flat = (*indices.shape[:3], math.prod(indices.shape[3:]))
    return gather_planes(images, indices=indices.reshape(flat)).reshape(indices.shape)


@op(
    node="MaxPool3DWithIndicesBackward0",
    vjp=(lambda g, out, x, **window: scatter_volumes(g, out[0].array, x.shape[2:]),),
    samples=[
        sample(
            arr.of(2, 2, 4, 2, 5, distinct=True),
            **_window((2, 2, 2), (2, 2, 2), dilation=(1, 1, 1), ceil_mode=False),
        ),
        sample(
            arr.of(1, 2, 5, 4, 5, distinct=True),
            **_window((2, 3, 2), (1, 2, 1), (1, 1, 0), dilation=(2, 1, 2), ceil_mode=True),
        ),
    ],
    accumulates=True,
)
def max_pool3d(
    input: Array,
    *,
    kernel_size: Triple,
    stride: Triple,
    padding: Triple,
    dilation: Triple,
    ceil_mode: bool,
) -> Any:
    """The largest element of each window; by-product: its index in the flattened volume."""
    pooling = maxima if input.dtype.kind == "f" else integer
    largest, in_image = pooling.max_pool2d(
        _images(input), kernel_size[1:], stride[1:], padding[1:], dilation[1:], ceil_mode
    )
    channels, size = input.shape[1], largest.shape[2:]
    out, in_column = pooling.max_pool2d(
        _columns(largest, channels), (kernel_size[0], 1), (stride[0], 1), (padding[0], 0),
        (dilation[0], 1), ceil_mode,
    )  # fmt: skip
    # Of equals the first counts: the first depth, and in its image the first pixel.
    indices = maxima.take_by_indices(_columns(in_image, channels), in_column)
    indices += in_column // max(math.prod(size), 1) * math.prod(input.shape[3:])
    shape = (*out.shape[:3], *size)
    return out.reshape(shape), indices.reshape(shape)


# --- means ----------------------------------------------------------------------------------------

MEANS = [
    sample(
        arr.of(2, 2, 2, 4, 5),
        **_window(
            (2, 2, 2), (2, 2, 2), ceil_mode=False, count_include_pad=True, divisor_override=None
        ),
    ),
    sample(
        arr.of(1, 2, 5, 4, 5),
        **_window(
            (3, 2, 3), (2, 1, 2), (1, 1, 1), ceil_mode=True, count_include_pad=False,
            divisor_override=None,
        ),
    ),
    sample(
        arr.of(1, 2, 3, 5, 5),
        **_window(
            (2, 3, 3), (2, 2, 2), (1, 1, 1), ceil_mode=True, count_include_pad=True,
            divisor_override=5,
        ),
    ),
]  # fmt: skip


def _over_images(
    kernel_size: Triple, stride: Triple, padding: Triple, ceil_mode: bool, count_include_pad: bool,
    divisor_override: int | None,
) -> tuple[Any, ...]:  # fmt: skip
    return kernel_size[1:], stride[1:], padding[1:], ceil_mode, count_include_pad, divisor_override


def _over_depth(
    kernel_size: Triple, stride: Triple, padding: Triple, ceil_mode: bool, count_include_pad: bool,
    divisor_override: int | None,
) -> tuple[Any, ...]:  # fmt: skip
    # A window's number of elements is the product of its lengths; its divisor has been used.
    divisor = None if divisor_override is None else 1
    column = (kernel_size[0], 1), (stride[0], 1), (padding[0], 0)
    return *column, ceil_mode, count_include_pad, divisor


@op(
    node="AvgPool3DBackward0",
    vjp=(lambda g, out, x, **window: avg_pool3d_backward(g, size=x.shape[2:], **window),),
    degree=1,
    samples=MEANS,
    accumulates=True,
)
def avg_pool3d(
    input: Array,
    *,
    kernel_size: Triple,
    stride: Triple,
    padding: Triple,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Array:
    """The mean of each window, of integers rounded towards 0."""
    window = (kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
    if input.dtype.kind != "f":
        return _integer_means(input, *window)
    means = averages.avg_pool2d(_images(input), *_over_images(*window))
    out = averages.avg_pool2d(_columns(means, input.shape[1]), *_over_depth(*window))
    return out.reshape(*out.shape[:3], *means.shape[2:])


def _integer_means(
    input: Array, kernel_size: Triple, stride: Triple, padding: Triple, ceil_mode: bool,
    count_include_pad: bool, divisor_override: int | None,
) -> Array:  # fmt: skip
    window = (kernel_size, stride, padding, ceil_mode, count_include_pad, 1)
    rows = integer.avg_pool2d(_images(input), *_over_images(*window))
    sums = integer.avg_pool2d(_columns(rows, input.shape[1]), *_over_depth(*window))
    sums = sums.reshape(*sums.shape[:3], *rows.shape[2:])
    if divisor_override is not None:
        divisor: Any = divisor_override
    else:
        margin = padding if count_include_pad else (0, 0, 0)
        divisor = 1
        for i in range(3):
            starts = np.arange(sums.shape[2 + i]) * stride[i] - padding[i]
            stops = np.minimum(starts + kernel_size[i], input.shape[2 + i] + margin[i])
            lengths = stops - np.maximum(starts, -margin[i])
            divisor = divisor * lengths.reshape(-1, *[1] * (2 - i))
    # Towards 0, as in C: NumPy's quotient of integers is rounded down.
    quotient: Array = np.abs(sums) // np.abs(divisor) * np.sign(sums) * np.sign(divisor)
    return quotient.astype(input.dtype)


@op(
    vjp=(lambda g, out, c, *, size, **window: avg_pool3d(g, **window),),
    degree=1,
    samples=[
        sample(arr.of(2, 2, 1, 2, 2), size=(2, 4, 5), **MEANS[0].settings),
        sample(arr.of(1, 2, 3, 5, 3), size=(5, 4, 5), **MEANS[1].settings),
        sample(arr.of(1, 2, 2, 3, 3), size=(3, 5, 5), **MEANS[2].settings),
    ],
    accumulates=True,
)
def avg_pool3d_backward(
    cotangent: Array,
    *,
    size: tuple[int, ...],
    kernel_size: Triple,
    stride: Triple,
    padding: Triple,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Array:
    """The adjoint of avg_pool3d: (N, C, D', H', W') -> (N, C, *size)."""
    window = (kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
    batch, channels, _, *image = cotangent.shape
    columns = (batch, channels, size[0], math.prod(image))
    means = averages.avg_pool2d_backward(
        cotangent.reshape(*cotangent.shape[:3], math.prod(image)), columns, *_over_depth(*window)
    )
    images = (batch, channels * size[0], *image)
    shape = (*images[:2], *size[1:])
    out = averages.avg_pool2d_backward(means.reshape(images), shape, *_over_images(*window))
    return out.reshape(batch, channels, *size)
