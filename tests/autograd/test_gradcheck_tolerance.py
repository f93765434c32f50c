"""Tolerances that follow from step, curvature and rounding; kinks; arguments of many entries."""

from functools import partial

import numpy as np
import pytest

import minigrad as mg
from minigrad.autograd import Function
from minigrad.autograd.gradcheck import numeric
from minigrad.autograd.gradcheck.failures import NotSmoothError
from minigrad.testing import GradcheckError, arr, check, gradcheck, gradgradcheck


def scaled(factor):
    """x**2 whose gradient is too large by a factor."""

    class Square(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * 2 * x * factor

    return Square.apply


def leaf(*values, dtype=mg.float64):
    return mg.tensor(values, dtype=dtype, requires_grad=True)


# --- sizes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1e-150, 1e-12, 1e-3, 1.0, 1e3, 1e8, 1e100])
def test_inputs_of_every_size(size):
    x = leaf(1.0 * size, -3.0 * size, 0.5 * size)
    assert gradcheck(scaled(1.0), x)
    with pytest.raises(GradcheckError, match=r"factor of 1\.0001"):
        gradcheck(scaled(1.0001), x)


def test_entries_of_different_sizes():
    x = leaf(1e8, 1.0, 1e-8, 0.0)
    assert gradcheck(lambda x: x * x, x)
    assert gradcheck(mg.log, leaf(1e8, 1.0, 1e-8))
    assert gradgradcheck(mg.sin, leaf(1e3, 1.0, 1e-8, 0.0))


def test_functions_that_turn_fast():
    assert gradcheck(lambda x: (1e4 * x).sin(), leaf(0.3, 1.0, -2.0))
    assert not gradcheck(
        lambda x: (1e4 * x).sin() + 1e-3 * (1e4 * x).sin().detach() * x,
        leaf(0.3, 1.0, -2.0),
        raise_exception=False,
    )


def moved(function, x, t):
    return np.array([function(x + t)])


def test_the_bound_on_a_difference_s_error_holds():
    """For functions with known derivatives, at steps of every length."""
    rng = np.random.default_rng(0)
    known = (np.sin, np.cos), (np.exp, np.exp), (np.tanh, lambda x: 1 - np.tanh(x) ** 2)
    for function, derivative in known:
        for x in rng.uniform(-2, 2, 200):
            step = 10 ** rng.uniform(-7, -1)
            found = numeric.central(partial(moved, function, x), step, 2.0**-53)
            assert abs(found.value - derivative(x)) <= found.error


# --- rounding inside ---------------------------------------------------------------------------


def centred(y):
    return y - y.mean()


CANCELLING = {
    "a constant": lambda x: x.softmax(-1).sum() - 1,
    "nothing but rounding": lambda x: centred((x - x).sigmoid() + x.softmax(-1).sum()),
    "a large offset": lambda x: (300 + x.sin()) - 300,
    "there and back": lambda x: (x.exp() * x).exp().log() - x * x.exp(),
    "a small difference": lambda x: (x + 20).square() - (x.square() + 40 * x),
    "centred twice": lambda x: centred(centred(x) * 0.1 + 40),
}


@pytest.mark.parametrize("dtype", [mg.float64, mg.float32])
@pytest.mark.parametrize("name", CANCELLING)
def test_digits_that_cancel_inside_are_in_the_bound(name, dtype):
    rng = np.random.default_rng(0)
    for seed in range(6):
        x = mg.tensor(rng.uniform(-1.5, 1.5, (3, 3)), dtype=dtype, requires_grad=True)
        assert gradcheck(CANCELLING[name], x, seed=seed)


@pytest.mark.parametrize(
    ("size", "kind"), [(1e9, "noise"), (1e10, "noise"), (1e14, "steps"), (1e15, "steps")]
)
def test_a_function_that_is_rounding_noise_is_named_as_such(size, kind):
    x = leaf(0.7, -1.3, 0.4)
    with pytest.raises(GradcheckError) as failure:
        gradcheck(lambda x: (x.sin() + size) - size, x)
    assert failure.value.kind == kind
    assert isinstance(failure.value, NotSmoothError) or size > 1e11


def test_a_wrong_rule_of_a_function_that_loses_digits_is_found():
    square = scaled(1.0001)
    with pytest.raises(GradcheckError, match="a factor of") as failure:
        gradcheck(lambda x: (300 + square(x)) - 300, leaf(0.7, -1.3, 0.4, 1.1))
    assert failure.value.kind == "factor"


def test_a_small_error_is_not_taken_for_one_of_places():
    x = mg.tensor(np.random.default_rng(0).uniform(0.5, 1.5, (3, 3)), requires_grad=True)
    with pytest.raises(GradcheckError) as failure:
        gradcheck(scaled(1 + 3e-6), x)
    assert failure.value.kind in {"factor", None}


# --- dtypes ----------------------------------------------------------------------------------


FUNCTIONS = {
    "sin": mg.sin,
    "exp": mg.exp,
    "tanh": mg.tanh,
    "softmax": lambda x: x.softmax(0),
    "product": lambda x: x.reshape(2, 6) @ x.reshape(6, 2),
    "layer norm": lambda x: mg.nn.functional.layer_norm(x, (12,)),
}


@pytest.mark.parametrize("dtype", [mg.float32, mg.float16])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_right_functions_pass_in_short_dtypes(name, dtype):
    rng = np.random.default_rng(0)
    for _ in range(10):
        x = mg.tensor(rng.uniform(-1.5, 1.5, 12), dtype=dtype, requires_grad=True)
        assert gradcheck(FUNCTIONS[name], x)


@pytest.mark.parametrize(("dtype", "factor"), [(mg.float32, 1.01), (mg.float16, 1.25)])
def test_wrong_factors_are_found_in_short_dtypes(dtype, factor):
    x = leaf(0.7, -1.3, 0.4, dtype=dtype)
    assert gradcheck(scaled(1.0), x)
    with pytest.raises(GradcheckError, match="a factor of"):
        gradcheck(scaled(factor), x)


# --- kinks -----------------------------------------------------------------------------------


def kink(slope):
    """|x| with this derivative at 0."""

    class Abs(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.abs()

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * mg.where(x == 0, slope, x.sign())

    return Abs.apply


@pytest.mark.parametrize("slope", [-1.0, -0.3, 0.0, 0.5, 1.0])
def test_a_slope_between_those_of_both_sides_is_right(slope):
    assert gradcheck(kink(slope), leaf(0.0, 1.0, -2.0))


@pytest.mark.parametrize("slope", [-1.1, 1.01, 5.0])
def test_a_slope_outside_is_wrong(slope):
    with pytest.raises(GradcheckError, match="not between the slopes of its two sides") as failure:
        gradcheck(kink(slope), leaf(0.0, 1.0, -2.0))
    assert failure.value.kind == "outside slopes"


def test_kinks_of_the_library():
    zero = leaf(0.0, 1.0, -2.0)
    for function in (mg.relu, mg.abs, mg.nn.functional.hardtanh, mg.nn.functional.leaky_relu):
        assert gradcheck(function, zero)
    assert gradcheck(lambda x: x.clamp(0, 1), leaf(0.0, 1.0, 0.5))
    assert gradcheck(lambda x: x.max(), leaf(1.0, 1.0, 0.5))


def test_a_derivative_beside_a_kink_is_that_of_its_side():
    near = leaf(1e-9, -1e-5, 1e-3)
    assert gradcheck(mg.abs, near)
    assert gradgradcheck(mg.abs, leaf(1e-3, 1.0))
    assert gradcheck(lambda x: x.abs() ** 0.5, leaf(1e-4, 1.0))


def test_a_pole_is_no_wrong_rule():
    with pytest.raises(GradcheckError) as failure:
        gradcheck(lambda x: (x - 1).abs() ** 0.5 + x, leaf(1.0, 2.0))
    assert failure.value.kind in {"gradient not finite", "not smooth"}


# --- many entries ----------------------------------------------------------------------------


def off_at(entry, by):
    """sin with one wrong entry in its gradient."""

    class Sine(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.sin()

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            wrong = mg.zeros_like(x)
            wrong.view(-1)[entry] = by
            return g * (x.cos() + wrong)

    return Sine.apply


def test_one_wrong_entry_of_many_is_found_and_named():
    x = mg.rand(100, 100, dtype=mg.float64, requires_grad=True)
    assert gradcheck(off_at(0, 0.0), x)
    for row, column in ((0, 0), (81, 21), (99, 99)):
        with pytest.raises(GradcheckError, match=rf"\({row}, {column}\) "):
            gradcheck(off_at(100 * row + column, 0.1), x)


def test_errors_of_the_stated_size_are_not_missed():
    errors = check(mg.sin, arr.of(100, 40))
    (coverage,) = errors.coverages[:1]
    assert (coverage.entries, coverage.directions) == (4000, 8)
    assert 0 < coverage.detectable < 0.05
    for seed in range(6):
        x = mg.rand(100, 40, dtype=mg.float64, requires_grad=True)
        with pytest.raises(GradcheckError):
            gradcheck(off_at(37 * seed, coverage.detectable * 2), x, seed=seed)


def test_progress_is_reported_entry_by_entry():
    seen = []
    options = {"second_order": False, "progress": lambda *step: seen.append(step)}
    check(mg.sin, arr.of(2, 3), **options)
    assert seen == [("argument 0", done, 6) for done in range(6)]
    seen.clear()
    check(mg.nn.Linear(3, 2), arr.of(4, 3), **options)
    assert [step[0] for step in seen[::6][:2]] == ["weight", "bias"]
    seen.clear()
    check(mg.sin, arr.of(40, 40), **options)
    assert seen[-1] == ("argument 0", 127, 128)


def test_a_budget_checks_more_entries():
    few = check(mg.sin, arr.of(60, 60), second_order=False).coverages[0]
    more = check(mg.sin, arr.of(60, 60), second_order=False, budget=0.5).coverages[0]
    assert few.checked == 128 < more.checked
