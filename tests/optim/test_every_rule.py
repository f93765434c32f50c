"""What holds for every optimizer, on runs drawn from the one table of them."""

import copy
import inspect
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import optim
from tests.support.optim.table import (
    DEVIATIONS,
    TABLE,
    numbers,
    parameters,
    runs,
    set_gradients,
    torch_parameters,
)
from tests.support.processes import output_on_four_threads

ROOT = Path(__file__).parents[2]
# They have tables of their own: proofs.py, test_wrappers.py, test_closures.py, test_routing.py.
BEYOND_TORCH = {
    *optim.rules.__all__,
    *optim.wrappers.__all__,
    *optim.closures.__all__,
    "Partition",
}

pytestmark = pytest.mark.filterwarnings("ignore:(overflow|invalid value)")
every_optimizer = pytest.mark.parametrize("name", TABLE)
many, few = settings(max_examples=20), settings(max_examples=8)


def those(holds):
    return pytest.mark.parametrize("name", [name for name, case in TABLE.items() if holds(case)])


def test_every_optimizer_is_in_the_table():
    abstract = {"Optimizer", "RuleOptimizer", "SparseAdam"}
    offered = {name for name in optim.__all__ if _is_optimizer(getattr(optim, name))}
    assert offered - abstract - BEYOND_TORCH == TABLE.keys() | {"LBFGS"}


def test_every_deviation_that_a_class_tells_of_is_listed():
    offered = {name for name in optim.__all__ if _is_optimizer(getattr(optim, name))}
    telling = {
        name for name in offered if "PyTorch differs" in (getattr(optim, name).__doc__ or "")
    }
    assert telling <= DEVIATIONS.keys() <= offered | {"all rules"}


def test_a_rule_is_as_short_as_in_its_paper():
    rules = [case.ours.rule for case in TABLE.values() if hasattr(case.ours, "rule")]
    assert len(rules) == 17
    assert max(len(rule.source.splitlines()) for rule in rules) < 20


def _is_optimizer(thing):
    return isinstance(thing, type) and issubclass(thing, optim.Optimizer)


def test_every_optimizer_of_torch_is_offered():
    classes = {n for n in dir(torch.optim) if inspect.isclass(getattr(torch.optim, n))}
    assert classes <= set(optim.__all__)


def finite(array):
    """inf counts as nan: torch's `lerp` makes nan of an infinite mean, the formula leaves it.

    So does what is about to overflow, which it does a step earlier in one order than in another.
    """
    return np.where(np.abs(array) < 1e100, array, np.nan)


def assert_near(found, expected, slack=0.0, tolerance=1e-12):
    """Equal but for rounding, relative to the larger numbers among them, and for `slack`."""
    found, expected = finite(found), finite(expected)
    scale = np.abs(expected[np.isfinite(expected)]).max(initial=1.0)
    allowed = tolerance * np.maximum(scale, 1.0) + slack
    far = ~(np.abs(found - expected) <= allowed) & ~(np.isnan(found) & np.isnan(expected))
    far &= np.isfinite(allowed)
    assert not far.any(), f"{found[far]} where {expected[far]} was expected, within {allowed[far]}"


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


class Reference:
    """PyTorch's optimizer, and how far rounding may take it.

    Two more have their last digits changed before each step, in parameters and gradients.  Where
    their ways part, a formula that rounds otherwise may be as far away.
    """

    def __init__(self, case, run):
        rng = np.random.default_rng(0)
        self._last_digits = [lambda a: a, *[lambda a: _nudged(a, rng)] * 2]
        self._params = [torch_parameters(run.start) for _ in self._last_digits]
        self._optimizers = [
            case.reference(run.groups(params), **run.options) for params in self._params
        ]
        self.slack = [np.zeros(a.shape) for a in run.start]

    def step(self, gradients):
        """The parameters after a step."""
        for params, other, optimizer in zip(
            self._params, self._last_digits, self._optimizers, strict=True
        ):
            set_gradients(params, [None if g is None else other(g) for g in gradients])
            for p in params:
                p.detach().copy_(torch.from_numpy(other(p.detach().numpy())))
            optimizer.step()
        exact, *nudged = map(numbers, self._params)
        for others in nudged:
            for k, (a, b) in enumerate(zip(exact, others, strict=True)):
                same = np.isnan(finite(a)) & np.isnan(finite(b))
                apart = np.where(same, 0, np.abs(finite(a) - finite(b)))
                self.slack[k] = np.maximum(self.slack[k], np.nan_to_num(20 * apart, nan=np.inf))
        return exact


def _nudged(array, rng):
    return np.asarray(array * rng.choice([1 - 2e-15, 1 + 2e-15], array.shape))


@pytest.fixture(autouse=True)
def _torch_counts_in_double_precision(monkeypatch):
    # Muon iterates in bfloat16 there, which says nothing about the formula.
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@every_optimizer
@many
@given(st.data())
def test_kernel_text_and_reference_agree(name, data):
    case, run = TABLE[name], data.draw(runs(name))
    mine = parameters(run.start)
    optimizer = case.ours(run.groups(mine), **run.options)
    other = Reference(case, run)
    text = Text(run, case.ours) if issubclass(case.ours, optim.RuleOptimizer) else None
    furthest = [np.ones(a.shape) for a in run.start]  # what rounding is relative to
    for step in run.gradients:
        set_gradients(mine, step)
        optimizer.step()
        expected = [other.step(step)]
        if text is not None:
            with np.errstate(all="ignore"):
                text.step(step)
            expected.append(text.arrays)
        furthest = [
            np.fmax(most, np.abs(finite(b)).max(initial=1.0, where=np.isfinite(finite(b))))
            for most, b in zip(furthest, expected[0], strict=True)
        ]
        for wanted in expected:
            for a, b, most, slack in zip(numbers(mine), wanted, furthest, other.slack, strict=True):
                assert_near(a, b, 1e-12 * most + slack)


def path(optimizer, gradients):
    """The parameters after each step."""
    params = [p for group in optimizer.param_groups for p in group["params"]]
    for step in gradients:
        set_gradients(params, step)
        optimizer.step()
        yield numbers(params)


def trained(optimizer, gradients):
    """The parameters after the last step."""
    params = [p for group in optimizer.param_groups for p in group["params"]]
    return [numbers(params), *path(optimizer, gradients)][-1]


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


@those(lambda case: "maximize" in inspect.signature(case.ours).parameters)
@few
@given(st.data())
def test_maximizing_is_minimizing_the_negative(name, data):
    run = data.draw(runs(name))
    negative = [[None if g is None else np.asarray(-g) for g in step] for step in run.gradients]
    cls = TABLE[name].ours
    up = trained(cls(parameters(run.start), maximize=True, **run.options), run.gradients)
    down = trained(cls(parameters(run.start), **run.options), negative)
    slack = Reference(TABLE[name], run._replace(apart=0))
    for step in negative:
        slack.step(step)
    for a, b, allowed in zip(up, down, slack.slack, strict=True):  # the sign may join another term
        assert_near(a, b, allowed)


@those(lambda case: case.moves_along)
@few
@given(st.data())
def test_where_the_loss_lies_does_not_matter(name, data):
    """A loss moved by some distance gives the same gradients to parameters moved along with it."""
    run = data.draw(runs(name))
    cls = TABLE[name].ours
    settings = inspect.signature(cls).parameters
    still = {key: 0 for key in ("weight_decay", "lambd") if key in settings}
    tame = [[None if g is None else np.clip(np.nan_to_num(g), -9, 9) for g in s] for s in run[1]]
    options = run.options | still
    moved = [a + 4 for a in run.start]
    ways = [path(cls(parameters(start), **options), tame) for start in (run.start, moved)]
    furthest = [np.full((), 4.0)] * len(moved)
    for here, there in zip(*ways, strict=True):
        furthest = list(map(np.fmax, furthest, (np.abs(a).max(initial=4.0) for a in here)))
        for a, b, most in zip(here, there, furthest, strict=True):
            assert_near(b - 4, a, 1e-13 * np.where(most < 1e100, most, np.inf))


@every_optimizer
@few
@given(st.data())
def test_the_order_of_parameters_does_not_matter(name, data):
    start, gradients, hyper, *_ = data.draw(runs(name))
    cls = TABLE[name].ours
    backwards = [step[::-1] for step in gradients]
    found = trained(cls(parameters(start), **hyper), gradients)
    assert_same_bits(found[::-1], trained(cls(parameters(start[::-1]), **hyper), backwards))


@those(lambda case: case.elementwise)
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


THREADS = """
import hashlib
import numpy as np
from tests.support.optim.table import TABLE, parameters, random_arrays, set_gradients
from minigrad.kernels.compiler.kernel import set_num_threads

for name, case in TABLE.items():
    shapes = [(301, 257), (3, 7)] if name == "Muon" else [(150_001,), (3, 7), (20_000,)]
    for threads in (1, 2, 3, 4):
        set_num_threads(threads)
        rng = np.random.default_rng(0)
        params = parameters(random_arrays(rng, "float32", shapes))
        optimizer = case.ours(params)
        for _ in range(3):
            set_gradients(params, random_arrays(rng, "float32", shapes))
            optimizer.step()
        state = [a for p in params for a in (p, *optimizer.state[p].values())]
        text = b"".join(a.detach().numpy().tobytes() for a in state)
        print(name, hashlib.sha256(text).hexdigest())
"""


def test_the_number_of_threads_changes_no_bit():
    answer = output_on_four_threads(THREADS)
    found = defaultdict(list)
    for line in answer.splitlines():
        name, digest = line.split()
        found[name].append(digest)
    assert found.keys() == TABLE.keys()
    for name, digests in found.items():
        assert len(digests) == 4
        assert len(set(digests)) == 1, name
    assert len({digests[0] for digests in found.values()}) == len(TABLE)


def as_torch(value):
    if isinstance(value, mg.Tensor):
        return torch.from_numpy(value.detach().numpy().copy())
    if isinstance(value, dict):
        return {k: as_torch(v) for k, v in value.items()}
    return [as_torch(v) for v in value] if isinstance(value, list) else value


@those(lambda case: case.reference.__module__.startswith("torch"))
@few
@given(st.data())
def test_state_travels_to_torch_and_back(name, data):
    case, run = TABLE[name], data.draw(runs(name))._replace(apart=0)
    start, hyper = run.start, run.options
    gradients = [[np.ones(a.shape) for a in start], *run.gradients]  # each has a state
    mine, theirs = parameters(start), torch_parameters(start)
    optimizer, other = case.ours(mine, **hyper), case.reference(theirs, **hyper)
    middle = len(gradients) // 2 + 1
    swapped_mine = case.ours(parameters(trained(optimizer, gradients[:middle])))
    swapped = case.reference(torch_parameters(trained(other, gradients[:middle])))
    swapped_mine.load_state_dict(other.state_dict())
    swapped.load_state_dict(as_torch(optimizer.state_dict()))
    (group,), (expected,) = (o.state_dict()["param_groups"] for o in (optimizer, other))
    shared = group.keys() & expected.keys()
    for key in shared:
        assert group[key] == expected[key]
    assert group.keys() - shared <= {"fused", "capturable"}  # not all of torch's have them
    found, wanted = trained(swapped_mine, gradients[middle:]), trained(other, gradients[middle:])
    swapped_result = trained(swapped, gradients[middle:])
    slack = Reference(case, run)
    for step in gradients:
        slack.step(step)
    for a, b, c, allowed in zip(found, wanted, swapped_result, slack.slack, strict=True):
        assert_near(a, b, allowed, tolerance=1e-11)
        assert_near(c, b, allowed, tolerance=1e-11)
