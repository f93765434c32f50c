"""Muon and LBFGS beyond what the table of optimizers says of all, and mistakes of plain code."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import optim
from minigrad.tensor.creation import from_numpy
from tests.support.optim.table import numbers, parameters, torch_parameters


@pytest.fixture(autouse=True)
def _torch_in_double_precision():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def as_torch(value):
    if isinstance(value, mg.Tensor):
        return torch.from_numpy(value.detach().numpy().copy())
    if isinstance(value, dict):
        return {k: as_torch(v) for k, v in value.items()}
    return [as_torch(v) for v in value] if isinstance(value, list) else value


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


def bowls(params, centres):
    """A loss that is least at the centres, and its closure."""

    def closure():
        for p in params:
            p.grad = None
        loss = sum(((p - c) ** 4 + (p - c) ** 2).sum() for p, c in zip(params, centres))  # noqa: B905
        loss.backward()
        return loss

    return closure


def descended(optimizer, centres, steps):
    params = optimizer.param_groups[0]["params"]
    wrap = torch.tensor if isinstance(params[0], torch.Tensor) else mg.tensor
    closure = bowls(params, [wrap(c) for c in centres])
    for _ in range(steps):
        optimizer.step(closure)
    return numbers(params)


lbfgs_options = st.fixed_dictionaries(
    {
        "lr": st.floats(0.01, 1),
        "max_iter": st.integers(1, 6),
        "history_size": st.integers(1, 5),
        "line_search_fn": st.sampled_from([None, "strong_wolfe"]),
    }
)


def of_lbfgs(test):
    """Have a test's `seed` and `options` drawn."""
    return settings(max_examples=15)(given(st.integers(0, 2**32), lbfgs_options)(test))


def drawn(seed):
    rng = np.random.default_rng(seed)
    shapes = [(3,), (2, 2), ()]
    start = [np.asarray(rng.standard_normal(shape)) for shape in shapes]
    return start, [rng.standard_normal() for _ in shapes]


@of_lbfgs
def test_lbfgs_saved_and_loaded_midway_changes_no_bit(seed, options):
    start, centres = drawn(seed)
    optimizer = optim.LBFGS(parameters(start), **options)
    middle = descended(optimizer, centres, 2)
    resumed = optim.LBFGS(parameters(middle), lr=0.5)
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for a, b in zip(*(descended(o, centres, 2) for o in (optimizer, resumed)), strict=True):
        np.testing.assert_array_equal(a, b)


@of_lbfgs
def test_the_state_of_lbfgs_travels_to_torch_and_back(seed, options):
    start, centres = drawn(seed)
    mine = optim.LBFGS(parameters(start), **options)
    theirs = torch.optim.LBFGS(torch_parameters(start), **options)
    results = [descended(o, centres, 1) for o in (mine, theirs)]
    (state,), (expected,) = mine.state.values(), theirs.state.values()
    for key in ("func_evals", "n_iter"):
        assert state[key] == expected[key]
    to_mine, to_torch = (
        optim.LBFGS(parameters(results[1])),
        torch.optim.LBFGS(torch_parameters(results[0])),
    )
    to_mine.load_state_dict(theirs.state_dict())
    to_torch.load_state_dict(as_torch(mine.state_dict()))
    wanted = descended(theirs, centres, 1)
    for found in (descended(to_mine, centres, 1), descended(to_torch, centres, 1)):
        for a, b in zip(found, wanted, strict=True):
            # After one step the curvature is a quotient of small differences: it magnifies the
            # last digits, in which the two libraries' first steps differ.
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


@of_lbfgs
def test_neither_place_nor_order_nor_splitting_matters_to_lbfgs(seed, options):
    start, centres = drawn(seed)

    def end(arrays, goals):
        return descended(optim.LBFGS(parameters(arrays), **options), goals, 2)

    found = end(start, centres)
    moved = end([a + 4 for a in start], [c + 4 for c in centres])
    backwards = end(start[::-1], centres[::-1])[::-1]
    split = end([start[0][:1], start[0][1:], *start[1:]], [centres[0], *centres])
    joined = [np.concatenate(split[:2]), *split[2:]]
    for others in ([a - 4 for a in moved], backwards, joined):
        for a, b in zip(others, found, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6)


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
        (lambda p: optim.Adafactor([p], eps=(None, -1)), ValueError, r"eps must be in .*, -1\)"),
        (lambda p: optim.Adafactor([p], maximize=3), TypeError, "must be True or False, got 3"),
        (lambda p: optim.LBFGS([p], max_eval=-1), ValueError, r"max_eval must be in \[0, inf\)"),
        (lambda p: optim.LBFGS([p], max_iter=2.5), TypeError, "max_iter must be a whole number"),
        (lambda p: optim.LBFGS([p], tolerance_grad=float("nan")), ValueError, "got nan"),
        (lambda p: optim.Muon([p], ns_coefficients=(1, 2)), ValueError, "must be 3 numbers"),
        (lambda p: optim.Adafactor([p], lr="fast"), TypeError, "lr must be a number, got 'fast'"),
        (lambda p: optim.Muon([p[0:1].detach()], lr=float("nan")), ValueError, "got nan"),
        (lambda p: optim.Muon([p[0].detach()]), ValueError, r"matrices only, .*\[2\]"),
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


def trained(name, shape):
    (p,) = parameters([np.ones(shape)])
    optimizer = getattr(optim, name)([p])
    descended(optimizer, [0.5], 2)
    return optimizer


@pytest.mark.parametrize("name", ["Adafactor", "Muon", "LBFGS"])
def test_a_state_of_another_optimizer_or_shape_changes_nothing(name):
    optimizer = trained(name, (2, 3))
    before = repr(optimizer.state_dict())
    with pytest.raises(ValueError, match=f"not that of {name}: its groups have no"):
        optimizer.load_state_dict(trained("Adam", (2, 3)).state_dict())
    with pytest.raises(ValueError, match=r"the loaded \w+ has shape .*, but .* belongs to"):
        optimizer.load_state_dict(trained(name, (4, 5)).state_dict())
    assert repr(optimizer.state_dict()) == before
    state = copy.deepcopy(optimizer.state_dict())
    state["state"][0]["strange"] = 1
    optimizer.load_state_dict(state)
    assert optimizer.state_dict()["state"][0]["strange"] == 1


def test_a_history_of_lbfgs_with_gaps_changes_nothing():
    optimizer = trained("LBFGS", (2, 3))
    state = copy.deepcopy(optimizer.state_dict())
    state["state"][0]["ro"].append(1.0)
    with pytest.raises(ValueError, match="must be lists alike"):
        optimizer.load_state_dict(state)
