"""Making tensors, on minigrad and on torch alike; random numbers by their statistics."""

import copy
import pickle

import numpy as np
import pytest
import torch
from against_torch import assert_same, outcome

import minigrad as mg

MADE = {
    "tensor of floats": lambda m: m.tensor([1, 2.5]),
    "tensor of ints": lambda m: m.tensor([[1, 2], [3, 4]]),
    "tensor of bools": lambda m: m.tensor([True, False]),
    "tensor of mixed": lambda m: m.tensor([True, 2]),
    "tensor of numpy": lambda m: m.tensor(np.arange(3, dtype=np.int16)),
    "tensor of numpy scalars": lambda m: m.tensor([np.float64(1), np.float64(2)]),
    "tensor of tensor": lambda m: m.as_tensor(m.tensor([1.0])),
    "tensor of nothing": lambda m: m.tensor([]),
    "tensor of rows": lambda m: m.tensor([[], []]),
    "tensor with dtype": lambda m: m.tensor([1, 2], dtype=m.float64),
    "tensor cast down": lambda m: m.tensor([1.7, -2.2], dtype=m.int64),
    "Tensor of sizes": lambda m: m.Tensor(2, 0),
    "Tensor of data": lambda m: m.Tensor([1, 2]),
    "zeros": lambda m: (m.zeros(2, 3), m.zeros((2,)), m.zeros([]), m.zeros(2, dtype=m.bool)),
    "ones": lambda m: (m.ones(2, 3), m.ones(3, dtype=m.int32)),
    "full": lambda m: (m.full((2,), 3), m.full((2, 1), 1.5), m.full((1,), True)),
    "full with dtype": lambda m: m.full((2,), 3, dtype=m.float64),
    "like": lambda m: (
        m.zeros_like(m.ones(2, dtype=m.int8)),
        m.ones_like(m.zeros(2, 3), dtype=m.float64),
        m.full_like(m.zeros(2), 7),
    ),
    "new": lambda m: (
        m.ones(1, dtype=m.float64).new_zeros(2, 3),
        m.ones(1).new_ones((2,), dtype=m.int64),
        m.ones(1, dtype=m.int8).new_tensor([1, 2]),
        m.ones(1).new_full((2,), 3),
    ),
    "arange": lambda m: (
        m.arange(5),
        m.arange(2, 8, 3),
        m.arange(1.0, 2.0, 0.25),
        m.arange(5, 0, -2),
        m.arange(0),
        m.arange(3, dtype=m.float32),
        m.arange(0, 1, 0.1),
    ),
    "linspace": lambda m: (m.linspace(0, 1, 5), m.linspace(3, -3, 4), m.linspace(2, 5, 1)),
    "eye": lambda m: (m.eye(3), m.eye(2, 3), m.eye(2, dtype=m.int64)),
    "meshgrid": lambda m: m.meshgrid(m.arange(2), m.arange(3), indexing="xy"),
    "meshgrid ij": lambda m: m.meshgrid(m.arange(2), m.arange(3), m.arange(2), indexing="ij"),
}


@pytest.mark.parametrize("name", MADE)
def test_as_torch_makes_it(name):
    assert_same(MADE[name](mg), MADE[name](torch))


REFUSED = {
    "ragged": (lambda m: m.tensor([[1], [1, 2]]), ValueError, "sequence"),
    "words": (lambda m: m.tensor("abc"), TypeError, None),
    "complex numbers": (lambda m: m.tensor([1j]).relu(), (TypeError, RuntimeError), None),
    "cuda": (lambda m: m.zeros(2, device="cuda"), (RuntimeError, AssertionError), "CUDA|CPU"),
    "cuda by to": (lambda m: m.zeros(2).to("cuda"), (RuntimeError, AssertionError), "CUDA|CPU"),
    "ints with grad": (
        lambda m: m.zeros(2, dtype=m.int64, requires_grad=True),
        RuntimeError,
        "float",
    ),
    "negative size": (lambda m: m.zeros(2, -1), RuntimeError, "negative"),
    "step 0": (lambda m: m.arange(0, 3, 0), RuntimeError, "step must be nonzero"),
    "step away": (lambda m: m.arange(0, 3, -1), RuntimeError, "inconsistent"),
    "steps": (lambda m: m.linspace(0, 1, -1), RuntimeError, "number of steps must be non-negative"),
    "indexing": (
        lambda m: m.meshgrid(m.arange(2), indexing="zz"),
        RuntimeError,
        "indexing must be",
    ),
    "from_numpy": (lambda m: m.from_numpy([1, 2]), TypeError, "expected np.ndarray"),
    "default dtype": (lambda m: m.set_default_dtype(m.int64), TypeError, "float"),
    "dtype": (lambda m: m.zeros(2, dtype="float32"), TypeError, "dtype"),
    "randint": (lambda m: m.randint(3, 3, (2,)), RuntimeError, "to be less than|less than"),
    "randperm": (lambda m: m.randperm(-1), RuntimeError, "n must be|negative"),
    "bernoulli": (lambda m: m.bernoulli(m.tensor([1.5])), RuntimeError, None),
    "normal": (lambda m: m.zeros(2).normal_(0, -1), RuntimeError, "std"),
    "uniform": (lambda m: m.zeros(2).uniform_(2, 1), RuntimeError, "from"),
    "multinomial": (lambda m: m.multinomial(m.tensor([1.0, 0.0]), 3), RuntimeError, None),
    "rand of ints": (
        lambda m: m.randn(2, dtype=m.int64),
        (RuntimeError, NotImplementedError),
        None,
    ),
    "unknown state": (lambda m: m.set_rng_state(m.zeros(3)), (RuntimeError, TypeError), None),
}


@pytest.mark.parametrize("m", [mg, torch], ids=["minigrad", "torch"])
@pytest.mark.parametrize("name", REFUSED)
def test_refused(name, m):
    make, error, message = REFUSED[name]
    with pytest.raises(error, match=message):
        make(m)


# --- shared memory --------------------------------------------------------------------------


def test_numpy_shares_memory():
    array = np.zeros(3)
    for tensor in (mg.from_numpy(array), mg.as_tensor(array), mg.asarray(array)):
        tensor[0] += 1
        assert tensor.numpy() is array
        assert np.asarray(tensor) is array
    assert array[0] == 3
    mg.tensor(array)[1] = 5
    assert array[1] == 0
    assert np.asarray(mg.ones(2), dtype=np.int64).tolist() == [1, 1]
    assert mg.from_numpy(array[::-1])[0].item() == array[2]
    with pytest.raises(RuntimeError, match="requires grad"):
        mg.ones(2, requires_grad=True).numpy()
    assert mg.ones(2, requires_grad=True).numpy(force=True).tolist() == [1, 1]


def test_dlpack_shares_memory():
    array = np.arange(6.0).reshape(2, 3)
    ours = mg.from_dlpack(array)
    theirs = torch.from_dlpack(ours)
    theirs[0, 0] = 42
    assert array[0, 0] == 42
    back = mg.from_dlpack(theirs.T)
    back[2, 1] = -1
    assert array[1, 2] == -1
    assert np.from_dlpack(back)[2, 1] == -1
    for dtype in (torch.int64, torch.bool, torch.uint8, torch.float16):
        assert_same(mg.from_dlpack(torch.ones(2, dtype=dtype)), torch.ones(2, dtype=dtype))


def test_numpy_leaves_arithmetic_to_tensors():
    for product in (
        np.float64(2) * mg.ones(3),
        np.float32(2) * mg.ones(3),
        np.int64(2) * mg.ones(3),
    ):
        assert isinstance(product, mg.Tensor)
        assert product.dtype is mg.float32


# --- copies ---------------------------------------------------------------------------------


def test_copies_and_pickles():
    x = mg.tensor([[1.0, 2.0]], requires_grad=True)
    (x * 3).sum().backward()
    for twin in (copy.deepcopy(x), pickle.loads(pickle.dumps(x)), copy.copy(x)):
        assert twin.tolist() == [[1.0, 2.0]]
        assert twin.requires_grad
        assert twin.is_leaf
    deep = copy.deepcopy(x)
    deep.grad.zero_()
    with mg.no_grad():
        deep.zero_()
    assert x.grad.tolist() == [[3.0, 3.0]]
    assert x.tolist() == [[1.0, 2.0]]
    twice = copy.deepcopy([x, x])
    assert twice[0] is twice[1]
    strided = mg.arange(6).reshape(2, 3).T
    assert pickle.loads(pickle.dumps(strided)).tolist() == strided.tolist()
    assert copy.deepcopy(mg.float32) is mg.float32
    with pytest.raises(RuntimeError, match="leaves"):
        copy.deepcopy(x * 2)


def test_default_dtype():
    try:
        for m in (mg, torch):
            m.set_default_dtype(m.float64)
        assert mg.get_default_dtype() is mg.float64
        for make in (
            lambda m: m.zeros(2),
            lambda m: m.tensor([1.5]),
            lambda m: m.arange(0, 1, 0.5),
            lambda m: m.tensor([1]) / 2,
            lambda m: m.tensor([1]) * 2.0,
        ):
            assert_same(make(mg), make(torch))
        assert mg.rand(2).dtype is mg.float64
    finally:
        for m in (mg, torch):
            m.set_default_dtype(m.float32)


# --- random numbers -------------------------------------------------------------------------

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
}


@pytest.mark.parametrize("name", DRAWS)
def test_distributions(name):
    mg.manual_seed(3)
    draw, mean, deviation = DRAWS[name]
    drawn = draw().double()
    assert abs(drawn.mean().item() - mean) < 5 * deviation / 20000**0.5
    assert drawn.std().item() == pytest.approx(deviation, rel=0.05)


def test_multinomial_and_permutations():
    weights = mg.tensor([[0.0, 1.0, 3.0], [1.0, 0.0, 0.0]])
    picks = mg.multinomial(weights, 4000, replacement=True)
    assert tuple(picks.shape) == (2, 4000)
    share = (picks[0] == 2).double().mean().item()
    assert share == pytest.approx(0.75, abs=0.05)
    assert (picks[1] == 0).all()
    assert sorted(mg.multinomial(mg.ones(5), 5).tolist()) == [0, 1, 2, 3, 4]
    assert sorted(mg.randperm(9).tolist()) == list(range(9))


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


def test_errors_and_results_of_sizes_agree():
    for sizes in ((), (0,), (2, 3), ([2, 3],), ((1,),)):
        if sizes:
            assert_same(outcome(mg, lambda m, *s: m.zeros(*s), *sizes), torch.zeros(*sizes))
