"""SGD and Adam take the steps of PyTorch, whatever the options, shapes and dtypes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import optim
from minigrad.tensor.creation import from_numpy
from tests.support.optim.pairs import PAIRS, assert_close, set_both_gradients
from tests.support.optim.table import SHAPES, numbers, parameters, random_arrays, torch_parameters


def run_both(name, arrays, options, gradients, tolerance):
    """Take the steps in both libraries and compare after each."""
    mine, theirs = parameters(arrays), torch_parameters(arrays)
    ours, reference = PAIRS[name]
    optimizer, other = ours(mine, **options), reference(theirs, **options, foreach=False)
    scale = 1.0
    for step in gradients:
        set_both_gradients(mine, theirs, step)
        optimizer.step()
        other.step()
        sizes = [np.abs(t[np.isfinite(t)]).max(initial=1.0) for t in numbers(theirs)]
        scale = max(scale, *sizes)
        assert_close(mine, theirs, tolerance, scale)
    return optimizer, other


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
