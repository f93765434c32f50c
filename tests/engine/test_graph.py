"""What autograd does: accumulation, freeing, hooks, in-place changes, modes, memory."""

import gc
import threading
import tracemalloc
import weakref

import numpy as np
import pytest
import torch

import minigrad as mg
from tests.support.against_torch import compare

BOTH = pytest.mark.parametrize("m", [mg, torch], ids=["minigrad", "torch"])


def leaf(m, *numbers):
    return m.tensor(numbers or (1.0, 2.0, 3.0), dtype=m.float64, requires_grad=True)


def numbers(tensor):
    return tensor.detach().numpy().tolist()


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


WAYS_TO_SHARE = {
    "both summands": lambda x, y: (x + y).sum(),
    "identity": lambda x, y: (x.view(3) + y.reshape(3)).sum(),
    "same twice": lambda x, y: (x + x + y).sum(),
    "contiguous": lambda x, y: (x.contiguous() + y.contiguous()).sum(),
    "cast": lambda x, y: (x.double() + y.to("cpu")).sum(),
    "cat": lambda x, y: mg.cat([x, y]).sum(),
    "transpose of one": lambda x, y: (x.transpose(0, 0) + y.swapaxes(0, 0)).sum(),
}


@pytest.mark.parametrize("way", WAYS_TO_SHARE)
def test_gradients_never_share_memory(way):
    x, y = leaf(mg), leaf(mg)
    function = WAYS_TO_SHARE[way]
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


# --- hooks ----------------------------------------------------------------------------------


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


# --- in-place changes -----------------------------------------------------------------------


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


# --- modes ----------------------------------------------------------------------------------


@BOTH
def test_modes_as_context_and_decorator(m):
    x = leaf(m)

    @m.no_grad
    def bare():
        return (x * 2).requires_grad

    @m.no_grad()
    def called():
        with m.enable_grad():
            inside = (x * 2).requires_grad
        return inside, (x * 2).requires_grad

    @m.no_grad()
    def generator():
        got = yield (x * 2).requires_grad
        yield got, (x * 2).requires_grad

    assert bare() is False
    assert called() == (True, False)
    items = generator()
    assert next(items) is False
    assert m.is_grad_enabled()
    assert items.send("sent") == ("sent", False)
    items.close()
    assert m.is_grad_enabled()
    with m.no_grad():
        assert not m.is_grad_enabled()
        with m.set_grad_enabled(True):
            assert m.is_grad_enabled()
        assert not m.is_grad_enabled()
    m.set_grad_enabled(False)
    assert not m.is_grad_enabled()
    m.set_grad_enabled(True)
    with pytest.raises(KeyError), m.no_grad():
        raise KeyError
    assert m.is_grad_enabled()


@BOTH
def test_modes_are_of_one_thread(m):
    seen = []
    with m.no_grad():
        thread = threading.Thread(target=lambda: seen.append(m.is_grad_enabled()))
        thread.start()
        thread.join()
        assert not m.is_grad_enabled()
    assert seen == [True]


@BOTH
def test_generators_get_what_is_thrown_into_them(m):
    @m.no_grad()
    def generator():
        try:
            yield 1
        except KeyError:
            yield m.is_grad_enabled()

    items = generator()
    next(items)
    assert items.throw(KeyError()) is False


@BOTH
def test_inference_mode(m):
    x = leaf(m)
    with m.inference_mode():
        y = x * 2
        assert m.is_inference_mode_enabled()
        with m.inference_mode(False):
            assert (x * 2).requires_grad
    assert y.is_inference()
    assert not y.requires_grad
    with pytest.raises(RuntimeError, match="Inference tensors cannot be saved for backward"):
        x * y
    with pytest.raises(RuntimeError, match="inference tensor"):
        y.requires_grad_()
    assert numbers(x + y) == [3, 6, 9]
    with pytest.raises(RuntimeError, match=r"[Ii]nplace update to inference tensor"):
        y[:1].add_(1)
    (x * y.clone()).sum().backward()
    assert numbers(x.grad) == numbers(y)

    @m.inference_mode()
    def decorated():
        return (x * 2).is_inference()

    assert decorated()


@BOTH
@pytest.mark.filterwarnings("ignore:Using backward:UserWarning")
def test_the_backward_records_only_for_create_graph(m):
    x = leaf(m)
    seen = []
    h = x * 1
    h.register_hook(lambda g: seen.append(m.is_grad_enabled()))
    h.sum().backward(retain_graph=True)
    h.sum().backward(create_graph=True)
    assert seen == [False, True]


# --- anomalies ------------------------------------------------------------------------------


def _makes_nan(x):
    return (x * 0).sqrt()


def test_anomalies_are_located():
    x = leaf(mg)
    with mg.autograd.detect_anomaly():
        y = (_makes_nan(x) * 0).sum()
        with pytest.raises(RuntimeError, match="returned nan values") as failure:
            y.backward()
    assert "SqrtBackward0" in str(failure.value)
    assert "_makes_nan" in str(failure.value)
    with mg.autograd.detect_anomaly(check_nan=False):
        _makes_nan(x).sum().backward()
    assert not mg.is_anomaly_enabled()
    with mg.autograd.set_detect_anomaly(True):
        assert mg.is_anomaly_enabled()
    assert not mg.is_anomaly_enabled()


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

    threads = [threading.Thread(target=work, args=(x,)) for x in own]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert numbers(shared.grad) == [8 * 50 * 2 * n**3 for n in (1.0, 2.0, 3.0)]
    assert all(numbers(x.grad) == [100 * n**3 for n in (1.0, 2.0, 3.0)] for x in own)


def test_grad_fn_is_written_as_torch_writes_it():
    x = leaf(mg)
    assert repr((x * 2).grad_fn) == "<MulBackward0>"
    assert (x * 2).grad_fn.next_functions[0][0] is x
    assert x.grad_fn is None


def test_broadcast_gradients_are_summed_back():
    compare(lambda m, a, b: a * b + b, np.ones((2, 1, 3)), np.full((4, 1), 2.0))
