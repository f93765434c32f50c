"""Adafactor, Muon and LBFGS, which are ordinary code over arrays, against PyTorch's."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from optim_table import OVER_ARRAYS, numbers, parameters, set_gradients, torch_parameters

import minigrad as mg
from minigrad import optim
from minigrad.creation import from_numpy

every = pytest.mark.parametrize("name", OVER_ARRAYS)


@pytest.fixture(autouse=True)
def _torch_in_double_precision(monkeypatch):
    # Muon iterates in bfloat16 there, which says nothing about the formula.
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def drawn_run(name, seed):
    rng = np.random.default_rng(seed)
    shapes = [(3, 4), (5, 2), (1, 1)] + ([(7,), (), (2, 3, 4)] if name == "Adafactor" else [])
    gradients = [[rng.standard_normal(s) for s in shapes] for _ in range(rng.integers(1, 9))]
    for step in gradients:
        step[rng.integers(len(shapes))] = None
    return [np.asarray(rng.standard_normal(s)) for s in shapes], gradients


def as_torch(value):
    if isinstance(value, mg.Tensor):
        return torch.from_numpy(value.detach().numpy().copy())
    if isinstance(value, dict):
        return {k: as_torch(v) for k, v in value.items()}
    return [as_torch(v) for v in value] if isinstance(value, list) else value


def assert_close(mine, theirs, tolerance=1e-12):
    for a, b in zip(numbers(mine), numbers(theirs), strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


@every
@settings(max_examples=25)
@given(st.data(), st.integers(0, 2**32))
def test_steps_agree_with_torch_and_state_travels(name, data, seed):
    start, gradients = drawn_run(name, seed)
    options = data.draw(OVER_ARRAYS[name])
    mine, theirs = parameters(start), torch_parameters(start)
    ours, reference = getattr(optim, name), getattr(torch.optim, name)
    optimizer, other = ours(mine, **options), reference(theirs, **options)
    for step in gradients:
        set_gradients(mine, step)
        set_gradients(theirs, step)
        optimizer.step()
        other.step()
        assert_close(mine, theirs, 1e-10 if name == "Muon" else 1e-12)
    to_torch, to_mine = reference(theirs), ours(mine)
    to_torch.load_state_dict(as_torch(optimizer.state_dict()))
    to_mine.load_state_dict(other.state_dict())
    to_mine.step()
    to_torch.step()
    assert_close(mine, theirs, 1e-10 if name == "Muon" else 1e-12)


@every
def test_a_run_saved_and_loaded_midway_changes_no_bit(name):
    start, gradients = drawn_run(name, 7)
    cls = getattr(optim, name)
    straight = parameters(start)
    optimizer = cls(straight)
    resumed = None
    for k, step in enumerate(gradients):
        if k == len(gradients) // 2:
            resumed = parameters(numbers(straight))
            other = cls(resumed)
            other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
        if resumed is not None:
            set_gradients(resumed, step)
            other.step()
        set_gradients(straight, step)
        optimizer.step()
    for a, b in zip(numbers(straight), numbers(resumed), strict=True):
        np.testing.assert_array_equal(a, b)


def test_muon_steps_have_singular_values_about_one():
    (p,) = parameters([np.zeros((6, 9))])
    p.grad = from_numpy(np.random.default_rng(0).standard_normal((6, 9)))
    optim.Muon([p], lr=1.0, adjust_lr_fn="original").step()
    values = np.linalg.svd(p.detach().numpy(), compute_uv=False)
    assert values.min() > 0.3
    assert values.max() < 1.3


# --- LBFGS ---


def rosenbrock(x):
    return ((1 - x[:-1]) ** 2).sum() + 100 * ((x[1:] - x[:-1] ** 2) ** 2).sum()


def quartic(x):
    return ((x - 3) ** 4).sum() + (x**2).sum()


def minimised(library, loss, start, steps, **options):
    wrap = torch.from_numpy if library is torch else from_numpy
    x = wrap(start.copy()).requires_grad_()
    optimizer = library.optim.LBFGS([x], **options)
    losses, calls = [], []

    def closure():
        optimizer.zero_grad()
        value = loss(x)
        value.backward()
        calls.append(1)
        return value

    for _ in range(steps):
        losses.append(optimizer.step(closure).item())
    return x.detach().numpy(), losses, len(calls), optimizer


@pytest.mark.parametrize("loss", [rosenbrock, quartic])
@settings(max_examples=25)
@given(
    st.integers(0, 2**32),
    st.fixed_dictionaries(
        {
            "lr": st.floats(0.001, 1),
            "max_iter": st.integers(1, 12),
            "max_eval": st.none() | st.integers(1, 12),
            "history_size": st.integers(1, 5),
            "line_search_fn": st.just("strong_wolfe"),
        }
    ),
)
def test_lbfgs_takes_the_steps_of_torch(loss, seed, options):
    start = np.random.default_rng(seed).standard_normal(4)
    mine, losses, calls, _ = minimised(mg, loss, start, 2, **options)
    theirs, expected, expected_calls, _ = minimised(torch, loss, start, 2, **options)
    assert calls == expected_calls
    np.testing.assert_allclose(losses, expected, rtol=1e-6)
    np.testing.assert_allclose(mine, theirs, rtol=1e-6, atol=1e-6)


def test_lbfgs_without_line_search_and_its_state_follow_torch():
    start = np.random.default_rng(0).standard_normal(4)
    options = {"lr": 0.1, "max_iter": 7, "history_size": 3}
    mine, _, _, optimizer = minimised(mg, quartic, start, 2, **options)
    theirs, _, _, other = minimised(torch, quartic, start, 2, **options)
    np.testing.assert_allclose(mine, theirs, rtol=1e-12)
    (state,), (expected,) = optimizer.state.values(), other.state.values()
    for key in ("func_evals", "n_iter"):
        assert state[key] == expected[key]
    fresh = optim.LBFGS(parameters([mine]), **options)
    fresh.load_state_dict(other.state_dict())
    for o in (fresh, optimizer):
        (p,) = o.param_groups[0]["params"]

        def closure(p=p):
            p.grad = None
            loss = quartic(p)
            loss.backward()
            return loss

        o.step(closure)
    assert_close(fresh.param_groups[0]["params"], optimizer.param_groups[0]["params"])


def test_lbfgs_solves_rosenbrocks_valley():
    found, losses, _, _ = minimised(
        mg, rosenbrock, np.array([-1.2, 1.0]), 5,
        line_search_fn="strong_wolfe", tolerance_change=1e-15,
    )  # fmt: skip
    np.testing.assert_allclose(found, [1.0, 1.0], atol=1e-6)
    assert losses == sorted(losses, reverse=True)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda p: optim.Adafactor([p], lr=-1), ValueError, r"lr must be in \[0, inf\], got -1"),
        (lambda p: optim.Adafactor([p], d=0.5), ValueError, r"d must be in \[1, inf\]"),
        (lambda p: optim.Adafactor([p], beta2_decay=0.5), ValueError, "beta2_decay must be in"),
        (lambda p: optim.Adafactor([p], eps=(None, -1)), ValueError, r"eps\[1\] must be in"),
        (lambda p: optim.Adafactor([p], lr="fast"), TypeError, "lr must be a number, got 'fast'"),
        (lambda p: optim.Muon([p[0:1].detach()], lr=float("nan")), ValueError, "got nan"),
        (lambda p: optim.Muon([p[0].detach()]), ValueError, r"matrices only, .* \(2,\)"),
        (lambda p: optim.Muon([p], adjust_lr_fn="no"), ValueError, "'match_rms_adamw', got 'no'"),
        (lambda p: optim.LBFGS([p], line_search_fn="no"), RuntimeError, "only 'strong_wolfe'"),
        (lambda p: optim.LBFGS([{"params": p}, {"params": p * 1}]), ValueError, "groups"),
        (lambda p: optim.LBFGS([p]).step(), TypeError, "needs a closure"),
        (lambda p: optim.SparseAdam([p]), NotImplementedError, "no sparse tensors; take Adam"),
    ],
)
def test_mistakes_are_refused_in_words(make, error, words):
    p = from_numpy(np.ones((2, 2))).requires_grad_()
    with pytest.raises(error, match=words):
        make(p)
