"""Work and memory of windows follow the outputs, never a stride, a dilation or a padding.

Each case runs where its process may take little memory beyond what it has; values are PyTorch's, or
follow from ones.
"""

import resource
import sys
import time

import numpy as np
import pytest

import minigrad
from minigrad.nn import functional as F

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the address space is limited by Linux's system calls"
)

ROOM = 2**30
LARGE = (1000, 50_000, 10**6, 2**40)


@pytest.fixture(autouse=True)
def little_memory():
    """Lets the process take no more than `ROOM` bytes beyond what it has."""
    with open("/proc/self/statm") as pages:
        used = int(pages.read().split()[0]) * resource.getpagesize()
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + ROOM, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, limits)


def drawn(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def agree(function, torch_function, *arrays):
    """Compare results, and gradients of them, with PyTorch's."""
    ours = [minigrad.tensor(a, requires_grad=True) for a in arrays]
    theirs = [torch.tensor(a, requires_grad=True) for a in arrays]
    out, expected = function(*ours), torch_function(*theirs)
    assert out.shape == tuple(expected.shape)
    np.testing.assert_allclose(out.detach().numpy(), expected.detach().numpy(), atol=1e-9)
    out.backward(minigrad.cos(out.detach()))
    expected.backward(torch.cos(expected.detach()))
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine.grad.numpy(), other.grad.numpy(), atol=1e-9)


@pytest.mark.parametrize("stride", LARGE)
@pytest.mark.parametrize("channels", [1, 8])
def test_stride_of_a_single_window(stride, channels):
    x, w = np.ones((1, channels, 4, 4)), np.ones((16, channels, 2, 2))
    x, w = (minigrad.tensor(a, requires_grad=True) for a in (x, w))
    out = F.conv2d(x, w, stride=stride)
    assert out.shape == (1, 16, 1, 1)
    assert (out.detach().numpy() == 4 * channels).all()
    out.sum().backward()
    np.testing.assert_array_equal(w.grad.numpy(), 1)
    expected = np.zeros((1, channels, 4, 4))
    expected[..., :2, :2] = 16
    np.testing.assert_array_equal(x.grad.numpy(), expected)


WINDOWS = {
    "stride": {"stride": 999},
    "stride and padding": {"stride": 999, "padding": 2},
    "stride and much padding": {"stride": 700, "padding": 900},
    "dilation": {"dilation": 1500},
    "dilation and padding": {"dilation": 1000, "padding": 999, "stride": 37},
    "all": {"dilation": 333, "padding": 1001, "stride": 555},
}


@pytest.mark.parametrize("groups", [1, 4])
@pytest.mark.parametrize("options", WINDOWS.values(), ids=WINDOWS.keys())
def test_convolution_of_signals(options, groups):
    x, w = drawn(2, 4, 4000), drawn(12, 4 // groups, 3)
    agree(
        lambda x, w: F.conv1d(x, w, groups=groups, **options),
        lambda x, w: torch.nn.functional.conv1d(x, w, groups=groups, **options),
        x, w,
    )  # fmt: skip


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize(
    "options",
    [
        {"stride": 90},
        {"stride": (90, 1), "padding": (3, 1)},
        {"stride": (1, 70), "dilation": (50, 2), "padding": (40, 0)},
        {"dilation": (1, 120), "padding": (0, 119)},
        {"dilation": 70, "padding": 100, "stride": 40},
    ],
    ids=str,
)
def test_convolution_of_images(options, groups):
    x, w = drawn(1, 2, 200, 190), drawn(4, 2 // groups, 3, 2)
    agree(
        lambda x, w: F.conv2d(x, w, groups=groups, **options),
        lambda x, w: torch.nn.functional.conv2d(x, w, groups=groups, **options),
        x, w,
    )  # fmt: skip


@pytest.mark.parametrize("size", LARGE)
def test_padding_and_dilation_as_large_as_the_stride(size):
    """Three by three outputs: the middle one reads the image, the others padding."""
    x, w = drawn(1, 2, 4, 4), drawn(3, 2, 2, 2)
    out = F.conv2d(*map(minigrad.tensor, (x, w)), stride=size, padding=size)
    expected = np.zeros((1, 3, 3, 3))
    expected[0, :, 1, 1] = np.tensordot(w, x[0, :, :2, :2], 3)
    np.testing.assert_allclose(out.numpy(), expected, atol=1e-12)
    out = F.conv2d(*map(minigrad.tensor, (x, w)), dilation=size, padding=size // 2)
    assert out.shape == (1, 3, 4, 4)
    np.testing.assert_array_equal(out.numpy(), 0)  # each tap falls beside the image


@pytest.mark.parametrize("stride", [1000, (1, 3000)])
@pytest.mark.parametrize("groups", [1, 2])
def test_transposed_convolution(stride, groups):
    x, w = drawn(1, 2, 3, 4), drawn(2, 2 // groups, 2, 3)
    start = time.perf_counter()
    agree(
        lambda x, w: F.conv_transpose2d(x, w, stride=stride, groups=groups, padding=1),
        lambda x, w: torch.nn.functional.conv_transpose2d(
            x, w, stride=stride, groups=groups, padding=1
        ),
        x, w,
    )  # fmt: skip
    assert time.perf_counter() - start < 60  # a step for each of its phases would take minutes


def test_transposed_convolution_of_signals():
    agree(
        lambda x, w: F.conv_transpose1d(x, w, stride=10**5, dilation=70_000, padding=3),
        lambda x, w: torch.nn.functional.conv_transpose1d(
            x, w, stride=10**5, dilation=70_000, padding=3
        ),
        drawn(1, 2, 5),
        drawn(2, 3, 4),
    )


POOLS = {
    "max_pool2d": ({"kernel_size": 2}, {"kernel_size": 3, "padding": 1}),
    "avg_pool2d": ({"kernel_size": 2}, {"kernel_size": 3, "padding": 1}),
    "lp_pool2d": ({"norm_type": 2, "kernel_size": 2},),
}


@pytest.mark.parametrize("stride", LARGE)
@pytest.mark.parametrize("name", POOLS)
def test_pools_with_large_strides(name, stride):
    for options in POOLS[name]:
        agree(
            lambda x: getattr(F, name)(x, stride=stride, **options),  # noqa: B023
            lambda x: getattr(torch.nn.functional, name)(  # PyTorch takes 32 bits, and here as well
                x,
                stride=min(stride, 10**6),
                **options,  # noqa: B023
            ),
            drawn(2, 3, 5, 4),
        )


@pytest.mark.parametrize("size", LARGE)
def test_pools_with_large_windows(size):
    """Every window of kernels that are larger than the image covers all of it."""
    x = drawn(2, 3, 5, 4)
    images = minigrad.tensor(x)
    out, indices = F.max_pool2d(images, 2 * size, size, size, return_indices=True)
    assert out.shape == (2, 3, 1, 1)
    np.testing.assert_array_equal(out.numpy()[..., 0, 0], x.max((2, 3)))
    np.testing.assert_array_equal(indices.numpy()[..., 0, 0], x.reshape(2, 3, -1).argmax(2))
    out = F.avg_pool2d(images, 2 * size, 1, size, count_include_pad=False)
    np.testing.assert_allclose(out.numpy()[..., 2, 2], x.mean((2, 3)), atol=1e-12)
    out = F.max_pool2d(images, 2, size, dilation=3)
    np.testing.assert_array_equal(
        out.numpy()[..., 0, 0], x[..., [0, 3], :][..., [0, 3]].max((2, 3))
    )


@pytest.mark.parametrize("size", LARGE)
def test_unfold_and_fold(size):
    x = drawn(2, 3, 4, 4)
    columns = F.unfold(minigrad.tensor(x), 2, stride=size, padding=size)
    expected = np.zeros((2, 3, 2, 2, 9))
    expected[..., 4] = x[..., :2, :2]
    np.testing.assert_array_equal(columns.numpy(), expected.reshape(2, 12, 9))
    images = F.fold(columns, 4, 2, stride=size, padding=size)
    expected = np.zeros((2, 3, 4, 4))
    expected[..., :2, :2] = x[..., :2, :2]
    np.testing.assert_array_equal(images.numpy(), expected)
    agree(
        lambda x: F.unfold(x, (2, 3), dilation=(1, 2), stride=(90, 2), padding=(60, 2)),
        lambda x: torch.nn.functional.unfold(
            x, (2, 3), dilation=(1, 2), stride=(90, 2), padding=(60, 2)
        ),
        x,
    )


ONES = minigrad.ones(1, 1, 4, 4)
KERNEL = minigrad.ones(1, 1, 2, 2)
OVERFLOWS = {
    "conv2d": lambda: F.conv2d(ONES, KERNEL, padding=2**40),
    "conv2d's padding": lambda: F.conv2d(ONES, KERNEL, padding=2**62, stride=2**62),
    "conv2d's stride": lambda: F.conv2d(ONES, KERNEL, stride=2**63),
    "conv1d": lambda: F.conv1d(ONES[:, :, 0], KERNEL[:, :, 0], padding=2**61),
    "conv_transpose2d": lambda: F.conv_transpose2d(ONES, KERNEL, stride=2**40),
    "conv_transpose1d": lambda: F.conv_transpose1d(ONES[:, :, 0], KERNEL[:, :, 0], stride=2**62),
    "max_unpool2d": lambda: F.max_unpool2d(ONES, ONES.long(), 2, stride=2**40),
    "avg_pool2d": lambda: F.avg_pool2d(ONES, 2**62, 1, 2**61),
    "max_pool2d": lambda: F.max_pool2d(ONES, 2**62, 1, 2**61),
    "unfold": lambda: F.unfold(ONES, 2, padding=2**40),
    "fold": lambda: F.fold(ONES[0], 2**40, 2),
}


@pytest.mark.parametrize("name", OVERFLOWS)
def test_sizes_that_64_bits_do_not_count_are_refused(name):
    with pytest.raises(RuntimeError, match=r"overflowed|must fit into 64 bits"):
        OVERFLOWS[name]()
