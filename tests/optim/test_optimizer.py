"""Optimizers do what PyTorch's do: every step, every option, and state that travels both ways."""

import copy
import pickle
from collections import defaultdict

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import optim
from minigrad.kernels.fused_optimizer.multi_tensor import compiled
from minigrad.tensor.creation import from_numpy

PAIRS = {"SGD": (optim.SGD, torch.optim.SGD), "Adam": (optim.Adam, torch.optim.Adam)}
SHAPES = [(3, 4), (7,), (), (0, 3), (2, 3, 2)]


def parameters(arrays):
    return [from_numpy(a.copy()).requires_grad_() for a in arrays]


def torch_parameters(arrays):
    return [torch.from_numpy(a.copy()).requires_grad_() for a in arrays]


def set_gradients(mine, theirs, gradients):
    for p, q, g in zip(mine, theirs, gradients, strict=True):
        p.grad = None if g is None else from_numpy(g.copy())
        q.grad = None if g is None else torch.from_numpy(g.copy())


def random_arrays(rng, dtype="float64", shapes=SHAPES):
    return [np.asarray(rng.standard_normal(shape)).astype(dtype) for shape in shapes]


def numbers(tensors):
    return [t.detach().numpy().copy() for t in tensors]


def assert_close(mine, theirs, tolerance, scale=1.0):
    for a, b in zip(numbers(mine), numbers(theirs), strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * scale)


def run_both(name, arrays, options, gradients, tolerance):
    """Take the steps in both libraries and compare after each."""
    mine, theirs = parameters(arrays), torch_parameters(arrays)
    ours, reference = PAIRS[name]
    optimizer, other = ours(mine, **options), reference(theirs, **options, foreach=False)
    scale = 1.0
    for step in gradients:
        set_gradients(mine, theirs, step)
        optimizer.step()
        other.step()
        sizes = [np.abs(t[np.isfinite(t)]).max(initial=1.0) for t in numbers(theirs)]
        scale = max(scale, *sizes)
        assert_close(mine, theirs, tolerance, scale)
    return optimizer, other


# --- against torch ---

values = st.one_of(
    st.floats(-1e3, 1e3), st.sampled_from([0.0, -0.0, 1e-30, 1e30, float("inf"), float("nan")])
)
sgd_options = st.fixed_dictionaries(
    {"lr": st.floats(0, 10), "maximize": st.booleans()},
    optional={"weight_decay": st.sampled_from([0, 1e-4, 0.1, 3.0])},
).flatmap(
    lambda base: st.one_of(
        st.just(base),
        st.builds(
            lambda momentum, dampening: base | {"momentum": momentum, "dampening": dampening},
            st.floats(0.01, 1.5), st.floats(-1, 1),
        ),
        st.builds(
            lambda momentum: base | {"momentum": momentum, "nesterov": True}, st.floats(0.01, 1.5)
        ),
    )
)  # fmt: skip
adam_options = st.fixed_dictionaries(
    {
        "lr": st.floats(0, 10),
        "betas": st.tuples(*[st.floats(0, 1, exclude_max=True)] * 2),
        "eps": st.floats(0, 1),
        "amsgrad": st.booleans(),
        "maximize": st.booleans(),
    },
    optional={
        "weight_decay": st.sampled_from([0, 1e-4, 0.1, 3.0]),
        "decoupled_weight_decay": st.booleans(),
    },
)


@st.composite
def runs(draw):
    """Parameters of drawn shapes, and 1 to 12 steps of gradients, some of them absent."""
    shapes = draw(st.lists(st.sampled_from(SHAPES), min_size=1, max_size=3))

    def array(shape):
        size = int(np.prod(shape))
        return np.array(draw(st.lists(values, min_size=size, max_size=size))).reshape(shape)

    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    start = random_arrays(rng, shapes=shapes)
    steps = draw(st.integers(1, 12))
    drawn = draw(st.integers(0, steps - 1))  # one step of drawn extremes among ordinary ones
    gradients = []
    for k in range(steps):
        every = [array(s) for s in shapes] if k == drawn else random_arrays(rng, shapes=shapes)
        gradients.append([None if draw(st.integers(0, 5)) == 0 else g for g in every])
    return start, gradients


@pytest.mark.filterwarnings("ignore:overflow")
@settings(max_examples=60, deadline=None)
@given(runs(), sgd_options)
def test_sgd_takes_the_steps_of_torch(run, options):
    run_both("SGD", run[0], options, run[1], 1e-12)


@settings(max_examples=60, deadline=None)
@given(runs(), adam_options)
def test_adam_takes_the_steps_of_torch(run, options):
    run_both("Adam", run[0], options, run[1], 1e-12)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-5)])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("SGD", {"lr": 0.05, "momentum": 0.9, "weight_decay": 1e-3}),
        ("Adam", {"lr": 0.01, "weight_decay": 1e-3}),
    ],
)
def test_fifty_steps_agree_with_torch(name, options, dtype, tolerance):
    rng = np.random.default_rng(0)
    shapes = [*SHAPES, (90, 130)]
    gradients = [random_arrays(rng, dtype, shapes) for _ in range(50)]
    run_both(name, random_arrays(rng, dtype, shapes), options, gradients, tolerance)


def test_a_network_of_mixed_dtypes_is_one_group():
    rng = np.random.default_rng(1)
    dtypes = ["f4", "f8", "f4", "f8", "f4"]
    arrays = [a.astype(d) for a, d in zip(random_arrays(rng), dtypes, strict=True)]
    gradients = [
        [g.astype(d) for g, d in zip(random_arrays(rng), dtypes, strict=True)] for _ in range(5)
    ]
    run_both("Adam", arrays, {"lr": 0.1}, gradients, 1e-5)


def test_half_precision_parameters_are_updated_too():
    p = from_numpy(np.ones(4, np.float16)).requires_grad_()
    p.grad = from_numpy(np.full(4, 2.0, np.float16))
    optim.SGD([p], lr=0.25).step()
    assert p.dtype == mg.float16
    assert p.tolist() == [0.5] * 4


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
        set_gradients(mine, theirs, [np.ones(3)])
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
        set_gradients(mine, theirs, random_arrays(rng))
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
        set_gradients(mine, theirs, random_arrays(rng))
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
    places = []
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
        places.append(numbers(params))
    for a, b in zip(*places, strict=True):
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


def test_hooks_run_in_torchs_order_and_can_be_removed():
    (p,) = parameters([np.ones(1)])
    p.grad = from_numpy(np.ones(1))
    optimizer, seen = optim.SGD([p]), []
    handles = [
        optimizer.register_step_pre_hook(lambda o, args, kwargs: seen.append("before")),
        optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append("after")),
        optimizer.register_state_dict_pre_hook(lambda o: seen.append("saving")),
        optimizer.register_state_dict_post_hook(lambda o, state: {**state, "extra": 1}),
        optimizer.register_load_state_dict_pre_hook(lambda o, state: seen.append("second")),
        optimizer.register_load_state_dict_pre_hook(
            lambda o, state: seen.append("first"), prepend=True
        ),
        optimizer.register_load_state_dict_post_hook(lambda o: seen.append("loaded")),
    ]
    optimizer.step()
    state = optimizer.state_dict()
    assert state["extra"] == 1
    optimizer.load_state_dict(state)
    assert seen == ["before", "after", "saving", "first", "second", "loaded"]
    for handle in handles:
        handle.remove()
    optimizer.step()
    assert "extra" not in optimizer.state_dict()
    assert len(seen) == 6


def test_a_step_of_ones_own_on_the_base_class():
    class Signed(optim.Optimizer):
        def __init__(self, params, lr=0.25):
            super().__init__(params, {"lr": lr})

        def step(self, closure=None):
            with mg.no_grad():
                for group in self.param_groups:
                    for p in group["params"]:
                        p.sub_(group["lr"] * p.grad.sign())

    (p,) = parameters([np.ones(2, np.float32)])
    p.grad = mg.tensor([3.0, -3.0])
    calls = []
    optimizer = Signed([p])
    optimizer.register_step_post_hook(lambda *_: calls.append(1))
    optimizer.step()
    assert p.tolist() == [0.75, 1.25]
    assert calls == [1]


def test_hooks_run_once_where_a_step_calls_the_step_it_replaces():
    class Counting(optim.SGD):
        def step(self, closure=None):
            return super().step(closure)

    (p,) = parameters([np.ones(1)])
    p.grad = from_numpy(np.ones(1))
    optimizer, calls = Counting([p], lr=0.5), []
    optimizer.register_step_pre_hook(lambda *_: calls.append("pre"))
    optimizer.register_step_post_hook(lambda *_: calls.append("post"))
    optimizer.step()
    assert calls == ["pre", "post"]
    assert p.item() == 0.5


@pytest.mark.parametrize("name", PAIRS)
def test_repr_is_torchs(name):
    (p,), (q,) = parameters([np.ones(1)]), torch_parameters([np.ones(1)])
    ours, reference = PAIRS[name]
    assert repr(ours([p], lr=0.5)) == repr(reference([q], lr=0.5))


# --- saving and loading ---


def test_named_parameters_are_matched_by_name():
    rng = np.random.default_rng(10)
    a, b = parameters([np.ones(3), np.ones((2, 2))])
    saved = optim.Adam([("a", a), ("b", b)], lr=0.5)
    a.grad, b.grad = from_numpy(rng.standard_normal(3)), from_numpy(rng.standard_normal((2, 2)))
    saved.step()
    loaded = optim.Adam([("b", b), ("a", a)])
    loaded.load_state_dict(saved.state_dict())
    assert loaded.param_groups[0]["param_names"] == ["b", "a"]
    assert loaded.param_groups[0]["lr"] == 0.5
    for p in (a, b):
        np.testing.assert_array_equal(
            loaded.state[p]["exp_avg"].numpy(), saved.state[p]["exp_avg"].numpy()
        )


def test_loaded_state_is_a_copy_in_the_parameters_dtype():
    (p,) = parameters([np.ones(2, np.float32)])
    optimizer = optim.SGD([p], momentum=0.9)
    state = optimizer.state_dict()
    given = np.ones(2)
    state["state"] = {0: {"momentum_buffer": given}}
    optimizer.load_state_dict(state)
    p.grad = from_numpy(np.ones(2, np.float32))
    optimizer.step()
    assert given.tolist() == [1.0, 1.0]
    assert optimizer.state[p]["momentum_buffer"].dtype == mg.float32


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])
def test_an_optimizer_can_be_copied_and_pickled(duplicate):
    (p,) = parameters([np.ones(2)])
    p.grad = from_numpy(np.ones(2))
    optimizer = optim.Adam([p], lr=0.1)
    optimizer.step()
    twin = duplicate(optimizer)
    (q,) = twin.param_groups[0]["params"]
    assert q is not p
    for o, parameter in ((optimizer, p), (twin, q)):
        parameter.grad = from_numpy(np.array([0.5, -2.0]))
        o.step()
    np.testing.assert_array_equal(p.detach().numpy(), q.detach().numpy())
    assert twin.state[q]["step"].item() == 2
