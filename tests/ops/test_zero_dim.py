"""Every differentiable operation of 0-d tensors: each position, a value used twice, both floats.

NumPy gives scalars, not arrays, for arithmetic of 0-d arrays, and those cannot be added into.
"""

import numpy as np
import pytest

import minigrad as mg
from minigrad.engine.op import Sample, arr
from minigrad.nn import functional as F
from minigrad.testing import check_operation, differentiable
from minigrad.testing.samples import draw

OPERATIONS = differentiable()
PUBLIC = {f for face in (mg, F, mg.linalg, mg.special) for f in vars(face).values() if callable(f)}


def _zero_dim(operation, case):
    """The sample with a 0-d tensor in each place of a differentiable one, and in all of them."""
    vjp = operation.op.vjp_rules
    places = [
        i
        for i, wanted in enumerate(case.args)
        if isinstance(wanted, arr)
        and wanted.integers is None
        and (callable(vjp) or vjp[i] is not None)
    ]
    for chosen in [[i] for i in places] + [places]:
        args = list(case.args)
        for i in chosen:
            args[i] = args[i]._replace(shape=(), diagonal=0.0)
        yield Sample(tuple(args), case.settings)


def _accepts(operation, case):
    rng = np.random.default_rng(0)
    args = [mg.from_numpy(draw(a, rng)) if isinstance(a, arr) else a for a in case.args]
    try:
        operation(*args, **case.settings)
    except (RuntimeError, ValueError, IndexError, TypeError, AssertionError):
        return False
    return True


def _cases():
    """Every operation's samples with 0-d tensors, by a name, each once."""
    found = {}
    for name, operation in OPERATIONS.items():
        if not (operation.op.declaration.broadcasts or operation in PUBLIC):
            continue
        drawn = [case for given in operation.op.samples for case in _zero_dim(operation, given)]
        different = {repr(case): case for case in drawn if _accepts(operation, case)}
        for i, case in enumerate(different.values()):
            found[f"{name}-{i}"] = (operation, case)
    return found


CASES = _cases()


def test_operations_that_broadcast_take_scalars_in_every_place():
    swept = {operation.op.name for operation, _ in CASES.values()}
    assert {name for name, call in OPERATIONS.items() if call.op.declaration.broadcasts} <= swept
    assert len(swept) > 80


@pytest.mark.parametrize("case", CASES)
def test_derivatives(case):
    check_operation(*CASES[case])


def _used_twice(operation, case, dtype, through):
    """Leaves, and a sum of two results of the operation of the same values."""
    rng = np.random.default_rng(1)
    args, leaves = [], []
    for wanted in case.args:
        if not isinstance(wanted, arr):
            args.append(wanted)
            continue
        leaf = mg.from_numpy(draw(wanted, rng))
        if leaf.is_floating_point():
            leaf = leaf.to(dtype).requires_grad_()
            leaves.append(leaf)
            leaf = through(leaf)
        args.append(leaf)
    results = [operation(*args, **case.settings) for _ in range(2)]
    first, second = [r[0] if isinstance(r, tuple) else r for r in results]
    return leaves, first.sum(), (first + second).sum()


THROUGH = {
    "leaf": lambda x: x,
    "neg": lambda x: -x,
    "sub": lambda x: 3 - x,
    "mul": lambda x: x * x,
    "div": lambda x: 1 / x,
}


@pytest.mark.parametrize("dtype", [mg.float32, mg.float64])
@pytest.mark.parametrize("case", CASES)
def test_a_value_used_twice(case, dtype):
    """Its gradient is twice that of one use, recorded or not; and it can be derived again."""
    for through in THROUGH.values():
        leaves, once, twice = _used_twice(*CASES[case], dtype, through)
        if not once.requires_grad:
            continue
        options = {"retain_graph": True, "allow_unused": True}
        expected = mg.autograd.grad(once, leaves, create_graph=True, **options)
        found = mg.autograd.grad(twice, leaves, **options)
        recorded = mg.autograd.grad(twice, leaves, create_graph=True, **options)
        twice.backward(retain_graph=True)
        for leaf, one, *both in zip(leaves, expected, found, recorded, strict=True):
            if one is None:
                continue
            for two in [*both, leaf.grad]:
                assert type(two.array) is np.ndarray
                assert two.dtype is dtype
                assert two.shape == leaf.shape
                np.testing.assert_allclose(
                    two.detach().numpy(), 2 * one.detach().numpy(), rtol=1e-5, atol=1e-6
                )
        slopes = [g.sum() for g in recorded if g is not None and g.requires_grad]
        if slopes:
            total = sum(slopes[1:], slopes[0])
            second = mg.autograd.grad(total, leaves, allow_unused=True, retain_graph=True)
            for leaf, g in zip(leaves, second, strict=True):
                assert g is None or (type(g.array) is np.ndarray and g.dtype is leaf.dtype)


# --- what users met -------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [mg.float32, mg.float64])
def test_published_programs(dtype):
    x = mg.tensor(0.5, dtype=dtype, requires_grad=True)
    ((3 - x) ** 2 + (5 - x) ** 2).backward()
    assert x.grad.item() == -14
    mg.logaddexp(3 - x, 5 - x).backward()
    assert x.grad.item() == pytest.approx(-15, rel=1e-6)


@pytest.mark.parametrize("target", [1.0, -1.0])
def test_hinge_embedding_loss(target):
    x = mg.tensor(0.25, requires_grad=True)
    F.hinge_embedding_loss(1 - x, mg.tensor(target)).backward()
    assert x.grad.item() == -target
