"""The checker finds what is wrong, says why, and finds nothing where nothing is."""

import re

import pytest

import minigrad as mg
from minigrad.engine.op import arr, op, sample
from minigrad.testing import GradcheckError, check_operation, gradcheck, gradgradcheck
from minigrad.testing.cases import Cases, Subject
from tests.support import planted_derivatives, planted_kinds
from tests.support.planted import FAULTS

TABLES = planted_derivatives, planted_kinds  # which fill FAULTS
# Kinds without a diagnosis of their own: of these there must be none.
NAMELESS = {"another function"}


def has_rules(fault):
    """True if the fault is in an operation as the library declares them, on drawn inputs."""
    return hasattr(fault.function, "op") and all(isinstance(a, arr) for a in fault.case.args)


def failure_of(name, seed=0):
    fault = FAULTS[name]
    with pytest.raises(GradcheckError) as failure:
        Subject("wrong", fault.function, Cases((fault.case,))).check(fault.case, seed)
    return failure.value


@pytest.mark.parametrize("name", FAULTS)
def test_planted_faults_are_caught_and_explained(name):
    failure = failure_of(name)
    assert re.search(FAULTS[name].cause, str(failure), re.DOTALL), str(failure)


@pytest.mark.parametrize("seed", range(1, 4))
@pytest.mark.parametrize("name", FAULTS)
def test_no_diagnosis_is_false(name, seed):
    """A fault of each kind is told to be of this kind, or of none, wherever the point is."""
    assert failure_of(name, seed).kind in {FAULTS[name].kind, None}


def test_every_kind_is_recognised():
    kinds = {fault.kind for fault in FAULTS.values()} - NAMELESS
    assert {failure_of(name).kind for name in FAULTS} >= kinds
    assert len(kinds) >= 25


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if has_rules(fault)])
def test_the_library_s_own_check_catches_them_with_any_seed(name, seed):
    fault = FAULTS[name]
    with pytest.raises(GradcheckError):
        check_operation(fault.function, fault.case, seed=seed)


def test_there_are_faults_of_many_kinds():
    assert len(FAULTS) >= 80


@pytest.mark.parametrize("degree", [1, None])
def test_right_rules_pass(degree):
    @op(vjp=(lambda g, out, a, b: g @ b.mT, lambda g, out, a, b: a.mT @ g), degree=degree)
    def product(a, b):
        return a @ b

    for seed in range(20):
        check_operation(product, sample(arr.of(3, 3), arr.of(3, 3)), seed=seed)


def test_the_report_names_entries_and_their_ratio():
    def planted(x, y):
        return x * y + (y.detach() - y) * mg.tensor([0.0, 1.0, 0.0], dtype=mg.float64) * 0.5

    x = mg.tensor([1.0, 2.0, 4.0], dtype=mg.float64, requires_grad=True)
    with pytest.raises(GradcheckError) as failure:
        gradcheck(planted, (x, x.detach().clone().requires_grad_()))
    first = str(failure.value).splitlines()[2].split()
    assert "planted: the gradient of argument 1 (shape [3])" in str(failure.value)
    assert first[0] == "(1,)"
    assert float(first[-1]) == pytest.approx(float(first[1]) / float(first[2]), rel=1e-4)


class SquarePlus(mg.autograd.Function):
    """(x + sqrt(x**2 + 4)) / 2, whose backward reads the root that forward has computed."""

    @staticmethod
    def forward(ctx, x):
        root = (x * x + 4).sqrt()
        ctx.save_for_backward(x, root)
        return (x + root) / 2

    @staticmethod
    def backward(ctx, g):
        x, root = ctx.saved_tensors
        return g * (1 + x / root) / 2


def test_a_saved_value_of_forward_is_named_where_second_derivatives_are_wrong():
    x = mg.randn(4, dtype=mg.float64).requires_grad_()
    assert gradcheck(SquarePlus.apply, x)
    with pytest.raises(GradcheckError, match="backward of SquarePlus reads a saved tensor"):
        gradgradcheck(SquarePlus.apply, x)


def test_unsuitable_inputs_are_refused():
    with pytest.raises(ValueError, match="requires gradients"):
        gradcheck(mg.exp, mg.rand(3, dtype=mg.float64))
    with pytest.raises(GradcheckError, match="no output depends"):
        gradcheck(lambda x: x.detach(), mg.rand(3, dtype=mg.float64, requires_grad=True))


# --- torch's arguments ----------------------------------------------------------------------


@pytest.fixture
def x():
    return mg.tensor([[0.3, -1.0, 2.0], [0.7, 1.5, -0.2]], dtype=mg.float64, requires_grad=True)


def test_torch_s_arguments_are_taken(x):
    options = {"eps": 1e-6, "atol": 1e-4, "rtol": 1e-3, "raise_exception": True, "nondet_tol": 0.0}
    options |= {"check_undefined_grad": True, "check_batched_grad": True, "fast_mode": True}
    assert mg.autograd.gradcheck(mg.sin, (x,), **options)
    assert mg.autograd.gradgradcheck(mg.sin, (x,), gen_non_contig_grad_outputs=True, **options)
    assert mg.autograd.gradgradcheck(mg.sin, (x,), grad_outputs=mg.ones(2, 3, dtype=mg.float64))


def test_a_wrong_derivative_gives_false_or_raises_as_asked(x):
    wrong = FAULTS["scaled by 1.01"].function
    assert gradcheck(wrong, x, raise_exception=False) is False
    with pytest.raises(RuntimeError, match=r"factor of 1\.01"):  # torch's kind of error
        gradcheck(wrong, x)
    assert gradcheck(wrong, x, rtol=0.1)


def test_nondet_tol_and_check_grad_dtypes_decide(x):
    noisy, narrow = FAULTS["not deterministic"].function, FAULTS["dtype"].function
    assert gradcheck(noisy, x, nondet_tol=1e-3)
    assert not gradcheck(noisy, x, raise_exception=False)
    assert gradcheck(narrow, x, check_grad_dtypes=False, rtol=1e-3, atol=1e-3)
    assert not gradcheck(narrow, x, rtol=1e-3, atol=1e-3, raise_exception=False)


def test_rtol_and_atol_bound_the_linearity_of_backward(x):
    """A float32 gradient adds up to seven digits, which is enough for whom asks for no more."""
    narrow = FAULTS["dtype"].function
    assert not gradcheck(narrow, x, check_grad_dtypes=False, rtol=1e-12, raise_exception=False)
    slightly_bent = FAULTS["slightly not linear"].function
    assert not gradcheck(slightly_bent, x, raise_exception=False)
    assert gradcheck(slightly_bent, x, rtol=1e-3, atol=1e-3)


def test_check_undefined_grad_decides(x):
    forgetful = FAULTS["unused output forgotten"].function
    assert gradcheck(forgetful, x, check_undefined_grad=False)
    assert not gradcheck(forgetful, x, raise_exception=False)


def test_entries_are_checked_one_by_one_unless_fast():
    def tiny_error(x):
        big, small = x[0] * 1e8, x[1] * 1.0
        return big + small + 0.001 * (x[1] - x[1].detach())

    x = mg.tensor([1.0, 2.0], dtype=mg.float64, requires_grad=True)
    assert gradcheck(tiny_error, x, fast_mode=True, linear=True)
    assert not gradcheck(tiny_error, x, linear=True, raise_exception=False)


@pytest.mark.parametrize(
    ("check", "option", "error"),
    [
        (gradcheck, {"check_batched_forward_grad": True}, ValueError),
        (gradcheck, {"masked": True}, NotImplementedError),
        (gradcheck, {"check_backward_ad": False}, AssertionError),
        (gradcheck, {"eps": 0.0}, ValueError),
        (gradgradcheck, {"check_rev_over_rev": False}, AssertionError),
    ],
)
def test_what_has_no_meaning_here_is_refused(check, option, error, x):
    with pytest.raises(error, match=next(iter(option))):
        check(mg.exp, x, **option)
