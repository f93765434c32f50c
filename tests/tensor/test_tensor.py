"""Tensor's methods, attributes and errors, on minigrad and on torch alike."""

import copy

import numpy as np
import pytest
import torch

import minigrad as mg
from tests.support.against_torch import assert_same

BOTH = pytest.mark.parametrize("m", [mg, torch], ids=["minigrad", "torch"])


def matrix(m):
    return m.arange(6, dtype=m.float32).reshape(2, 3)


ATTRIBUTES = {
    "shape": lambda m, x: (tuple(x.shape), tuple(x.size()), x.size(-1), x.dim(), x.ndim),
    "numel": lambda m, x: (x.numel(), x.nelement(), len(x), x.element_size(), x.nbytes, x.itemsize),
    "stride": lambda m, x: (x.stride(), x.T.stride(), x.stride(0), x[:, ::2].stride()),
    "contiguous": lambda m, x: (
        x.is_contiguous(),
        x.T.is_contiguous(),
        x.T.contiguous().is_contiguous(),
    ),
    "flags": lambda m, x: (
        x.is_floating_point(),
        x.is_complex(),
        x.is_cuda,
        x.is_leaf,
        x.requires_grad,
    ),
    "device": lambda m, x: (str(x.device), x.device.type, x.device == m.device("cpu")),
    "dtype": lambda m, x: (x.dtype == m.float32, x.dtype.is_floating_point, x.dtype.itemsize),
    "numbers": lambda m, x: (
        x.tolist(),
        x[0, 1].item(),
        float(x[1, 0]),
        int(x[1, 2]),
        bool(x[0, 0]),
    ),
    "index": lambda m, x: (
        [10, 20, 30][m.tensor(1)],
        list(range(m.tensor(3))),
        "abc"[m.tensor([2])],
    ),
    "contains": lambda m, x: (3.0 in x, 9 in x, m.tensor(2) in x),
    "equality with None": lambda m, x: (x == None, x != None, x is None),  # noqa: E711
    "iteration": lambda m, x: [row.tolist() for row in x],
    "versions": lambda m, x: (x._version, x.add_(1)._version, x[0].mul_(2)._version, x._version),
    "hash": lambda m, x: (x in {x}, len({x, x, x.clone()})),
    "identities": lambda m, x: (+x is x, x.to(m.float32) is x, x.cpu() is x, x.float() is x),
    "copies": lambda m, x: (
        x.to(m.float32, copy=True) is x,
        x.contiguous().data_ptr() == x.data_ptr(),
    ),
    "views": lambda m, x: (x.view(-1).data_ptr() == x.data_ptr(), x[1:].data_ptr() - x.data_ptr()),
}


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_attributes(name):
    assert ATTRIBUTES[name](mg, matrix(mg)) == ATTRIBUTES[name](torch, matrix(torch))


CASTS = {
    "names": lambda m, x: (x.float(), x.double(), x.half(), x.int(), x.long(), x.bool()),
    "to": lambda m, x: (x.to(m.int8), x.to("cpu"), x.to("cpu", m.float64), x.to(m.zeros(1).long())),
    "keywords": lambda m, x: (x.to(dtype=m.uint8), x.to(device="cpu", dtype=m.float64)),
    "type_as": lambda m, x: x.type_as(m.zeros(1, dtype=m.int16)),
    "truncation": lambda m, x: (m.tensor([1.7, -1.7]).long(), m.tensor([0.0, 0.5]).bool()),
    "round trip": lambda m, x: x.long().float() / 2,
}


@pytest.mark.parametrize("name", CASTS)
def test_casts(name):
    assert_same(CASTS[name](mg, matrix(mg)), CASTS[name](torch, matrix(torch)))


REFUSED = {
    "item of many": (lambda m, x: x.item(), RuntimeError, "6 elements cannot be converted"),
    "truth of many": (lambda m, x: bool(x), RuntimeError, "Boolean value of Tensor"),
    "truth of none": (lambda m, x: bool(x[:0]), RuntimeError, "Boolean value of Tensor with no"),
    "len of 0-d": (lambda m, x: len(x[0, 0]), TypeError, "len\\(\\) of a 0-d tensor"),
    "iteration over 0-d": (lambda m, x: list(x[0, 0]), TypeError, "iteration over a 0-d tensor"),
    "float as index": (lambda m, x: [1, 2][x[0, 1]], TypeError, "only integer tensors"),
    "dim": (lambda m, x: x.sum(2), IndexError, "Dimension out of range"),
    "negative dim": (lambda m, x: x.softmax(-3), IndexError, "Dimension out of range"),
    "size": (lambda m, x: x.size(5), IndexError, "Dimension out of range"),
    "twice the same dim": (lambda m, x: x.sum((0, 0)), RuntimeError, "appears|multiple times"),
    "index": (lambda m, x: x[2], IndexError, "out of bounds|out of range"),
    "index of index": (lambda m, x: x[m.tensor([0, 5])], IndexError, "out of (bounds|range)"),
    "too many indices": (lambda m, x: x[0, 0, 0], IndexError, "too many indices"),
    "float index": (lambda m, x: x[m.tensor([0.5])], IndexError, "tensors used as indices must be"),
    "word index": (lambda m, x: x["a"], (IndexError, TypeError), None),
    "backward step": (lambda m, x: x[::-1], ValueError, "step must be greater than zero"),
    "reshape": (lambda m, x: x.reshape(4), RuntimeError, "invalid for input of size 6"),
    "two unknowns": (
        lambda m, x: x.reshape(-1, -1),
        RuntimeError,
        "only one dimension can be inferred",
    ),
    "view": (lambda m, x: x.T.view(-1), RuntimeError, "view"),
    "expand": (lambda m, x: x.expand(4, 3), RuntimeError, "expand"),
    "permute": (lambda m, x: x.permute(0, 0), RuntimeError, "permute|repeated|duplicate|once"),
    "broadcast": (lambda m, x: x + m.ones(2), RuntimeError, "\\(?3|broadcast"),
    "matmul": (lambda m, x: x @ x, RuntimeError, "shapes cannot be multiplied"),
    "matmul of 0-d": (lambda m, x: x @ m.tensor(1.0), RuntimeError, "at least 1D"),
    "matmul dtypes": (lambda m, x: x @ x.double().T, RuntimeError, "same dtype"),
    "mm": (lambda m, x: m.mm(x, x[0]), RuntimeError, "mat2|must be a matrix"),
    "bmm": (lambda m, x: m.bmm(x[None], m.ones(2, 3, 1)), RuntimeError, "batch|size"),
    "cat of nothing": (lambda m, x: m.cat([]), (RuntimeError, ValueError), "non-empty"),
    "cat": (lambda m, x: m.cat([x, x.T]), RuntimeError, "Sizes|sizes"),
    "stack": (lambda m, x: m.stack([x, x[0]]), RuntimeError, "equal size"),
    "split": (lambda m, x: x.split([1, 1], 1), RuntimeError, "split_with_sizes expects"),
    "chunk": (lambda m, x: x.chunk(0), RuntimeError, "greater than 0"),
    "narrow": (lambda m, x: x.narrow(0, 1, 5), RuntimeError, "start"),
    "gather": (lambda m, x: x.gather(1, m.tensor([[7]])), RuntimeError, "out of bounds"),
    "gather dtype": (lambda m, x: x.gather(1, m.tensor([[0.0]])), RuntimeError, "int64|Long"),
    "mean of ints": (lambda m, x: x.long().mean(), RuntimeError, "could not infer output dtype"),
    "max of nothing": (lambda m, x: x[:0].amax(0), (IndexError, RuntimeError), None),
    "argmax of nothing": (lambda m, x: x[:0].argmax(), (IndexError, RuntimeError), None),
    "clamp": (lambda m, x: x.clamp(), (RuntimeError, ValueError), "[Aa]t least one of"),
    "negative power": (lambda m, x: x.long() ** -1, RuntimeError, "negative integer powers"),
    "zero division": (lambda m, x: x.long() // 0, RuntimeError, "ZeroDivisionError"),
    "bits of floats": (lambda m, x: x & x, (RuntimeError, NotImplementedError), None),
    "ordering with words": (lambda m, x: x < "a", TypeError, None),
    "adding None": (lambda m, x: x + None, TypeError, None),
    "unknown argument": (lambda m, x: m.sum(x, axes=3), TypeError, None),
    "missing argument": (lambda m, x: m.mul(x), TypeError, None),
    "where": (lambda m, x: m.where(x, x, x), RuntimeError, "condition to be a boolean"),
    "masked_fill": (lambda m, x: x.masked_fill(x, 1.0), RuntimeError, "boolean masks"),
    "assignment": (lambda m, x: x.__setitem__(0, m.ones(2)), RuntimeError, "shape|expand"),
    "fill_": (lambda m, x: x.fill_(m.ones(2)), RuntimeError, "0-dimension"),
    "t": (lambda m, x: x[None].t(), RuntimeError, "expects a tensor with <= 2 dimensions"),
    "cuda": (lambda m, x: x.cuda(), (RuntimeError, AssertionError), None),
    "data": (lambda m, x: setattr(x, "data", 3), TypeError, None),
    "nan to bincount": (lambda m, x: m.bincount(x), RuntimeError, None),
}


@BOTH
@pytest.mark.parametrize("name", REFUSED)
def test_refused(name, m):
    make, error, message = REFUSED[name]
    x = matrix(m)
    with pytest.raises(error, match=message):
        make(m, x)
    assert x.tolist() == [[0, 1, 2], [3, 4, 5]]


@BOTH
def test_data_is_outside_the_graph(m):
    x = m.ones(2, requires_grad=True)
    x.data.mul_(3)
    assert x.tolist() == [3, 3]
    assert not x.data.requires_grad
    x.data = m.zeros(3)
    assert x.requires_grad
    assert tuple(x.shape) == (3,)


@BOTH
def test_max_and_min_have_fields(m):
    result = matrix(m).max(1)
    assert result.values.tolist() == [2, 5]
    assert result.indices.tolist() == [2, 2]
    values, indices = matrix(m).min(dim=0)
    assert (values.tolist(), indices.tolist()) == ([0, 1, 2], [0, 0, 0])


@BOTH
def test_in_place_returns_the_tensor_itself(m):
    x = matrix(m)
    before = x
    x += 1
    x -= 0.5
    x *= 2
    x /= 4
    x **= 2
    x //= 0.1
    x %= 3
    assert x is before
    assert x.add_(1).mul_(2).zero_().fill_(3).clamp_(max=2.5) is before
    assert x.tolist() == [[2.5] * 3] * 2
    flags = m.tensor([True, False])
    same = flags
    flags &= m.tensor([True, True])
    flags |= m.tensor([False, True])
    flags ^= m.tensor([True, False])
    assert flags is same
    assert flags.tolist() == [False, True]


def test_numpy_scalars_stand_for_numbers():
    x = mg.ones(2)
    for scalar in (np.float64(2), np.float32(2), np.int8(2)):
        assert (x * scalar).dtype is mg.float32
        assert (scalar - x).tolist() == [1, 1]
    with pytest.raises(TypeError, match=r"mul\(\): argument 'other' \(position 2\) must be Tensor"):
        x.mul("2")
    with pytest.raises(TypeError, match=r"exp\(\)"):
        mg.exp(3.0)


def test_results_of_a_subclass_are_of_the_subclass():
    class Mine(mg.Tensor):
        pass

    assert type(Mine([1.0]) * 2) is Mine


def test_a_deep_copy_of_a_subclass_keeps_class_and_attributes():
    class Mine(mg.Tensor):
        tag: list[int]

    mine = Mine([1.0])
    mine.tag = [1]
    copied = copy.deepcopy(mine)
    assert type(copied) is Mine
    assert copied.tag == [1]
    assert copied.tag is not mine.tag
