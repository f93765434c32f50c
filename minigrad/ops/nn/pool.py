"""Pooling over the last two dimensions of (N, C, H, W)."""

from typing import Any

import numpy as np

from minigrad.core.types import Array
from minigrad.engine.op import arr, op, sample
from minigrad.kernels.pooling import avg_pool as averages
from minigrad.kernels.pooling import integer
from minigrad.kernels.pooling import max_pool as maxima

Pair = tuple[int, int]


def _window(kernel: Pair, stride: Pair, padding: Pair = (0, 0), **more: Any) -> dict[str, Any]:
    return {"kernel_size": kernel, "stride": stride, "padding": padding, **more}


# Indices into planes of 3 x 4; one of them twice, as where windows overlap.
INDICES = np.array([[[[0, 5], [5, 11]]], [[[3, 2], [1, 7]]]])


@op(
    node="MaxPool2DWithIndicesBackward0",
    vjp=(
        lambda g, out, x, **window: scatter_planes(
            g, indices=out[0].array, size=(x.shape[2], x.shape[3])
        ),
    ),
    samples=[
        sample(
            arr.of(2, 3, 4, 6, distinct=True),
            **_window((2, 2), (2, 2), dilation=(1, 1), ceil_mode=False),
        ),
        sample(
            arr.of(1, 2, 5, 5, distinct=True),
            **_window((3, 2), (2, 1), (1, 1), dilation=(1, 2), ceil_mode=True),
        ),
    ],
    accumulates=True,
)
def max_pool2d(
    input: Array,
    *,
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    ceil_mode: bool,
) -> Any:
    """The largest element of each window; by-product: its index in the flattened plane."""
    pooling = maxima if input.dtype.kind == "f" else integer
    return pooling.max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode)


@op(
    node="MaxPool2DWithIndicesBackwardBackward0",
    vjp=(lambda g, out, c, *, indices, size: gather_planes(g, indices=indices),),
    degree=1,
    samples=[sample(arr.of(2, 1, 2, 2), indices=INDICES, size=(3, 4))],
    accumulates=True,
)
def scatter_planes(cotangent: Array, *, indices: Array, size: Pair) -> Array:
    """(N, C, H', W') added into zeros (N, C, *size), each element at its index in the plane."""
    shape = (*cotangent.shape[:2], *size)
    return maxima.max_pool2d_backward(cotangent, indices, shape)


@op(
    node="GatherBackward0",
    vjp=(
        lambda g, out, x, *, indices: scatter_planes(
            g, indices=indices, size=(x.shape[2], x.shape[3])
        ),
    ),
    degree=1,
    samples=[sample(arr.of(2, 1, 3, 4), indices=INDICES)],
    accumulates=True,
)
def gather_planes(input: Array, *, indices: Array) -> Array:
    """The elements of each plane at the indices: the adjoint of scatter_planes."""
    return maxima.take_by_indices(input, indices)


MEANS = [
    sample(
        arr.of(2, 3, 4, 6),
        **_window((2, 2), (2, 2), ceil_mode=False, count_include_pad=True, divisor_override=None),
    ),
    sample(
        arr.of(1, 2, 5, 5),
        **_window(
            (3, 2), (2, 1), (1, 1), ceil_mode=True, count_include_pad=False, divisor_override=None
        ),
    ),
    sample(
        arr.of(1, 2, 5, 5),
        **_window(
            (3, 3), (2, 2), (1, 1), ceil_mode=True, count_include_pad=True, divisor_override=5
        ),
    ),
]


@op(
    vjp=(
        lambda g, out, x, **window: avg_pool2d_backward(g, size=(x.shape[2], x.shape[3]), **window),
    ),
    degree=1,
    samples=MEANS,
    accumulates=True,
)
def avg_pool2d(
    input: Array,
    *,
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Array:
    """The mean of each window, of integers rounded towards 0."""
    pooling = averages if input.dtype.kind == "f" else integer
    return pooling.avg_pool2d(
        input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


@op(
    vjp=(lambda g, out, c, *, size, **window: avg_pool2d(g, **window),),
    degree=1,
    samples=[
        sample(arr.of(2, 3, 2, 3), size=(4, 6), **MEANS[0].settings),
        sample(arr.of(1, 2, 3, 6), size=(5, 5), **MEANS[1].settings),
        sample(arr.of(1, 2, 3, 3), size=(5, 5), **MEANS[2].settings),
    ],
    accumulates=True,
)
def avg_pool2d_backward(
    cotangent: Array,
    *,
    size: Pair,
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Array:
    """The adjoint of avg_pool2d: (N, C, H', W') -> (N, C, *size)."""
    return averages.avg_pool2d_backward(
        cotangent, (*cotangent.shape[:2], *size), kernel_size, stride, padding, ceil_mode,
        count_include_pad, divisor_override,
    )  # fmt: skip


@op(
    node=lambda node: (
        "MeanBackward1"
        if tuple(node.settings["output_size"]) == (1, 1)
        else "AdaptiveAvgPool2DBackward0"
    ),
    vjp=(
        lambda g, out, x, *, output_size: adaptive_avg_pool2d_backward(
            g, size=(x.shape[2], x.shape[3])
        ),
    ),
    degree=1,
    samples=[
        sample(arr.of(2, 3, 5, 7), output_size=(1, 1)),
        sample(arr.of(2, 3, 5, 7), output_size=(3, 2)),
    ],
    accumulates=True,
)
def adaptive_avg_pool2d(input: Array, *, output_size: Pair) -> Array:
    """The means of output_size windows that share the plane evenly."""
    return averages.adaptive_avg_pool2d(input, output_size)


@op(
    vjp=(lambda g, out, c, *, size: adaptive_avg_pool2d(g, output_size=(c.shape[2], c.shape[3])),),
    degree=1,
    samples=[sample(arr.of(2, 3, 3, 2), size=(5, 7)), sample(arr.of(2, 3, 1, 1), size=(4, 3))],
    accumulates=True,
)
def adaptive_avg_pool2d_backward(cotangent: Array, *, size: Pair) -> Array:
    """The adjoint of adaptive_avg_pool2d: (N, C, H', W') -> (N, C, *size)."""
    return averages.adaptive_avg_pool2d_backward(cotangent, (*cotangent.shape[:2], *size))
