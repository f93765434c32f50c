"""Convolution and its adjoints against sums over windows in float64, and against PyTorch."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.kernels.compiler import kernel as build
from minigrad.kernels.conv.conv2d import (
    conv2d,
    conv2d_input_grad,
    conv2d_weight_grad,
)
from tests.support.exact_conv2d import (
    FLOATS,
    check,
    close,
    reference,
)
from tests.support.forced_algorithm import forced


@st.composite
def problems(draw):
    """Arrays and options of a convolution that has at least one output."""
    groups = draw(st.sampled_from([1, 1, 1, 2, 3]))
    kernel = [draw(st.integers(1, 4)) for _ in range(2)]
    dilation = tuple(draw(st.integers(1, 3)) for _ in range(2))
    padding = tuple((draw(st.integers(0, 3)), draw(st.integers(0, 3))) for _ in range(2))
    least = [max(1, dilation[i] * (kernel[i] - 1) + 1 - sum(padding[i])) for i in range(2)]
    size = [n + draw(st.integers(0, 12)) for n in least]
    stride = tuple(draw(st.integers(1, 5)) for _ in range(2))
    images = draw(st.sampled_from([0, 1, 2, 7]))
    channels = groups * draw(st.sampled_from([1, 2, 3, 5]))
    filters = groups * draw(st.sampled_from([1, 2, 7, 16, 19]))
    dtype = draw(st.sampled_from(FLOATS))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    x = rng.standard_normal((images, channels, *size)).astype(dtype)
    weight = rng.standard_normal((filters, channels // groups, *kernel)).astype(dtype)
    bias = rng.standard_normal(filters).astype(dtype) if draw(st.booleans()) else None
    return x, weight, bias, (stride, padding, dilation, groups)


@settings(deadline=None, max_examples=100)
@given(problems())
def test_all_options(problem):
    check(*problem)


@pytest.mark.parametrize("algorithm", ["direct", "depthwise"])
@settings(deadline=None, max_examples=40)
@given(problem=problems(), channels=st.integers(1, 37))
def test_vectors_of_pixels_and_of_channels(algorithm, problem, channels):
    """Each algorithm where the other, or none of them, is chosen."""
    x, weight, bias, (*options, groups) = problem
    if algorithm == "depthwise":
        rng, groups = np.random.default_rng(3), channels
        x, weight, bias = (
            rng.standard_normal(shape).astype(x.dtype)
            for shape in ((len(x), groups, *x.shape[2:]), (groups, 1, *weight.shape[2:]), groups)
        )
    with forced(algorithm):
        check(x, weight, bias, (*options, groups))


NO_PAD = ((0, 0), (0, 0))
LARGER = [  # N, C, H, W, F, K, L, stride, padding, dilation, groups
    (1, 1, 1, 1, 1, 1, 1, (1, 1), NO_PAD, (1, 1), 1),
    (3, 40, 9, 9, 35, 3, 3, (1, 1), ((1, 1), (1, 1)), (1, 1), 1),  # deeper than one block of k
    (65, 3, 1, 1, 17, 3, 3, (1, 1), ((1, 1), (1, 1)), (1, 1), 1),  # images share blocks
    (2, 2, 3, 700, 5, 1, 7, (1, 2), ((0, 0), (3, 3)), (1, 1), 1),  # rows cut into strips
    (2, 3, 60, 50, 4, 7, 7, (2, 2), ((3, 3), (3, 3)), (1, 1), 1),  # maps cut into bands
    (2, 8, 14, 14, 8, 3, 3, (1, 1), ((1, 1), (1, 1)), (1, 1), 8),  # depthwise
    (2, 5, 15, 14, 10, 3, 3, (2, 2), ((1, 1), (1, 1)), (1, 1), 5),  # gradients dilated with zeros
    (2, 6, 9, 17, 6, 3, 5, (1, 2), ((0, 0), (3, 3)), (2, 2), 6),  # along one axis, dilated
    (2, 3, 90, 80, 3, 3, 3, (2, 2), NO_PAD, (1, 1), 3),  # in bands, and some pixels in no window
    (1, 4, 12, 12, 100, 2, 2, (1, 1), NO_PAD, (1, 1), 1),  # tasks share out the filters
    (2, 3, 90, 80, 40, 3, 3, (1, 1), ((1, 1), (1, 1)), (1, 1), 1),  # planes cut into bands
    (3, 600, 9, 9, 600, 3, 3, (2, 3), ((1, 1), (1, 1)), (2, 1), 600),  # planes shared out
    (2, 3, 31, 33, 20, 4, 4, (4, 4), NO_PAD, (1, 1), 1),  # phases as channels, pixels in no window
    (3, 6, 15, 30, 12, 3, 7, (2, 3), ((1, 1), (3, 3)), (1, 2), 2),  # with zeros for other phases
    (2, 33, 17, 14, 40, 3, 3, (1, 1), ((3, 3), (2, 2)), (3, 2), 1),  # dilated, phases as images
    (1, 40, 14, 13, 33, 3, 3, (1, 1), ((6, 6), (6, 6)), (6, 6), 1),  # dilated, both axes cut
    (3, 16, 10, 10, 6, 5, 5, (1, 1), ((4, 4), (4, 4)), (1, 1), 1),  # tiles of rows of pixels
    (2, 21, 15, 14, 21, 5, 5, (2, 1), ((2, 2), (2, 2)), (1, 1), 21),  # the last channels overlap
]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("case", LARGER, ids=str)
def test_every_cut_into_tasks(case, dtype):
    n, c, h, w, f, k, length, *options = case
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, c, h, w)).astype(dtype)
    weight = rng.standard_normal((f, c // options[-1], k, length)).astype(dtype)
    check(x, weight, rng.standard_normal(f).astype(dtype), tuple(options))


@pytest.mark.parametrize("case", LARGER, ids=str)
def test_agrees_with_pytorch(case):
    n, c, h, w, f, k, length, stride, padding, dilation, groups = case
    rng = np.random.default_rng(0)
    x, weight = (
        rng.standard_normal(shape) for shape in ((n, c, h, w), (f, c // groups, k, length))
    )
    x_, weight_ = (torch.tensor(a, requires_grad=True) for a in (x, weight))
    both = [p[0] for p in padding]
    y = torch.nn.functional.conv2d(x_, weight_, None, stride, both, dilation, groups)
    g = rng.standard_normal(tuple(y.shape))
    y.backward(torch.tensor(g))
    options = (stride, padding, dilation, groups)
    close(conv2d(x, weight, None, *options), y.detach().numpy(), np.float64)
    close(conv2d_input_grad(g, weight, x.shape, *options), x_.grad.numpy(), np.float64)
    close(conv2d_weight_grad(g, x, weight.shape, *options), weight_.grad.numpy(), np.float64)


def test_arrays_of_any_layout():
    rng = np.random.default_rng(0)
    options = ((1, 1), ((1, 1), (0, 2)), (1, 1), 1)
    x = rng.standard_normal((9, 8, 5, 3)).T[:, ::-1]
    weight = rng.standard_normal((3, 4, 5, 6)).transpose(3, 2, 0, 1)[..., ::-1]
    out = conv2d(x, weight, None, *options)
    close(out, reference(x, weight, None, options), np.float64)
    g = rng.standard_normal(out.shape[::-1]).T
    spread = np.broadcast_to(rng.standard_normal(()), out.shape)
    for cotangent in (g, spread, g[..., ::-1]):
        packed = np.ascontiguousarray(cotangent)
        for adjoint, other, shape in (
            (conv2d_input_grad, weight, x.shape),
            (conv2d_weight_grad, x, weight.shape),
        ):
            expected = adjoint(packed, np.ascontiguousarray(other), shape, *options)
            np.testing.assert_array_equal(adjoint(cotangent, other, shape, *options), expected)


def test_no_images_no_channels_no_filters():
    options = ((1, 1), NO_PAD, (1, 1), 1)
    bias = np.arange(4.0)
    assert conv2d(np.ones((0, 2, 5, 5)), np.ones((4, 2, 3, 3)), bias, *options).shape == (
        0,
        4,
        3,
        3,
    )
    out = conv2d(np.ones((2, 0, 5, 5)), np.ones((4, 0, 3, 3)), bias, *options)
    np.testing.assert_array_equal(out, np.broadcast_to(bias[:, None, None], (2, 4, 3, 3)))
    none = np.ones((0, 4, 3, 3))
    grad = conv2d_weight_grad(none, np.ones((0, 2, 5, 5)), (4, 2, 3, 3), *options)
    np.testing.assert_array_equal(grad, np.zeros((4, 2, 3, 3)))
    grad = conv2d_input_grad(np.ones((2, 0, 3, 3)), np.ones((0, 2, 3, 3)), (2, 2, 5, 5), *options)
    np.testing.assert_array_equal(grad, np.zeros((2, 2, 5, 5)))


def test_pixels_in_no_window_have_no_gradient():
    gx = conv2d_input_grad(
        np.ones((1, 1, 2, 2)), np.ones((1, 1, 1, 1)), (1, 1, 5, 6), (3, 4), NO_PAD, (1, 1), 1
    )
    expected = np.zeros((1, 1, 5, 6))
    expected[..., ::3, ::4] = 1
    np.testing.assert_array_equal(gx, expected)


def test_memory_around_arrays_is_never_read():
    """The kernel allocates and frees workspaces; here all memory around them is nan."""
    rng = np.random.default_rng(0)
    for images, filters, kernel, dilation in ((1, 2, (2, 4), (3, 1)), (2, 9, (3, 2), (1, 1))):
        shape, pads = (filters, 2, *kernel), ((1, 2), (1, 2))
        options = ((1, 1), pads, dilation, 1)
        x = rng.standard_normal((images, 2, 6, 6))
        weight = rng.standard_normal(shape)
        out = conv2d(x, weight, None, *options)
        g = rng.standard_normal(out.shape)
        around = [np.full(size, np.nan) for size in range(40, 400) for _ in range(8)]
        del around[::2]
        for _ in range(50):
            assert np.isfinite(conv2d(x, weight, None, *options)).all()
            assert np.isfinite(conv2d_input_grad(g, weight, x.shape, *options)).all()
            assert np.isfinite(conv2d_weight_grad(g, x, shape, *options)).all()


@pytest.mark.parametrize("groups", [1, 6])
def test_bit_identical_for_any_number_of_threads(groups):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((33, 6, 20, 20)).astype(np.float32)
    weight = rng.standard_normal((18, 6 // groups, 3, 3)).astype(np.float32)
    g = rng.standard_normal((33, 18, 20, 20)).astype(np.float32)
    options = ((1, 1), ((1, 1), (1, 1)), (1, 1), groups)
    before, results = build.get_num_threads(), []
    try:
        for threads in {1, before}:
            build.set_num_threads(threads)
            results.append(
                conv2d(x, weight, None, *options).tobytes()
                + conv2d_input_grad(g, weight, x.shape, *options).tobytes()
                + conv2d_weight_grad(g, x, weight.shape, *options).tobytes()
            )
    finally:
        build.set_num_threads(before)
    assert len(set(results)) == 1
