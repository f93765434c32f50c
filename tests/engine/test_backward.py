"""The backward pass: accumulation, freeing, chosen inputs, depth, memory, threads."""

import gc
import tracemalloc
import weakref

import numpy as np
import pytest

import minigrad as mg
from tests.support.against_torch import compare
from tests.support.leaves import BOTH, leaf, numbers
from tests.support.threads import in_threads

# --- accumulation ---------------------------------------------------------------------------


@BOTH
def test_gradients_add_up(m):
    x = leaf(m)
    (x * x).sum().backward()
    (3 * x).sum().backward()
    assert numbers(x.grad) == [5.0, 7.0, 9.0]
    kept = x.grad
    (x * 1).sum().backward()
    assert x.grad is kept
    x.grad = None
    x.sum().backward()
    assert numbers(x.grad) == [1.0, 1.0, 1.0]


@BOTH
def test_diamonds(m):
    x = leaf(m)
    a = x * 2
    b, c = a.exp(), a * a
    (b * c + a + x).sum().backward()
    expected = (np.exp(2 * np.r_[1:4]) * (8 * np.r_[1:4] ** 2 + 8 * np.r_[1:4])) + 3
    np.testing.assert_allclose(numbers(x.grad), expected, 1e-12)


SHARED_GRADIENTS = {
    "both summands": lambda x, y: (x + y).sum(),
    "identity": lambda x, y: (x.view(3) + y.reshape(3)).sum(),
    "repeated": lambda x, y: (x + x + y).sum(),
    "contiguous": lambda x, y: (x.contiguous() + y.contiguous()).sum(),
    "cast": lambda x, y: (x.double() + y.to("cpu")).sum(),
    "cat": lambda x, y: mg.cat([x, y]).sum(),
    "transpose of one": lambda x, y: (x.transpose(0, 0) + y.swapaxes(0, 0)).sum(),
}


@pytest.mark.parametrize("case", SHARED_GRADIENTS)
def test_gradients_never_share_memory(case):
    x, y = leaf(mg), leaf(mg)
    function = SHARED_GRADIENTS[case]
    start = mg.tensor(1.0, dtype=mg.float64)
    function(x, y).backward(start)
    start.fill_(7)
    x_before = numbers(x.grad)
    y.grad.mul_(100)
    assert numbers(x.grad) == x_before
    gx, gy, gx_again = mg.autograd.grad(function(x, y), [x, y, x])
    gy.zero_()
    gx_again.fill_(-1)
    assert numbers(gx) == x_before


def test_a_given_cotangent_is_not_taken_over():
    x = leaf(mg)
    g = mg.ones(3, dtype=mg.float64)
    x.backward(g)
    x.backward(g)
    assert numbers(g) == [1, 1, 1]
    assert numbers(x.grad) == [2, 2, 2]
    (found,) = mg.autograd.grad(x, x, g)
    found.zero_()
    assert numbers(g) == [1, 1, 1]


def test_graph_of_the_gradient_survives_accumulation():
    x = leaf(mg)
    (x**3).sum().backward(create_graph=True)
    first = x.grad
    (x**2).sum().backward(create_graph=True)
    (second,) = mg.autograd.grad(first.sum(), x)
    assert numbers(second) == [6.0, 12.0, 18.0]


# --- freeing --------------------------------------------------------------------------------


@BOTH
def test_a_second_backward_is_refused(m):
    x = leaf(m)
    y = (x * x).sum()
    y.backward()
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        y.backward()
    z = (x * x).exp().sum()
    z.backward(retain_graph=True)
    z.backward()
    with pytest.raises(RuntimeError, match="a second time"):
        z.backward()
    w = (x + 1).sum()  # nothing kept: can be walked again, in torch too
    w.backward()
    w.backward()


def test_values_are_freed_as_backward_goes():
    x = leaf(mg)
    a = x.exp()
    b = a * x
    kept = weakref.ref(a)
    del a
    c = b.sum()
    del b
    assert kept() is not None  # by the product
    c.backward()
    assert kept() is None


# --- grad() and backward(inputs=) -----------------------------------------------------------


@BOTH
def test_grad_leaves_grad_alone(m):
    x, y = leaf(m), leaf(m)
    (gx,) = m.autograd.grad((x * y).sum(), x)
    assert numbers(gx) == [1, 2, 3]
    assert x.grad is None
    assert y.grad is None


@BOTH
def test_unused_inputs(m):
    x, y = leaf(m), leaf(m)
    with pytest.raises(RuntimeError, match="appears to not have been used in the graph"):
        m.autograd.grad(x.sum(), [x, y])
    assert m.autograd.grad(x.sum(), [x, y], allow_unused=True)[1] is None
    zeros = m.autograd.grad(x.sum(), [x, y], materialize_grads=True)[1]
    assert numbers(zeros) == [0, 0, 0]
    with pytest.raises(ValueError, match="Expected allow_unused to be True"):
        m.autograd.grad(x.sum(), [x, y], materialize_grads=True, allow_unused=False)


@BOTH
def test_grad_with_respect_to_what_lies_between(m):
    x = leaf(m)
    y = x * 2
    z = y * y
    gy, gx, gz = m.autograd.grad(z.sum(), [y, x, z])
    assert [numbers(g) for g in (gy, gx, gz)] == [[4, 8, 12], [8, 16, 24], [1, 1, 1]]


@BOTH
def test_grad_outputs(m):
    x = leaf(m)
    g = m.autograd.grad([x * 2, x**2], x, [m.ones(3).double(), m.ones(3).double() * 3])[0]
    assert numbers(g) == [8, 14, 20]
    with pytest.raises(
        RuntimeError, match="grad can be implicitly created only for scalar outputs"
    ):
        m.autograd.grad(x * 2, x)
    with pytest.raises(RuntimeError, match="Mismatch in shape"):
        m.autograd.grad(x * 2, x, m.ones(2).double())
    with pytest.raises(RuntimeError, match="does not require grad"):
        m.autograd.grad(x.detach().sum(), x)
    with pytest.raises(RuntimeError, match="does not require grad"):
        m.autograd.grad(x.sum(), m.ones(3))
    with pytest.raises(TypeError):
        (x * 2).backward(3.0)


@BOTH
def test_batched_grad_outputs(m):
    x = leaf(m)
    (jacobian,) = m.autograd.grad(x**2, x, m.eye(3).double(), is_grads_batched=True)
    assert numbers(jacobian) == np.diag([2.0, 4.0, 6.0]).tolist()


@BOTH
def test_backward_into_chosen_inputs(m):
    x, y = leaf(m), leaf(m)
    h = x * 2
    (h * y).sum().backward(inputs=[x])
    assert numbers(x.grad) == [2, 4, 6]
    assert y.grad is None
    with pytest.raises(RuntimeError, match="cannot be empty"):
        (x * y).sum().backward(inputs=[])
    m.autograd.backward([(x * y).sum(), y.sum()], inputs=y)
    assert numbers(y.grad) == [2, 3, 4]


@BOTH
def test_higher_order(m):
    x = leaf(m)
    y = (x**4 + x.sin()).sum()
    for order in range(3):
        (g,) = m.autograd.grad(y, x, create_graph=True)
        y = g.sum()
        n = np.r_[1.0:4.0]
        expected = [4 * n**3 + np.cos(n), 12 * n**2 - np.sin(n), 24 * n - np.cos(n)][order]
        np.testing.assert_allclose(numbers(g), expected, 1e-12)


# --- depth, memory, threads -----------------------------------------------------------------


def test_a_chain_of_100_000():
    x = mg.ones(1, requires_grad=True)
    y = x
    for _ in range(100_000):
        y = y + 1
    y.backward()
    assert x.grad.item() == 1.0
    del y
    y = x
    for _ in range(100_000):
        y = y * 1.0
    del y


def _build_and_drop(i):
    x = mg.ones(64, requires_grad=True)
    w = mg.ones(64, requires_grad=True)
    h = x * w * 2
    h.retain_grad()
    h.register_hook(lambda g: g * 2)
    v = h[1:]
    h.add_(1)
    loss = (h.softmax(0) * w).sum() + v.sum()
    if i % 3 == 0:
        loss.backward()
    elif i % 3 == 1:
        (g,) = mg.autograd.grad(loss, w, create_graph=True)
        g.sum().backward()


def test_memory_is_flat_without_the_collector():
    for i in range(3):  # kernels may be compiled now
        _build_and_drop(i)
    gc.collect()
    gc.disable()
    try:
        tracemalloc.start()
        for i in range(3000):  # fills the interpreter's free lists
            _build_and_drop(i)
        before = tracemalloc.get_traced_memory()[0]
        for i in range(1000):
            _build_and_drop(i)
        grown = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        found = gc.collect()
    finally:
        gc.enable()
    assert found == 0
    assert grown < 50_000  # a thousand graphs hold over 10 MB


def test_backward_in_many_threads():
    shared = leaf(mg)
    own = [leaf(mg) for _ in range(8)]
    errors = []

    def work(x):
        try:
            for _ in range(50):
                ((x * shared) ** 2).sum().backward()
        except Exception as error:
            errors.append(error)

    in_threads(work, [(x,) for x in own])
    assert not errors
    assert numbers(shared.grad) == [8 * 50 * 2 * n**3 for n in (1.0, 2.0, 3.0)]
    assert all(numbers(x.grad) == [100 * n**3 for n in (1.0, 2.0, 3.0)] for x in own)


def test_grad_fn_is_written_as_torch_writes_it():
    x = leaf(mg)
    assert repr((x * 2).grad_fn) == "<MulBackward0>"
    assert (x * 2).grad_fn.next_functions[0][0].variable is x
    assert x.grad_fn is None


def test_broadcast_gradients_are_summed_back():
    compare(lambda m, a, b: a * b + b, np.ones((2, 1, 3)), np.full((4, 1), 2.0))
