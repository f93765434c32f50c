"""Dropout layers: fractions, channels, seeds and gradients, compared with torch."""

import numpy as np
import pytest
import torch

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F
from tests.support.against_torch import compare

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_dropout_zeroes_its_share_and_keeps_the_mean(p):
    mg.manual_seed(3)
    x = mg.ones(400, 500, requires_grad=True)
    y = nn.Dropout(p)(x)
    values = np.unique(y.detach().numpy())
    np.testing.assert_allclose(values, [0, 1 / (1 - p)], rtol=1e-6)
    share = float((y == 0).float().mean())
    assert abs(share - p) < 5 * np.sqrt(p * (1 - p) / 200_000)
    y.sum().backward()
    assert np.array_equal(x.grad.numpy(), y.detach().numpy())


def test_dropout2d_zeroes_whole_channels():
    mg.manual_seed(4)
    y = nn.Dropout2d(0.5)(mg.ones(50, 40, 3, 2)).numpy()
    first = y[:, :, :1, :1]
    assert np.array_equal(y, np.broadcast_to(first, y.shape))
    assert 0.4 < (first == 0).mean() < 0.6


def test_dropout_draws_anew_each_time_and_repeats_with_the_seed():
    layer, x = nn.Dropout(), mg.ones(100)
    mg.manual_seed(5)
    first, second = layer(x), layer(x)
    mg.manual_seed(5)
    assert not first.equal(second)
    assert first.equal(layer(x))
    assert layer.eval()(x) is x


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
