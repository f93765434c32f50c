"""Subjects of the check beyond plain functions, right ones and each with a planted mistake."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.kernels import kernel
from minigrad.testing import GradcheckError, arr, check
from minigrad.utils.checkpoint import checkpoint

X = arr.of(3, 4)


# --- a kernel of one's own -------------------------------------------------------------------


@kernel
def _running(out, x, rate):
    for row in range(x.shape[0]):
        kept = x.dtype.type(0)
        for i in range(x.shape[1]):
            kept = rate * kept + x[row, i]
            out[row, i] = kept


def run(x, rate=0.5):
    out = np.empty_like(x)
    _running.run(out, np.ascontiguousarray(x), rate)
    return out


class Running(mg.autograd.Function):
    """A kernel with its adjoint, the same recursion from the other end."""

    @staticmethod
    def forward(ctx, x):
        return mg.from_numpy(run(x.detach().numpy()))

    @staticmethod
    def backward(ctx, g):
        return Running.apply(g.flip(1)).flip(1)


class NotReversed(Running):
    @staticmethod
    def backward(ctx, g):
        return NotReversed.apply(g)


def test_a_kernel_with_its_adjoint():
    assert check(Running, X).second < 1e-8
    with pytest.raises(GradcheckError) as failure:
        check(NotReversed, X)
    assert failure.value.kind in {"reversed", None}


# --- hooks, checkpoints, compiled functions ----------------------------------------------------


def hooked(x, factor):
    y = x.sin()
    y.register_hook(lambda g: g * factor)
    return y * x


def test_hooks():
    assert check(lambda x: hooked(x, 1.0), X).second < 1e-8
    with pytest.raises(GradcheckError):
        check(lambda x: hooked(x, 0.9), X)


def test_checkpointed_losses():
    def block(x, w):
        return (x @ w).tanh()

    def loss(x, w, wrong=0.0):
        y = checkpoint(block, x, w, use_reentrant=False)
        return (y * y).sum() + wrong * (y.detach() * y).sum()

    assert check(loss, X, arr.of(4, 2), second_order=False).first < 1e-8
    with pytest.raises(GradcheckError) as failure:
        check(lambda x, w: loss(x, w, 1.0), X, arr.of(4, 2), second_order=False)
    assert failure.value.kind in {"detached part", None}


def test_compiled_functions():
    @mg.compile
    def right(x, w):
        return ((x @ w).sigmoid() * x.sum(1, keepdim=True)).mean()

    @mg.compile
    def wrong(x, w):
        return ((x @ w).sigmoid() * x.detach().sum(1, keepdim=True)).mean()

    assert check(right, X, arr.of(4, 4), second_order=False).first < 1e-8
    with pytest.raises(GradcheckError):
        check(wrong, X, arr.of(4, 4), second_order=False)


# --- batches, orders, modes ------------------------------------------------------------------


def test_batched_rules():
    per_row = mg.vmap(lambda row, w: (row * w).sin().sum(), in_dims=(0, None))
    assert check(per_row, X, arr.of(4)).second < 1e-8
    with pytest.raises(GradcheckError):
        check(lambda x, w: per_row(x, w.detach()) + 0 * w.sum(), X, arr.of(4))


def test_forward_mode_against_reverse():
    found = check(lambda x: x.softmax(1) * x, X, forward=True, third_order=True)
    assert found.second < 1e-7

    class OneWay(mg.autograd.Function):
        @staticmethod
        def forward(x):
            return x.sin()

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)
            ctx.save_for_forward(*inputs)

        @staticmethod
        def backward(ctx, g):
            return g * ctx.saved_tensors[0].cos()

        @staticmethod
        def jvp(ctx, t):
            return -t * ctx.saved_tensors[0].cos()

    assert check(OneWay, X).first < 1e-8
    with pytest.raises(GradcheckError, match="forward mode"):
        check(OneWay, X, forward=True)


def test_a_step_of_gradient_descent_as_a_function():
    """The parameters after a step, as a function of the parameters before and of the data."""

    def step(w, x, y, keep=True):
        loss = ((x @ w - y) ** 2).mean()
        (g,) = mg.autograd.grad(loss, w, create_graph=True)
        return w - 0.1 * (g if keep else g.detach())

    given = arr.of(4, 2), arr.of(5, 4), arr.of(5, 2)
    assert check(step, *given, second_order=False).first < 1e-7
    with pytest.raises(GradcheckError):
        check(lambda *a: step(*a, keep=False), *given, second_order=False)


def test_a_loss_of_several_processes(tmp_path):
    mg.distributed.init_process_group("gloo", init_method=f"file://{tmp_path / 'store'}", rank=0,
                                      world_size=1)  # fmt: skip
    try:

        def loss(x):
            return mg.distributed.nn.all_reduce(x.exp().sum()) / mg.distributed.get_world_size()

        assert check(loss, X, second_order=False).first < 1e-8
    finally:
        mg.distributed.destroy_process_group()
    assert check(nn.Linear(4, 2), X).second < 1e-7
