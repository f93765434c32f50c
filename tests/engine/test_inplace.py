"""In-place changes, views and leaves: what the graph notices and what it refuses."""

import numpy as np
import pytest
import torch

import minigrad as mg
from tests.support.leaves import BOTH, leaf, numbers


@BOTH
def test_a_leaf_that_requires_grad_cannot_change(m):
    x = leaf(m)
    for change in (
        lambda: x.add_(1),
        lambda: x.__setitem__(0, 1.0),
        lambda: x[0].mul_(2),
        x.zero_,
        lambda: x.view(-1).normal_(),
    ):
        with pytest.raises(RuntimeError, match="leaf Variable that requires grad"):
            change()
    assert numbers(x) == [1, 2, 3]
    with m.no_grad():
        x.add_(1)
        x[0] = 7
    assert numbers(x) == [7, 3, 4]


STALE = {
    "mul": (lambda h: h * h, "mul"),
    "output": (lambda h: h.exp(), "exp"),
    "view": (lambda h: h[1:] * 2.0 * h[1:], "mul"),
}


@pytest.mark.parametrize("name", STALE)
def test_stale_values_are_refused_naming_the_operation(name):
    function, operation = STALE[name]
    x = leaf(mg)
    h = x * 1
    out = function(h)
    (out if name == "output" else h).add_(1)
    with pytest.raises(
        RuntimeError, match=rf"modified by an inplace operation: .* of {operation}\("
    ):
        out.sum().backward()
    theirs = leaf(torch)
    h = theirs * 1
    out = function(h)
    (out if name == "output" else h).add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        out.sum().backward()


def test_changes_under_no_grad_through_views_and_aliases_count_too():
    for alias in (lambda h: h.detach(), lambda h: h[0], lambda h: h.view(-1), lambda h: h):
        x = leaf(mg)
        h = x * 1
        out = (h * h).sum()
        with mg.no_grad():
            alias(h).add_(1)
        with pytest.raises(RuntimeError, match="inplace"):
            out.backward()
    x = leaf(mg)
    h = x * 1
    out = (h * h).sum()
    h.data.add_(1)  # by torch's word unseen
    out.backward()


@BOTH
def test_views_taken_before_a_change_follow_it(m):
    x, w = leaf(m), leaf(m)
    h = x * 1
    v = h[1:]
    whole = h.view(3, 1)
    h.mul_(w)
    (v * v).sum().backward(retain_graph=True)
    assert numbers(x.grad) == [0, 16, 54]
    assert numbers(w.grad) == [0, 16, 54]
    x.grad = w.grad = None
    whole.sum().backward()
    assert numbers(x.grad) == [1, 2, 3]
    buffer = m.zeros(3, dtype=m.float64)
    row = buffer[0]
    buffer.add_(w)
    assert row.sum().requires_grad
    w.grad = None
    row.backward()
    assert numbers(w.grad) == [1, 0, 0]


@BOTH
def test_changing_a_view_changes_its_base(m):
    x, w = leaf(m), leaf(m)
    h = x * 1
    h[0].mul_(w[2])
    h[1:] *= 10
    h.sum().backward()
    assert numbers(x.grad) == [3, 10, 10]
    assert numbers(w.grad) == [0, 0, 1]


@BOTH
def test_a_change_through_a_view_of_transposed_memory(m):
    x = leaf(m)
    h = m.from_numpy(np.ones((3, 2)).T)
    h[0].mul_(x)
    assert h.tolist() == [x.tolist(), [1, 1, 1]]
    (h * 2).sum().backward()
    assert numbers(x.grad) == [2, 2, 2]


@BOTH
def test_overwritten_values_have_no_gradient(m):
    x = leaf(m)
    h = x * 2
    h.zero_()
    h[1] = 5.0
    assert h.requires_grad
    h.sum().backward()
    assert numbers(x.grad) == [0, 0, 0]


@BOTH
def test_in_place_refuses_what_does_not_fit(m):
    h = m.ones(3)
    with pytest.raises(RuntimeError, match="broadcast"):
        h.add_(m.ones(2, 3))
    with pytest.raises(RuntimeError, match="can't be cast"):
        m.ones(3, dtype=m.int64).add_(1.5)
    with pytest.raises(RuntimeError, match="single memory location"):
        m.ones(1).expand(3).add_(1)
    with pytest.raises(RuntimeError):
        h[:2] = m.ones(3)
    assert numbers(h) == [1, 1, 1]


@BOTH
def test_detach(m):
    x = leaf(m)
    d = x.detach()
    assert not d.requires_grad
    d[0] = 9.0
    assert numbers(x) == [9, 2, 3]
    h = x * 2
    h.detach_()
    assert h.is_leaf
    assert not h.requires_grad
    with pytest.raises(RuntimeError, match="detach views in-place"):
        (x * 2)[0].detach_()


@BOTH
def test_requires_grad_rules(m):
    with pytest.raises(RuntimeError, match="floating point"):
        m.tensor([1, 2], requires_grad=True)
    with pytest.raises(RuntimeError, match="floating point"):
        m.tensor([1, 2]).requires_grad_()
    x = leaf(m)
    h = x * 2
    with pytest.raises(RuntimeError, match="leaf variables"):
        h.requires_grad_(False)
    with pytest.raises(RuntimeError, match="leaf variables"):
        h.requires_grad = False
    x.requires_grad_(False)
    assert (x * 2).is_leaf
    assert not (x * 2).requires_grad
    with pytest.raises(RuntimeError, match="grad"):
        x.sum().backward()


@BOTH
def test_an_assigned_grad_must_fit(m):
    x = leaf(m)
    with pytest.raises(RuntimeError):
        x.grad = m.ones(2, dtype=m.float64)
    with pytest.raises(RuntimeError):
        x.grad = m.ones(3, dtype=m.float32)
    with pytest.raises(TypeError):
        x.grad = 3.0
    x.grad = m.ones(3, dtype=m.float64)
    x.sum().backward()
    assert numbers(x.grad) == [2, 2, 2]
