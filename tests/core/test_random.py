"""Random numbers: their statistics, ranges and dtypes, seeds and states, and what is refused."""

import math

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from tests.support.against_torch import outputs_of

# --- distributions --------------------------------------------------------------------------

DRAWS = {
    "rand": (lambda: mg.rand(20000), 0.5, 12**-0.5),
    "randn": (lambda: mg.randn(100, 200), 0.0, 1.0),
    "randint": (lambda: mg.randint(-2, 3, (20000,)).double(), 0.0, 2**0.5),
    "normal": (lambda: mg.normal(3.0, 2.0, (20000,)), 3.0, 2.0),
    "normal of tensors": (
        lambda: mg.normal(mg.full((20000,), 1.0), mg.full((20000,), 0.5)),
        1.0,
        0.5,
    ),
    "bernoulli": (lambda: mg.bernoulli(mg.full((20000,), 0.25)), 0.25, 0.1875**0.5),
    "uniform_": (lambda: mg.empty(20000).uniform_(-1, 3), 1.0, 4 * 12**-0.5),
    "normal_": (lambda: mg.empty(20000).normal_(1, 3), 1.0, 3.0),
    "bernoulli_": (lambda: mg.empty(20000).bernoulli_(0.5), 0.5, 0.5),
    "float64": (lambda: mg.randn(20000, dtype=mg.float64), 0.0, 1.0),
    "float16": (lambda: mg.rand(20000, dtype=mg.float16).double(), 0.5, 12**-0.5),
    "randint_like": (lambda: mg.randint_like(mg.empty(20000), -2, 3), 0.0, 2**0.5),
    "rand_like": (lambda: mg.rand_like(mg.empty(20000)), 0.5, 12**-0.5),
    "randn_like": (lambda: mg.randn_like(mg.empty(20000), dtype=mg.float64), 0.0, 1.0),
    "poisson": (lambda: mg.poisson(mg.full((20000,), 4.0)), 4.0, 2.0),
    "binomial": (lambda: mg.binomial(mg.full((20000,), 9.0), mg.full((20000,), 0.25)), 2.25,
                 (9 * 0.1875) ** 0.5),
    "bernoulli of p": (lambda: mg.empty(20000).bernoulli(0.25), 0.25, 0.1875**0.5),
    "bernoulli_ of a tensor": (lambda: mg.empty(2, 10000).bernoulli_(mg.tensor([[1.0], [0.5]])),
                               0.75, 0.1875**0.5),
    "random_": (lambda: mg.empty(20000).random_(-2, 3), 0.0, 2**0.5),
    "random_ below": (lambda: mg.empty(20000, dtype=mg.int64).random_(5), 2.0, 2**0.5),
    "geometric_": (lambda: mg.empty(20000).geometric_(0.5), 2.0, 2**0.5),
    "normal of a deviation": (lambda: mg.normal(2.0, mg.full((20000,), 0.5)), 2.0, 0.5),
}  # fmt: skip


@pytest.mark.parametrize("name", DRAWS)
def test_distributions(name):
    mg.manual_seed(3)
    draw, mean, deviation = DRAWS[name]
    drawn = draw().double()
    assert abs(drawn.mean().item() - mean) < 5 * deviation / 20000**0.5
    assert drawn.std().item() == pytest.approx(deviation, rel=0.05)


def normal_cdf(x):
    return 0.5 * (1 + np.vectorize(math.erf)(x / 2**0.5))


# Draws of continuous distributions, and their distribution functions.
CONTINUOUS = {
    "uniform_": (lambda x: x.uniform_(-1, 3), lambda x: (x + 1) / 4),
    "normal_": (lambda x: x.normal_(2, 0.5), lambda x: normal_cdf((x - 2) / 0.5)),
    "log_normal_": (
        lambda x: x.log_normal_(0.5, 0.25), lambda x: normal_cdf((np.log(x) - 0.5) / 0.25),
    ),
    "exponential_": (lambda x: x.exponential_(2.5), lambda x: 1 - np.exp(-2.5 * x)),
    "cauchy_": (lambda x: x.cauchy_(1, 2), lambda x: 0.5 + np.arctan((x - 1) / 2) / np.pi),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CONTINUOUS)
def test_the_whole_distribution(name, dtype):
    """Kolmogorov's test: the largest gap is below 1.95 / sqrt(n) with probability 0.999."""
    mg.manual_seed(11)
    fill, cdf = CONTINUOUS[name]
    x = mg.empty(100, 80, dtype=getattr(mg, dtype))
    assert fill(x) is x
    heights = cdf(np.sort(x.numpy().astype(np.float64).ravel()))
    gap = np.abs(heights - (np.arange(heights.size) + 0.5) / heights.size).max()
    assert gap < 1.95 / heights.size**0.5


def test_ends_of_ranges():
    mg.manual_seed(0)
    for dtype in (mg.float16, mg.float32, mg.float64):
        x = mg.empty(20000, dtype=dtype).uniform_(1, 1 + 2**-9)
        assert x.min().item() >= 1
        assert x.max().item() < 1 + 2**-9
        assert mg.rand(20000, dtype=dtype).max().item() < 1
    assert mg.empty(3).uniform_(2, 2).tolist() == [2, 2, 2]
    assert mg.empty(2000, dtype=mg.int8).random_().min().item() >= 0
    assert mg.empty(2000, dtype=mg.int8).random_(-128, 128).unique().numel() == 256
    assert set(mg.empty(99, dtype=mg.bool).random_().tolist()) == {True, False}
    assert mg.empty(999).random_().max().item() <= 2**24
    assert mg.empty(99, dtype=mg.int64).random_().min().item() >= 0
    assert mg.randint(7, 8, (3,)).tolist() == [7, 7, 7]
    assert mg.bernoulli(mg.tensor([0.0, 1.0])).tolist() == [0, 1]
    assert mg.poisson(mg.zeros(2)).tolist() == [0, 0]


def test_multinomial_and_permutations():
    weights = mg.tensor([[0.0, 1.0, 3.0], [1.0, 0.0, 0.0]])
    picks = mg.multinomial(weights, 4000, replacement=True)
    assert tuple(picks.shape) == (2, 4000)
    share = (picks[0] == 2).double().mean().item()
    assert share == pytest.approx(0.75, abs=0.05)
    assert (picks[1] == 0).all()
    assert sorted(mg.multinomial(mg.ones(5), 5).tolist()) == [0, 1, 2, 3, 4]
    assert sorted(mg.randperm(9).tolist()) == list(range(9))


@settings(max_examples=25)
@given(hnp.arrays("float64", st.tuples(st.integers(1, 3), st.integers(2, 6)),
       elements=st.sampled_from([0.0, 0.5, 1.0, 4.0])), st.integers(1, 5))  # fmt: skip
def test_multinomial_draws_what_it_may(weights, count):
    weights[:, 0] += 0.25
    picks = mg.multinomial(mg.tensor(weights), count, replacement=True).numpy()
    assert picks.shape == (len(weights), count)
    assert picks.dtype == np.int64
    assert (np.take_along_axis(weights, picks, 1) > 0).all()
    most = int((weights > 0).sum(1).min())
    single = mg.tensor(weights).multinomial(most).numpy()
    assert (np.take_along_axis(weights, single, 1) > 0).all()
    assert all(len(set(row)) == most for row in single.tolist())
    with pytest.raises(RuntimeError, match=f"num_samples={most + 1} without .* {most} "):
        mg.multinomial(mg.tensor(weights), most + 1)


def test_multinomial_without_replacement_is_drawing_one_after_the_other():
    mg.manual_seed(1)
    first, second = mg.multinomial(mg.tensor([[3.0, 2.0, 1.0]]).expand(9000, 3), 2).numpy().T
    weights = np.array([3.0, 2.0, 1.0])
    for i in range(3):
        assert (first == i).mean() == pytest.approx(weights[i] / 6, abs=0.02)
        for j in {0, 1, 2} - {i}:
            share = weights[i] / 6 * weights[j] / (6 - weights[i])
            assert ((first == i) & (second == j)).mean() == pytest.approx(share, abs=0.02)


def test_every_order_is_as_likely():
    mg.manual_seed(2)
    orders = [tuple(mg.randperm(3).tolist()) for _ in range(3000)]
    for order in set(orders):
        assert orders.count(order) / 3000 == pytest.approx(1 / 6, abs=0.04)
    assert len(set(orders)) == 6


# --- dtypes, shapes and options, as torch has them ------------------------------------------

MADE = {
    "rand": lambda m: (m.rand(2, 3), m.rand((2,), dtype=m.float64), m.rand(size=(0, 2)),
                       m.rand(())),
    "randn": lambda m: m.randn([2, 3], requires_grad=True, device="cpu", layout=m.strided),
    "randint": lambda m: (m.randint(3, (2,)), m.randint(1, 3, (2, 2), dtype=m.int8),
                          m.randint(low=0, high=2, size=(3,)), m.randint(5, size=(1,)),
                          m.randint(4, (2,), dtype=m.float32)),
    "randperm": lambda m: (m.randperm(4), m.randperm(0), m.randperm(3, dtype=m.float64)),
    "like": lambda m: (m.rand_like(m.zeros(2, 1)), m.randn_like(m.zeros(2), dtype=m.float64),
                       m.randint_like(m.zeros(2, dtype=m.int8), 3),
                       m.randint_like(m.zeros(2), 1, 3),
                       m.rand_like(m.zeros(2), requires_grad=True)),
    "normal": lambda m: (m.normal(0.0, 1.0, (2, 2)), m.normal(m.zeros(3), m.ones(3)),
                         m.normal(m.zeros(3, dtype=m.float64)), m.normal(1.0, m.ones(2, 1)),
                         m.normal(0, 1, size=(2,), dtype=m.float64)),
    "bernoulli": lambda m: (m.bernoulli(m.ones(2, dtype=m.float64)),
                            m.tensor([1, 2]).bernoulli(0.5)),
    "poisson": lambda m: m.poisson(m.ones(2, 2)),
    "binomial": lambda m: m.binomial(m.ones(2), m.ones(2)),
    "multinomial": lambda m: (m.multinomial(m.ones(3), 2), m.ones(2, 3).multinomial(5, True)),
    "in place": lambda m: (m.zeros(2, dtype=m.int64).geometric_(0.5), m.zeros(0).normal_(),
                           m.zeros(2, dtype=m.uint8).random_(0, 256), m.zeros(2).exponential_(2)),
}  # fmt: skip


@pytest.mark.parametrize("name", MADE)
def test_shapes_and_dtypes(name):
    for ours, theirs in zip(outputs_of(MADE[name](mg)), outputs_of(MADE[name](torch)), strict=True):
        assert ours.shape == tuple(theirs.shape)
        assert str(ours.dtype).split(".")[1] == str(theirs.dtype).split(".")[1]
        assert ours.requires_grad == theirs.requires_grad


def test_a_generator_of_its_own_serves_every_draw():
    draws = [
        lambda g: mg.rand(3, generator=g), lambda g: mg.randn(3, generator=g),
        lambda g: mg.randint(99, (3,), generator=g), lambda g: mg.randperm(20, generator=g),
        lambda g: mg.normal(0.0, 1.0, (3,), generator=g),
        lambda g: mg.normal(mg.zeros(3), generator=g),
        lambda g: mg.rand_like(mg.zeros(3), generator=g),
        lambda g: mg.bernoulli(mg.full((40,), 0.5), generator=g),
        lambda g: mg.multinomial(mg.ones(30), 9, generator=g),
        lambda g: mg.poisson(mg.full((20,), 9.0), generator=g),
        *(lambda g, name=name: getattr(mg.zeros(20), name)(generator=g)
          for name in ("uniform_", "normal_", "log_normal_", "cauchy_", "exponential_", "random_",
                       "bernoulli_")),
        lambda g: mg.zeros(40).geometric_(0.5, generator=g),
    ]  # fmt: skip
    for draw in draws:
        before = mg.get_rng_state().tolist()
        first, again, other = (draw(mg.Generator().manual_seed(s)).tolist() for s in (1, 1, 2))
        assert first == again
        assert first != other
        assert mg.get_rng_state().tolist() == before


def test_fills_take_part_in_the_graph_as_constants():
    x = mg.ones(3, dtype=mg.float64, requires_grad=True)
    y = x * 2
    y[:2].normal_()
    (y * 3).sum().backward()
    assert x.grad.tolist() == [0, 0, 6]
    with pytest.raises(RuntimeError, match="leaf"):
        x.uniform_()


def test_seeds_and_states():
    def numbers():
        return mg.rand(3).tolist()

    mg.manual_seed(5)
    first = numbers()
    state = mg.get_rng_state()
    second = numbers()
    mg.set_rng_state(state)
    assert numbers() == second
    mg.manual_seed(5)
    assert numbers() == first
    with mg.fork_rng():
        numbers()
        mg.manual_seed(99)
    assert numbers() == second
    assert mg.seed() == mg.initial_seed()
    a, b = mg.Generator().manual_seed(1), mg.Generator().manual_seed(1)
    assert mg.randn(3, generator=a).tolist() == mg.randn(3, generator=b).tolist()
    assert mg.rand(3, generator=a).tolist() != mg.rand(3, generator=a).tolist()
    b.set_state(a.get_state())
    assert mg.randperm(50, generator=a).tolist() == mg.randperm(50, generator=b).tolist()
    with pytest.raises(RuntimeError, match="CPU"):
        mg.Generator("cuda")
    assert isinstance(a.get_state(), mg.Tensor)
    assert a.get_state().dtype is mg.uint8
    assert str(a.device) == "cpu"
    assert mg.Generator().initial_seed() == mg.Generator().initial_seed()
    assert mg.manual_seed(-3).initial_seed() == -3
    assert mg.seed() != mg.seed()


# --- refusals -------------------------------------------------------------------------------

REFUSED = {
    "seed too large": lambda m: m.manual_seed(2**64),
    "seed in words": lambda m: m.manual_seed("a"),
    "state of another size": lambda m: m.set_rng_state(m.zeros(3, dtype=m.uint8)),
    "state of floats": lambda m: m.Generator().set_state(m.zeros(3)),
    "rand of integers": lambda m: m.rand(2, dtype=m.int64),
    "randn of integers": lambda m: m.randn(2, dtype=m.int64),
    "negative size": lambda m: m.rand(2, -1),
    "randint of nothing": lambda m: m.randint(3, 3, (2,)),
    "randint of no size": lambda m: m.randint(3),
    "randint too large": lambda m: m.randint(0, 300, (2,), dtype=m.int8),
    "randint_like too large": lambda m: m.randint_like(m.zeros(2, dtype=m.uint8), 257),
    "randperm negative": lambda m: m.randperm(-1),
    "randperm too large": lambda m: m.randperm(300, dtype=m.int8),
    "normal": lambda m: m.normal(0.0, -1.0, (2,)),
    "normal of tensors": lambda m: m.normal(m.zeros(2), m.tensor([-1.0, 1])),
    "normal of no size": lambda m: m.normal(0.0, 1.0),
    "bernoulli": lambda m: m.bernoulli(m.tensor([1.5])),
    "bernoulli of nan": lambda m: m.bernoulli(m.tensor([float("nan")])),
    "bernoulli of integers": lambda m: m.bernoulli(m.tensor([1, 0])),
    "poisson": lambda m: m.poisson(m.tensor([-1.0])),
    "poisson of integers": lambda m: m.poisson(m.tensor([1])),
    "multinomial of too few": lambda m: m.multinomial(m.tensor([1.0, 0.0]), 3),
    "multinomial of none": lambda m: m.multinomial(m.ones(2), 0),
    "multinomial of less than none": lambda m: m.multinomial(m.tensor([-1.0, 2]), 1),
    "multinomial of integers": lambda m: m.multinomial(m.tensor([1, 2]), 1),
    "multinomial of planes": lambda m: m.multinomial(m.ones(2, 3, 4), 1),
    "multinomial of zeros": lambda m: m.multinomial(m.zeros(3), 1, True),
    "uniform_": lambda m: m.zeros(2).uniform_(2, 1),
    "uniform_ of integers": lambda m: m.zeros(2, dtype=m.int64).uniform_(),
    "normal_": lambda m: m.zeros(2).normal_(0, -1),
    "normal_ of integers": lambda m: m.zeros(2, dtype=m.int64).normal_(),
    "log_normal_": lambda m: m.zeros(2).log_normal_(0, 0),
    "cauchy_": lambda m: m.zeros(2).cauchy_(0, -1),
    "exponential_": lambda m: m.zeros(2).exponential_(0),
    "exponential_ of integers": lambda m: m.zeros(2, dtype=m.int64).exponential_(),
    "geometric_": lambda m: m.zeros(2).geometric_(1),
    "bernoulli_": lambda m: m.zeros(2).bernoulli_(2),
    "random_": lambda m: m.zeros(2).random_(3, 2),
    "random_ too large": lambda m: m.zeros(2, dtype=m.int8).random_(0, 1000),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    errors = (RuntimeError, TypeError, ValueError)
    with pytest.raises(errors) as theirs:
        REFUSED[name](torch)
    with pytest.raises(errors, match=r"\w+.*\w+") as ours:
        REFUSED[name](mg)
    assert issubclass(theirs.type, ours.type), f"{ours.value!r} instead of {theirs.value!r}"


def test_a_refused_fill_changes_nothing():
    x = mg.ones(3)
    for fill in (lambda: x.normal_(0, -1), lambda: x.geometric_(2.0), lambda: x.random_(5, 1)):
        with pytest.raises(RuntimeError):
            fill()
    assert x.tolist() == [1, 1, 1]
    with pytest.raises(RuntimeError, match="devices"), mg.random.fork_rng(["cuda:0"]):
        pass
