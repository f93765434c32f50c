"""autograd.Function: operations of the user's own, on minigrad and on torch alike."""

import gc
import weakref

import pytest
import torch

import minigrad as mg

BOTH = pytest.mark.parametrize("m", [mg, torch], ids=["minigrad", "torch"])


def leaf(m, *numbers):
    return m.tensor(numbers or (1.0, 2.0, 3.0), dtype=m.float64, requires_grad=True)


def numbers(tensor):
    return tensor.detach().numpy().tolist()


def function_of(m, forward, backward, **more):
    members = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    return type("Made", (m.autograd.Function,), members | more)


@BOTH
def test_saved_input_and_double_backward(m):
    def forward(ctx, x, factor):
        ctx.save_for_backward(x)
        ctx.factor = factor
        assert ctx.needs_input_grad == (True, False)
        return factor * x**3

    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * ctx.factor * 3 * x * x, None

    x = leaf(m)
    y = function_of(m, forward, backward).apply(x, 2.0)
    (g,) = m.autograd.grad(y.sum(), x, create_graph=True)
    assert numbers(g) == [6, 24, 54]
    (second,) = m.autograd.grad(g.sum(), x)
    assert numbers(second) == [12, 24, 36]


@BOTH
def test_saved_output_and_no_cycle(m):
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return g * y

    exp = function_of(m, forward, backward)
    x = leaf(m, 0.0)
    y = exp.apply(x)
    for _ in range(3):
        (y,) = m.autograd.grad(y.sum(), x, create_graph=True)
        assert numbers(y) == [1.0]
    if m is mg:
        gc.collect()
        gc.disable()
        try:
            y = exp.apply(x * 1)
            dropped = weakref.ref(y)
            (g,) = mg.autograd.grad(y.sum(), x, create_graph=True)
            g.sum().backward()
            del y, g
            assert dropped() is None
            assert gc.collect() == 0
        finally:
            gc.enable()


@BOTH
def test_several_outputs_and_unused_ones(m):
    seen = []

    def forward(ctx, x, y):
        return x * y, x + y, "not a tensor"

    def backward(ctx, g, h, nothing):
        seen.append((numbers(g), numbers(h), nothing))
        return g * 2 + h, h

    made = function_of(m, forward, backward)
    x, y = leaf(m), leaf(m)
    a, b, word = made.apply(x, y)
    assert word == "not a tensor"
    (a.sum() + 3 * b.sum() + a.sum()).backward()
    assert numbers(x.grad) == [7, 7, 7]
    assert numbers(y.grad) == [3, 3, 3]
    a, b, _ = made.apply(x, y)
    b.sum().backward()
    assert seen[1] == ([0, 0, 0], [1, 1, 1], None)


@BOTH
def test_unmaterialised_cotangents(m):
    def forward(ctx, x):
        ctx.set_materialize_grads(False)
        return x * 1, x * 2

    def backward(ctx, g, h):
        assert g is None
        return h * 2

    x = leaf(m)
    function_of(m, forward, backward).apply(x)[1].sum().backward()
    assert numbers(x.grad) == [2, 2, 2]


@BOTH
def test_setup_context(m):
    class Cube(m.autograd.Function):
        @staticmethod
        def forward(x):
            return x**3

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(inputs[0])

        @staticmethod
        def backward(ctx, g):
            return g * 3 * ctx.saved_tensors[0] ** 2

    x = leaf(m)
    Cube.apply(x).sum().backward()
    assert numbers(x.grad) == [3, 12, 27]


@BOTH
def test_non_differentiable_outputs(m):
    def forward(ctx, x):
        sign = x.sign()
        ctx.mark_non_differentiable(sign)
        return x * 2, sign, x.argmax()

    x = leaf(m)
    y, sign, place = function_of(m, forward, lambda ctx, g, *_: g * 2).apply(x)
    assert (y.requires_grad, sign.requires_grad, place.requires_grad) == (True, False, False)
    y.sum().backward()
    assert numbers(x.grad) == [2, 2, 2]


@BOTH
def test_dirty_inputs(m):
    def forward(ctx, x):
        ctx.mark_dirty(x)
        x.mul_(3)
        return x

    triple = function_of(m, forward, lambda ctx, g: g * 3)
    x = leaf(m)
    h = x * 1
    saved = h * h
    assert triple.apply(h) is h
    h.sum().backward()
    assert numbers(x.grad) == [3, 3, 3]
    with pytest.raises(RuntimeError, match="inplace"):
        saved.sum().backward()
    with pytest.raises(RuntimeError, match="leaf Variable"):
        triple.apply(leaf(m))


@BOTH
def test_an_input_returned_as_it_is(m):
    x = leaf(m)
    y = function_of(m, lambda ctx, x: x, lambda ctx, g: g * 5).apply(x)
    assert y is not x
    y.sum().backward()
    assert numbers(x.grad) == [5, 5, 5]


WRONG = {
    "too few": (lambda ctx, g: g, RuntimeError, "incorrect number of gradients"),
    "too many": (lambda ctx, g: (g, g, g), RuntimeError, "incorrect number of gradients"),
    "shape": (lambda ctx, g: (g[:2], None), RuntimeError, "invalid gradient at index 0"),
    "type": (lambda ctx, g: (3.0, None), (TypeError, RuntimeError), "expected"),
}


@BOTH
@pytest.mark.parametrize("fault", WRONG)
def test_wrong_gradients_are_refused(m, fault):
    backward, error, message = WRONG[fault]
    y = function_of(m, lambda ctx, x, y: x + y, backward).apply(leaf(m), leaf(m).detach())
    with pytest.raises(error, match=message):
        y.sum().backward()


@BOTH
def test_gradients_are_fitted(m):
    made = function_of(m, lambda ctx, x, y: x * y, lambda ctx, g: (g.float(), g))
    x, y = leaf(m, 2.0), leaf(m)
    made.apply(x, y).sum().backward()
    assert numbers(x.grad) == [3.0]
    assert x.grad.dtype is m.float64


@BOTH
def test_none_means_no_gradient(m):
    x = leaf(m)
    function_of(m, lambda ctx, x: x * 1, lambda ctx, g: None).apply(x).sum().backward()
    assert x.grad is None


@BOTH
def test_a_saved_tensor_changed_in_place_is_refused(m):
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    square = function_of(m, forward, lambda ctx, g: 2 * g * ctx.saved_tensors[0])
    h = leaf(m) * 1
    y = square.apply(h)
    h.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()
    y = square.apply(leaf(m))
    y.sum().backward()
    with pytest.raises(RuntimeError, match="second time"):
        y.sum().backward()


@BOTH
def test_only_tensors_can_be_saved(m):
    def forward(ctx, x):
        ctx.save_for_backward(3)
        return x * 1

    with pytest.raises(TypeError, match="save_for_backward can only save variables"):
        function_of(m, forward, lambda ctx, g: g).apply(leaf(m))


@BOTH
def test_once_differentiable(m):
    @m.autograd.function.once_differentiable
    def backward(ctx, g):
        assert not m.is_grad_enabled()
        return g * 2

    x = leaf(m)
    made = function_of(m, lambda ctx, x: x * 2, backward)
    (g,) = m.autograd.grad((made.apply(x) ** 2).sum(), x, create_graph=True)
    assert numbers(g) == [8, 16, 24]
    with pytest.raises(RuntimeError, match="once_differentiable"):
        g.sum().backward()


@BOTH
def test_nothing_is_recorded_under_no_grad(m):
    x = leaf(m)
    made = function_of(m, lambda ctx, x: x * 2, lambda ctx, g: g)
    with m.no_grad():
        assert not made.apply(x).requires_grad
    assert not made.apply(x.detach()).requires_grad


@BOTH
def test_unfinished_functions_say_so(m):
    class Empty(m.autograd.Function):
        pass

    with pytest.raises(NotImplementedError, match="forward"):
        Empty.apply(leaf(m))
