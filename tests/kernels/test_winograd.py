"""Winograd's correlation and its adjoint against sums over windows in float64, by size of tile.

The transforms subtract nearly equal numbers, so results are less exact than plain sums.
In units of the dtype's eps times the largest sum of magnitudes under a window, the largest error
measured, over 10^6 results of 1 to 512 channels of normally distributed numbers, is 8 for tiles of
4, 2 for tiles of 2, and 1.6 for plain sums; relative to the largest result it is 3.5e-6, 6e-7 and
5e-7 in float32.  The tests allow three times as much.
"""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.backends import winograd
from minigrad.kernels.compiler import kernel as build
from minigrad.kernels.conv import conv2d, plan
from minigrad.kernels.conv.axis import Axis
from minigrad.kernels.conv.winograd import correlate_winograd
from minigrad.kernels.conv.winograd_weight_grad import weight_grad_winograd
from tests.support.forced_algorithm import forced

FLOATS = (np.float32, np.float64)
ULPS = {4: 24, 2: 6}
# Which argument is the size of the tile.
TILE = {correlate_winograd: 5, weight_grad_winograd: 4}


def axis(size, pad, dilation=1, phase=0, is_reversed=False):
    """Outputs `phase`, `phase + dilation` ... of a convolution with three dilated taps."""
    outputs = size + sum(pad) - 2 * dilation
    taps = (0, dilation, 2 * dilation)
    return Axis(
        -(-(outputs - phase) // dilation), dilation, phase - pad[0],
        taps[::-1] if is_reversed else taps, phase, dilation,
    )  # fmt: skip


def windows(x, axes):
    """(N, C, H, W) -> (N, C, rows, 3, columns, 3) in float64: the pixels that each output reads."""
    indices = [a.origin + np.arange(a.length)[:, None] * a.stride + np.array(a.taps) for a in axes]
    margin = [
        (max(0, -i.min()), max(0, i.max() + 1 - n))
        for i, n in zip(indices, x.shape[2:], strict=True)
    ]
    padded = np.pad(x.astype(np.float64), ((0, 0), (0, 0), *margin))
    rows, columns = (i + before for i, (before, _) in zip(indices, margin, strict=True))
    return padded[:, :, rows][..., columns]


def covered(axes):
    """The indices of the outputs that the axes describe."""
    return tuple(
        slice(a.out_offset, a.out_offset + a.length * a.out_stride, a.out_stride) for a in axes
    )


def close(actual, exact, magnitude, size):
    """Within ULPS of the magnitudes that a sum is made of."""
    bound = ULPS[size] * np.finfo(actual.dtype).eps * magnitude.max(initial=0)
    assert np.abs(actual - exact).max(initial=0) <= bound


def check(x, weight, bias, axes, size, shape):
    """Both kernels, on outputs and gradients of this (H', W')."""
    dtype, outputs = x.dtype, (slice(None), slice(None), *covered(axes))
    pixels, filters = windows(x, axes), weight.astype(np.float64)
    out = np.full((len(x), len(weight), *shape), np.nan, dtype)
    correlate_winograd(out, x, weight, bias, axes, size)
    exact = np.einsum("ncykxl,fckl->nfyx", pixels, filters)
    magnitude = np.einsum("ncykxl,fckl->nfyx", abs(pixels), abs(filters))
    if bias is not None:
        exact, magnitude = (
            e + b[:, None, None] for e, b in ((exact, bias), (magnitude, abs(bias)))
        )
    close(out[outputs], exact, magnitude, size)
    out[outputs] = np.nan
    assert np.isnan(out).all()  # nothing else was written

    g = np.random.default_rng(1).standard_normal(out.shape).astype(dtype)
    grad = np.full(weight.shape, np.nan, dtype)
    weight_grad_winograd(grad, g, x, axes, size)
    if axes[0].taps[0] or axes[1].taps[0]:
        return  # the gradient is computed for taps in rising order only
    exact = np.einsum("ncykxl,nfyx->fckl", pixels, g[outputs].astype(np.float64))
    close(grad, exact, np.einsum("ncykxl,nfyx->fckl", abs(pixels), abs(g[outputs])), size)


@st.composite
def problems(draw):
    dilation = [draw(st.sampled_from([1, 1, 1, 2, 3])) for _ in range(2)]
    pads = [(draw(st.integers(0, 4)), draw(st.integers(0, 4))) for _ in range(2)]
    outputs = [draw(st.integers(dilation[i], 19)) for i in range(2)]
    sizes = [max(1, outputs[i] - sum(pads[i]) + 2 * dilation[i]) for i in range(2)]
    axes = tuple(
        axis(
            sizes[i],
            pads[i],
            dilation[i],
            draw(st.integers(0, dilation[i] - 1)),
            draw(st.booleans()),
        )
        for i in range(2)
    )
    dtype = draw(st.sampled_from(FLOATS))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    images, channels = draw(st.sampled_from([1, 2, 5])), draw(st.sampled_from([1, 3, 8, 17, 40]))
    filters = draw(st.sampled_from([1, 2, 8, 16, 19, 35]))
    x = rng.standard_normal((images, channels, *sizes)).astype(dtype)
    weight = rng.standard_normal((filters, channels, 3, 3)).astype(dtype)
    bias = rng.standard_normal(filters).astype(dtype) if draw(st.booleans()) else None
    shape = [sizes[i] + sum(pads[i]) - 2 * dilation[i] for i in range(2)]
    return x, weight, bias, axes, draw(st.sampled_from([2, 4])), shape


@settings(deadline=None, max_examples=100)
@given(problems())
def test_every_size_padding_and_order_of_taps(problem):
    check(*problem)


LARGER = [  # N, C, H, W, F: each is cut into tasks differently
    (40, 16, 4, 4, 16),  # many images to a block
    (3, 16, 9, 500, 16),  # rows of tiles cut into strips
    (1, 8, 6, 6, 200),  # tasks share blocks, and their panels of filters
    (2, 600, 5, 7, 40),  # deeper than one panel
    (70, 33, 8, 8, 17),  # slices of the gradient's sum, and tails of everything
]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("size", [2, 4])
@pytest.mark.parametrize("case", LARGER, ids=str)
def test_every_cut_into_tasks(case, size, dtype):
    n, c, h, w, f = case
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, c, h, w)).astype(dtype)
    weight = rng.standard_normal((f, c, 3, 3)).astype(dtype)
    axes = (axis(h, (1, 1)), axis(w, (1, 1)))
    check(x, weight, rng.standard_normal(f).astype(dtype), axes, size, (h, w))


@pytest.mark.parametrize("size", [2, 4])
def test_arrays_of_any_layout(size):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((9, 8, 16, 3)).T[:, :, ::-1, ::-1]
    axes = (axis(x.shape[2], (1, 1)), axis(x.shape[3], (1, 0)))
    for weight in (
        rng.standard_normal((3, 3, 16, 20)).T,
        rng.standard_normal((20, 16, 3, 3))[:, :, ::-1, ::-1],
        rng.standard_normal((20, 16, 3, 3)).swapaxes(2, 3),
        np.broadcast_to(rng.standard_normal((20, 1, 1, 1)), (20, 16, 3, 3)),
    ):
        check(x, weight, None, axes, size, (8, 8))


@pytest.mark.parametrize("size", [2, 4])
def test_memory_around_arrays_is_neither_read_nor_written(size):
    """Arrays are surrounded by nan, and after the last element there is nothing to read."""
    rng = np.random.default_rng(0)
    around = np.full((5, 24, 9, 9), np.nan, np.float32)
    x, out = around[1:3, 4:20, 2:8, 3:9], around.copy()[1:3, 4:20, 2:8, 3:9]
    x[:] = rng.standard_normal(x.shape)
    weight = rng.standard_normal((16, 16, 3, 3)).astype(np.float32)
    axes = (axis(6, (1, 1)), axis(6, (1, 1)))
    correlate_winograd(out, x, weight, None, axes, size)
    assert np.isfinite(out).all()
    assert np.isnan(out.base).sum() == out.base.size - out.size
    weight_grad_winograd(weight, out, x, axes, size)
    assert np.isfinite(weight).all()


def test_winograd_is_selected_where_it_is_the_fastest():
    def selected(images, channels, filters, outputs, stride=1, taps=9):
        axes = (Axis(outputs, stride, -1, (0, 1, 2)),) * 2
        sizes = plan.Sizes(images, channels, filters, itemsize=4)
        return plan.select_algorithm(sizes, axes, taps * outputs**2)

    assert selected(8, 64, 64, 56) == ("winograd", 4)
    assert selected(64, 256, 256, 2) == ("winograd", 2)  # tiles of 4 would be mostly padding
    assert selected(64, 512, 512, 1, taps=1) == ("implicit_gemm", 0)  # one tap of nine is useful
    assert selected(64, 1, 1, 28) == ("direct", 0)  # the transforms cost more than they save
    assert selected(8, 64, 64, 28, stride=2) == ("implicit_gemm", 0)


def test_convolutions_use_winograd(monkeypatch):
    """Plain, grouped, dilated: the sum of the calls is the convolution, in all three directions."""
    rng = np.random.default_rng(0)
    calls = []
    for name in ("correlate_winograd", "weight_grad_winograd"):
        kernel = getattr(conv2d, name)
        monkeypatch.setattr(
            conv2d,
            name,
            lambda *a, kernel=kernel: (calls.append(a[TILE[kernel]]), kernel(*a)),
        )
    for groups, dilation, pad in itertools.product((1, 2), (1, 2), (0, 2)):
        x = rng.standard_normal((4, 32 * groups, 15, 18)).astype(np.float32)
        weight = rng.standard_normal((32 * groups, 32, 3, 3)).astype(np.float32)
        options = ((1, 1), ((pad, 1), (pad, 1)), (dilation,) * 2, groups)
        out = conv2d.conv2d(x, weight, None, *options)
        g = rng.standard_normal(out.shape).astype(np.float32)
        results = [out, conv2d.conv2d_input_grad(g, weight, x.shape, *options)]
        results.append(conv2d.conv2d_weight_grad(g, x, weight.shape, *options))
        assert calls == [4] * (3 * groups)
        calls.clear()
        with forced("implicit_gemm"):
            x, weight, g = (a.astype(np.float64) for a in (x, weight, g))
            exact = [conv2d.conv2d(x, weight, None, *options)]
            exact.append(conv2d.conv2d_input_grad(g, weight, x.shape, *options))
            exact.append(conv2d.conv2d_weight_grad(g, x, weight.shape, *options))
        assert not calls
        for result, expected in zip(results, exact, strict=True):
            # Torch's tolerance for float32 is 1e-4 of the result; this is a tenth of it.
            assert np.abs(result - expected).max() <= 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("size", [2, 4])
@pytest.mark.parametrize(
    "case",
    [  # K, L, stride, dilation, groups
        (5, 5, 1, 1, 1), (7, 7, 1, 1, 1), (2, 4, 1, 1, 2), (4, 5, 1, 2, 1), (3, 2, 1, 3, 1),
        (8, 7, 2, 1, 1), (9, 5, 3, 1, 2), (6, 6, 2, 3, 1),
    ],
    ids=str,
)  # fmt: skip
def test_filters_of_other_sizes_in_parts_of_three_taps(case, size):
    """Three taps at a time, the last with zeros; of strided ones only the input's gradient."""
    rows, columns, stride, dilation, groups = case
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 9 * groups, 23, 26)).astype(np.float32)
    weight = rng.standard_normal((19 * groups, 9, rows, columns)).astype(np.float32)
    bias = rng.standard_normal(len(weight)).astype(np.float32)
    options = (stride,) * 2, ((3, 2), (1, 4)), (dilation,) * 2, groups

    def run(*arrays):
        x, weight, bias = arrays
        out = conv2d.conv2d(x, weight, bias, *options)
        g = out + 1
        slope = conv2d.conv2d_input_grad(g, weight, x.shape, *options)
        return out, slope, conv2d.conv2d_weight_grad(g, x, weight.shape, *options)

    with forced("implicit_gemm"):
        exact = run(*(a.astype(np.float64) for a in (x, weight, bias)))
    with forced("winograd", size):
        for result, expected in zip(run(x, weight, bias), exact, strict=True):
            assert np.abs(result - expected).max() <= 1e-5 * np.abs(expected).max()


def test_bit_identical_for_any_number_of_threads():
    rng = np.random.default_rng(0)
    axes = (axis(20, (1, 1)), axis(20, (1, 1)))
    x = rng.standard_normal((9, 40, 20, 20)).astype(np.float32)
    weight = rng.standard_normal((50, 40, 3, 3)).astype(np.float32)
    g = rng.standard_normal((9, 50, 20, 20)).astype(np.float32)
    before, results = build.get_num_threads(), set()
    try:
        for threads in {1, before}:
            build.set_num_threads(threads)
            out, grad = np.empty_like(g), np.empty_like(weight)
            correlate_winograd(out, x, weight, None, axes, 4)
            weight_grad_winograd(grad, g, x, axes, 4)
            results.add(out.tobytes() + grad.tobytes())
    finally:
        build.set_num_threads(before)
    assert len(results) == 1


def test_the_switch_turns_winograd_off(monkeypatch):
    """In all three directions; its results are those of plain sums, bit for bit."""
    calls = []
    for name in ("correlate_winograd", "weight_grad_winograd"):
        kernel = getattr(conv2d, name)
        monkeypatch.setattr(
            conv2d,
            name,
            lambda *a, kernel=kernel: (calls.append(a[TILE[kernel]]), kernel(*a)),
        )
    rng = np.random.default_rng(0)
    x, filters = rng.standard_normal((4, 32, 15, 18)), rng.standard_normal((32, 32, 3, 3))

    def run():
        images, weight = (mg.tensor(a, requires_grad=True) for a in (x, filters))
        out = mg.nn.functional.conv2d(images, weight, padding=1)
        out.square().sum().backward()
        return [a.detach().numpy() for a in (out, images.grad, weight.grad)]

    run()
    assert calls == [4, 4, 4]
    with winograd.flags(enabled=False):
        assert not winograd.enabled
        off = run()
    assert len(calls) == 3
    with forced("implicit_gemm"):
        for result, expected in zip(off, run(), strict=True):
            assert result.tobytes() == expected.tobytes()
    assert len(calls) == 3
    winograd.enabled = False
    run()
    assert len(calls) == 3
    assert winograd.set_flags(True) == (False,)
    run()
    assert len(calls) == 6


def test_a_block_that_fails_leaves_the_switch_as_it_was():
    with pytest.raises(RuntimeError, match="converted to Scalar"), winograd.flags():
        mg.ones(2).item()
    assert winograd.enabled
    assert winograd.is_available()
