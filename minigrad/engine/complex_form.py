"""The forms that operations have for complex tensors, and the refusal where there is none.

Real tensors pay nothing for them: complex ones have `_needs_check`, so that operations look at
them where they look at views, and take the form that is registered here.

Gradients follow torch's convention: the gradient of a real loss L with respect to z = x + iy is
dL/dx + i dL/dy.  A rule that is written for real tensors pulls a cotangent g back to g * f'(z); of
a holomorphic f the gradient is g * conj(f'(z)), which is conj(rule(conj(g))).  So such an operation
needs no rule of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from minigrad.engine.graph import Value
from minigrad.engine.operation import Op, Rule
from minigrad.engine.saved import KeptFor


class ComplexOp(Op):
    """The form of an operation for complex tensors.

    Without rules of its own it has the operation's: as they are where the operation is linear with
    real coefficients, else between two conjugations.
    """

    def __init__(
        self,
        operation: Op,
        forward: Callable[..., Any] | None,
        vjp: Sequence[Rule | None] | None,
        conjugates: bool,
    ) -> None:
        vars(self).update(vars(operation))
        self.is_complex_form = True
        self.forward = forward or operation.forward
        if vjp is not None:
            self.vjp_rules = vjp
        self.conjugates = conjugates
        self.array_vjp = ()
        self.symmetric = False
        self.declaration = replace(
            operation.declaration, accumulates=False, symmetric=False, takes_complex=True
        )
        self.keeps = KeptFor(self._readers, self.read_by_name)
        self.calls: dict[bool, Callable[..., Any]] = {}

    def vjp(
        self,
        g: Any,
        out: Any,
        inputs: Sequence[Any],
        settings: Mapping[str, Any],
        wanted: Sequence[int],
    ) -> Sequence[Any]:
        if not self.conjugates:
            return super().vjp(g, out, inputs, settings, wanted)
        found = super().vjp(g.conj(), out, inputs, settings, wanted)
        return [None if cotangent is None else cotangent.conj() for cotangent in found]


def takes_complex(
    operation: Any,
    forward: Callable[..., Any] | None = None,
    *,
    vjp: Sequence[Rule | None] | None = None,
    is_real_linear: bool = False,
) -> None:
    """Register the form of an operation for complex tensors.

    forward: of complex arrays, where the operation's own will not do.
    vjp: rules, where the operation is not holomorphic; they give the gradient as torch has it.
    is_real_linear: the operation is linear with real coefficients, and its rules hold as they are.
    """
    op: Op = operation.op
    op.complex_form = ComplexOp(op, forward, vjp, vjp is None and not is_real_linear)


def complex_form(operation: Op) -> ComplexOp:
    """The form of an operation for complex tensors.  Raises NotImplementedError without one."""
    form: ComplexOp | None = operation.complex_form
    if form is None:
        raise refusal(operation.name)
    return form


def refusal(name: str) -> NotImplementedError:
    """The error for a function that complex tensors do not have."""
    return NotImplementedError(
        f"{name}() is not implemented for complex tensors here, only arithmetic, products of "
        f"matrices, sums, shapes, indices and transforms are (docs/differences.md lists them); use "
        f"it on x.real and x.imag, x.abs() and x.angle(), or view_as_real(x)"
    )


def refuse_complex(name: str, *operands: Any) -> None:
    """Raise NotImplementedError if one of the operands is a complex tensor or number."""
    if any(x._is_complex if isinstance(x, Value) else isinstance(x, complex) for x in operands):
        raise refusal(name)
