"""Convolution and pooling of volumes: second derivatives, indices, integers, errors; with torch."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F
from tests.support.against_torch import assert_same, compare, same_outcome
from tests.support.torch_twin import assert_same_structure

RNG = np.random.default_rng(0)
TRIPLES = st.tuples(*[st.integers(1, 3)] * 3)


@settings(deadline=None, max_examples=25)
@given(
    size=st.tuples(*[st.integers(2, 6)] * 3), kernel=TRIPLES, stride=TRIPLES, dilation=TRIPLES,
    padding=st.tuples(*[st.integers(0, 2)] * 3), groups=st.sampled_from([1, 2]),
    transposed=st.booleans(),
)  # fmt: skip
def test_convolutions_of_any_geometry_are_torchs(
    size, kernel, stride, padding, dilation, groups, transposed
):
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    name = "conv_transpose3d" if transposed else "conv3d"
    x, w = RNG.normal(size=(2, 4, *size)), RNG.normal(size=(4, 4 // groups, *kernel))
    b = RNG.normal(size=4 // groups * groups)
    same_outcome(lambda m, x, w, b: getattr(m.nn.functional, name)(x, w, b, **options), x, w, b)


@settings(deadline=None, max_examples=40)
@given(
    size=st.tuples(*[st.integers(2, 7)] * 3), kernel=TRIPLES, stride=TRIPLES,
    padding=st.tuples(*[st.integers(0, 1)] * 3), dilation=st.integers(1, 2),
    ceil_mode=st.booleans(), include=st.booleans(), divisor=st.sampled_from([None, 3]),
)  # fmt: skip
def test_pools_of_any_geometry_are_torchs(
    size, kernel, stride, padding, dilation, ceil_mode, include, divisor
):
    x = RNG.permutation(4 * np.prod(size)).reshape(2, 2, *size).astype(float)
    padding = tuple(min(p, k // 2) for p, k in zip(padding, kernel, strict=True))
    window = kernel, stride, padding
    same_outcome(
        lambda m, x: m.nn.functional.max_pool3d(
            x, *window, dilation, ceil_mode, return_indices=True
        ),
        x, gradients=False,
    )  # fmt: skip
    same_outcome(lambda m, x: m.nn.functional.max_pool3d(x, *window, dilation, ceil_mode), x)
    if any(k > n for k, n in zip(kernel, size, strict=True)):
        return  # torch refuses means over them even where padding makes room
    for values in (x, x.astype(int) - 50):
        same_outcome(
            lambda m, x: m.nn.functional.avg_pool3d(x, *window, ceil_mode, include, divisor), values
        )


CALLS = {
    "conv3d": lambda m, x: m.nn.functional.conv3d(x, x[:, :, :2, :3, :2], stride=(2, 1, 1)),
    "along depth": lambda m, x: m.nn.functional.conv3d(x, x[:, :, :2, :1, :1]),
    "conv_transpose3d": lambda m, x: m.nn.functional.conv_transpose3d(
        x, x[:, :, :2, :3, :2], stride=2, output_padding=1
    ),
    "max_pool3d": lambda m, x: m.nn.functional.max_pool3d(x, 2, 1),
    "avg_pool3d": lambda m, x: m.nn.functional.avg_pool3d(x, 2, 1, 1),
    "lp_pool3d": lambda m, x: m.nn.functional.lp_pool3d(x, 2.0, 2),
    "adaptive_avg_pool3d": lambda m, x: m.nn.functional.adaptive_avg_pool3d(x, (2, 3, 1)),
    "adaptive_max_pool3d": lambda m, x: m.nn.functional.adaptive_max_pool3d(x, 2),
    "max_unpool3d": lambda m, x: m.nn.functional.max_unpool3d(
        *m.nn.functional.max_pool3d(x, 2, return_indices=True), 2, output_size=(4, 5, 4)
    ),
    "trilinear": lambda m, x: m.nn.functional.interpolate(x, size=(5, 3, 6), mode="trilinear"),
    "grid_sample": lambda m, x: m.nn.functional.grid_sample(
        x, m.tanh(x[:, :2, :3].permute(0, 2, 3, 4, 1).repeat(1, 1, 1, 1, 2)[..., :3]),
        align_corners=False,
    ),
    "batch norm": lambda m, x: m.nn.BatchNorm3d(2, dtype=m.float64)(x),
    "instance norm": lambda m, x: m.nn.InstanceNorm3d(2)(x),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_first_and_second_derivatives_are_torchs(name):
    x = RNG.normal(size=(2, 2, 4, 5, 4))
    found = []
    for m in (mg, torch):
        a = m.tensor(x, requires_grad=True)
        out = CALLS[name](m, a)
        (first,) = m.autograd.grad((out**3).sum(), a, create_graph=True)
        (first**2).sum().backward()
        found.append((out.detach(), first.detach(), a.grad))
    assert_same(*found)


def test_equal_elements_and_nan_have_torchs_indices():
    x = RNG.integers(0, 3, size=(2, 2, 4, 5, 6)).astype(float)
    x[0, 0, 1, 2, 3] = x[0, 1, 0, 0, 0] = x[0, 1, 3, 0, 1] = np.nan
    for window in ((2,), (3, 1, 1), ((2, 3, 2), 1)):
        compare(
            lambda m, x, w=window: m.nn.functional.max_pool3d_with_indices(x, *w), x,
            gradients=False,
        )  # fmt: skip
    compare(lambda m, x: m.nn.functional.adaptive_max_pool3d_with_indices(x, (2, 2, 3)), x[1:],
            gradients=False)  # fmt: skip
    compare(lambda m, x: m.nn.functional.max_pool3d(x, 2), np.nan_to_num(x).astype(int))


@settings(deadline=None, max_examples=30)
@given(st.data(), st.tuples(*[st.integers(4, 7)] * 3), TRIPLES)
def test_fractional_pools_are_torchs(data, size, kernel):
    wanted = tuple(data.draw(st.integers(1, n - k)) for n, k in zip(size, kernel, strict=True))
    x = RNG.permutation(6 * np.prod(size)).reshape(2, 3, *size).astype(float)
    samples = RNG.random((2, 3, 3))
    for indices in (False, True):
        compare(
            lambda m, x, i=indices: m.nn.functional.fractional_max_pool3d(
                x, kernel, wanted, return_indices=i, _random_samples=m.tensor(samples)
            ),
            x, gradients=not indices,
        )  # fmt: skip


def test_the_layer_of_fractional_pools_is_torchs():
    for m in (mg, torch):
        layer = m.nn.FractionalMaxPool3d(2, output_ratio=(0.5, 0.7, 0.5), return_indices=True)
        out, places = layer(m.ones(2, 3, 6, 7, 8))
        assert tuple(out.shape) == tuple(places.shape) == (2, 3, 3, 4, 4)
    for options in ({"output_size": (2, 3, 4)}, {"output_ratio": 0.5}):
        assert_same_structure(
            nn.FractionalMaxPool3d(2, **options), torch.nn.FractionalMaxPool3d(2, **options)
        )


def test_dropout3d_drops_whole_channels():
    mg.manual_seed(0)
    for x in (mg.ones(40, 50, 2, 3, 2), mg.ones(2000, 2, 3, 2)):
        y = F.dropout3d(x, 0.25).numpy()
        assert set(np.unique(y)) == {0.0, np.float32(1 / 0.75)}
        assert (y == y[..., :1, :1, :1]).all()
        assert abs((y == 0).mean() - 0.25) < 0.05


REFUSED = {
    "a pool without outputs": lambda m, x: m.nn.functional.max_pool3d(x, 7),
    "too much padding": lambda m, x: m.nn.functional.avg_pool3d(x, 2, padding=2),
    "images": lambda m, x: m.nn.functional.max_pool3d(x[0, 0], 2),
    "a divisor of 0": lambda m, x: m.nn.functional.avg_pool3d(x, 2, divisor_override=0),
    "truth": lambda m, x: m.nn.functional.max_pool3d(x > 0, 2),
    "no channels": lambda m, x: m.nn.functional.max_pool3d(x[:, :0], 2),
    "an index outside": lambda m, x: m.nn.functional.max_unpool3d(x, (x * 0 + 999).long(), 2),
    "indices of another shape": lambda m, x: m.nn.functional.max_unpool3d(x, x[0].long(), 2),
    "a size far off": lambda m, x: m.nn.functional.max_unpool3d(
        x, x.long() * 0, 2, output_size=(99, 99, 99)
    ),
    "images for an adaptive pool": lambda m, x: m.nn.functional.adaptive_avg_pool3d(x[0, 0], 2),
    "images for a mode of volumes": lambda m, x: m.nn.functional.interpolate(
        x[0], size=3, mode="trilinear"
    ),
    "volumes for a mode of images": lambda m, x: m.nn.functional.interpolate(
        x, size=3, mode="bilinear"
    ),
    "windows too large": lambda m, x: m.nn.functional.fractional_max_pool3d(x, 3, 4),
    "numbers for two dimensions": lambda m, x: m.nn.functional.fractional_max_pool3d(
        x, 2, 2, _random_samples=x[:, :, 0, 0, :2]
    ),
    "a kernel too large": lambda m, x: m.nn.functional.conv3d(x, m.ones(1, 2, 9, 1, 1).double()),
    "a weight of images": lambda m, x: m.nn.functional.conv3d(x, m.ones(1, 2, 3, 3).double()),
    "other channels": lambda m, x: m.nn.functional.conv3d(x, m.ones(1, 3, 1, 1, 1).double()),
    "output padding": lambda m, x: m.nn.functional.conv_transpose3d(
        x, m.ones(2, 1, 2, 2, 2).double(), output_padding=1
    ),
    "strides and same": lambda m, x: m.nn.Conv3d(2, 2, 3, stride=2, padding="same"),
    "a batch norm of images": lambda m, x: m.nn.BatchNorm3d(2)(x[:, :, 0]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused_as_in_torch(name):
    same_outcome(REFUSED[name], RNG.normal(size=(2, 2, 4, 5, 4)))
    with pytest.raises((ValueError, RuntimeError, NotImplementedError)):
        REFUSED[name](mg, mg.tensor(RNG.normal(size=(2, 2, 4, 5, 4))))
