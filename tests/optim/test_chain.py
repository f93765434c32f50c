"""Chains of transformations: one kernel that takes the steps of the rules they spell out."""

import numpy as np
import pytest
import torch

import minigrad as mg
from minigrad import nn, optim
from minigrad.optim.lr_scheduler import StepLR
from tests.support.optim.table import (
    numbers,
    parameters,
    random_arrays,
    set_gradients,
    torch_parameters,
)

SPELLED_OUT = {
    "Adam": (optim.Adam, {"betas": (0.8, 0.99)}, lambda: [optim.scale_by_adam((0.8, 0.99))]),
    "Adam penalty": (
        optim.Adam,
        {"weight_decay": 0.1},
        lambda: [optim.add_decayed_weights(0.1), optim.scale_by_adam()],
    ),
    "AdamW": (
        optim.AdamW,
        {"weight_decay": 0.1},
        lambda: [optim.scale_by_adam(), optim.decoupled_weight_decay(0.1)],
    ),
    "Lion": (
        optim.Lion,
        {"weight_decay": 0.1},
        lambda: [optim.scale_by_lion(), optim.add_decayed_weights(0.1)],
    ),
    "SGD momentum": (
        optim.SGD,
        {"momentum": 0.9, "dampening": 0.1},
        lambda: [optim.trace(0.9, 0.1)],
    ),
    "SGD nesterov": (
        optim.SGD,
        {"momentum": 0.8, "nesterov": True, "weight_decay": 0.1},
        lambda: [optim.add_decayed_weights(0.1), optim.trace(0.8, nesterov=True)],
    ),
    "RMSprop": (optim.RMSprop, {}, lambda: [optim.scale_by_rms()]),
}


def run(optimizer, gradients):
    params = [p for group in optimizer.param_groups for p in group["params"]]
    for step in gradients:
        set_gradients(params, step)
        optimizer.step()
    return numbers(params)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def assert_same(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("title", SPELLED_OUT)
def test_a_rule_spelled_out_has_the_same_bits(title, dtype, rng):
    cls, settings, parts = SPELLED_OUT[title]
    start = random_arrays(rng, dtype)
    gradients = [random_arrays(rng, dtype) for _ in range(12)]
    wanted = run(cls(parameters(start), lr=0.01, **settings), gradients)
    assert_same(run(optim.chain(*parts(), lr=0.01)(parameters(start)), gradients), wanted)


@pytest.mark.parametrize("dtypes", [("f8", "f8", "f8"), ("f4", "f8", "f2")])
def test_norms_are_over_all_groups_dtypes_and_steps(dtypes, rng):
    """As clip_grad_norm_ and AdamW of PyTorch, also where one batch runs as NumPy."""
    shapes = [(3, 4), (5,), (2, 3)]
    start = [rng.standard_normal(s).astype(d) for s, d in zip(shapes, dtypes, strict=True)]
    Clipped = optim.chain(
        optim.clip_by_norm(0.5), optim.scale_by_adam(), optim.decoupled_weight_decay(0.1)
    )
    mine, theirs = parameters(start), torch_parameters(start)
    optimizer = Clipped([{"params": mine[:1], "lr": 0.1}, {"params": mine[1:], "lr": 0.01}])
    other = torch.optim.AdamW(
        [{"params": theirs[:1], "lr": 0.1}, {"params": theirs[1:], "lr": 0.01}], weight_decay=0.1
    )
    for step in range(8):
        gradients = [rng.standard_normal(a.shape).astype(a.dtype) for a in start]
        if step == 3:
            gradients[1] = None  # from now on it is a step behind, in a batch of its own
        set_gradients(mine, gradients)
        set_gradients(theirs, gradients)
        optimizer.step()
        torch.nn.utils.clip_grad_norm_([p for p in theirs if p.grad is not None], 0.5)
        other.step()
    for a, b, d in zip(numbers(mine), numbers(theirs), dtypes, strict=True):
        tolerance = {"f8": 1e-12 if "f2" not in dtypes else 1e-4, "f4": 1e-4, "f2": 2e-2}[d]
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def test_a_norm_over_all_parameters_before_momentum_exists(rng):
    """The first step of a momentum runs as NumPy."""
    start = random_arrays(rng)
    gradients = [random_arrays(rng) for _ in range(4)]
    optimizer = optim.chain(optim.clip_by_norm(1.0), optim.trace(0.9), lr=0.1)(parameters(start))
    theirs = torch_parameters(start)
    other = torch.optim.SGD(theirs, lr=0.1, momentum=0.9)
    for step in gradients:
        set_gradients(theirs, step)
        torch.nn.utils.clip_grad_norm_(theirs, 1.0)
        other.step()
    for a, b in zip(run(optimizer, gradients), numbers(theirs), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)


def by_hand(start, gradients, lr):
    """centralize, clip, Adam, cautious, decay, trust ratio, over whole arrays."""
    theta = [a.copy() for a in start]
    m = [np.zeros_like(a) for a in start]
    v = [np.zeros_like(a) for a in start]
    for t, step in enumerate(gradients, 1):
        centered = [
            g - g.reshape(len(g), -1).mean(1).reshape(-1, *[1] * (g.ndim - 1)) if g.ndim > 1 else g
            for g in step
        ]
        total = np.sqrt(sum((g * g).sum() for g in centered))
        for k, g in enumerate(centered):
            clipped = g * min(1, 2.0 / (total + 1e-6))
            m[k] = 0.9 * m[k] + 0.1 * clipped
            v[k] = 0.999 * v[k] + 0.001 * clipped * clipped
            u = m[k] / (1 - 0.9**t) / (np.sqrt(v[k] / (1 - 0.999**t)) + 1e-8)
            agree = (u * g > 0) * 1.0
            u = u * agree / max(agree.mean(), 1e-3)
            theta[k] = theta[k] * (1 - lr * 0.01)
            size, length = np.linalg.norm(theta[k]), np.linalg.norm(u)
            theta[k] = theta[k] - lr * u * (size / length if size > 0 and length > 0 else 1)
    return theta


def five(**options):
    return optim.chain(
        optim.centralize(),
        optim.clip_by_norm(2.0),
        optim.scale_by_adam(),
        optim.cautious(),
        optim.decoupled_weight_decay(0.01, **options),
        optim.trust_ratio(),
        lr=0.1,
    )


def test_a_long_chain_is_what_its_parts_are_by_hand(rng):
    shapes = [(3, 4), (7,), (2, 3, 2)]
    start = random_arrays(rng, shapes=shapes)
    gradients = [random_arrays(rng, shapes=shapes) for _ in range(20)]
    found = run(five()(parameters(start)), gradients)
    for a, b in zip(found, by_hand(start, gradients, 0.1), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


def test_a_chain_resumes_and_follows_a_schedule_to_the_last_bit(rng):
    start = random_arrays(rng)
    gradients = [random_arrays(rng) for _ in range(10)]

    def steps(optimizer, schedule, those):
        for step in those:
            run(optimizer, [step])
            schedule.step()
        return numbers(optimizer.param_groups[0]["params"])

    first = five()(parameters(start))
    schedule = StepLR(first, 3)
    middle = steps(first, schedule, gradients[:5])
    second = five()(parameters(middle))
    resumed = StepLR(second, 3)
    second.load_state_dict(first.state_dict())
    resumed.load_state_dict(schedule.state_dict())
    assert second.param_groups[0]["lr"] == first.param_groups[0]["lr"] < 0.1
    later = steps(first, schedule, gradients[5:])
    assert_same(steps(second, resumed, gradients[5:]), later)


def test_a_mask_leaves_parameters_out(rng):
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2)).double()
    start = numbers(model.parameters())

    def moved(mask):
        cls = optim.chain(optim.decoupled_weight_decay(0.5, mask=mask), optim.scale(0.0), lr=1.0)
        fresh = parameters(start)
        names = [name for name, _ in model.named_parameters()]
        run(
            cls(list(zip(names, fresh, strict=True))),
            [random_arrays(rng, shapes=[*map(np.shape, start)])],
        )
        return [np.array_equal(a * 0.5, b) for a, b in zip(start, numbers(fresh), strict=True)]

    assert moved(["bias"]) == [True, False, True, False]
    assert moved(lambda name, p: p.ndim < 2) == [False, True, False, True]
    with pytest.raises(ValueError, match=r"needs parameters with names.*named_parameters"):
        run(
            optim.chain(optim.decoupled_weight_decay(mask=["bias"]))(parameters(start)),
            [random_arrays(rng, shapes=[*map(np.shape, start)])],
        )


def test_a_schedule_of_the_step_count(rng):
    start = [np.zeros(3)]
    cls = optim.chain(optim.scale_by_schedule(lambda t: 1 / np.sqrt(t)), lr=1.0)
    found = run(cls(parameters(start)), [[np.ones(3)]] * 4)
    np.testing.assert_allclose(found[0], -sum(1 / np.sqrt(t) for t in range(1, 5)))


@optim.transformation(paper="none", state={"s": "longest"}, measured=["s"], start={"s": "floor"})
def shrink_to_longest(u, s, *, floor=0.5):
    """A user's own: updates over the largest norm so far."""
    s = np.maximum(s, np.linalg.norm(u))
    return u / s, s


def test_a_users_own_transformation_measures_a_number_of_each_parameter(rng):
    start = random_arrays(rng)
    gradients = [random_arrays(rng) for _ in range(6)]
    cls = optim.chain(shrink_to_longest(), optim.trace(0.5), lr=0.1)
    optimizer = cls(parameters(start))
    found = run(optimizer, gradients)
    for k, theta in enumerate(start):
        longest, b, expected = 0.5, None, theta
        for step in gradients:
            longest = max(longest, np.sqrt((step[k] ** 2).sum()))
            u = step[k] / longest
            b = u if b is None else 0.5 * b + u
            expected = expected - 0.1 * b
        np.testing.assert_allclose(found[k], expected, rtol=1e-12, atol=1e-13)
        p = optimizer.param_groups[0]["params"][k]
        if p.numel():
            assert optimizer.state[p]["longest"].item() == pytest.approx(longest, rel=1e-14)


def test_names_that_two_parts_share_get_the_parts_name():
    cls = optim.chain(optim.trace(0.5), optim.clip_by_value(2.0), optim.trace(0.9))
    assert list(cls.rule.defaults) == [
        "lr", "trace_1_momentum", "trace_1_dampening", "trace_1_nesterov", "max_value",
        "trace_2_momentum", "trace_2_dampening", "trace_2_nesterov",
    ]  # fmt: skip
    assert set(cls.rule.states.values()) == {"trace_1_momentum_buffer", "trace_2_momentum_buffer"}


def test_what_cannot_be_chained_is_refused():
    with pytest.raises(ValueError, match="at least one transformation"):
        optim.chain()
    with pytest.raises(TypeError, match=r"takes transformations, got .*; call it"):
        optim.chain(optim.cautious)
    with pytest.raises(ValueError, match="must stand at the start"):
        optim.chain(optim.trace(), optim.centralize())
    with pytest.raises(ValueError, match=r"trace: momentum must be in \[0, inf\]"):
        optim.trace(-1.0)
    with pytest.raises(TypeError, match="must read \\(u, \\*states"):
        optim.transformation()(lambda g, *, a=1: g)
    with pytest.raises(ValueError, match="has no q for legal"):
        optim.transformation(legal={"q": "[0, 1]"})(lambda u, *, a=1: u)
    bad = optim.transformation()(lambda u, m: u)
    with pytest.raises(ValueError, match="must return u, m; it returned 1 value"):
        run(optim.chain(bad())(parameters([np.ones(2)])), [[np.ones(2)]])


def test_a_subclass_of_a_chain_is_an_optimizer_of_its_own():
    class Clipped(optim.chain(optim.clip_by_norm(1.0), optim.scale_by_adam())):
        """Adam with clipped gradients."""

    p = mg.zeros(2, requires_grad=True)
    assert repr(Clipped([p], lr=0.5)).startswith("Clipped (")
