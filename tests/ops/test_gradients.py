"""Every differentiable operation's derivatives, from its samples."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.engine.op import arr, op, sample
from minigrad.testing import (
    LAYOUTS,
    GradcheckError,
    check_operation,
    differentiable,
    report,
    suite,
)
from minigrad.testing.operations import check_layout
from minigrad.testing.samples import as_input

OPERATIONS = differentiable()
CASES = [
    pytest.param(call, case, layout, id=f"{name}-{i}-{layout}")
    for name, call in OPERATIONS.items()
    for i, case in enumerate(call.op.samples)
    for layout in LAYOUTS
]


@pytest.mark.parametrize(("operation", "case", "layout"), CASES)
def test_derivatives(operation, case, layout):
    check = check_operation if layout == "contiguous" else check_layout
    check(operation, case, layout)


def in_memory_order(array):
    return array.ravel(order="K").reshape(array.shape)


WRONG_IN_A_LAYOUT = {
    "value": op(vjp=(lambda g, out, x: g * 2 * x,))(lambda x: in_memory_order(x) ** 2),
    "first gradient": op(vjp=(lambda g, out, x: g * 2 * wrong(x),))(lambda x: x**2),
    "cotangent": op(vjp=(lambda g, out, x: wrong(g) * 2 * x,))(lambda x: x**2),
}


@op(vjp=(lambda g, out, x: g,))
def wrong(x):
    """The elements in the order in which they lie in memory."""
    return in_memory_order(x)


@pytest.mark.parametrize("name", WRONG_IN_A_LAYOUT)
def test_what_is_right_of_contiguous_arguments_alone_is_found(name):
    case = sample(arr.of(3, 4))
    check_operation(WRONG_IN_A_LAYOUT[name], case)
    with pytest.raises(GradcheckError, match="than of contiguous copies"):
        check_layout(WRONG_IN_A_LAYOUT[name], case, "strided")


DIRECT = [
    pytest.param(call, case, id=f"{name}-{i}")
    for name, call in OPERATIONS.items()
    if call.op.array_vjp
    for i, case in enumerate(call.op.samples)
]


@pytest.mark.parametrize(("operation", "case"), DIRECT)
def test_direct_rules_are_the_rules(operation, case):
    """A gradient that is not recorded is the one that is."""
    rng = np.random.default_rng(0)
    args = [as_input(given, rng) for given in case.args]
    result = operation(*args, **case.settings)
    out = result[0] if isinstance(result, tuple) else result
    leaves = [arg for arg in args if isinstance(arg, mg.Tensor) and arg.requires_grad]
    g = mg.from_numpy(rng.standard_normal(out.shape)).requires_grad_()
    found, recorded = (
        mg.autograd.grad(out, leaves, g, retain_graph=True, create_graph=create_graph)
        for create_graph in (False, True)
    )
    for direct, rule in zip(found, recorded, strict=True):
        assert not direct.requires_grad
        assert rule.requires_grad
        assert direct.dtype == rule.dtype
        np.testing.assert_allclose(direct.numpy(), rule.detach().numpy(), rtol=1e-13, atol=1e-14)


def test_direct_rules_stand_beside_the_rules():
    for call in OPERATIONS.values():
        assert not call.op.array_vjp or len(call.op.array_vjp) == len(call.op.vjp_rules)
    assert len(DIRECT) > 20


@pytest.mark.parametrize("name", OPERATIONS)
def test_samples_reach_every_rule(name):
    declared = OPERATIONS[name].op
    assert declared.samples, f"{name} has no gradient-check samples"
    if callable(declared.vjp):
        return
    drawn = {
        place
        for case in declared.samples
        for place, wanted in enumerate(case.args)
        if isinstance(wanted, arr) and wanted.integers is None and np.prod(wanted.shape) > 0
    }
    missing = {i for i, rule in enumerate(declared.vjp) if rule is not None} - drawn
    assert not missing, f"no sample of {name} gives a tensor for arguments {missing}"


@pytest.mark.parametrize("seed", range(2))
def test_no_false_alarm_with_other_seeds(seed):
    """Of more seeds: `minigrad gradcheck --quick --runs 1000`."""
    results = [
        result
        for task in suite.tasks(seed=1 + seed, quick=True)
        for result in suite.check_library(task)
    ]
    assert report.failures(results) == ""
    assert len(results) == len(OPERATIONS)
