"""The base of optimizers: memory of every kind, groups, settings, closures, zero_grad, repr."""

from collections import defaultdict

import numpy as np
import pytest
import torch

import minigrad as mg
from minigrad import optim
from minigrad.kernels.fused_optimizer.multi_tensor import compiled
from minigrad.tensor.creation import from_numpy
from tests.support.optim.pairs import PAIRS, assert_close, set_both_gradients
from tests.support.optim.table import numbers, parameters, random_arrays, torch_parameters

# --- memory of every kind ---


def test_parameters_states_and_gradients_need_not_be_contiguous():
    rng = np.random.default_rng(5)
    base = rng.standard_normal((6, 8))
    strided = from_numpy(base.T[::2]).requires_grad_()
    (plain,) = parameters([base.T[::2].copy()])
    optimizers = [optim.Adam([p], lr=0.1) for p in (strided, plain)]
    for _ in range(3):
        g = rng.standard_normal((6, 4)).T
        strided.grad, plain.grad = from_numpy(g), from_numpy(np.ascontiguousarray(g))
        for optimizer in optimizers:
            optimizer.step()
    np.testing.assert_array_equal(strided.detach().numpy(), plain.detach().numpy())
    np.testing.assert_array_equal(base.T[::2], plain.detach().numpy())


@pytest.mark.filterwarnings("ignore:The given NumPy array is not writable")
def test_a_broadcast_gradient_is_read_rightly():
    (p,) = parameters([np.zeros((3, 4))])
    p.grad = from_numpy(np.broadcast_to(np.array([1.0, 2.0, 3.0, 4.0]), (3, 4)))
    optim.SGD([p], lr=1.0).step()
    np.testing.assert_array_equal(p.detach().numpy(), -np.tile([1.0, 2.0, 3.0, 4.0], (3, 1)))


def test_data_replaced_by_the_user_is_what_is_updated():
    (p,) = parameters([np.ones(3)])
    optimizer = optim.SGD([p], lr=1.0, momentum=0.5)
    p.grad = from_numpy(np.ones(3))
    optimizer.step()
    first = p.data
    p.data = from_numpy(np.full(3, 10.0))
    optimizer.step()
    assert first.tolist() == [0.0] * 3
    assert p.tolist() == [8.5] * 3
    optimizer.state[p]["momentum_buffer"] = from_numpy(np.zeros(3))
    optimizer.step()
    assert p.tolist() == [7.5] * 3
    optimizer.state[p]["momentum_buffer"].data = from_numpy(np.full(3, 2.0))
    optimizer.step()
    assert p.tolist() == [5.5] * 3
    optimizer.state.clear()
    optimizer.step()
    assert p.tolist() == [4.5] * 3
    optimizer.state = defaultdict(dict)
    optimizer.step()
    assert p.tolist() == [3.5] * 3


def test_a_step_written_by_hand_counts():
    mine, theirs = parameters([np.ones(3)]), torch_parameters([np.ones(3)])
    optimizer, other = optim.Adam(mine), torch.optim.Adam(theirs)
    for k in range(4):
        set_both_gradients(mine, theirs, [np.ones(3)])
        optimizer.step()
        other.step()
        if k == 1:
            optimizer.state[mine[0]]["step"] += 5
            other.state[theirs[0]]["step"] += 5
    assert_close(mine, theirs, 1e-12)
    assert optimizer.state[mine[0]]["step"].item() == 9


def test_a_step_is_an_in_place_change_that_autograd_notices():
    w = mg.tensor([2.0], requires_grad=True)
    loss = (w * w).sum()
    w.grad = mg.tensor([1.0])
    optim.SGD([w], lr=0.1).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


# --- groups, closures, hooks ---


def test_groups_have_their_own_settings_and_schedules_need_no_new_kernel():
    rng = np.random.default_rng(6)
    arrays = random_arrays(rng)
    mine, theirs = parameters(arrays), torch_parameters(arrays)
    optimizers = [
        cls([{"params": ps[:2], "lr": 0.5}, {"params": ps[2:4]}], lr=0.1, momentum=0.9)
        for cls, ps in ((optim.SGD, mine), (torch.optim.SGD, theirs))
    ]
    kernels = set()
    for k in range(8):
        set_both_gradients(mine, theirs, random_arrays(rng))
        for optimizer, ps in zip(optimizers, (mine, theirs), strict=True):
            optimizer.param_groups[0]["lr"] *= 0.7
            optimizer.param_groups[1]["momentum"] = 0.5 + 0.05 * k
            if k == 4:
                optimizer.add_param_group({"params": ps[4], "lr": 0.01})
            optimizer.step()
        if k >= 1:  # the first step finds no momentum
            kernels.add(compiled.cache_info().misses)
    assert len(kernels) == 1
    assert_close(mine, theirs, 1e-12)


def test_settings_may_be_tensors_and_numpy_scalars():
    results = []
    for lr in (0.5, mg.tensor(0.5), mg.tensor([0.5]), np.float64(0.5), np.float32(0.5)):
        (p,) = parameters([np.ones(2)])
        p.grad = from_numpy(np.ones(2))
        optim.SGD([p], lr=lr).step()
        results.append(p.tolist())
    assert results == [[0.5, 0.5]] * 5


def test_options_can_be_switched_on_between_steps():
    rng = np.random.default_rng(7)
    arrays = random_arrays(rng)
    mine, theirs = parameters(arrays), torch_parameters(arrays)
    optimizers = optim.SGD(mine, lr=0.1), torch.optim.SGD(theirs, lr=0.1)
    for k in range(6):
        set_both_gradients(mine, theirs, random_arrays(rng))
        for optimizer in optimizers:
            optimizer.param_groups[0]["momentum"] = 0.9 if k >= 2 else 0
            optimizer.param_groups[0]["nesterov"] = k >= 4
            optimizer.step()
    assert_close(mine, theirs, 1e-12)


def test_state_is_only_what_the_settings_need():
    (p,) = parameters([np.ones(2)])
    p.grad = from_numpy(np.ones(2))
    plain, adam = optim.SGD([p]), optim.Adam([p])
    plain.step()
    adam.step()
    assert plain.state_dict()["state"].get(0, {}) == {}
    assert set(adam.state[p]) == {"step", "exp_avg", "exp_avg_sq"}


@pytest.mark.parametrize("name", PAIRS)
def test_parameters_frozen_and_thawed_and_gradients_accumulated(name):
    rng = np.random.default_rng(11)
    inputs = rng.standard_normal((10, 4, 3))
    start = random_arrays(rng, shapes=[(3, 5), (5, 1)])
    results = []
    for library, wrap, params, cls in zip(
        (mg, torch), (from_numpy, torch.from_numpy), (parameters(start), torch_parameters(start)),
        PAIRS[name], strict=True,
    ):  # fmt: skip
        first, second = params
        optimizer = cls(params, lr=0.1)
        for k, x in enumerate(inputs):
            first.requires_grad_(k not in (3, 4, 5))
            loss = (library.tanh(wrap(x) @ first) @ second).sum() ** 2
            loss.backward()
            if k % 2:  # every other gradient is added to the one before
                optimizer.step()
                optimizer.zero_grad()
        results.append(numbers(params))
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12)


def test_two_optimizers_share_a_model():
    (p,) = parameters([np.ones(2)])
    first, second = optim.SGD([p], lr=0.5), optim.Adam([p], lr=0.1)
    p.grad = from_numpy(np.ones(2))
    first.step()
    second.step()
    np.testing.assert_allclose(p.detach().numpy(), 0.4, rtol=1e-6)


def test_a_closure_is_run_with_gradients_on_and_its_loss_returned():
    (p,) = parameters([np.array([3.0])])
    optimizer = optim.SGD([p], lr=0.5)

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with mg.no_grad():
        assert optimizer.step(closure).item() == 9.0
    assert p.item() == 0.0


@pytest.mark.parametrize("set_to_none", [True, False])
def test_zero_grad(set_to_none):
    p, q = parameters([np.ones(2), np.ones(3)])
    p.grad = from_numpy(np.ones(2))
    optim.SGD([p, q]).zero_grad(set_to_none=set_to_none)
    assert q.grad is None
    assert p.grad is None if set_to_none else p.grad.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("name", PAIRS)
def test_repr_is_torchs(name):
    (p,), (q,) = parameters([np.ones(1)]), torch_parameters([np.ones(1)])
    ours, reference = PAIRS[name]
    assert repr(ours([p], lr=0.5)) == repr(reference([q], lr=0.5))
