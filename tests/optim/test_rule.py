"""An update rule: its kernel computes what its text computes, its signature is a schema."""

import inspect
import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy import clip, exp, log, maximum, minimum, sign, sqrt, tanh, where

from minigrad import optim
from minigrad.kernels.fused_optimizer import multi_tensor
from minigrad.optim import RuleOptimizer
from minigrad.optim.fused.lookahead import Settings
from minigrad.optim.fused.rule import rule
from minigrad.tensor.creation import from_numpy
from tests.support.optim.rules import Lion, lion, parameter, stepped

# --- the kernel is the text ---


@rule
def everything(theta, g, a, b, t, *, c=0.5, d=2.0, flag=False):
    """Every operation a rule may use."""
    u = theta + g - a * c + c / (1 + abs(b)) - (d - g) * (-theta) + d ** tanh(g)
    v = sqrt(maximum(u, 0.1)) + minimum(g, a) + exp(-(g**2)) + log(1 + np.square(a)) + sign(g)
    w = where((g > 0) & ~(theta <= c) | (a == b), u, v) + clip(u, -1, d) + abs(g) ** 1.5
    w = w + where(g != 0, 1.0, a) + (g >= a) * 0.5 - (g < b) + np.where(flag, u, v) ** 0.5
    if t > 2:
        w = w / (1 - 0.9**t)
    return theta - 0.01 * w, 0.9 * a + g, b if flag else b + np.reciprocal(2 + abs(a))


class Everything(RuleOptimizer, rule=everything):
    """For the test below."""


numbers = st.floats(-5, 5) | st.sampled_from([0.0, -0.0, 1e-300, 1e200, math.inf, math.nan])


@settings(max_examples=80, deadline=None)
@given(
    st.integers(0, 9).flatmap(
        lambda n: st.lists(hnp.arrays(np.float64, n, elements=numbers), min_size=2, max_size=6)
    ),
    st.floats(0.1, 3), st.floats(0.1, 3), st.booleans(),
)  # fmt: skip
def test_the_kernel_computes_what_numpy_makes_of_the_text(arrays, c, d, flag):
    start, *gradients = arrays
    theta, a, b = start.copy(), np.zeros_like(start), np.zeros_like(start)
    with np.errstate(all="ignore"):
        for t, g in enumerate(gradients, 1):
            theta, a, b = everything(theta, g, a, b, t, c=c, d=d, flag=flag)
    found = stepped(Everything, start, gradients, c=c, d=d, flag=flag)
    np.testing.assert_allclose(found, theta, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [0, 1, 7, multi_tensor.SPAN, 3 * multi_tensor.SPAN + 5])
def test_every_element_of_every_size_is_updated_once(size, dtype):
    rng = np.random.default_rng(size)
    start = [rng.standard_normal(n).astype(dtype) for n in (3, size, 0, 2)]
    params = [parameter(a) for a in start]
    for p in params:
        p.grad = from_numpy(np.ones(p.shape, dtype))
    optim.SGD(params, lr=0.5).step()
    for p, a in zip(params, start, strict=True):
        np.testing.assert_array_equal(p.detach().numpy(), a - np.asarray(0.5, dtype))


def test_what_depends_on_settings_alone_is_computed_in_double_precision():
    @rule
    def tiny(theta, g, *, beta=0.0):
        return theta - (1 - beta) * g

    class Tiny(RuleOptimizer, rule=tiny):
        """One step of a minute factor."""

    beta = 1 - 2.0**-40  # in float32 this is 1, and the step would vanish
    found = stepped(Tiny, np.zeros(3, np.float32), [np.ones(3, np.float32)], beta=beta)
    np.testing.assert_array_equal(found, np.full(3, -(2.0**-40), np.float32))


# --- a rule of a user ---


def test_a_rule_of_a_user_takes_its_steps():
    rng = np.random.default_rng(0)
    start, gradients = rng.standard_normal(50), rng.standard_normal((20, 50))
    theta, m = start.copy(), np.zeros(50)
    for g in gradients:
        theta, m = lion(theta, g, m, lr=0.01, weight_decay=0.1)
    found = stepped(Lion, start, gradients, lr=0.01, weight_decay=0.1)
    np.testing.assert_allclose(found, theta, rtol=1e-13)


def test_a_rule_of_a_user_gets_the_rest_from_its_signature():
    arguments = inspect.signature(Lion).parameters
    assert list(arguments)[:4] == ["params", "lr", "betas", "weight_decay"]
    assert arguments["betas"].default == (0.9, 0.99)
    assert {"maximize", "foreach", "fused"} <= arguments.keys()
    assert "capturable" not in arguments  # it counts no steps
    for text in ("Sign momentum.", "arXiv:2302.06675", "betas = (0.9, 0.99), in [0, 1)", "exp_avg"):
        assert text in Lion.__doc__
    assert "step = sign(beta1 * m + (1 - beta1) * g)" in Lion.__doc__
    p = parameter(np.ones(2))
    optimizer = Lion([p], 0.5)
    p.grad = from_numpy(np.ones(2))
    optimizer.step()
    assert p.tolist() == [0.5, 0.5]
    assert set(optimizer.state_dict()["state"][0]) == {"exp_avg"}
    assert pickle.loads(pickle.dumps(optimizer)).param_groups[0]["lr"] == 0.5
    with pytest.raises(ValueError, match=r"Lion: betas must be in \[0, 1\), got \(0.9, 1.0\)"):
        Lion([p], betas=(0.9, 1.0))


def test_a_state_may_start_from_a_setting():
    @rule
    def accumulate(theta, g, total=None, *, lr=1.0, start=3.0):
        total = (start if total is None else total) + g * g
        return theta - lr * g / sqrt(total), total

    class Accumulate(RuleOptimizer, rule=accumulate):
        """Adagrad."""

    expected = 0 - 1 / math.sqrt(4) - 1 / math.sqrt(5)
    assert stepped(Accumulate, np.zeros(1), [np.ones(1)] * 2).item() == pytest.approx(expected)


def test_numpy_takes_only_the_step_that_finds_no_state(monkeypatch):
    calls = []
    on_arrays = optim.SGD.rule.on_arrays
    monkeypatch.setattr(
        optim.SGD.rule, "on_arrays", lambda *given: calls.append(1) or on_arrays(*given)
    )
    found = stepped(optim.SGD, np.zeros(2), [np.ones(2)] * 4, lr=1.0, momentum=0.5)
    assert found.tolist() == [-(1 + 1.5 + 1.75 + 1.875)] * 2
    assert len(calls) == 1


# --- declarations ---


@pytest.mark.parametrize(
    "text",
    [
        lambda theta: theta,
        lambda theta, g, *m: theta,
        lambda theta, g, m=1.0: (theta, m),
        lambda theta, g, **hyper: theta,
    ],
)
def test_a_signature_that_is_no_schema_is_refused(text):
    with pytest.raises(TypeError, match="must read"):
        rule(text)


def test_a_hyper_parameter_without_default_and_a_malformed_interval_are_refused():
    with pytest.raises(TypeError, match=r"hyper-parameter lr of .* needs a default"):
        rule(lambda theta, g, *, lr: theta - lr * g)
    with pytest.raises(ValueError, match=r"written like '.0, 1.', got 'positive'"):
        rule(legal={"lr": "positive"})(lambda theta, g, *, lr=1.0: theta - lr * g)


def test_names_that_the_rule_does_not_have_are_refused():
    with pytest.raises(ValueError, match="has no q"):
        rule(state={"q": "x"})(lambda theta, g, m: (theta, m))
    with pytest.raises(ValueError, match="has no lr"):
        rule(legal={"lr": "[0, 1)"})(lambda theta, g: theta)


def test_a_wrong_number_of_results_is_refused_before_anything_changes():
    @rule
    def forgetful(theta, g, m, *, lr=1.0):
        return theta - lr * g

    class Forgetful(RuleOptimizer, rule=forgetful):
        """Loses its state."""

    p = parameter(np.ones(2))
    p.grad = from_numpy(np.ones(2))
    with pytest.raises(ValueError, match="must return theta, m; it returned 1 value"):
        Forgetful([p]).step()
    assert p.tolist() == [1.0, 1.0]


# --- norms of whole parameters, and states that are one number ---


@rule(numbers=["total"], start={"total": 2, "z": "theta", "a": "lr"})
def nested(theta, g, z, a, total, *, lr=0.1):
    total = total * 0.5 + lr
    inner = g / (1 + np.linalg.norm(g)) + np.linalg.norm(theta) * 1e-3
    outer = np.linalg.norm(inner + z)
    return theta - lr * total * inner / outer, 0.5 * z, a + g, total


class Nested(RuleOptimizer, rule=nested):
    """A norm of a norm, so the kernel makes three passes."""


@pytest.mark.parametrize("parallel", [False, True])
def test_norms_are_of_each_parameter_whole_whatever_spans_it_lies_in(parallel):
    rng = np.random.default_rng(0)
    most = multi_tensor.SPAN * (20 if parallel else 2)
    sizes = [3, 0, most + 5, 1, multi_tensor.SPAN - 9, 2]
    start = [rng.standard_normal(n) for n in sizes]
    params = [parameter(a) for a in start]
    optimizer = Nested(params)
    expected = [(a, a, np.full(a.size, 0.1), 2.0) for a in start]
    for _ in range(3):
        gradients = [rng.standard_normal(n) for n in sizes]
        for p, g in zip(params, gradients, strict=True):
            p.grad = from_numpy(g)
        optimizer.step()
        with np.errstate(all="ignore"):
            expected = [
                nested(theta, g, *states)
                for (theta, *states), g in zip(expected, gradients, strict=True)
            ]
    for p, (theta, z, a, total) in zip(params, expected, strict=True):
        np.testing.assert_allclose(p.detach().numpy(), theta, rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(optimizer.state[p]["z"].numpy(), z, rtol=1e-13)
        np.testing.assert_allclose(optimizer.state[p]["a"].numpy(), a, rtol=1e-12, atol=1e-14)
        assert optimizer.state[p]["total"].item() == pytest.approx(total, rel=1e-15)


def test_a_number_cannot_be_made_of_elements():
    @rule(numbers=["total"])
    def summed(theta, g, total, *, lr=0.1):
        return theta, total + g

    with pytest.raises(optim.RuleError, match="turns an element into a Python number"):
        summed.trace([], Settings(1, {}, False, {"total": 0.0}))


@pytest.mark.parametrize(
    "declaration",
    [{"numbers": ["q"]}, {"start": {"q": 1}}, {"start": {"m": "q"}}, {"legal": {"q": "[0, 1]"}}],
)
def test_a_declaration_of_what_is_not_there_is_refused(declaration):
    with pytest.raises(ValueError, match="has no q"):
        rule(**declaration)(lambda theta, g, m, *, lr=1.0: (theta, m))
