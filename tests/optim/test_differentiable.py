"""Steps that derivatives pass through: equal to kernels, and their derivatives right."""

import numpy as np
import pytest
import torch

import minigrad as mg
from minigrad import nn, optim
from minigrad.autograd import gradcheck
from tests.support.optim.table import TABLE

# Rules with signs or counts have derivatives of zero almost everywhere, and are here too.
FUSED = [
    name
    for name in optim.__all__
    if not getattr(getattr(getattr(optim, name), "rule", None), "is_whole", True)
    and not getattr(optim, name).rule.eight_bits
]
OF_TORCH = ["SGD", "Adam", "AdamW", "NAdam", "RAdam", "Adagrad", "Adadelta", "RMSprop"]


@pytest.fixture(autouse=True)
def _torch_counts_in_double_precision():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def slopes(count=3, size=5):
    return np.random.default_rng(1).standard_normal((count, 2, size))


def start(size=5):
    return np.random.default_rng(0).standard_normal((2, size))


def stepped(cls, arrays, gradients, differentiable, **settings):
    """Parameters after steps; with derivatives they are results of operations."""
    params = [mg.tensor(a).requires_grad_() for a in arrays]
    params = [p.clone() for p in params] if differentiable else params
    optimizer = cls(params, differentiable=differentiable, **settings)
    if hasattr(optimizer, "update_hessian"):
        pytest.skip("its Hessian's estimate is another closure's")
    for row in gradients:
        for p, g in zip(params, row, strict=True):
            p.grad = mg.tensor(g)
        optimizer.step()
    return [p.detach().numpy() for p in params]


@pytest.mark.parametrize("name", FUSED)
def test_the_steps_are_those_of_the_kernel(name):
    cls = getattr(optim, name)
    found = stepped(cls, start(), slopes(), True)
    expected = stepped(cls, start(), slopes(), False)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12)


def two_steps(cls, **settings):
    """The parameter after two steps, as a function of its start, two gradients and a rate."""

    def function(theta, first, second, lr):
        p = theta.clone()
        optimizer = cls([p], lr=lr, differentiable=True, **settings)
        for g in (first, second):
            p.grad = g
            optimizer.step()
        return p

    return function


SMOOTH = {
    "SGD": (optim.SGD, {"momentum": 0.9, "dampening": 0.1, "weight_decay": 0.1}),
    "Adam": (optim.Adam, {"weight_decay": 0.1, "amsgrad": True}),
    "AdamW": (optim.AdamW, {}),
    "RMSprop": (optim.RMSprop, {"momentum": 0.5}),
    "Adadelta": (optim.Adadelta, {}),
    "LAMB": (optim.LAMB, {}),
    "Prodigy": (optim.Prodigy, {"d0": 0.1}),
    "clipped": (
        optim.chain(
            optim.centralize(), optim.clip_by_norm(0.5), optim.scale_by_adam(), optim.trust_ratio()
        ),
        {},
    ),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_derivatives_by_start_gradients_and_rate_are_right(name):
    cls, settings = SMOOTH[name]
    rng = np.random.default_rng(3)
    arrays = [rng.standard_normal((2, 3)) + 2 for _ in range(3)]
    inputs = [mg.tensor(a).requires_grad_() for a in arrays]
    rate = mg.tensor(0.1, dtype=mg.float64, requires_grad=True)
    assert gradcheck(two_steps(cls, **settings), (*inputs, rate))


@pytest.mark.parametrize("name", OF_TORCH)
def test_one_step_has_the_derivatives_of_torch(name):
    """From states that a kernel has made: torch's first momentum has no derivative."""
    settings = {"momentum": 0.9} if name in ("SGD", "RMSprop") else {}
    assert name in TABLE
    found = []
    for library in (mg, torch):
        rng = np.random.default_rng(0)
        p, g = (library.tensor(rng.standard_normal(4)).requires_grad_() for _ in range(2))
        q = p.clone()
        optimizer = getattr(library.optim, name)([q], lr=0.1, differentiable=True, **settings)
        for _ in range(2):
            with library.no_grad():
                before = library.tensor(rng.standard_normal(4))
            q.grad = before
            optimizer.step()
        q.grad = g * g
        optimizer.step()
        loss = (q * library.tensor(rng.standard_normal(4))).sum()
        found.append([x.numpy() for x in (q.detach(), *library.autograd.grad(loss, [p, g]))])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


def test_a_rate_is_learned_through_a_training_step():
    """The slope of the loss after a step, by the rate: minus the product of both gradients."""
    mg.manual_seed(0)
    model = nn.Linear(3, 1).double()
    x, y = mg.randn(8, 3, dtype=mg.float64), mg.randn(8, 1, dtype=mg.float64)
    rate = mg.tensor(0.1, dtype=mg.float64, requires_grad=True)
    names = [name for name, _ in model.named_parameters()]
    params = [p.clone() for p in model.parameters()]

    def loss_of(values):
        named = dict(zip(names, values, strict=True))
        return (mg.func.functional_call(model, named, (x,)) - y).square().mean()

    gradients = mg.autograd.grad(loss_of(params), params)
    for p, g in zip(params, gradients, strict=True):
        p.grad = g.detach()
    optim.SGD(params, lr=rate, differentiable=True).step()
    after = loss_of(params)
    later = mg.autograd.grad(after, params, retain_graph=True)
    (slope,) = mg.autograd.grad(after, [rate])
    expected = -sum((a * b).sum() for a, b in zip(gradients, later, strict=True))
    assert slope.item() == pytest.approx(expected.item())


def test_what_derivatives_cannot_pass_through_is_said():
    p = mg.zeros(2, dtype=mg.float64, requires_grad=True)
    p.grad = mg.ones(2, dtype=mg.float64)
    with pytest.raises(RuntimeError, match="leaf"):
        optim.SGD([p], lr=0.1, differentiable=True).step()
    with pytest.raises(ValueError, match="can't optimize a non-leaf Tensor"):
        optim.SGD([p.clone()], lr=0.1)
    q = p.clone()
    q.grad = p.grad
    noisy = optim.chain(optim.add_noise())([q], differentiable=True)
    with pytest.raises(optim.RuleError, match="no derivatives pass through normal"):
        noisy.step()
