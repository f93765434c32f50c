"""Properties that every backward has, checked without differences of function values."""

from collections.abc import Sequence

import numpy as np

from minigrad.autograd.differentiate import grad
from minigrad.autograd.gradcheck.checked_function import CheckedFunction
from minigrad.autograd.gradcheck.situation import gradients_of, leaf_of
from minigrad.core.types import Array
from minigrad.engine.graph import wrap
from minigrad.tensor import Tensor


def check_determinism(
    checked: CheckedFunction, first: Sequence[Array], again: Sequence[Array]
) -> None:
    """Two backward passes give the same gradients."""
    for label, a, b in zip(checked.labels, first, again, strict=True):
        if not checked.close(a, b):
            apart = np.abs(a - b).max()
            checked.fail(
                f"the gradient of {label} differs by {apart:.3g} between two "
                f"backward passes: backward is not deterministic (nondet_tol is "
                f"{checked.strict.nondet_tol:g})",
                "not deterministic",
            )


def check_forward_between(
    checked: CheckedFunction, gradients: Sequence[Array], cotangents: list[Array]
) -> None:
    """A call at another point, between forward and backward, changes no gradient."""
    leaves = checked.leaves()
    outputs = checked.function(*leaves)
    checked.function(*map(leaf_of, checked.elsewhere()))
    starts = [
        wrap(Tensor, np.array(c, o.array.dtype)) for c, o in zip(cotangents, outputs, strict=True)
    ]
    found = gradients_of(outputs, leaves, starts)
    for label, expected, g in zip(checked.labels, gradients, found, strict=True):
        if g.shape != expected.shape or not checked.agree(g.array, expected):
            checked.fail(
                f"the gradient of {label} is another one after the function was called at another "
                f"point: what backward needs is kept outside of the call, and overwritten",
                "stale",
            )


def check_zero_cotangents(checked: CheckedFunction, gradients: Sequence[Array]) -> None:
    """Cotangents of zero give gradients of zero."""
    for label, g in zip(checked.labels, gradients, strict=True):
        if (g != 0).any():
            checked.fail(
                f"a cotangent of zero gives {label} the gradient {g.tolist()}, expected zeros",
                "not linear",
            )


def check_linearity(
    checked: CheckedFunction, gradients: Sequence[Array], cotangents: list[Array]
) -> None:
    """Backward is linear: two uses with cotangents c and -3c add up to -2 times one with c."""

    def twice(*leaves: Tensor) -> tuple[Tensor, ...]:
        return (*checked.function(*leaves), *checked.function(*leaves))

    together = checked.gradients(twice, [*cotangents, *(-3.0 * c for c in cotangents)])
    for label, one, both in zip(checked.labels, gradients, together, strict=True):
        if not checked.agree(both, -2.0 * one):
            checked.fail(
                f"the gradient of {label} does not add up when the function is "
                f"used twice, with cotangents g and -3g: backward is not linear in g, or gives "
                f"away an array that is not its own",
                "not linear",
            )


def check_single_inputs(
    checked: CheckedFunction, gradients: Sequence[Array], cotangents: list[Array]
) -> None:
    """An input's gradient does not depend on which other inputs require theirs.

    A function that differentiates one of its inputs itself, as an inner step of training does,
    cannot be asked for the others without it.
    """
    for position, label in enumerate(checked.labels):
        leaves = [leaf_of(x) if i == position else wrap(Tensor, np.array(x))
                  for i, x in enumerate(checked.point)]  # fmt: skip
        try:
            outputs = checked.function(*leaves)
        except RuntimeError as error:
            if "does not require grad" in str(error):
                continue
            raise
        starts = [
            wrap(Tensor, np.array(c, o.array.dtype))
            for c, o in zip(cotangents, outputs, strict=True)
        ]
        (alone,) = gradients_of(outputs, [leaves[position]], starts)
        expected = gradients[position]
        if alone.shape != expected.shape or not checked.agree(alone.array, expected):
            checked.fail(
                f"the gradient of {label} is another one if no other input wants one",
                "wrong if alone",
            )


def check_unused_outputs(checked: CheckedFunction, cotangents: list[Array]) -> None:
    """An output that is not used counts as one whose cotangent is zero."""
    for used in range(len(cotangents)):

        def alone(*leaves: Tensor, used: int = used) -> tuple[Tensor, ...]:
            return (checked.function(*leaves)[used],)

        zeros = [c if i == used else np.zeros_like(c) for i, c in enumerate(cotangents)]
        one = checked.gradients(alone, [cotangents[used]])
        padded = checked.gradients(checked.function, zeros)
        for label, a, b in zip(checked.labels, one, padded, strict=True):
            if not checked.identical(a, b):
                checked.fail(
                    f"the gradient of {label} is another one where only output "
                    f"{used} is used than where the others have cotangents of zero",
                    "unused output",
                )


def check_batched_cotangents(
    checked: CheckedFunction, gradients: Sequence[Array], cotangents: list[Array]
) -> None:
    """`is_grads_batched` gives each row the gradient that it gets alone."""
    leaves = checked.leaves()
    pairs = [
        (o, wrap(Tensor, np.stack([c, -2.0 * c]).astype(o.array.dtype)))
        for o, c in zip(checked.function(*leaves), cotangents, strict=True)
        if o.requires_grad
    ]
    outputs, starts = zip(*pairs, strict=True)
    options = {"is_grads_batched": True, "allow_unused": True}
    batched = grad(outputs, leaves, starts, **options)
    for label, rows, single in zip(checked.labels, batched, gradients, strict=True):
        expected = np.stack([single, -2.0 * single])
        if rows is not None and not checked.identical(rows.array, expected):
            checked.fail(f"the batched gradient of {label} is not that of its rows")
