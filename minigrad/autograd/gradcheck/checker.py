"""Checks of the derivatives of first and second order of a function at a point."""

from collections.abc import Sequence

import numpy as np

from minigrad.autograd.gradcheck.backward_properties import (
    check_batched_cotangents,
    check_determinism,
    check_linearity,
    check_single_inputs,
    check_unused_outputs,
    check_zero_cotangents,
)
from minigrad.autograd.gradcheck.checked_function import CheckedFunction
from minigrad.autograd.gradcheck.comparison import Comparison, Situation, gradients_of, leaf_of
from minigrad.autograd.gradcheck.diagnosis import cause_of_shape
from minigrad.autograd.gradcheck.forward_properties import (
    check_batched_forward_mode,
    check_forward_mode,
)
from minigrad.autograd.gradcheck.numeric import away_from_zero
from minigrad.core import dtypes
from minigrad.core.types import Array
from minigrad.engine.graph import wrap
from minigrad.ops import stack
from minigrad.tensor import Tensor


class Checker(CheckedFunction):
    """The checks of first and second order, with random cotangents of the outputs."""

    # --- first order -----------------------------------------------------------------------------

    def first_order(self) -> float:
        """Check the first derivatives; the worst error, relative to the size of the terms."""
        outputs = self._outputs_twice()
        self._forward_mode()
        if not self.strict.backward:
            return 0.0
        if not any(o.requires_grad for o in outputs):
            self.fail("no output depends on the inputs in the graph: is something detached?")
        return self._derivatives([away_from_zero(self.rng, o.shape) for o in outputs])

    def _forward_mode(self) -> None:
        if self.strict.forward:
            check_forward_mode(self)
        if self.strict.batched_forward:
            check_batched_forward_mode(self)

    def _outputs_twice(self) -> tuple[Tensor, ...]:
        """The outputs at the point, which must not change from one call to the next."""
        outputs, again = (self.function(*self.leaves()) for _ in range(2))
        for position, (a, b) in enumerate(zip(outputs, again, strict=True)):
            if a.shape != b.shape or not self.close(a.array, b.array):
                self.fail(
                    f"output {position} differs between two calls with the same inputs: the "
                    f"function is not deterministic, or changes its inputs or its own state"
                )
        return outputs

    def _derivatives(self, cotangents: list[Array]) -> float:
        worst = self._compare(cotangents)
        gradients = self.gradients(self.function, cotangents)
        check_determinism(self, gradients, self.gradients(self.function, cotangents))
        check_zero_cotangents(
            self, self.gradients(self.function, [np.zeros_like(c) for c in cotangents])
        )
        check_linearity(self, gradients, cotangents)
        if len(self.point) > 1:
            check_single_inputs(self, gradients, cotangents)
        self._optional(gradients, cotangents)
        return worst

    def _optional(self, gradients: Sequence[Array], cotangents: list[Array]) -> None:
        """Checks that are optional, or have a meaning for several outputs only."""
        if self.strict.undefined and len(cotangents) > 1:
            check_unused_outputs(self, cotangents)
        if self.strict.batched:
            check_batched_cotangents(self, gradients, cotangents)

    # --- second order ----------------------------------------------------------------------------

    def second_order(
        self, cotangents: Sequence[Array] | None = None, *, non_contiguous: bool = False
    ) -> float:
        """Check the gradient's own gradients; the worst error, relative to the size of the terms.

        cotangents: of the outputs, random ones without.  With non_contiguous they reach the rules
        as views that do not lie in memory in order.
        """
        if cotangents is None:
            cotangents = [away_from_zero(self.rng, o.shape) for o in self._outputs_twice()]
        count = len(self.point)

        def gradient(*values: Tensor) -> tuple[Tensor, ...]:
            starts = values[count:]
            if non_contiguous:
                starts = tuple(stack((c, c), -1).select(-1, 0) for c in starts)
            outputs = self.function(*values[:count])
            return gradients_of(outputs, values[:count], starts, create_graph=True)

        point = [*self.point, *cotangents]
        recorded = gradient(*map(leaf_of, point))
        plain = self.gradients(self.function, list(cotangents))
        for label, a, b in zip(self.labels, recorded, plain, strict=True):
            scale = np.abs(b).max(initial=0.0)
            if not np.allclose(a.array, b, 1e-10, 1e-12 * (1.0 + scale) + self.strict.nondet_tol):
                self.fail(
                    f"the gradient of {label} with create_graph=True differs from the one without:"
                    f"\n{a.array}\n{b}"
                )
        labels = [*self.labels, *(f"cotangent {i}" for i in range(len(cotangents)))]
        name = f"gradient of {self.name}"
        inner = Checker(gradient, map(leaf_of, point), name, self.strict, self.seed, labels)
        inner.rng = self.rng
        inner._forward_mode()
        if not self.strict.backward:
            return 0.0
        starts = [away_from_zero(self.rng, g.shape) for g in recorded]
        worst = inner._compare(starts)
        inner._optional(inner.gradients(gradient, starts), starts)
        return worst

    # --- comparison ------------------------------------------------------------------------------

    def _compare(self, cotangents: list[Array]) -> float:
        leaves = self.leaves()
        starts = [wrap(Tensor, np.array(c)) for c in cotangents]
        analytic = gradients_of(self.function(*leaves), leaves, starts)
        situation = Situation(
            self.name, self.function, self.point, cotangents, self.labels, self.seed
        )
        worst = 0.0
        for position, (g, x) in enumerate(zip(analytic, self.point, strict=True)):
            self._check_form(self.labels[position], g, x)
            comparison = Comparison(situation, position, g.array, self.strict)
            worst = max(worst, comparison.along(away_from_zero(self.rng, x.shape)))
            if self.strict.entrywise:
                worst = max([worst, *map(comparison.at, np.ndindex(x.shape))])
        return worst

    def _check_form(self, label: str, g: Tensor, x: Array) -> None:
        if g.shape != x.shape:
            cause = cause_of_shape(tuple(g.shape), x.shape)
            hint = "" if cause is None else f"\nlikely: {cause}"
            self.fail(
                f"the gradient of {label} has shape {list(g.shape)}, expected {list(x.shape)}{hint}"
            )
        if self.strict.dtypes and g.dtype is not dtypes.float64:
            self.fail(f"the gradient of {label} has dtype {g.dtype}, expected float64 as it has")
