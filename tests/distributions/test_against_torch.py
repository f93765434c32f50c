"""Every distribution agrees with PyTorch's: densities, moments, gradients, divergences."""

import numpy as np
import pytest
import torch
from torch import distributions as reference

import minigrad as mg
from minigrad import distributions
from tests.support.distributions import CASES, LISTED

pytestmark = pytest.mark.filterwarnings("ignore:Singular sample detected")  # PyTorch's Wishart
PROPERTIES = ["mean", "mode", "variance", "stddev"]

# Where PyTorch is less exact, or wrong.
TOLERANCE = {"VonMises": 1e-6, "Multinomial": 1e-7}  # polynomials of I_0; lgamma in float32
WRONG_THERE = {
    ("Weibull", "mode"),  # nan for concentrations below 1: it is 0
    ("Kumaraswamy", "mode"),  # always nan: the sign in its logarithm
    ("GeneralizedPareto", "variance"),  # nan for concentrations above 1/2: it is infinite
    ("GeneralizedPareto", "stddev"),
}


@pytest.fixture(autouse=True)
def float64_in_pytorch():
    """Its GeneralizedPareto computes with constants of the default dtype."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def tolerance_of(case):
    return TOLERANCE.get(case.name.split(" ")[0], 1e-9)


def numbers(x):
    return x.detach().numpy()


def both(case):
    return case.build(reference, torch), case.build(distributions, mg)


def same(mine, theirs, tolerance=1e-9):
    assert tuple(mine.shape) == tuple(theirs.shape)
    np.testing.assert_allclose(numbers(mine), numbers(theirs), rtol=tolerance, atol=tolerance)


def same_or_neither(case, mine, theirs):
    """Equal results; where PyTorch has none, nothing is asked."""
    try:
        expected = theirs()
    except NotImplementedError:
        return
    same(mine(), expected, tolerance_of(case))


def test_all_are_here():
    torchs = set(reference.__all__)
    assert torchs <= set(distributions.__all__)
    assert {case.name.split(" ")[0] for case in CASES} >= {
        name
        for name in torchs
        if isinstance(getattr(reference, name), type)
        and issubclass(getattr(reference, name), reference.Distribution)
    } - {"Distribution", "ExponentialFamily"}


@pytest.mark.parametrize("case", CASES, ids=LISTED)
class TestValues:
    def test_shapes_and_flags(self, case):
        theirs, mine = both(case)
        assert tuple(mine.batch_shape) == tuple(theirs.batch_shape)
        assert tuple(mine.event_shape) == tuple(theirs.event_shape)
        assert mine.has_rsample == theirs.has_rsample
        assert mine.has_enumerate_support == theirs.has_enumerate_support
        assert set(mine.arg_constraints) == set(theirs.arg_constraints)
        assert mine.support.event_dim == theirs.support.event_dim
        assert mine.support.is_discrete == theirs.support.is_discrete

    @pytest.mark.parametrize("name", PROPERTIES)
    def test_moments(self, case, name):
        theirs, mine = both(case)
        if (case.name, name) in WRONG_THERE:
            assert not getattr(mine, name).isnan().all()
            return
        same_or_neither(case, lambda: getattr(mine, name), lambda: getattr(theirs, name))

    def test_entropy(self, case):
        theirs, mine = both(case)
        same_or_neither(case, mine.entropy, theirs.entropy)

    def test_log_prob_and_its_gradients(self, case):
        for run in (1, 2):
            torch.manual_seed(run)
            theirs, mine = both(case)
            points = theirs.sample((5,))
            given = mg.tensor(points.numpy())
            expected, found = theirs.log_prob(points), mine.log_prob(given)
            same(found, expected, tolerance_of(case))
            if not expected.requires_grad:
                continue
            for a, b in zip(
                torch.autograd.grad(expected.sum(), case.leaves(torch), allow_unused=True),
                mg.autograd.grad(found.sum(), case.leaves(mg), allow_unused=True),
                strict=True,
            ):
                assert (a is None) == (b is None)
                if a is not None:
                    a, b = numbers(a), numbers(b)  # noqa: PLW2901
                    if "of a factor" in case.name and a.ndim > 1:  # nothing above the diagonal
                        a, b = np.tril(a), np.tril(b)  # noqa: PLW2901
                    np.testing.assert_allclose(
                        b, a, rtol=max(1e-6, 3 * tolerance_of(case)), atol=1e-8
                    )

    def test_cdf_and_icdf(self, case):
        torch.manual_seed(0)
        theirs, mine = both(case)
        points = theirs.sample((5,))
        same_or_neither(
            case, lambda: mine.cdf(mg.tensor(points.numpy())), lambda: theirs.cdf(points)
        )
        u = torch.rand((5, *theirs.batch_shape), dtype=torch.float64)
        same_or_neither(case, lambda: mine.icdf(mg.tensor(u.numpy())), lambda: theirs.icdf(u))

    def test_enumerated_support(self, case):
        theirs, mine = both(case)
        for expand in (True, False):
            listed = [lambda d=d, e=expand: d.enumerate_support(e) for d in (mine, theirs)]
            same_or_neither(case, *listed)

    def test_expanded(self, case):
        torch.manual_seed(0)
        theirs, mine = (d.expand((3, *d.batch_shape)) for d in both(case))
        points = theirs.sample((2,))
        same(mine.log_prob(mg.tensor(points.numpy())), theirs.log_prob(points), tolerance_of(case))
        assert tuple(mine.sample((4,)).shape) == (4, *points.shape[1:])

    def test_the_support_is_checked(self, case):
        theirs, mine = both(case)
        if not hasattr(theirs, "support"):
            return
        torch.manual_seed(0)
        points = theirs.sample((4,))
        for shift in (0.0, -3.5, 0.5, 7.0):
            moved = points + shift
            expected = theirs.support.check(moved)
            found = mine.support.check(mg.tensor(moved.numpy()))
            np.testing.assert_array_equal(numbers(found), numbers(expected))


@pytest.mark.parametrize("case", CASES, ids=LISTED)
def test_divergences(case):
    """KL(p || q) with every family as q: equal where PyTorch has a formula."""
    differing = []
    for other in CASES:
        theirs = case.build(reference, torch), other.build(reference, torch, 1)
        mine = case.build(distributions, mg), other.build(distributions, mg, 1)
        if theirs[0].batch_shape != theirs[1].batch_shape or other.name.startswith("Wishart"):
            continue  # PyTorch's divergence of two Wishart distributions can be negative
        try:
            expected = reference.kl_divergence(*theirs)
        except (NotImplementedError, ValueError):
            continue
        try:
            same(distributions.kl_divergence(*mine), expected, 1e-7)
        except (NotImplementedError, AssertionError) as error:
            differing.append(f"{other.name}: {error}")
    assert not differing, "\n".join(differing)


@pytest.mark.parametrize("name", ["Wishart", "Gamma", "MultivariateNormal", "Laplace", "Pareto"])
def test_divergences_are_means_of_log_ratios(name):
    mg.manual_seed(0)
    case = CASES[LISTED.index(name)]
    p, q = (case.build(distributions, mg, seed) for seed in (0, 1))
    if name == "Pareto":
        q = distributions.Pareto(p.scale / 2, q.alpha)
    x = p.sample((20_000,))
    ratios = numbers(p.log_prob(x) - q.log_prob(x))
    error = ratios.std(0) / len(ratios) ** 0.5
    found = numbers(distributions.kl_divergence(p, q))
    np.testing.assert_array_less(np.abs(ratios.mean(0) - found), 5 * error + 1e-9)
