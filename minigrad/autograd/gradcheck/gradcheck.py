"""torch.autograd.gradcheck: analytic derivatives of functions of tensors against numeric ones."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.autograd.gradcheck.checker import Checker
from minigrad.autograd.gradcheck.failures import GradcheckError, NotSmoothError
from minigrad.autograd.gradcheck.strictness import Strictness
from minigrad.core import unsupported
from minigrad.tensor import Tensor

__all__ = ["GradcheckError", "NotSmoothError", "gradcheck", "gradgradcheck"]


def gradcheck(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    *,
    eps: float | None = None,
    atol: float | None = None,
    rtol: float | None = None,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = True,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
    linear: bool = False,
    seed: int = 0,
    name: str | None = None,
) -> bool:
    """Check the first derivatives of `func(*inputs)` with respect to inputs that require gradients.

    func gives a tensor or several.  The check weighs the outputs with random cotangents and
    compares the gradient with differences of function values along a random direction, and, unless
    fast_mode, entry by entry; with more than 1024 entries along eight directions and at a sample.
    At a kink, any number between the slopes of both sides is right.  Also checked: backward is
    linear in the cotangent, gives the same each time, at two points, and changes nothing in place.

    eps, atol, rtol: the step, relative to the size of each entry, and the tolerances, beside the
        bound on a difference's own error; without, they follow from the dtype (rtol: 1e-6 for
        float64, 1e-3 for float32, 3e-2 for float16).  A given atol is allowed as it stands, too.
    nondet_tol: by how much two calls, or two backward passes, may differ.
    check_undefined_grad: an output left unused counts as one whose cotangent is zero.
    check_grad_dtypes: gradients have the dtype of their inputs.
    check_batched_grad: check `grad(..., is_grads_batched=True)` too.
    check_forward_ad: check forward mode's tangents too; check_batched_forward_grad: under vmap;
        check_backward_ad=False: these alone.
    linear: func is linear in each input.  seed: of cotangents and directions.  name: of func.

    Raises GradcheckError (a RuntimeError) with the entries that disagree, whose `kind` names the
    likely mistake, or returns False without raise_exception; ValueError if no input requires one.
    PyTorch differs: its step is 1e-6 with atol=1e-5 and rtol=1e-3, whatever the dtype and size, so
    that it warns of inputs that are not float64; it compares every entry of large arguments.

        >>> x = minigrad.rand(3, dtype=minigrad.float64, requires_grad=True)
        >>> minigrad.autograd.gradcheck(lambda x: x.exp() * x, x)
        True
    """
    _require_one(check_forward_ad=check_forward_ad, check_backward_ad=check_backward_ad)
    _require_mode("check_batched_forward_grad", check_batched_forward_grad, check_forward_ad)
    _require_mode("check_batched_grad", check_batched_grad, check_backward_ad)
    _refuse_masked(masked)
    strictness = Strictness(
        rtol, atol, _positive(eps), nondet_tol, linear, not fast_mode, check_undefined_grad,
        check_grad_dtypes, check_batched_grad, check_backward_ad, check_forward_ad,
        check_batched_forward_grad,
    )  # fmt: skip
    checker = Checker(func, inputs, _name(func, name), strictness, seed)
    return _answer(checker.first_order, raise_exception)


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    grad_outputs: Tensor | Sequence[Tensor] | None = None,
    *,
    eps: float | None = None,
    atol: float | None = None,
    rtol: float | None = None,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = True,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
    linear: bool = False,
    seed: int = 0,
    name: str | None = None,
) -> bool:
    """Check the second derivatives of `func(*inputs)`, as `gradcheck` does the first.

    The checked function is the gradient of func, of inputs and cotangents both; moreover the
    gradient that create_graph=True computes must be the one computed without it.

    grad_outputs: one cotangent per output; random ones without.
    gen_non_contig_grad_outputs: random cotangents that do not lie in memory in order.
    check_fwd_over_rev: check the gradient's tangents too; check_rev_over_rev=False: these alone.
    Other arguments, errors and differences from PyTorch as in `gradcheck`.
    """
    _require_one(check_fwd_over_rev=check_fwd_over_rev, check_rev_over_rev=check_rev_over_rev)
    _refuse_masked(masked)
    strictness = Strictness(
        rtol, atol, _positive(eps), nondet_tol, linear, not fast_mode, check_undefined_grad,
        check_grad_dtypes, check_batched_grad, check_rev_over_rev, check_fwd_over_rev,
    )  # fmt: skip
    checker = Checker(func, inputs, _name(func, name), strictness, seed)
    cotangents = None
    if grad_outputs is not None:
        given = [grad_outputs] if isinstance(grad_outputs, Tensor) else grad_outputs
        cotangents = [np.array(c.array, np.float64) for c in given]
    options = {"non_contiguous": gen_non_contig_grad_outputs}
    return _answer(lambda: checker.second_order(cotangents, **options), raise_exception)


def _answer(check: Callable[[], float], raise_exception: bool) -> bool:
    try:
        check()
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _name(func: Callable[..., Any], name: str | None) -> str:
    return name or str(getattr(func, "__name__", type(func).__name__))


def _positive(eps: float | None) -> float | None:
    if eps is not None and not eps > 0:
        raise ValueError(f"gradcheck: eps must be a positive number, got {eps}")
    return eps


def _require_one(**modes: bool) -> None:
    if not any(modes.values()):
        raise AssertionError(f"Expected at least one of {' and '.join(modes)} to be True")


def _require_mode(option: str, wanted: bool, mode: bool) -> None:
    if wanted and not mode:
        raise ValueError(f"{option}=True requires the check of the mode that it belongs to")


def _refuse_masked(masked: bool | None) -> None:
    if masked:
        unsupported.refuse("masked=True", unsupported.SPARSE)
