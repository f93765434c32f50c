"""Rules beyond torch's: each against a reference, against its own text, and for what all keep."""

import copy
import inspect
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from minigrad import optim
from minigrad.optim import RuleOptimizer, rules
from tests.support.optim.make_rule_trajectories import FILE, SEED, flat
from tests.support.optim.proofs import (
    PROOFS,
    difference,
    drawn,
    ours,
    reference_of,
    run_of,
    theirs,
    walk,
)
from tests.support.optim.table import numbers, parameters, set_gradients
from tests.support.processes import output_on_four_threads

RECORDED = json.loads(FILE.read_text())
ROOT = Path(__file__).parents[2]
every_rule = pytest.mark.parametrize("name", PROOFS)
COMPARED = [name for name, proof in PROOFS.items() if proof.reference]
FUSED = [name for name in PROOFS if not getattr(optim, name).rule.is_whole]


@pytest.fixture(autouse=True)
def _torch_counts_in_double_precision(monkeypatch):
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)  # Muon iterates in it
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def as_text(name):
    """The class whose text NumPy runs."""
    rule = copy.copy(getattr(optim, name).rule)
    rule.is_whole = True

    class AsText(getattr(optim, name), rule=rule):
        """The same rule."""

    return AsText


def test_every_rule_has_a_proof_and_is_written_down():
    assert set(rules.__all__) == PROOFS.keys()
    assert set(COMPARED) == RECORDED.keys()


@every_rule
def test_a_rule_is_short_and_has_its_source(name):
    rule = getattr(optim, name).rule
    assert len(rule.source.splitlines()) <= 21
    assert rule.paper
    assert "lr" in rule.legal


@pytest.mark.parametrize("name", COMPARED)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_a_rule_goes_where_its_reference_goes(name):
    try:
        reference_of(name)
    except ImportError:
        pytest.skip("the reference is not installed: the recorded trajectories stand for it")
    for seed in range(2):
        assert difference(ours(name, seed), theirs(name, seed)) <= PROOFS[name].tolerance


@pytest.mark.parametrize("name", RECORDED)
def test_a_rule_goes_where_its_reference_went(name):
    path = ours(name, SEED)
    for step, expected in RECORDED[name].items():
        found, scale = flat(path[int(step) - 1]), max(1.0, np.abs(expected).max())
        np.testing.assert_allclose(found, expected, rtol=0, atol=PROOFS[name].tolerance * scale)


@pytest.mark.parametrize("name", FUSED)
def test_the_kernel_does_what_the_text_does(name):
    assert difference(ours(name, 7), ours(name, 7, as_text(name))) <= PROOFS[name].tolerance


@every_rule
def test_a_run_saved_and_loaded_midway_changes_no_bit(name):
    start, slopes = run_of(name, 3)
    settings = drawn(name, 3)
    params = parameters(start)
    first = getattr(optim, name)(params, **settings)
    walk(first, params, slopes[:12])
    others = parameters(numbers(params))
    second = getattr(optim, name)(others)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    walk(first, params, slopes[12:24])
    walk(second, others, slopes[12:24])
    for a, b in zip(numbers(params), numbers(others), strict=True):
        np.testing.assert_array_equal(a, b)


@every_rule
def test_maximizing_is_minimizing_the_negative(name):
    start, slopes = run_of(name, 5)
    ups = []
    for sign in (1, -1):
        params = parameters(start)
        optimizer = as_text(name)(params, maximize=sign < 0, **drawn(name, 5))
        for row in slopes[:10]:
            set_gradients(params, [sign * c for c in row])
            optimizer.step()
        ups.append(numbers(params))
    for a, b in zip(*ups, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


@every_rule
def test_settings_outside_their_range_are_refused(name):
    cls = getattr(optim, name)
    for key, interval in cls.rule.legal.items():
        illegal = interval.low - 1
        default = cls.rule.defaults[key]
        value = (illegal,) * len(default) if isinstance(default, tuple) else illegal
        with pytest.raises(ValueError, match=f"{name}: {key} must be in"):
            cls(parameters([np.ones(2)]), **{key: value})


@every_rule
def test_the_order_of_parameters_does_not_matter(name):
    start, slopes = run_of(name, 4)
    ends = []
    for step in (1, -1):
        params = parameters(start[::step])
        optimizer = getattr(optim, name)(params, **drawn(name, 4))
        walk(optimizer, params, [row[::step] for row in slopes[:8]])
        ends.append(numbers(params)[::step])
    for a, b in zip(*ends, strict=True):  # sums over all parameters are in another order
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


THREADS = """
import hashlib
import numpy as np
from minigrad import optim
from minigrad.kernels.compiler.kernel import set_num_threads
from tests.support.optim.table import parameters, random_arrays, set_gradients

Clipped = optim.chain(optim.clip_by_norm(1.0), optim.scale_by_adam(), optim.cautious())
for make in (Clipped, optim.Gravity, optim.AvaGrad, optim.Shampoo, optim.MuonAll):
    digests = set()
    for threads in (1, 2, 3, 4):
        set_num_threads(threads)
        rng = np.random.default_rng(0)
        shapes = [(301, 57)] if make is optim.Shampoo else [(301, 57), (20_000,)]
        params = parameters(random_arrays(rng, "float32", shapes))
        optimizer = make(params)
        for _ in range(3):
            set_gradients(params, [np.float32(rng.standard_normal(p.shape)) for p in params])
            optimizer.step()
        digests.add(b"".join(p.detach().numpy().tobytes() for p in params))
    print(make.__name__, len(digests))
"""


def test_the_number_of_threads_changes_no_bit():
    answer = output_on_four_threads(THREADS)
    assert [line.split()[1] for line in answer.splitlines()] == ["1"] * 5


def test_single_precision_is_trained_too():
    for name in ("Prodigy", "NovoGrad", "SOAP", "CAME"):
        p = parameters([np.ones((3, 3), np.float32)])
        optimizer = getattr(optim, name)(p)
        for _ in range(3):
            set_gradients(p, [np.full((3, 3), 0.5, np.float32)])
            optimizer.step()
        assert p[0].detach().numpy().dtype == np.float32
        assert np.isfinite(p[0].detach().numpy()).all()


def test_arguments_are_those_of_the_rule():
    for name in rules.__all__:
        arguments = list(inspect.signature(getattr(optim, name)).parameters)
        assert arguments[:2] == ["params", "lr"]
        assert issubclass(getattr(optim, name), RuleOptimizer)
