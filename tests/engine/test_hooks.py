"""Hooks on tensors, and retained gradients."""

import pytest

from tests.support.leaves import BOTH, leaf, numbers


@BOTH
def test_tensor_hooks(m):
    x = leaf(m)
    seen = []
    h = x * 2
    first = h.register_hook(lambda g: seen.append(("h", numbers(g))))
    h.register_hook(lambda g: g * 10)
    h.register_hook(lambda g: seen.append(("h after", numbers(g))))
    x.register_hook(lambda g: seen.append(("x", numbers(g))))
    (h.sum() + (h * h).sum()).backward(retain_graph=True)
    assert seen == [("h", [5, 9, 13]), ("h after", [50, 90, 130]), ("x", [100, 180, 260])]
    first.remove()
    first.remove()
    seen.clear()
    assert numbers(m.autograd.grad(h.sum(), h)[0]) == [10, 10, 10]
    assert seen == [("h after", [10, 10, 10])]


@BOTH
def test_hooks_on_leaves_replace_what_accumulates(m):
    x = leaf(m)
    with x.register_hook(lambda g: g * 2):
        x.sum().backward()
    x.sum().backward()
    assert numbers(x.grad) == [3, 3, 3]
    with pytest.raises(RuntimeError, match="doesn't require gradient"):
        m.ones(2).register_hook(lambda g: g)


@BOTH
def test_a_hook_must_return_a_fitting_gradient(m):
    x = leaf(m)
    h = x * 1
    h.register_hook(lambda g: g[:2])
    with pytest.raises(RuntimeError, match="has changed the"):
        h.sum().backward()
    h = x * 1
    h.register_hook(lambda g: 3)
    with pytest.raises(TypeError):
        h.sum().backward()


@BOTH
def test_retained_gradients(m):
    x = leaf(m)
    h = x * 2
    h.retain_grad()
    assert h.retains_grad
    assert not x.retains_grad
    h.register_hook(lambda g: g * 3)
    (h * h).sum().backward()
    assert numbers(h.grad) == [12, 24, 36]
    assert numbers(x.grad) == [24, 48, 72]
    with pytest.raises(RuntimeError, match="requires_grad=False"):
        m.ones(2).retain_grad()


@BOTH
def test_retained_gradients_follow_an_in_place_change(m):
    x = leaf(m)
    h = x * 2
    h.retain_grad()
    h.mul_(5)
    h.sum().backward()
    assert numbers(h.grad) == [1, 1, 1]
    assert numbers(x.grad) == [10, 10, 10]


@BOTH
def test_post_accumulate_hooks(m):
    x = leaf(m)
    seen = []
    handle = x.register_post_accumulate_grad_hook(lambda p: seen.append(numbers(p.grad)))
    x.sum().backward()
    (x * 2).sum().backward()
    handle.remove()
    x.sum().backward()
    assert seen == [[1, 1, 1], [3, 3, 3]]
    with pytest.raises(RuntimeError, match="leaf"):
        (x * 2).register_post_accumulate_grad_hook(lambda p: None)
