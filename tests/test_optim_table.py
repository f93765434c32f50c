"""What holds for every optimizer, on runs drawn from the one table of them."""

import copy
import inspect

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from optim_table import (
    DEVIATIONS,
    OVER_ARRAYS,
    TABLE,
    numbers,
    parameters,
    random_arrays,
    runs,
    set_gradients,
    torch_parameters,
)

import minigrad as mg
from minigrad import optim
from minigrad.kernels.build import get_num_threads, set_num_threads

pytestmark = pytest.mark.filterwarnings("ignore:(overflow|invalid value)")
every_optimizer = pytest.mark.parametrize("name", TABLE)
few = settings(max_examples=8)


def test_every_optimizer_is_in_the_table():
    abstract = {"Optimizer", "RuleOptimizer", "SparseAdam"}
    offered = {name for name in optim.__all__ if _is_optimizer(getattr(optim, name))}
    assert offered - abstract == TABLE.keys() | OVER_ARRAYS.keys() | {"LBFGS"}


def test_every_deviation_that_a_class_tells_of_is_listed():
    offered = {name for name in optim.__all__ if _is_optimizer(getattr(optim, name))}
    telling = {
        name for name in offered if "PyTorch differs" in (getattr(optim, name).__doc__ or "")
    }
    assert telling <= DEVIATIONS.keys() <= offered | {"all rules"}


def _is_optimizer(thing):
    return isinstance(thing, type) and issubclass(thing, optim.Optimizer)


def test_every_optimizer_of_torch_is_offered():
    classes = {n for n in dir(torch.optim) if inspect.isclass(getattr(torch.optim, n))}
    assert classes <= set(optim.__all__)


def finite(array):
    """inf counts as nan: torch's `lerp` makes nan of an infinite mean, the formula leaves it."""
    return np.where(np.isfinite(array), array, np.nan)


class Text:
    """The rule's text as it stands, run by NumPy, one parameter at a time."""

    def __init__(self, run, cls):
        self.rule = rule = cls.rule
        self.arrays = [a.copy() for a in run.start]
        self.hypers = [rule.defaults | run.settings(k) for k in range(len(self.arrays))]
        self.states = [
            {
                symbol: None if default is None else rule.first_state(symbol, a, hyper)
                for symbol, default in self._states()
            }
            | {symbol: rule.first_number(symbol, hyper) for symbol in rule.numbers}
            for a, hyper in zip(self.arrays, self.hypers, strict=True)
        ]
        self.taken = [0] * len(self.arrays)

    def _states(self):
        arguments = inspect.signature(self.rule.text).parameters
        return [(symbol, arguments[symbol].default) for symbol in self.rule.states]

    def step(self, gradients):
        for k, g in enumerate(gradients):
            if g is None:
                continue
            self.taken[k] += 1
            state = self.states[k]
            more = {"t": self.taken[k]} if self.rule.counts_steps else {}
            theta, *after = self.rule(self.arrays[k], g, **state, **more, **self.hypers[k])
            order = [n for n in inspect.signature(self.rule.text).parameters if n in state]
            self.arrays[k] = np.asarray(theta)
            self.states[k] = dict(zip(order, after, strict=True))


@pytest.fixture(autouse=True)
def _torch_counts_in_double_precision():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@every_optimizer
@few
@given(st.data())
def test_kernel_text_and_reference_agree(name, data):
    case, run = TABLE[name], data.draw(runs(name))
    mine, theirs = parameters(run.start), torch_parameters(run.start)
    optimizer = case.ours(run.groups(mine), **run.options)
    other = case.reference(run.groups(theirs), **run.options, foreach=False)
    text = Text(run, case.ours)
    scale = 1.0
    for step in run.gradients:
        set_gradients(mine, step)
        set_gradients(theirs, step)
        optimizer.step()
        other.step()
        with np.errstate(all="ignore"):
            text.step(step)
        for a, b, c in zip(numbers(mine), numbers(theirs), text.arrays, strict=True):
            scale = max(scale, np.abs(b[np.isfinite(b)]).max(initial=1.0))
            for expected in (b, c):
                np.testing.assert_allclose(
                    finite(a), finite(expected), rtol=1e-12, atol=1e-12 * scale
                )


def trained(optimizer, gradients):
    params = [p for group in optimizer.param_groups for p in group["params"]]
    for step in gradients:
        set_gradients(params, step)
        optimizer.step()
    return numbers(params)


def assert_same_bits(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


@every_optimizer
@few
@given(st.data())
def test_a_run_saved_and_loaded_midway_changes_no_bit(name, data):
    run = data.draw(runs(name))
    gradients, middle = run.gradients, data.draw(st.integers(0, len(run.gradients)))
    cls = TABLE[name].ours
    optimizer = cls(run.groups(parameters(run.start)), **run.options)
    resumed = cls(run.groups(parameters(trained(optimizer, gradients[:middle]))))
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    assert_same_bits(trained(optimizer, gradients[middle:]), trained(resumed, gradients[middle:]))


@every_optimizer
@few
@given(st.data())
def test_maximizing_is_minimizing_the_negative(name, data):
    run = data.draw(runs(name))
    negative = [[None if g is None else np.asarray(-g) for g in step] for step in run.gradients]
    cls = TABLE[name].ours
    up = trained(cls(parameters(run.start), maximize=True, **run.options), run.gradients)
    down = trained(cls(parameters(run.start), **run.options), negative)
    for a, b in zip(up, down, strict=True):  # the sign may join another term
        scale = np.abs(b[np.isfinite(b)]).max(initial=1.0)
        np.testing.assert_allclose(finite(a), finite(b), rtol=1e-12, atol=1e-12 * scale)


@pytest.mark.parametrize("name", [name for name, case in TABLE.items() if case.elementwise])
@few
@given(st.data())
def test_where_the_loss_lies_does_not_matter(name, data):
    """A loss moved by some distance gives the same gradients to parameters moved along with it."""
    run = data.draw(runs(name))
    cls = TABLE[name].ours
    still = {key: 0 for key in ("weight_decay", "lambd") if key in cls.rule.defaults}
    tame = [[None if g is None else np.clip(np.nan_to_num(g), -9, 9) for g in s] for s in run[1]]
    options = run.options | still
    here = trained(cls(parameters(run.start), **options), tame)
    there = trained(cls(parameters([a + 4 for a in run.start]), **options), tame)
    for start, a, b in zip(run.start, here, there, strict=True):
        scale = max(np.abs(x).max(initial=4.0) for x in (start, a, b))
        np.testing.assert_allclose(b - 4, a, rtol=0, atol=1e-11 * scale)


@every_optimizer
@few
@given(st.data())
def test_the_order_of_parameters_does_not_matter(name, data):
    start, gradients, hyper, *_ = data.draw(runs(name))
    cls = TABLE[name].ours
    backwards = [step[::-1] for step in gradients]
    found = trained(cls(parameters(start), **hyper), gradients)
    assert_same_bits(found[::-1], trained(cls(parameters(start[::-1]), **hyper), backwards))


@pytest.mark.parametrize("name", [name for name, case in TABLE.items() if case.elementwise])
@few
@given(st.data())
def test_splitting_a_parameter_in_two_changes_no_bit(name, data):
    start, gradients, hyper, *_ = data.draw(runs(name))
    cls = TABLE[name].ours

    def halves(arrays):
        pairs = [(None, None) if a is None else np.split(a.ravel(), [a.size // 3]) for a in arrays]
        return [half for pair in pairs for half in pair]

    whole = trained(cls(parameters(start), **hyper), gradients)
    split = trained(cls(parameters(halves(start)), **hyper), map(halves, gradients))
    assert_same_bits(halves(whole), split)


@pytest.mark.skipif(get_num_threads() < 2, reason="one thread only")
@every_optimizer
def test_the_number_of_threads_changes_no_bit(name):
    rng = np.random.default_rng(0)
    shapes = [(150_001,), (3, 7), (20_000,)]
    start = random_arrays(rng, "float32", shapes)
    gradients = [random_arrays(rng, "float32", shapes) for _ in range(3)]
    most, results = get_num_threads(), []
    try:
        for threads in (1, 2):
            set_num_threads(threads)
            results.append(trained(TABLE[name].ours(parameters(start)), gradients))
    finally:
        set_num_threads(most)
    assert_same_bits(*results)
    assert any((a != b).any() for a, b in zip(start, results[0], strict=True))


def as_torch(value):
    if isinstance(value, mg.Tensor):
        return torch.from_numpy(value.detach().numpy().copy())
    if isinstance(value, dict):
        return {k: as_torch(v) for k, v in value.items()}
    return [as_torch(v) for v in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    "name", [name for name, case in TABLE.items() if case.reference.__module__.startswith("torch")]
)
@few
@given(st.data())
def test_state_travels_to_torch_and_back(name, data):
    start, gradients, hyper, *_ = data.draw(runs(name))
    gradients = [[np.ones(a.shape) for a in start], *gradients]  # each has a state
    case = TABLE[name]
    mine, theirs = parameters(start), torch_parameters(start)
    optimizer, other = case.ours(mine, **hyper), case.reference(theirs, **hyper, foreach=False)
    middle = len(gradients) // 2 + 1
    swapped_mine = case.ours(parameters(trained(optimizer, gradients[:middle])))
    swapped = case.reference(torch_parameters(trained(other, gradients[:middle])), foreach=False)
    swapped_mine.load_state_dict(other.state_dict())
    swapped.load_state_dict(as_torch(optimizer.state_dict()))
    (group,), (expected,) = (o.state_dict()["param_groups"] for o in (optimizer, other))
    shared = group.keys() & expected.keys()
    for key in shared - {"foreach"}:
        assert group[key] == expected[key]
    assert group.keys() - shared <= {"fused", "capturable"}  # not all of torch's have them
    found, wanted = trained(swapped_mine, gradients[middle:]), trained(other, gradients[middle:])
    swapped_result = trained(swapped, gradients[middle:])
    for a, b, c in zip(found, wanted, swapped_result, strict=True):
        scale = np.abs(b[np.isfinite(b)]).max(initial=1.0)
        np.testing.assert_allclose(finite(a), finite(b), rtol=1e-11, atol=1e-11 * scale)
        np.testing.assert_allclose(finite(c), finite(b), rtol=1e-11, atol=1e-11 * scale)
