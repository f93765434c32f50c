"""Kernels on arrays of any size and layout: empty, of one element, of prime sizes, one off every
tile, and stepping through memory forwards, backwards, not at all, or a page at a time."""

from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from minigrad.kernels.compiler.vector_unit import VECTOR_BYTES
from minigrad.kernels.matmul import matmul
from minigrad.kernels.pointwise import elementwise
from minigrad.kernels.pooling import avg_pool, max_pool
from minigrad.kernels.reduction import batch_norm, layer_norm, reduce, softmax
from minigrad.kernels.simd import microkernels
from tests.support import exact_conv2d, exact_matmul
from tests.support.forced_algorithm import forced

Array = np.ndarray[Any, Any]

VECTOR = VECTOR_BYTES // 4
TILE = microkernels.NR_VECTORS * VECTOR
TAILS = {n + d for n in (microkernels.MR, VECTOR // 2, VECTOR, TILE) for d in (-1, 0, 1)}
SOME = st.sampled_from(sorted({1, 2, 3, 5, 7, 13, 23} | TAILS))
SIZES = st.just(0) | SOME
LAYOUTS = st.sampled_from(["plain", "transposed", "reversed", "part", "repeated", "by pages"])
DTYPES = st.sampled_from([np.float32, np.float64])


def laid_out(shape: tuple[int, ...], dtype: Any, layout: str, seed: int) -> Array:
    """Random numbers in an array of this shape, whose memory has the given layout."""
    x = np.random.default_rng(seed).standard_normal(shape).astype(dtype)
    if layout == "transposed":
        return np.ascontiguousarray(x.T).T
    if layout == "reversed":
        return np.flip(np.flip(x).copy())
    if layout == "part":
        return np.pad(x, [(1, 2)] * x.ndim)[(slice(1, -2),) * x.ndim]
    if layout == "repeated":
        return np.broadcast_to(x[..., :1], shape)
    if layout == "by pages":
        step = 4096 // x.itemsize + 1 if x.size < 1000 else 17  # as far as memory goes
        spread = np.zeros((*shape, step), dtype)[..., 3]
        spread[...] = x
        return spread
    return x


@settings(deadline=None, max_examples=60)
@given(m=SIZES, k=SIZES, n=SIZES, dtype=DTYPES, layouts=st.tuples(LAYOUTS, LAYOUTS), batch=SIZES)
def test_matmul(m: int, k: int, n: int, dtype: Any, layouts: Any, batch: int) -> None:
    with mock.patch.object(matmul, "SMALL", 0):  # nothing is left to NumPy
        exact_matmul.check(
            laid_out((m, k), dtype, layouts[0], 0), laid_out((k, n), dtype, layouts[1], 1)
        )
        exact_matmul.check(
            laid_out((batch % 4, m, 5), dtype, layouts[0], 0),
            laid_out((5, n), dtype, layouts[1], 1),
        )


@pytest.mark.parametrize("few_filters", [False, True], ids=["implicit_gemm", "direct"])
@example(
    images=1,
    channels=1,
    filters=1,
    groups=1,
    size=(1, 1),
    kernel=(2, 5),
    stride=2,
    layouts=("plain", "plain"),
    dtype=np.float32,
)
@settings(deadline=None, max_examples=40)
@given(
    images=st.integers(0, 2), channels=SOME, filters=SOME, groups=st.sampled_from([1, 1, 2, 7]),
    size=st.tuples(SOME, SOME), kernel=st.sampled_from([(1, 1), (3, 3), (2, 5), (3, 1)]),
    stride=st.integers(1, 2), layouts=st.tuples(LAYOUTS, LAYOUTS), dtype=DTYPES,
)  # fmt: skip
def test_convolution(
    few_filters: bool, images: int, channels: int, filters: int, groups: int, size: Any,
    kernel: Any, stride: int, layouts: Any, dtype: Any,
) -> None:  # fmt: skip
    if few_filters:
        channels, filters = channels % 3 + 1, filters % 3 + 1
    x = laid_out((images, groups * channels, *size), dtype, layouts[0], 0)
    weight = laid_out((groups * filters, channels, *kernel), dtype, layouts[1], 1)
    bias = np.arange(len(weight), dtype=dtype)
    padding = tuple((max(k - n, 1), k // 2) for k, n in zip(kernel, size, strict=True))
    with forced("direct" if few_filters else "implicit_gemm"):  # Winograd has tests of its own
        exact_conv2d.check(x, weight, bias, ((stride, stride), padding, (1, 1), groups))


LENGTHS = st.sampled_from([reduce.BLOCK - 1, reduce.BLOCK, reduce.BLOCK + 1, 2 * reduce.ROWS + 1])


@settings(deadline=None, max_examples=60)
@given(
    shape=st.tuples(SIZES, SIZES, SIZES) | st.tuples(st.integers(1, 3), LENGTHS, st.integers(1, 3)),
    axes=st.sampled_from([(0,), (1,), (2,), (0, 1), (1, 2), (0, 2), (0, 1, 2)]),
    layout=LAYOUTS, dtype=DTYPES,
)  # fmt: skip
def test_sum_and_variance(shape: Any, axes: Any, layout: str, dtype: Any) -> None:
    x = laid_out(shape, dtype, layout, 0)
    exact, eps = x.astype(np.float64), np.finfo(dtype).eps
    with mock.patch.object(reduce, "MIN_SIZE", 1):
        total = reduce.sum(x, axes)
        assert total.dtype == dtype
        bound = 4 * eps * np.abs(exact).sum(axes)
        assert np.all(np.abs(total - exact.sum(axes)) <= bound)
        if x.size:
            squares = reduce.variance(x, axes, 2.0)
            among = exact - exact.mean(axes, keepdims=True)
            # The mean itself is rounded where a sum is left to NumPy.
            bound = 64 * eps * (exact**2).sum(axes)
            assert np.all(np.abs(squares - (among**2).sum(axes) / 2) <= bound)


def _of_copies(function: Any, *arrays: Array, options: tuple[Any, ...] = ()) -> None:
    """The function gives for arrays of any layout, bit for bit, what it gives for copies."""
    results = [
        function(*these, *options) for these in (arrays, [np.ascontiguousarray(a) for a in arrays])
    ]
    for one, other in zip(*map(np.atleast_1d, results), strict=True):
        np.testing.assert_array_equal(one, other)


@settings(deadline=None, max_examples=60)
@given(shape=st.tuples(SOME, SOME, SOME), layouts=st.tuples(LAYOUTS, LAYOUTS), dtype=DTYPES)
def test_the_layout_makes_no_difference(shape: Any, layouts: Any, dtype: Any) -> None:
    x, g = (laid_out(shape, dtype, layout, i) for i, layout in enumerate(layouts))
    _of_copies(elementwise.gelu, x)
    _of_copies(elementwise.gelu_backward, g, x)
    out = softmax.softmax(x, 1)
    np.testing.assert_allclose(out.sum(1, dtype=np.float64), 1, rtol=1e-5)
    for axis in (0, 1, 2):
        _of_copies(softmax.softmax, x, options=(axis,))
        _of_copies(softmax.log_softmax_backward, g, x, options=(axis,))
    mean, rstd = x.mean((0, 2)), np.ones(shape[1], dtype)
    for part in range(3):
        _of_copies(lambda *a, part=part: batch_norm.batch_norm_train(*a, None, None, 1e-5)[part], x)
        _of_copies(
            lambda g, x, part=part: (
                batch_norm.batch_norm_train_backward(g, x, mean, rstd, None)[part]
            ),
            g, x,
        )  # fmt: skip
        _of_copies(lambda *a, part=part: layer_norm.layer_norm(*a, None, None, 1e-5)[part], x[0])
    images, whole = x[None], np.array(x.shape[1:])
    kernel = tuple(int(n) for n in np.minimum(whole, 3))
    _of_copies(lambda x: max_pool.max_pool2d(x, kernel, (2, 1), (0, 0), (1, 1), False)[0], images)
    _of_copies(lambda x: avg_pool.avg_pool2d(x, kernel, (1, 2), (0, 0), False, True, None), images)
