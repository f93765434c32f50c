"""Checks of the derivatives of first and second order of a function at a point."""

from collections.abc import Sequence

import numpy as np

from minigrad.autograd.gradcheck.backward_properties import (
    check_batched_cotangents,
    check_determinism,
    check_forward_between,
    check_linearity,
    check_single_inputs,
    check_unused_outputs,
    check_zero_cotangents,
)
from minigrad.autograd.gradcheck.checked_function import CheckedFunction
from minigrad.autograd.gradcheck.comparison import Comparison
from minigrad.autograd.gradcheck.diagnosis import cause_of_shape
from minigrad.autograd.gradcheck.failures import GradcheckError, NotSmoothError
from minigrad.autograd.gradcheck.forward_properties import (
    check_batched_forward_mode,
    check_forward_mode,
)
from minigrad.autograd.gradcheck.numeric import away_from_zero
from minigrad.autograd.gradcheck.saved_values import with_saved_values
from minigrad.autograd.gradcheck.situation import Situation, gradients_of, leaf_of
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
        if not outputs:
            self.fail(
                "the result has no floating-point numbers, but integers, booleans or none: there "
                "is nothing to differentiate",
                "no floats",
            )
        self._forward_mode()
        if not self.strict.backward:
            return 0.0
        if not any(o.requires_grad for o in outputs):
            self.fail(
                "no output depends on the inputs in the graph: is something detached?", "zero"
            )
        return self._derivatives([away_from_zero(self.rng, o.shape) for o in outputs])

    def _forward_mode(self) -> None:
        if self.strict.forward:
            check_forward_mode(self)
        if self.strict.batched_forward:
            check_batched_forward_mode(self)

    def _outputs_twice(self) -> tuple[Tensor, ...]:
        """The outputs at the point, which must not change from one call to the next."""
        leaves = self.leaves()
        outputs, again = self.function(*leaves), self.function(*self.leaves())
        self.require_unchanged(leaves)
        for position, (a, b) in enumerate(zip(outputs, again, strict=True)):
            if a.shape != b.shape or not self.close(a.array, b.array):
                self.fail(
                    f"output {position} differs between two calls with the same inputs: the "
                    f"function is not deterministic, or changes its inputs or its own state",
                    "not deterministic",
                )
            self._check_finite(position, a.array)
        return outputs

    def _check_finite(self, position: int, values: Array) -> None:
        bad = ~np.isfinite(values)
        if bad.any():
            index = tuple(map(int, np.argwhere(bad)[0]))
            self.fail(
                f"output {position} is {values[index]} at {index}, and not finite at "
                f"{int(bad.sum())} of {values.size} entries: there is no derivative to compare",
                "not finite",
            )

    def _derivatives(self, cotangents: list[Array]) -> float:
        worst = self._compare(cotangents)
        gradients = self.gradients(self.function, cotangents)
        check_determinism(self, gradients, self.gradients(self.function, cotangents))
        check_forward_between(self, gradients, cotangents)
        self._check_elsewhere(gradients, cotangents)
        check_zero_cotangents(
            self, self.gradients(self.function, [np.zeros_like(c) for c in cotangents])
        )
        check_linearity(self, gradients, cotangents)
        if len(self.point) > 1:
            check_single_inputs(self, gradients, cotangents)
        self._optional(gradients, cotangents)
        return worst

    def _check_elsewhere(self, here: Sequence[Array], cotangents: list[Array]) -> None:
        """The gradient at a point nearby is right too, which one of an earlier call is not."""
        there = Checker(
            self.func, self.inputs, f"{self.name}, at a second point", self.strict, self.seed,
            self.labels,
        )  # fmt: skip
        there.point = self.elsewhere()
        there.strict = self.strict._replace(entrywise=False)
        values = [o.array for o in there.function(*there.leaves())]
        if not all(np.isfinite(v).all() for v in values):
            return
        try:
            there._compare(cotangents)
        except NotSmoothError:
            return  # which tells nothing of the rules
        except GradcheckError:
            found = there.gradients(there.function, cotangents)
            pairs = zip(found, here, self.point, strict=True)
            if any(np.array_equal(g, h) and g.any() and x.any() for g, h, x in pairs):
                self.fail(
                    "the gradient at a second point is the one of the first: what backward needs "
                    "is kept from an earlier call",
                    "stale",
                )
            raise

    def _optional(self, gradients: Sequence[Array], cotangents: list[Array]) -> None:
        """Checks that are optional, or have a meaning for several outputs only."""
        if self.strict.undefined and len(cotangents) > 1:
            check_unused_outputs(self, cotangents)
        if self.strict.batched:
            check_batched_cotangents(self, gradients, cotangents)

    # --- second order ----------------------------------------------------------------------------

    def second_order(
        self,
        cotangents: Sequence[Array] | None = None,
        *,
        non_contiguous: bool = False,
        third: bool = False,
    ) -> float:
        """Check the gradient's own gradients; the worst error, relative to the size of the terms.

        cotangents: of the outputs, random ones without.  With non_contiguous they reach the rules
        as views that do not lie in memory in order.  third: check its second derivatives too.
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
            if not self.identical(a.array, b):
                self.fail(
                    f"the gradient of {label} with create_graph=True differs from the one without:"
                    f"\n{a.array}\n{b}",
                    "create_graph",
                )
        labels = [*self.labels, *(f"cotangent {i}" for i in range(len(cotangents)))]
        name = f"gradient of {self.name}"
        inner = Checker(gradient, map(leaf_of, point), name, self.strict, self.seed, labels)
        inner.size = self._size(self._outputs_twice(), cotangents)
        inner.rng = self.rng
        inner._forward_mode()
        if not self.strict.backward:
            return 0.0
        starts = [away_from_zero(self.rng, g.shape) for g in recorded]
        try:
            worst = inner._compare(starts)
        except GradcheckError as error:
            raise with_saved_values(error, self._outputs_twice()) from None
        self.coverages += inner.coverages
        inner._optional(inner.gradients(gradient, starts), starts)
        return max(worst, inner.second_order()) if third else worst

    # --- comparison ------------------------------------------------------------------------------

    def _size(self, outputs: Sequence[Tensor], cotangents: Sequence[Array]) -> float:
        """The size of the function's largest value."""
        pairs = zip(outputs, cotangents, strict=True)
        sizes = [float(np.abs(c * o.array).max(initial=0.0)) for o, c in pairs]
        return max([self.size, *sizes])

    def _compare(self, cotangents: list[Array]) -> float:
        leaves = self.leaves()
        outputs = self.function(*leaves)
        starts = [
            wrap(Tensor, np.array(c, o.array.dtype))
            for c, o in zip(cotangents, outputs, strict=True)
        ]
        analytic = gradients_of(outputs, leaves, starts)
        size = self._size(outputs, cotangents)
        situation = Situation(
            self.name, self.function, self.point, cotangents, self.labels, self.seed
        )
        worst = 0.0
        for position, (g, x) in enumerate(zip(analytic, self.point, strict=True)):
            self._check_form(self.labels[position], g, x)
            comparison = Comparison(situation, position, g.array, self.strict, self.bounds, size)
            worst = max(worst, comparison.check(self.rng))
            if comparison.coverage is not None:
                self.coverages.append(comparison.coverage)
        return worst

    def _check_form(self, label: str, g: Tensor, x: Array) -> None:
        if g.shape != x.shape:
            cause = cause_of_shape(tuple(g.shape), x.shape)
            hint = "" if cause is None else f"\nlikely: {cause}"
            self.fail(
                f"the gradient of {label} has shape {list(g.shape)}, expected {list(x.shape)}"
                f"{hint}",
                "shape",
            )
        if self.strict.dtypes and g.array.dtype != x.dtype:
            self.fail(
                f"the gradient of {label} has dtype {g.dtype}, expected {x.dtype} as it has",
                "dtype",
            )
