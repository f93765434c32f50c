"""Values and gradients beside poles, at the ends of the dtypes and with infinities.

Against series and closed forms; torch is wrong or infinite in part of these.
"""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad.nn import functional as F

EULER = 0.5772156649015329
INF, NAN = math.inf, math.nan


def slope_of(function, values, dtype=mg.float64, weights=None):
    """Values, and gradients of their (weighted) sum."""
    x = mg.tensor(values, dtype=dtype, requires_grad=True)
    out = function(x)
    start = mg.ones_like(out) if weights is None else mg.tensor(weights, dtype=dtype)
    (slope,) = mg.autograd.grad(out, x, start)
    return out.detach().numpy(), slope.numpy()


def same(found, expected, rtol=1e-14):
    np.testing.assert_allclose(found, expected, rtol=rtol)


# --- the gamma family -----------------------------------------------------------------------


@pytest.mark.parametrize("sign", [1, -1])
def test_digamma_and_its_slope_near_zero(sign):
    x = sign * 10.0 ** -np.arange(10, 155, 3)
    value, slope = slope_of(mg.digamma, x)
    same(value, -1 / x - EULER)
    same(slope, 1 / x**2, rtol=1e-13)
    tiny = sign * np.array([1e-300, 5e-324])
    value, slope = slope_of(mg.digamma, tiny)
    same(value, [-sign * 1e300, -sign * INF], rtol=1e-13)
    assert (slope == INF).all()
    value, slope = slope_of(mg.lgamma, sign * np.array([1e-300, 1e-20]))
    same(value, [300 * math.log(10), 20 * math.log(10)])
    same(slope, [-sign * 1e300, -sign * 1e20])


@pytest.mark.parametrize("pole", [1, 2, 7, 30])
@pytest.mark.parametrize("distance", [2.0**-20, -(2.0**-20), 2.0**-40, -(2.0**-40)])
def test_digamma_beside_poles(pole, distance):
    # psi(d - n) = -1/d + psi(n + 1) + O(d), psi'(d - n) = 1/d**2 + O(1)
    value, slope = slope_of(mg.digamma, [distance - pole])
    same(value, [-1 / distance - EULER + sum(1 / k for k in range(1, pole + 1))], rtol=1e-11)
    same(slope, [1 / distance**2], rtol=1e-11)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_polygamma_near_zero(order):
    x = np.array([1e-80, -1e-80, 1e-200, -1e-200, 5e-324, -5e-324])
    with np.errstate(over="ignore", divide="ignore"):
        expected = (-1) ** (order + 1) * math.factorial(order) * (1 / x) ** (order + 1)
    same(mg.polygamma(order, mg.tensor(x)).numpy(), expected, rtol=1e-13)


# --- entropy, sinc, Bessel functions --------------------------------------------------------


@pytest.mark.parametrize("dtype", [mg.float32, mg.float64])
def test_entr(dtype):
    value, slope = slope_of(mg.special.entr, [0.0, -0.0, -1.0, 1.0, INF, NAN, -INF], dtype)
    np.testing.assert_array_equal(value, [0, 0, -INF, 0, -INF, NAN, -INF])
    np.testing.assert_array_equal(slope, [INF, INF, NAN, -1, -INF, NAN, NAN])


def test_sinc_near_zero():
    for x in (1e-20, 1e-8, 1e-3, 0.03, 0.0499, 0.0501):
        y = math.pi * x
        series = sum(
            (-1) ** n * 2 * n * y ** (2 * n - 1) / math.factorial(2 * n + 1) for n in range(1, 9)
        )
        same(slope_of(mg.sinc, [x, -x])[1], [math.pi * series, -math.pi * series], rtol=1e-12)


def test_bessel_near_zero():
    x = np.array([0.0, 1e-300, -1e-20, 1e-8, 0.3, -0.99])
    value, slope = slope_of(mg.special.i1, x)
    series = [
        sum(
            (0.5 * v) ** (2 * k + 1) / (math.factorial(k) * math.factorial(k + 1)) for k in range(9)
        )
        for v in x
    ]
    same(value, series)
    same(slope[:4], [0.5] * 4)


# --- scans with infinities ------------------------------------------------------------------

SCANS = [
    [-INF, -INF, 0.0, 1.0, -INF, 2.0],
    [-INF, -INF, -INF],
    [0.0, INF, 1.0, INF, -INF],
    [-INF, INF, INF, 2.0],
    [1000.0, -1000.0, 999.0],
]


@pytest.mark.parametrize("dtype", [mg.float32, mg.float64])
@pytest.mark.parametrize("values", SCANS)
def test_shares_of_logcumsumexp_sum_to_one(values, dtype):
    for k in range(len(values)):
        weights = np.eye(len(values))[k]
        out, shares = slope_of(lambda x: x.logcumsumexp(0), values, dtype, weights)
        assert np.isfinite(shares).all()
        same(shares.sum(), 1.0, rtol=1e-4 if dtype is mg.float32 else 1e-12)
        assert (shares[k + 1 :] == 0).all()
        if np.isfinite(out[k]):
            exact = np.exp(np.array(values[: k + 1]) - out[k])
            np.testing.assert_allclose(shares[: k + 1], exact, rtol=1e-4, atol=1e-7)


# --- losses of saturated logits -------------------------------------------------------------

LOGITS = np.array([-700.0, -80, -40, -18, -5, 0, 5, 18, 40, 80, 700])


def decay(x):
    """1 / (1 + exp(-x)), with a small relative error where it is tiny."""
    with np.errstate(over="ignore"):
        return np.where(x > 0, 1 / (1 + np.exp(-x)), np.exp(x) / (1 + np.exp(np.minimum(x, 0))))


def logits_loss(**settings):
    return lambda x, t: F.binary_cross_entropy_with_logits(x, t, reduction="none", **settings)


LOGIT_LOSSES = {
    "binary_cross_entropy_with_logits": (logits_loss(), 1.0),
    "pos_weight": (logits_loss(pos_weight=mg.tensor(2.5)), 2.5),
    "weight": (lambda x, t: logits_loss(weight=mg.ones_like(t))(x, t), 1.0),
    "multilabel_soft_margin_loss": (
        lambda x, t: F.multilabel_soft_margin_loss(x[:, None], t[:, None], reduction="none"), 1.0
    ),
    "soft_margin_loss": (lambda x, t: F.soft_margin_loss(x, 2 * t - 1, reduction="none"), 1.0),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [mg.float32, mg.float64])
@pytest.mark.parametrize("target", [0.0, 1.0])
@pytest.mark.parametrize("name", LOGIT_LOSSES)
def test_saturated_logits(name, target, dtype):
    loss, positive = LOGIT_LOSSES[name]
    t = mg.full((LOGITS.size,), target, dtype=dtype)
    value, slope = slope_of(lambda x: loss(x, t), LOGITS, dtype)
    sign, scale = (1, 1.0) if target == 0 else (-1, positive)
    x = sign * LOGITS
    rtol, atol = (1e-12, 0) if dtype is mg.float64 else (1e-5, 1e-37)
    exact = np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))
    np.testing.assert_allclose(value, scale * exact, rtol, atol)
    np.testing.assert_allclose(slope, sign * scale * decay(x), rtol, atol)


def test_logits_of_infinity():
    value, slope = slope_of(
        lambda x: logits_loss()(x, mg.tensor([0.0, 0, 1, 1], dtype=mg.float64)), [INF, -INF] * 2
    )
    np.testing.assert_array_equal(value, [INF, 0, 0, INF])
    np.testing.assert_array_equal(slope, [1, 0, 0, -1])


# --- normalisation near the end of float32 --------------------------------------------------

NORMALISATIONS = {
    "layer_norm": lambda x: F.layer_norm(x, (4,)),
    "group_norm": lambda x: F.group_norm(x.reshape(1, 2, 2), 1),
    "instance_norm": lambda x: F.instance_norm(x.reshape(1, 1, 4)),
    "batch_norm": lambda x: F.batch_norm(x.reshape(1, 1, 4), None, None, training=True),
    "batch_norm of columns": lambda x: F.batch_norm(x.reshape(4, 1), None, None, training=True),
}


@pytest.mark.parametrize("scale", [1e18, 1e20, 1e30, 1e38])
@pytest.mark.parametrize("name", NORMALISATIONS)
def test_normalisation_of_large_values(name, scale):
    x = np.array([1.0, -1.0, 2.0, 0.5]) * scale
    out, _ = slope_of(NORMALISATIONS[name], x.reshape(1, 4), mg.float32)
    same(out.ravel(), (x - x.mean()) / x.std(), rtol=1e-6)


@pytest.mark.parametrize("name", ["layer_norm", "group_norm"])
def test_gradient_of_normalised_large_values(name):
    x = np.array([1.0, -1.0, 2.0, 0.5])
    weights = np.array([1.0, 2, 3, 4])
    function = NORMALISATIONS[name]
    shape = function(mg.ones(1, 4)).shape
    _, small = slope_of(function, x.reshape(1, 4), weights=weights.reshape(shape))
    _, large = slope_of(function, x.reshape(1, 4) * 1e30, mg.float32, weights.reshape(shape))
    np.testing.assert_allclose(large * 1e30, small, atol=1e-4)


@pytest.mark.parametrize("scale", [1e-37, 1e-22, 1e20, 1e37])
@pytest.mark.parametrize("dim", [0, 1, None])
def test_standard_deviations_whose_square_is_no_float32(dim, scale):
    x = np.array([[1.0, -1.0, 2.0], [0.5, 3.0, 1.0]])
    value, slope = slope_of(lambda t: t.std(dim), x * scale, mg.float32)
    same(value, x.std(dim, ddof=1) * scale, rtol=1e-5)
    same(slope, slope_of(lambda t: t.std(dim), x)[1], rtol=1e-4)


# --- pools ----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [4, 40, 200])
@pytest.mark.parametrize("divisor", [-2, -1, 3])
def test_divisor_override(divisor, size):
    x = mg.ones(1, 1, size, size, requires_grad=True)
    out = F.avg_pool2d(x, 2, divisor_override=divisor)
    out.sum().backward()
    same(out.detach().numpy(), 4 / divisor, rtol=1e-6)
    same(x.grad.numpy(), 1 / divisor, rtol=1e-6)
