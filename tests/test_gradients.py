"""Every differentiable operation's derivatives, from its samples; and the checker itself."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.op import arr, op, sample
from minigrad.testing import (
    LAYOUTS,
    GradientError,
    check_operation,
    differentiable,
    gradcheck,
    gradgradcheck,
)

OPERATIONS = differentiable()
CASES = [
    pytest.param(call, case, layout, id=f"{name}-{i}-{layout}")
    for name, call in OPERATIONS.items()
    for i, case in enumerate(call.op.samples)
    for layout in LAYOUTS
]


@pytest.mark.parametrize(("operation", "case", "layout"), CASES)
def test_derivatives(operation, case, layout):
    check_operation(operation, case, layout)


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


# --- the checker catches what it is for -----------------------------------------------------


def _product(left, right, degree=1):
    @op(vjp=(left, right), degree=degree, samples=[sample(arr.of(3, 3), arr.of(3, 3))])
    def planted(a, b):
        return a @ b

    return planted


def right_left(g, out, a, b):
    return g @ b.mT


def right_right(g, out, a, b):
    return a.mT @ g


PLANTED = {
    "scaled by 1.01": lambda g, out, a, b: (g @ b.mT) * 1.01,
    "transposed": lambda g, out, a, b: (g @ b.mT).mT,
    "other operand": lambda g, out, a, b: g @ b,
    "zero": lambda g, out, a, b: (g @ b.mT) * 0.0,
    "sign": lambda g, out, a, b: -(g @ b.mT),
    "one entry": lambda g, out, a, b: (g @ b.mT) + g.new_tensor(np.eye(3)[0][:, None] * 1e-3) * g,
    "not zero at a zero cotangent": lambda g, out, a, b: (g @ b.mT) + 1e-9,
    "detached": lambda g, out, a, b: g.detach() @ b.mT,
}


@pytest.mark.parametrize("degree", [1, None])
def test_right_rules_pass(degree):
    operation = _product(right_left, right_right, degree)
    check_operation(operation, operation.op.samples[0])


@pytest.mark.parametrize("degree", [1, None])
@pytest.mark.parametrize("fault", PLANTED)
def test_planted_faults_are_caught(fault, degree):
    operation = _product(PLANTED[fault], right_right, degree)
    with pytest.raises(GradientError, match="planted"):
        check_operation(operation, operation.op.samples[0])


def test_a_missing_sum_is_caught():
    @op(vjp=(lambda g, out, x, b: g, lambda g, out, x, b: g[0]), samples=())
    def planted(x, b):
        return x + b

    with pytest.raises(GradientError, match="argument 1"):
        check_operation(planted, sample(arr.of(2, 3), arr.of(3)))


def test_a_wrong_second_derivative_is_caught():
    @op(vjp=(lambda g, out, x: g * (3 * x.detach() * x),), samples=())
    def planted(x):
        return x**3

    x = mg.rand(3, dtype=mg.float64, requires_grad=True)
    assert gradcheck(planted, x)
    with pytest.raises(GradientError, match="gradient of planted"):
        gradgradcheck(planted, x)


def test_the_report_names_entries_and_their_ratio():
    def planted(x, y):
        return x * y + (y.detach() - y) * mg.tensor([0.0, 1.0, 0.0], dtype=mg.float64) * 0.5

    x = mg.tensor([1.0, 2.0, 4.0], dtype=mg.float64, requires_grad=True)
    with pytest.raises(GradientError) as failure:
        gradcheck(planted, (x, x.detach().clone().requires_grad_()))
    first = str(failure.value).splitlines()[2].split()
    assert "planted: the gradient of argument 1 (shape [3])" in str(failure.value)
    assert first[0] == "(1,)"
    assert float(first[-1]) == pytest.approx(float(first[1]) / float(first[2]), rel=1e-4)


def test_a_kink_is_told_from_a_wrong_rule():
    x = mg.tensor([1e-4, 1.0], dtype=mg.float64, requires_grad=True)
    assert not gradcheck(lambda x: x.abs() ** 0.5, x, raise_exception=False)


def test_unsuitable_inputs_are_refused():
    with pytest.raises(ValueError, match="float64"):
        gradcheck(mg.exp, mg.rand(3, requires_grad=True))
    with pytest.raises(ValueError, match="requires gradients"):
        gradcheck(mg.exp, mg.rand(3, dtype=mg.float64))
    with pytest.raises(GradientError, match="no output depends"):
        gradcheck(lambda x: x.detach(), mg.rand(3, dtype=mg.float64, requires_grad=True))
