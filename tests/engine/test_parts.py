"""Cotangents of parts of a tensor, which are added up in place."""

import numpy as np
import pytest
import torch

import minigrad as mg
from minigrad.ops.indexing import getitem as indexing

READERS = {
    "steps": lambda lib, x: [x[:, t] for t in range(4)],
    "overlapping slices": lambda lib, x: [x[0:2], x[1:3, ..., 1:], x[:, ::2], x[None, 2]],
    "unbind": lambda lib, x: x.unbind(1),
    "split": lambda lib, x: x.split(2, 1),
    "chunk of a permutation": lambda lib, x: x.permute(2, 0, 1).chunk(5),
    "select and narrow": lambda lib, x: [x.select(0, -1), x.narrow(2, 1, 3), x[1, 2, 3]],
    "indices that repeat": lambda lib, x: [x[lib.tensor([2, 0, 2])], x[0, lib.tensor([1, 1])]],
    "masks": lambda lib, x: [x[lib.tensor([True, False, True])], x[x > 0]],
    "parts and the whole": lambda lib, x: [x[0], x, x[1], x * 3, x[2]],
    "the whole first": lambda lib, x: [x, x[0], x.exp(), x[0]],
    "parts of parts": lambda lib, x: [x[0][1], x[0][1:][0], x[0].unbind(1)[2], x[0, 1, 2]],
}


def gradients(library, read, dtype, intermediate, create_graph=False):
    """Of the sum of squares of all parts, by a leaf, or by what follows from one."""
    start = np.random.default_rng(0).normal(size=(3, 4, 5))
    leaf = library.from_numpy(start).to(getattr(library, dtype)).requires_grad_()
    whole = leaf * 2 if intermediate else leaf
    loss = sum((i + 1) * (part * part).sum() for i, part in enumerate(read(library, whole)))
    (g,) = library.autograd.grad(loss, leaf, create_graph=create_graph)
    if create_graph:
        (again,) = library.autograd.grad((g * g).sum(), leaf)
        return [g.detach().numpy(), again.numpy()]
    loss = sum((i + 1) * (part * part).sum() for i, part in enumerate(read(library, leaf)))
    loss.backward()
    loss = sum(part.sum() for part in read(library, leaf))
    loss.backward()
    return [g.numpy(), leaf.grad.numpy()]


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("intermediate", [False, True])
@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_gradients_are_torch_s(read, intermediate, create_graph):
    ours = gradients(mg, read, "float64", intermediate, create_graph)
    theirs = gradients(torch, read, "float64", intermediate, create_graph)
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-12, atol=1e-12)


def test_a_sequence_read_step_by_step_makes_one_array_of_its_size(monkeypatch):
    made = []

    def counted(cotangent, **settings):
        made.append(settings["index"])
        return original(cotangent, **settings)

    original = indexing.getitem_backward
    monkeypatch.setattr(indexing, "getitem_backward", counted)
    x = mg.rand(3, 50, 4, requires_grad=True)
    sum((x[:, t] * t).sum() for t in range(50)).backward()
    assert len(made) == 1
    assert x.grad[0, :, 0].tolist() == list(range(50))


def test_what_others_hold_stays_as_it_is():
    """The gradients that hooks and retain_grad have seen are not added into."""
    x = mg.ones(3, requires_grad=True)
    y = x * 1
    y.retain_grad()
    seen = []
    first = y[0]
    first.register_hook(seen.append)
    start = mg.ones(3)
    mg.autograd.backward([y, first, y[1], y[1]], [start, *mg.ones(3).unbind()])
    assert start.tolist() == [1, 1, 1]
    assert seen[0].item() == 1
    assert y.grad.tolist() == x.grad.tolist() == [2, 3, 1]


def test_hooks_of_nodes_see_every_part():
    x = mg.ones(3, requires_grad=True)
    parts = (x * 1).unbind()
    seen = []
    for part in parts:
        part.grad_fn.register_hook(lambda into, out: seen.append(into[0].tolist()))
    sum(parts).backward()
    assert sorted(seen) == [[0, 0, 1], [0, 1, 0], [1, 0, 0]]
