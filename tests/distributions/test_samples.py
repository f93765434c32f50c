"""Samples follow their distribution, and reparametrised ones have the right gradient."""

import numpy as np
import pytest
import torch

import minigrad as mg
from minigrad import distributions
from minigrad.distributions.gamma_sampling import standard_gamma_gradient
from tests.support.distributions import CASES, LISTED

N = 4000
DISCRETE = [case for case in CASES if case.build(distributions, mg).support.is_discrete]


def numbers(x):
    return x.detach().numpy()


@pytest.mark.parametrize("case", CASES, ids=LISTED)
def test_means_and_variances_of_samples(case):
    mg.manual_seed(0)
    d = case.build(distributions, mg)
    x = numbers(d.sample((N,)))
    assert x.shape == (N, *d.batch_shape, *d.event_shape)
    for moment, values in (("mean", x), ("variance", (x - x.mean(0)) ** 2)):
        try:
            expected = numbers(getattr(d, moment))
        except NotImplementedError:
            continue
        if case.name == "VonMises" or not np.isfinite(expected).all():
            continue  # its moments are those of angles; others have none
        error = values.std(0) / N**0.5
        heavy_tail = 8 if case.name.startswith(("Pareto", "StudentT", "Fisher", "Inverse")) else 5
        np.testing.assert_array_less(np.abs(values.mean(0) - expected), heavy_tail * error + 1e-9)


@pytest.mark.parametrize("case", CASES, ids=LISTED)
def test_samples_are_in_the_support_and_have_no_graph(case):
    mg.manual_seed(1)
    d = case.build(distributions, mg)
    x = d.sample((50,))
    assert not x.requires_grad
    assert d.support.check(x).all()
    assert mg.isfinite(d.log_prob(x)).all()


@pytest.mark.parametrize("name", [n for n in LISTED if "of vectors" not in n])
def test_samples_have_the_distribution_of_cdf(name):
    """Kolmogorov and Smirnov's distance, far below what a wrong sampler gives."""
    mg.manual_seed(2)
    d = CASES[LISTED.index(name)].build(distributions, mg)
    if d.event_shape or d.support.is_discrete:
        return
    x = d.sample((N,))
    try:
        u = np.sort(numbers(d.cdf(x)), axis=0)
    except NotImplementedError:
        return
    ranks = (np.arange(N) + 0.5) / N
    assert np.abs(u - ranks.reshape(-1, *[1] * (u.ndim - 1))).max() < 2.2 / N**0.5


@pytest.mark.parametrize("case", DISCRETE, ids=[case.name for case in DISCRETE])
def test_frequencies_of_samples(case):
    mg.manual_seed(3)
    d = case.build(distributions, mg)
    try:
        points = d.enumerate_support()
    except NotImplementedError:
        return
    p = numbers(d.log_prob(points).exp())
    np.testing.assert_allclose(p.sum(0), 1, rtol=1e-9)
    x = numbers(d.sample((N,)))
    for point, expected in zip(numbers(points), p, strict=True):
        equal = (x == point).reshape(*x.shape[: x.ndim - len(d.event_shape)], -1).all(-1)
        error = np.sqrt(expected * (1 - expected) / N)
        np.testing.assert_array_less(np.abs(equal.mean(0) - expected), 5 * error + 1e-9)


def test_gradient_of_gamma_samples_at_fixed_probability():
    """PyTorch's is exact to 1e-4; differences of its incomplete gamma function are closer."""
    alpha = np.array([0.01, 0.2, 0.9, 1.0, 2.5, 11.0, 13.0, 60.0, 1000.0])[:, None]
    spread = np.array([0.05, 0.3, 0.8, 1.0, 1.3, 2.0])
    x = alpha**0.5 * (spread - 1) * 2 + alpha
    x = np.where(x > 0, x, alpha * spread)
    found = standard_gamma_gradient(alpha, x)
    a, b = torch.broadcast_tensors(torch.tensor(alpha), torch.tensor(x))
    h = 1e-4 * a
    up, down = torch.special.gammainc(a + h, b), torch.special.gammainc(a - h, b)
    log_density = (a - 1) * b.log() - b - torch.lgamma(a)
    expected = -(up - down) / (2 * h) / log_density.exp()
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-5)


@pytest.mark.parametrize("name", ["Gamma", "Beta", "Dirichlet", "StudentT", "Chi2", "Wishart"])
def test_gradient_of_a_mean(name):
    """d E[f(x)] / d parameter, by samples and by differences of the mean."""
    case = CASES[LISTED.index(name)]
    mg.manual_seed(4)
    d = case.build(distributions, mg)
    leaf = case.leaves(mg)[0]
    samples = d.rsample((20_000,)).mean(0)
    (found,) = mg.autograd.grad(samples.sum(), [leaf])
    mean = case.build(distributions, mg).mean
    (expected,) = mg.autograd.grad(mean.sum(), case.leaves(mg)[:1], allow_unused=True)
    expected = np.zeros(leaf.shape) if expected is None else numbers(expected)
    np.testing.assert_allclose(numbers(found), expected, rtol=0.1, atol=0.1)


def test_small_concentrations_do_not_underflow():
    d = distributions.Dirichlet(mg.full((5,), 1e-3))
    x = d.sample((200,))
    assert mg.isfinite(x).all()
    np.testing.assert_allclose(numbers(x.sum(-1)), 1, rtol=1e-5)
    leaf = mg.full((5,), 1e-2, requires_grad=True)
    distributions.Dirichlet(leaf).rsample((10,))[..., 0].sum().backward()
    assert mg.isfinite(leaf.grad).all()
