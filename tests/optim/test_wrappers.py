"""Optimizers around optimizers: what they compute, and that nothing is lost when they are saved."""

import copy

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.optim.lr_scheduler import StepLR
from tests.support.optim.table import numbers, parameters, random_arrays, set_gradients

SHAPES = [(3, 4), (5,)]
WRAPPED = {
    "MultiSteps": lambda inner: optim.MultiSteps(inner, 3),
    "SkipNonfinite": lambda inner: optim.SkipNonfinite(inner, 4),
    "Lookahead": lambda inner: optim.Lookahead(inner, k=3, alpha=0.4),
    "WeightEMA": lambda inner: optim.WeightEMA(inner, 0.8),
    "GradientNoise": lambda inner: optim.GradientNoise(inner, seed=3),
    "GradientDropout": lambda inner: optim.GradientDropout(inner, 0.5, seed=3),
    "SAM": lambda inner: optim.SAM(inner, 0.1),
    "ASAM": lambda inner: optim.SAM(inner, 0.1, adaptive=True),
    "two": lambda inner: optim.Lookahead(optim.MultiSteps(inner, 2), k=2),
}


def closure_of(params, slopes):
    """Gradients of sum(slope x + x^4 / 100)."""

    def closure():
        values = numbers(params)
        both = list(zip(slopes, values, strict=True))
        set_gradients(params, [c + x**3 / 25 for c, x in both])
        return sum((c * x + x**4 / 100).sum() for c, x in both)

    return closure


def run(optimizer, params, rows):
    for row in rows:
        optimizer.step(closure_of(params, row))
    return numbers(params)


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    return [random_arrays(rng, shapes=SHAPES) for _ in range(15)]


def test_every_wrapper_is_in_the_table():
    names = {n for n in optim.wrappers.__all__ if isinstance(getattr(optim.wrappers, n), type)}
    assert names - {"Wrapper"} <= WRAPPED.keys()


@pytest.mark.parametrize("middle", [1, 4, 7])
@pytest.mark.parametrize("name", WRAPPED)
def test_a_run_resumed_midway_changes_no_bit(name, middle, rows):
    start = [np.ones(shape) for shape in SHAPES]
    params = parameters(start)
    first = WRAPPED[name](optim.Adam(params, lr=0.1))
    schedule = StepLR(first, 2)
    run(first, params, rows[:middle])
    schedule.step()
    others = parameters(numbers(params))
    second = WRAPPED[name](optim.Adam(others, lr=0.1))
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    expected = run(first, params, rows[middle:])
    for a, b in zip(expected, run(second, others, rows[middle:]), strict=True):
        np.testing.assert_array_equal(a, b)
    assert first.param_groups[0]["lr"] == second.param_groups[0]["lr"]


def test_accumulated_steps_are_the_large_batchs():
    mg.manual_seed(0)
    model, twin = nn.Linear(3, 2).double(), nn.Linear(3, 2).double()
    twin.load_state_dict(model.state_dict())
    x, y = mg.randn(12, 3, dtype=mg.float64), mg.randn(12, 2, dtype=mg.float64)
    large = optim.AdamW(model.parameters(), lr=0.1)
    small = optim.MultiSteps(optim.AdamW(twin.parameters(), lr=0.1), every=4)
    for _ in range(5):
        large.zero_grad()
        nn.functional.mse_loss(model(x), y).backward()
        large.step()
        for k in range(4):
            small.zero_grad()
            part = slice(3 * k, 3 * k + 3)
            nn.functional.mse_loss(twin(x[part]), y[part]).backward()
            small.step()
            assert small.last_was_step == (k == 3)
    for a, b in zip(model.parameters(), twin.parameters(), strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-11, atol=1e-12)


def test_steps_with_nan_are_skipped_counted_and_given_up():
    params = parameters([np.ones(2)])
    optimizer = optim.SkipNonfinite(optim.SGD(params, lr=1.0), give_up_after=3)
    for g in ([np.nan, 0], [0, np.inf], [1.0, 1.0], [np.nan, 0], [np.nan, 0]):
        set_gradients(params, [np.array(g)])
        optimizer.step()
    assert (optimizer.skipped, optimizer.in_a_row) == (4, 2)
    assert params[0].tolist() == [0.0, 0.0]
    with pytest.raises(RuntimeError, match="3 steps in a row had infinite or nan gradients"):
        optimizer.step()
    assert params[0].tolist() == [0.0, 0.0]


def test_lookahead_and_means_are_what_the_papers_say():
    slopes = [np.array([1.0]), np.array([2.0]), np.array([-4.0]), np.array([0.5])]
    params = parameters([np.zeros(1)])
    optimizer = optim.Lookahead(optim.SGD(params, lr=1.0), k=2, alpha=0.25)
    mean = parameters([np.zeros(1)])
    averaged = optim.WeightEMA(optim.SGD(mean, lr=1.0), 0.9)
    slow = fast = plain = ema = 0.0
    for k, g in enumerate(slopes, 1):
        set_gradients(params, [g])
        set_gradients(mean, [g])
        optimizer.step()
        averaged.step()
        fast, plain = fast - g[0], plain - g[0]
        ema = 0.9 * ema + 0.1 * plain
        if k % 2 == 0:
            slow = fast = slow + 0.25 * (fast - slow)
    assert params[0].item() == pytest.approx(slow)
    assert mean[0].item() == pytest.approx(plain)
    averaged.eval()
    assert mean[0].item() == pytest.approx(ema)
    with pytest.raises(RuntimeError, match="in evaluation mode"):
        averaged.step()
    averaged.train()
    assert mean[0].item() == pytest.approx(plain)


@pytest.mark.parametrize("adaptive", [False, True])
def test_sam_takes_the_gradient_at_the_worst_place_nearby(adaptive):
    params = parameters([np.array([1.0, -2.0])])

    def closure():
        x = params[0].detach().numpy()
        set_gradients(params, [4 * x**3])
        return float((x**4).sum())

    loss = optim.SAM(optim.SGD(params, lr=0.01), rho=0.1, adaptive=adaptive).step(closure)
    x = np.array([1.0, -2.0])
    g, scale = 4 * x**3, np.abs(x) if adaptive else np.ones(2)
    there = x + 0.1 * scale**2 * g / np.sqrt(((scale * g) ** 2).sum())
    assert loss == 17.0
    np.testing.assert_allclose(params[0].detach().numpy(), x - 0.01 * 4 * there**3)


def test_noise_and_dropout_keep_the_mean_of_gradients():
    for make in (lambda o: optim.GradientNoise(o, eta=0.1), optim.GradientDropout):
        params = parameters([np.zeros(20_000)])
        optimizer = make(optim.SGD(params, lr=1.0))
        set_gradients(params, [np.ones(20_000)])
        optimizer.step()
        moved = -params[0].detach().numpy()
        assert moved.mean() == pytest.approx(1, abs=0.02)
        assert moved.std() > 0.1
        assert params[0].grad.tolist()[:2] == [1.0, 1.0]  # the user's gradients stay


@pytest.mark.parametrize("kind", ["schedule-free", "mean"])
def test_a_model_shows_the_averaged_weights_whenever_it_is_evaluated_or_saved(kind):
    mg.manual_seed(0)
    model = nn.Linear(3, 1)
    optimizer = (
        optim.SGDScheduleFree(model.parameters(), lr=0.5)
        if kind == "schedule-free"
        else optim.WeightEMA(optim.SGD(model.parameters(), lr=0.5), 0.5)
    )
    optim.follow_mode(model, optimizer)
    for _ in range(4):
        optimizer.zero_grad()
        (model(mg.ones(2, 3)) ** 2).sum().backward()
        optimizer.step()
    training = model.weight.detach().numpy().copy()
    saved = model.state_dict()["weight"].numpy().copy()
    np.testing.assert_array_equal(model.weight.detach().numpy(), training)
    model.eval()
    np.testing.assert_array_equal(model.weight.detach().numpy(), saved)
    assert not np.allclose(saved, training)
    np.testing.assert_array_equal(model.state_dict()["weight"].numpy(), saved)
    with pytest.raises(RuntimeError, match="evaluation mode"):
        optimizer.step()
    model.train()
    np.testing.assert_allclose(model.weight.detach().numpy(), training, rtol=1e-6)
    optimizer.step()


def test_what_makes_no_sense_is_refused():
    inner = optim.SGD(parameters([np.ones(1)]))
    with pytest.raises(TypeError, match="MultiSteps wraps an optimizer, got int"):
        optim.MultiSteps(3, 3)
    with pytest.raises(ValueError, match="whole number from 1 on, got 0"):
        optim.MultiSteps(inner, 0)
    with pytest.raises(ValueError, match=r"alpha must be in \[0, 1\], got 2"):
        optim.Lookahead(inner, alpha=2)
    with pytest.raises(RuntimeError, match="needs a closure"):
        optim.SAM(inner).step()
    with pytest.raises(TypeError, match="SGD has no train"):
        optim.follow_mode(nn.Linear(1, 1), inner)
    with pytest.raises(ValueError, match="is not that of Lookahead"):
        optim.Lookahead(inner).load_state_dict(optim.MultiSteps(inner, 2).state_dict())
