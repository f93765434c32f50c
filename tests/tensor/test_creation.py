"""Making tensors, on minigrad and on torch alike."""

import copy
import pickle

import numpy as np
import pytest
import torch

import minigrad as mg
from tests.support.against_torch import assert_same, outcome

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
    "sizes by name": lambda m: (
        m.zeros(size=(2, 3)),
        m.ones(size=(0,)),
        m.full(size=(1,), fill_value=2),
    ),
    "full of a tensor": lambda m: (m.full((2,), m.tensor(3.5)), m.full((), 1), m.full((2, 0), 1)),
    "scalar_tensor": lambda m: (m.scalar_tensor(3), m.scalar_tensor(True, dtype=m.int8)),
    "placed": lambda m: m.zeros(
        2, device="cpu", layout=m.strided, pin_memory=False, requires_grad=True
    ),
    "like, placed": lambda m: m.ones_like(
        m.zeros(2, 1), device=m.device("cpu"), memory_format=m.contiguous_format, layout=m.strided
    ),
    "arange of tensors": lambda m: (m.arange(m.tensor(3)), m.arange(m.tensor(0.5), 2, m.tensor(1))),
    "asarray": lambda m: (
        m.asarray([1, 2], dtype=m.float64),
        m.asarray(np.ones(2), copy=True),
        m.asarray(2.5, requires_grad=True),
    ),
    "frombuffer": lambda m: m.frombuffer(bytearray(b"abcdefgh"), dtype=m.int16, count=2, offset=2),
    "logspace": lambda m: (
        m.logspace(0, 2, 5),
        m.logspace(3, -3, 4, base=2),
        m.logspace(1, 2, 1),
        m.logspace(0, 2, 3, dtype=m.int64),
        m.logspace(0, 1, 0),
    ),
    "linspace of integers": lambda m: (
        m.linspace(0, 10, 4, dtype=m.int64),
        m.linspace(-5, 5, 4, dtype=m.int32),
    ),
    "linspace of tensors": lambda m: m.linspace(m.tensor(0.5), m.tensor(2), 3, dtype=m.float64),
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
    "range": (lambda m: m.arange(float("nan")), RuntimeError, "range"),
    "eye": (lambda m: m.eye(-1), RuntimeError, "greater or equal to 0"),
    "full of words": (lambda m: m.full((2,), "a"), TypeError, "umber"),
    "full negative": (lambda m: m.full((-1,), 3), RuntimeError, "negative"),
    "sizes that are broken": (lambda m: m.zeros(2.5), TypeError, None),
    "sizes in words": (lambda m: m.ones("a"), TypeError, None),
    "too large": (lambda m: m.zeros(10**12, 10**4), RuntimeError, "memory"),
    "larger still": (lambda m: m.empty(2**62, 4), RuntimeError, None),
    "unknown option": (lambda m: m.zeros(2, colour="red"), TypeError, "colour"),
    "logspace": (lambda m: m.logspace(0, 1, -1), RuntimeError, "steps must be non-negative"),
    "asarray": (lambda m: m.asarray([1, 2], copy=False), ValueError, None),
    "indexing": (
        lambda m: m.meshgrid(m.arange(2), indexing="zz"),
        RuntimeError,
        "indexing must be",
    ),
    "from_numpy": (lambda m: m.from_numpy([1, 2]), TypeError, "expected np.ndarray"),
    "default dtype": (lambda m: m.set_default_dtype(m.int64), TypeError, "float"),
    "dtype": (lambda m: m.zeros(2, dtype="float32"), TypeError, "dtype"),
}


@pytest.mark.parametrize("m", [mg, torch], ids=["minigrad", "torch"])
@pytest.mark.parametrize("name", REFUSED)
def test_refused(name, m):
    make, error, message = REFUSED[name]
    with pytest.raises(error, match=message):
        make(m)


ABSENT = {
    "complex32": lambda: mg.zeros(2, dtype=mg.complex32),
    "complex32 by to": lambda: mg.zeros(2).to(mg.chalf),
    "bfloat16": lambda: mg.tensor([1.0], dtype=mg.bfloat16),
    "sparse layout": lambda: mg.zeros(2, layout=mg.sparse_coo),
    "sparse tensor": lambda: mg.sparse_coo_tensor(mg.zeros(1, 1), mg.ones(1)),
    "quantized": lambda: mg.rand(2, dtype=mg.quint8),
    "quantize": lambda: mg.quantize_per_tensor(mg.ones(2), 0.1, 0, mg.qint8),
    "8-bit floats": lambda: mg.ones(2).to(mg.float8_e5m2),
    "bits": lambda: mg.empty(2, dtype=mg.bits8),
    "jagged layout": lambda: mg.zeros(2, layout=mg.jagged),
    "default dtype": lambda: mg.set_default_dtype(mg.bfloat16),
}


@pytest.mark.parametrize("name", ABSENT)
def test_what_is_left_out_is_refused_in_words(name):
    with pytest.raises(NotImplementedError, match=r"^minigrad\.\w+: .+; .+"):
        ABSENT[name]()


def test_asarray_shares_or_copies():
    array = np.zeros(2)
    assert mg.asarray(array, copy=False).array is array
    assert not np.may_share_memory(mg.asarray(array, copy=True).array, array)
    tensor = mg.zeros(2)
    mg.asarray(tensor)[0] = 1
    assert tensor[0].item() == 1
    with pytest.raises(ValueError, match="copy=False"):
        mg.asarray(array, dtype=mg.float32, copy=False)


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


def test_errors_and_results_of_sizes_agree():
    for sizes in ((), (0,), (2, 3), ([2, 3],), ((1,),)):
        if sizes:
            assert_same(outcome(mg, lambda m, *s: m.zeros(*s), *sizes), torch.zeros(*sizes))
