"""Windows of images as columns, and images read at places of one's own, beside torch."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F
from tests.support.against_torch import compare, same_outcome

RNG = np.random.default_rng(0)
PAIR = st.tuples(st.integers(1, 3), st.integers(1, 2))
WINDOWS = st.fixed_dictionaries(
    {
        "kernel_size": PAIR | st.integers(1, 3),
        "dilation": PAIR | st.integers(1, 2),
        "padding": st.integers(0, 2),
        "stride": PAIR,
    }
).filter(lambda window: fits(window))  # noqa: PLW0108  it stands below
SIZE = (6, 7)


def fits(window):
    """Whether there is a window in an image of SIZE."""
    kernel, dilation = (np.broadcast_to(window[name], 2) for name in ("kernel_size", "dilation"))
    return (dilation * (kernel - 1) + 1 <= np.array(SIZE) + 2 * window["padding"]).all()


def columns_of(batch, **window):
    """The shape of the columns that images of SIZE with two channels have."""
    return tuple(torch.nn.functional.unfold(torch.zeros(*batch, 2, *SIZE), **window).shape)


@settings(max_examples=40)
@given(WINDOWS, st.sampled_from([(), (3,)]), st.sampled_from(["float64", "float32"]))
def test_windows_are_torchs(window, batch, dtype):
    x = RNG.normal(size=(*batch, 2, *SIZE)).astype(dtype)
    compare(lambda m, x: m.nn.functional.unfold(x, **window), x)
    columns = RNG.normal(size=columns_of(batch, **window)).astype(dtype)
    compare(lambda m, c: m.nn.functional.fold(c, SIZE, **window), columns)


@given(WINDOWS)
def test_fold_is_the_adjoint_of_unfold(window):
    x = mg.tensor(RNG.normal(size=(1, 2, *SIZE)))
    c = mg.tensor(RNG.normal(size=columns_of((1,), **window)))
    there = (F.unfold(x, **window) * c).sum().item()
    back = (F.fold(c, SIZE, **window) * x).sum().item()
    assert there == pytest.approx(back, abs=1e-10)


@pytest.mark.parametrize(
    "call",
    [
        lambda m, x: m.nn.functional.unfold(x, 9),
        lambda m, x: m.nn.functional.unfold(x, 2, stride=0),
        lambda m, x: m.nn.functional.fold(x[0], (4, 4), 2),
        lambda m, x: m.nn.functional.fold(x[0, :1], (4, 4), 2),
    ],
)
def test_windows_that_do_not_fit_are_refused(call):
    same_outcome(call, RNG.normal(size=(2, 3, 4, 4)))
    with pytest.raises(RuntimeError, match="unfold"):
        F.unfold(mg.ones(3, 3), 2)


def test_the_layers_are_the_functions():
    x = RNG.normal(size=(2, 3, 5, 5))
    compare(lambda m, x: m.nn.Unfold(2, padding=1)(x), x)
    compare(lambda m, x: m.nn.Fold((5, 5), 2)(m.nn.Unfold(2)(x)), x)
    assert repr(nn.Unfold(2, stride=(1, 2))) == repr(torch.nn.Unfold(2, stride=(1, 2)))
    assert repr(nn.Fold((5, 5), 2)) == repr(torch.nn.Fold((5, 5), 2))


# --- places of one's own --------------------------------------------------------------------------


@pytest.mark.parametrize("align_corners", [True, False])
@pytest.mark.parametrize("size", [(2, 3, 4, 5), (2, 1, 1, 3)])
@pytest.mark.filterwarnings("ignore:Since version", "ignore:Default")
def test_affine_grids_are_torchs(align_corners, size):
    theta = RNG.normal(size=(2, 2, 3))
    compare(lambda m, t: m.nn.functional.affine_grid(t, size, align_corners=align_corners), theta)
    same_outcome(lambda m, t: m.nn.functional.affine_grid(t[:, :1], size), theta)
    with pytest.raises(ValueError, match="size"):
        F.affine_grid(mg.tensor(theta), (2, 3, 4))


@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
@pytest.mark.parametrize("padding_mode", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("align_corners", [True, False])
@given(st.integers(0, 1000))
@settings(max_examples=5)
def test_samples_of_images_are_torchs(mode, padding_mode, align_corners, seed):
    rng = np.random.default_rng(seed)
    x, grid = rng.normal(size=(2, 3, 4, 5)), 1.6 * rng.normal(size=(2, 3, 2, 2))
    pixels = np.stack([(grid[..., i] + 1) * (5 - i) / 2 for i in (0, 1)])
    assume(np.abs(pixels * 2 - np.rint(pixels * 2)).min() > 1e-6)  # away from kinks

    def sampled(m, x, grid):
        return m.nn.functional.grid_sample(x, grid, mode, padding_mode, align_corners)

    if mode == "nearest":  # torch's gradient of the grid is zero; here there is none
        compare(lambda m, x: sampled(m, x, m.tensor(grid)), x)
    else:
        compare(sampled, x, grid)


@pytest.mark.filterwarnings("ignore:Default")
def test_what_cannot_be_sampled_is_refused():
    x = RNG.normal(size=(2, 3, 4, 5))
    for bad in ((2, 3, 4, 3), (1, 3, 4, 2), (2, 3, 2)):
        same_outcome(
            lambda m, x, bad=bad: m.nn.functional.grid_sample(x, m.zeros(bad, dtype=m.float64)), x
        )
    same_outcome(lambda m, x: m.nn.functional.grid_sample(x, x, mode="wrong"), x)
    with pytest.raises(NotImplementedError, match="volumes"):
        F.grid_sample(mg.zeros(1, 1, 2, 2, 2), mg.zeros(1, 1, 1, 1, 3))


# --- dropout --------------------------------------------------------------------------------------

DROPOUTS = ["Dropout1d", "AlphaDropout", "FeatureAlphaDropout"]


@pytest.mark.parametrize("name", DROPOUTS)
def test_nothing_is_dropped_in_evaluation_and_all_at_probability_one(name):
    x = RNG.normal(size=(2, 3, 4))
    for p, training in ((0.5, False), (0.0, True), (1.0, True)):
        compare(lambda m, x, p=p, t=training: getattr(m.nn, name)(p).train(t)(x), x)
    assert repr(getattr(nn, name)(0.3)) == repr(getattr(torch.nn, name)(0.3))
    with pytest.raises(ValueError, match="between 0 and 1"):
        getattr(nn, name)(1.5)


def test_dropout1d_drops_whole_channels():
    mg.manual_seed(0)
    y = nn.Dropout1d(0.25)(mg.ones(40, 50, 3)).numpy()
    assert set(np.unique(y)) == {0.0, np.float32(1 / 0.75)}
    assert (y == y[:, :, :1]).all()
    assert abs((y == 0).mean() - 0.25) < 0.03
    with pytest.raises(RuntimeError, match="2D or 3D"):
        nn.Dropout1d()(mg.ones(2))


@pytest.mark.parametrize(
    ("name", "whole"), [("AlphaDropout", False), ("FeatureAlphaDropout", True)]
)
def test_alpha_dropout_keeps_mean_and_deviation(name, whole):
    mg.manual_seed(0)
    x = mg.randn(200, 100, 20, dtype=mg.float64)
    y = getattr(nn, name)(0.3)(x).numpy()
    assert abs(y.mean()) < 0.03
    assert abs(y.std() - 1) < 0.03
    # What is dropped is one number, which torch's formula gives.
    alpha, keep = 1.7580993408473766, 0.7
    a = 1 / np.sqrt(keep * (1 + 0.3 * alpha**2))
    dropped = np.isclose(y, a * (0.3 * alpha - alpha), rtol=1e-12, atol=0)
    assert abs(dropped.mean() - 0.3) < 0.02
    np.testing.assert_allclose(y[~dropped], (a * (x.numpy() + 0.3 * alpha))[~dropped])
    assert (dropped == dropped[:, :, :1]).all() == whole


@pytest.mark.parametrize("function", [F.alpha_dropout, F.feature_alpha_dropout, F.dropout1d])
def test_dropout_in_place_and_its_gradient(function):
    x = mg.ones(4, 5, 6, requires_grad=True)
    y = x * 1
    mg.manual_seed(3)
    out = function(y, 0.5, True, True)
    assert out is y
    mg.manual_seed(3)
    assert mg.equal(function(x, 0.5, True), out)
    out.sum().backward()
    slopes = np.unique(x.grad.numpy())
    assert len(slopes) == 2
    assert slopes[0] == 0
