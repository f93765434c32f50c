"""Checks of modules, cases stated by a decorator, and strategies."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.testing import (
    GradcheckError,
    arr,
    check,
    check_module,
    gradcheck,
    gradcheck_cases,
    sample,
    strategies,
)

MODULES = {
    "linear": (lambda: nn.Linear(3, 2), [arr.of(4, 3)]),
    "relu network": (
        lambda: nn.Sequential(nn.Linear(5, 20), nn.ReLU(), nn.Linear(20, 3)),
        [arr.of(6, 5)],
    ),
    "dropout": (lambda: nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5)), [arr.of(3, 4)]),
    "batch norm": (lambda: nn.BatchNorm1d(3), [arr.of(6, 3)]),
    "convolution": (lambda: nn.Conv2d(2, 3, 3, padding=1), [arr.of(2, 2, 4, 4)]),
    "loss of two tensors": (nn.MSELoss, [arr.of(3, 2), arr.of(3, 2)]),
    "loss of classes": (nn.CrossEntropyLoss, [arr.of(4, 3), arr.of(4, integers=3)]),
}


@pytest.mark.parametrize(("make", "inputs"), MODULES.values(), ids=MODULES)
def test_modules_pass(make, inputs):
    found = check_module(make(), *inputs)
    assert found.first < 1e-6
    assert found.second < 1e-6


class Leaky(nn.Module):
    """A parameter used outside the graph, in one mode only."""

    def __init__(self, wrong_in):
        super().__init__()
        self.scale = nn.Parameter(mg.ones(3))
        self.wrong_in = wrong_in

    def forward(self, x):
        wrong = self.training == (self.wrong_in == "train")
        return x * (self.scale.detach() if wrong else self.scale)


@pytest.mark.parametrize("mode", ["train", "eval"])
def test_a_wrong_module_is_found_in_its_mode_and_parameter(mode):
    with pytest.raises(GradcheckError, match=f"Leaky in {mode} mode.*scale"):
        check_module(Leaky(mode), arr.of(2, 3))
    other = {"train": "eval", "eval": "train"}[mode]
    assert check_module(Leaky(mode), arr.of(2, 3), modes=[other]).first < 1e-6


def test_the_module_is_left_as_it_was():
    module = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout())
    before = {name: t.numpy().copy() for name, t in module.state_dict().items()}
    mg.manual_seed(5)
    expected = mg.rand(3)
    mg.manual_seed(5)
    check_module(module, arr.of(5, 3))
    assert mg.rand(3).equal(expected)
    assert module.training
    for name, tensor in module.state_dict().items():
        assert tensor.numpy().dtype == before[name].dtype
        np.testing.assert_array_equal(tensor.numpy(), before[name])


def test_shared_parameters_count_once_with_both_uses():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.there, self.back = nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False)
            self.back.weight = self.there.weight

        def forward(self, x):
            return self.back(self.there(x).tanh())

    check_module(Tied(), arr.of(2, 3))


def test_bad_cases_are_refused():
    with pytest.raises(ValueError, match="'evaluation'"):
        check_module(nn.Linear(2, 2), arr.of(1, 2), modes=["evaluation"])
    with pytest.raises(TypeError, match="at least one case"):
        gradcheck_cases()
    with pytest.raises(TypeError, match="got int"):
        gradcheck_cases(sample(arr.of(2)))(3)


# --- check, on cases or on inputs ---


class Square(mg.autograd.Function):
    """Its derivative is `slope` times the argument: 2 is right."""

    slope = 2

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @classmethod
    def backward(cls, ctx, g):
        (x,) = ctx.saved_tensors
        return cls.slope * g * x


class WrongSquare(Square):
    slope = 1


def test_check_goes_through_all_cases():
    tried = []

    @gradcheck_cases(arr.of(2), sample(arr.of(3), power=3), rtol=1e-5)
    def to_power(x, *, power=2):
        tried.append((len(x), power))
        return x**power

    errors = check(to_power)
    assert set(tried) == {(2, 2), (3, 3)}
    assert max(errors) < 1e-5
    assert check(to_power, second_order=False).second is None


@pytest.mark.parametrize("what", [Square, nn.Linear(3, 2), mg.sin])
def test_check_takes_inputs(what):
    assert max(check(what, arr.of(4, 3))) < 1e-6


def test_check_tells_what_is_wrong():
    with pytest.raises(GradcheckError, match=r"WrongSquare\(\[4\]\)[^$]*factor of 0.5"):
        check(WrongSquare, arr.of(4))


def test_check_needs_inputs_or_cases():
    with pytest.raises(TypeError, match="Square has no cases"):
        check(Square)
    with pytest.raises(TypeError, match="second"):
        check(Square, arr.of(2), second=False)


# --- strategies -----------------------------------------------------------------------------


@given(strategies.tensors(away_from=(0.0,), layouts=strategies.MEMORY_LAYOUTS))
def test_tensors_keep_away_from_poles_and_within_bounds(x):
    assert x.dtype is mg.float64
    assert (np.abs(x.array) >= 0.19).all()
    assert (np.abs(x.array) <= 2.0).all()


@given(st.integers(1, 4).flatmap(strategies.broadcastable_shapes))
def test_shapes_broadcast(shapes):
    np.broadcast_shapes(*shapes)


@settings(max_examples=20)
@given(strategies.broadcastable_tensors(2, low=0.5, high=2.0, requires_grad=True))
def test_the_checker_with_drawn_tensors(pair):
    assert gradcheck(lambda a, b: a / b, pair, fast_mode=True)


@given(strategies.tensors((2, 3), distinct=True, dtype=mg.float32))
def test_distinct_elements_are_apart(x):
    assert x.dtype is mg.float32
    assert np.diff(np.sort(x.array.ravel())).min() > 0.2


@pytest.mark.parametrize(
    ("options", "told"), [({"low": 2, "high": 1}, "low=2"), ({"layouts": ["diagonal"]}, "diagonal")]
)
def test_strategies_refuse_what_they_cannot_draw(options, told):
    @given(strategies.tensors((2,), **options))
    def use(x):
        raise AssertionError("something was drawn")

    with pytest.raises(ValueError, match=told):
        use()
