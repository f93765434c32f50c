"""States in 8 bits: codes against a search among levels, memory, losses, loading."""

import copy

import numpy as np
import pytest
import torch

import minigrad as mg
from minigrad import optim
from minigrad.kernels.fused_optimizer.eight_bits import BLOCK, CODES, decoded, encoded
from minigrad.testing.optimizers import PROBLEMS
from tests.support.optim.references import in_eight_bits
from tests.support.optim.table import numbers, parameters, set_gradients

PAIRS = {"Adam8bit": optim.Adam, "AdamW8bit": optim.AdamW, "Lion8bit": optim.Lion}
each = pytest.mark.parametrize("name", PAIRS)


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, 3 * BLOCK + 7])
def test_codes_are_the_nearest_levels(code, size):
    rng = np.random.default_rng(size)
    x = rng.standard_normal(size) * 10.0 ** rng.integers(-9, 3, size)
    x[::5] = 0
    x = np.abs(x) if code == "positive" else x
    codes, largest = encoded(x, code)
    _, most, roots = CODES[code]
    expected = in_eight_bits(torch.from_numpy(x), most, roots).numpy()
    np.testing.assert_allclose(decoded(codes, largest, np.float64), expected, rtol=1e-13)
    assert (codes[x == 0] == 0).all()
    if code == "positive":
        assert (codes[x > 0] > 0).all()  # a mean of squares does not vanish


@each
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_kernel_codes_as_the_text_does(name, dtype):
    """Parameters of several spans, with blocks that are cut off; the text is run by NumPy."""
    cls = getattr(optim, name)
    rule = copy.copy(cls.rule)
    rule.is_whole = True

    class AsText(cls, rule=rule):
        """The same rule."""

    rng = np.random.default_rng(0)
    shapes = [(3, 5), (), (0, 2), (91, 57), (13_001,)]
    start = [np.asarray(rng.standard_normal(s)).astype(dtype) for s in shapes]
    gradients = [[np.asarray(rng.standard_normal(s)).astype(dtype) for s in shapes]] * 3
    ends = []
    for make in (cls, AsText):
        params = parameters(start)
        optimizer = make(params, lr=0.01)
        for step in gradients:
            set_gradients(params, step)
            optimizer.step()
        ends.append(numbers(params))
        states = [optimizer.state[p]["exp_avg"].numpy() for p in params if p.numel()]
        ends.append([np.abs(s.astype(float)).sum() for s in states])
    for found, expected in ((ends[0], ends[2]), (ends[1], ends[3])):
        for a, b in zip(found, expected, strict=True):
            tolerance = 1e-4 if dtype == "float32" else 1e-12
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


@each
def test_states_take_a_quarter_of_the_memory(name):
    sizes = []
    for cls in (getattr(optim, name), PAIRS[name]):
        (p,) = parameters([np.ones((64, 64), np.float32)])
        optimizer = cls([p])
        set_gradients([p], [np.ones((64, 64), np.float32)])
        optimizer.step()
        sizes.append(sum(x.numpy().nbytes for x in optimizer.state[p].values()))
    assert sizes[0] / sizes[1] < 0.26


@each
@pytest.mark.parametrize("problem", ["CNN", "LSTM"])
def test_losses_are_those_of_full_states_within_a_percent(name, problem):
    means = []
    for cls in (getattr(optim, name), PAIRS[name]):
        params, loss_at = PROBLEMS[problem].make()
        optimizer = cls(params, lr=1e-3 if "Lion" in name else 1e-2)
        losses = []
        for step in range(40):
            optimizer.zero_grad()
            loss = loss_at(step)
            loss.backward()
            optimizer.step()
            losses.append(float(loss))
        means.append(np.mean(losses[-10:]))
    assert means[0] == pytest.approx(means[1], rel=0.01)


def test_what_is_not_finite_spoils_its_block_and_no_other():
    (p,) = parameters([np.zeros(3 * BLOCK)])
    gradient = np.ones(3 * BLOCK)
    gradient[BLOCK + 3] = np.nan
    optimizer = optim.Adam8bit([p], lr=0.1)
    for _ in range(2):
        set_gradients([p], [gradient])
        optimizer.step()
    is_nan = np.isnan(p.detach().numpy()).reshape(3, BLOCK)
    assert not is_nan[[0, 2]].any()
    assert is_nan[1].all()


def test_half_precision_is_trained_too():
    (p,) = parameters([np.ones(300, np.float16)])
    optimizer = optim.Adam8bit([p], lr=0.01, eps=1e-4)
    for _ in range(3):
        set_gradients([p], [np.full(300, 0.5, np.float16)])
        optimizer.step()
    np.testing.assert_allclose(p.detach().numpy(), 0.97, atol=2e-3)


def test_what_cannot_be_kept_in_eight_bits_is_refused():
    with pytest.raises(NotImplementedError, match=r"Adam8bit does not take complex.*view_as_real"):
        optim.Adam8bit([mg.zeros(2, dtype=mg.complex64, requires_grad=True)])
    (p,) = parameters([np.ones(4)])
    full = optim.Adam([p])
    set_gradients([p], [np.ones(4)])
    full.step()
    with pytest.raises(ValueError, match="exp_avg is of float64, but Adam8bit keeps it as int8"):
        optim.Adam8bit([p]).load_state_dict(full.state_dict())
    with pytest.raises(RuntimeError, match="not supported: Adam8bit keeps its states in 8 bits"):
        optim.Adam8bit([p], differentiable=True)
    with pytest.raises(ValueError, match="has no q"):
        optim.Adam.rule.variant(paper="", eight_bits={"q": "signed"})
