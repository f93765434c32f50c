"""Every operation's tangents, on its samples: against double backward and torch."""

import warnings

import numpy as np
import pytest
import torch

import minigrad as mg
from minigrad.engine.op import arr
from minigrad.testing import differentiable
from minigrad.testing.operations import describe, draw
from tests.support.torch_functions import TORCH_FUNCTIONS

with warnings.catch_warnings(action="ignore"), torch.autograd.forward_ad.dual_level():
    torch.autograd.forward_ad.make_dual(torch.ones(1), torch.ones(1))  # it loads more of torch

OPERATIONS = differentiable()
CASES = [
    pytest.param(name, case, id=f"{name}-{i}")
    for name, call in OPERATIONS.items()
    for i, case in enumerate(call.op.samples)
]


class Sampled:
    """An operation at one sample, as a function of its floating tensors, with tangents of these."""

    def __init__(self, name, case):
        self.name, self.case = name, case
        rng = np.random.default_rng(2)
        self.args = [draw(a, rng) if isinstance(a, arr) else a for a in case.args]
        self.places = [
            i
            for i, a in enumerate(self.args)
            if isinstance(a, np.ndarray)
            and a.dtype.kind == "f"
            and (OPERATIONS[name].op.variadic or OPERATIONS[name].op.rules((i,)))
        ]
        self.primals = [self.args[i] for i in self.places]
        self.tangents = [rng.standard_normal(p.shape) for p in self.primals]

    def __call__(self, module, *primals):
        given = dict(zip(self.places, primals, strict=True))
        args = [
            given.get(i, module.tensor(a) if isinstance(a, np.ndarray) else a)
            for i, a in enumerate(self.args)
        ]
        module.manual_seed(3)
        function = TORCH_FUNCTIONS[self.name] if module is torch else OPERATIONS[self.name]
        result = function(*args, **self.case.settings)
        return result[0] if isinstance(result, tuple | list) else result

    def tangent(self, module, used):
        """The tangent by forward mode, of the tangents at these of `places`."""
        fw = module.autograd.forward_ad
        with fw.dual_level():
            primals = [module.tensor(p) for p in self.primals]
            duals = [
                fw.make_dual(p, module.tensor(t)) if i in used else p
                for i, (p, t) in enumerate(zip(primals, self.tangents, strict=True))
            ]
            out = self(module, *duals)
            found = fw.unpack_dual(out).tangent
            return np.zeros(tuple(out.shape)) if found is None else found.detach().numpy()

    def by_double_backward(self, used):
        primals = [mg.tensor(p, requires_grad=i in used) for i, p in enumerate(self.primals)]
        out = self(mg, *primals)
        v = mg.zeros_like(out).requires_grad_()
        if not out.requires_grad:
            return v.detach()
        wanted = [primals[i] for i in used]
        pulled = mg.autograd.grad(out, wanted, v, create_graph=True, materialize_grads=True)
        pairs = [
            (p, mg.tensor(self.tangents[i]))
            for p, i in zip(pulled, used, strict=True)
            if p.requires_grad
        ]
        if not pairs:
            return v.detach()
        roots, starts = zip(*pairs, strict=True)
        return mg.autograd.grad(roots, v, starts, materialize_grads=True)[0]


def choices(sampled):
    """All tensors at once, and each alone."""
    every = tuple(range(len(sampled.places)))
    return [every, *((i,) for i in every if len(every) > 1)]


@pytest.mark.parametrize(("name", "case"), CASES)
def test_tangents(name, case):
    sampled = Sampled(name, case)
    for used in choices(sampled):
        found = sampled.tangent(mg, used)
        note = f"{name}{describe(case)}, tangents of {used}"
        expected = sampled.by_double_backward(used).detach()
        np.testing.assert_allclose(found, expected.numpy(), 1e-9, 1e-11, err_msg=note)
        assert found.shape == tuple(expected.shape)
        with mg.no_grad():
            unrecorded = sampled.tangent(mg, used)
        np.testing.assert_array_equal(unrecorded, found, err_msg=note)


# Where positions repeat, or the value at a kink is a choice, torch's derivatives are others:
# docs/differences.md.  Random masks are others, too.  torch's scatter_reduce(reduce="prod") drops
# the tangent, and the twin of gelu_backward detaches its input.
OTHERWISE = {"index_put", "scatter", "dropout", "scatter_prod", "gelu_backward"}
COMPARED = [p for p in CASES if p.values[0] in TORCH_FUNCTIONS and p.values[0] not in OTHERWISE]


@pytest.mark.parametrize(("name", "case"), COMPARED)
def test_tangents_are_those_of_torch(name, case):
    sampled = Sampled(name, case)
    for used in choices(sampled):
        try:
            expected = sampled.tangent(torch, used)
        except (NotImplementedError, RuntimeError) as error:
            # torch has no formula, or refuses to write a tangent into a tensor without one
            assert "forward" in str(error) or "derivative" in str(error), error  # noqa: PT017
            continue
        found = sampled.tangent(mg, used)
        note = f"{name}{describe(case)}, tangents of {used}"
        np.testing.assert_allclose(found, expected, 1e-8, 1e-10, err_msg=note)


@pytest.mark.parametrize(("name", "case"), CASES)
def test_forward_over_reverse_is_reverse_over_reverse(name, case):
    """The tangent of a gradient, of rules over outputs and by-products too."""
    sampled = Sampled(name, case)
    fw = mg.autograd.forward_ad
    rng = np.random.default_rng(4)
    leaves = [mg.tensor(p, requires_grad=True) for p in sampled.primals]
    out = sampled(mg, *leaves)
    if not out.requires_grad:
        return
    weights = mg.tensor(rng.standard_normal(tuple(out.shape)))
    grads = mg.autograd.grad(out, leaves, weights, create_graph=True, materialize_grads=True)
    total = sum((g * mg.tensor(t)).sum() for g, t in zip(grads, sampled.tangents, strict=True))
    expected = [mg.zeros_like(leaf) for leaf in leaves]
    if total.requires_grad:
        expected = mg.autograd.grad(total, leaves, materialize_grads=True)
    with fw.dual_level():
        pairs = zip(sampled.primals, sampled.tangents, strict=True)
        duals = [fw.make_dual(mg.tensor(p, requires_grad=True), mg.tensor(t)) for p, t in pairs]
        out = sampled(mg, *duals)
        found = mg.autograd.grad(out, duals, weights, materialize_grads=True)
        tangents = [fw.unpack_dual(g).tangent for g in found]
    for tangent, other in zip(tangents, expected, strict=True):
        tangent = mg.zeros_like(other) if tangent is None else tangent  # noqa: PLW2901
        np.testing.assert_allclose(
            tangent.detach().numpy(), other.numpy(), 1e-8, 1e-9, err_msg=f"{name}{describe(case)}"
        )
