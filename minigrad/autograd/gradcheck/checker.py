"""The check itself: a function's derivatives at a point, and how its backward behaves."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.autograd.differentiate import grad
from minigrad.autograd.gradcheck.comparison import (
    Comparison,
    Situation,
    Strictness,
    gradients_of,
    leaf_of,
)
from minigrad.autograd.gradcheck.diagnosis import GradcheckError, cause_of_shape
from minigrad.autograd.gradcheck.numeric import away_from_zero
from minigrad.core import dtypes
from minigrad.engine.graph import wrap
from minigrad.ops import stack
from minigrad.tensor import Tensor

Array = np.ndarray[Any, Any]
Function = Callable[..., Any]


class Checker:
    """One function at one point, with random cotangents of its outputs.

    Raises ValueError for inputs that are not float64 or none of which requires gradients.
    """

    def __init__(
        self,
        func: Function,
        inputs: Any,
        name: str,
        strictness: Strictness,
        seed: int,
        labels: Sequence[str] | None = None,
    ) -> None:
        self.func = func
        self.inputs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
        self.places = [
            i for i, x in enumerate(self.inputs) if isinstance(x, Tensor) and x.requires_grad
        ]
        if not self.places:
            raise ValueError("gradcheck needs at least one input that requires gradients")
        for i in self.places:
            if self.inputs[i].dtype is not dtypes.float64:
                raise ValueError(
                    f"gradcheck compares differences of function values and needs float64: input "
                    f"{i} is {self.inputs[i].dtype}"
                )
        self.labels = labels or [f"argument {i}" for i in self.places]
        self.point = [np.array(self.inputs[i].array) for i in self.places]
        self.name = name
        self.strict = strictness
        self.seed = seed
        self.rng = np.random.default_rng(seed)

    def function(self, *leaves: Tensor) -> tuple[Tensor, ...]:
        """The checked function of its differentiable inputs alone; its floating outputs."""
        inputs = list(self.inputs)
        for place, leaf in zip(self.places, leaves, strict=True):
            inputs[place] = leaf
        result = self.func(*inputs)
        given = tuple(result) if isinstance(result, tuple | list) else (result,)
        return tuple(t for t in given if isinstance(t, Tensor) and t.is_floating_point())

    # --- first order -----------------------------------------------------------------------------

    def first_order(self) -> float:
        """Check the first derivatives; the worst error, relative to the size of the terms."""
        outputs = self._outputs_twice()
        if not any(o.requires_grad for o in outputs):
            self._fail("no output depends on the inputs in the graph: is something detached?")
        return self._derivatives([away_from_zero(self.rng, o.shape) for o in outputs])

    def _outputs_twice(self) -> tuple[Tensor, ...]:
        """The outputs at the point, which must not change from one call to the next."""
        outputs, again = (self.function(*map(leaf_of, self.point)) for _ in range(2))
        for place, (a, b) in enumerate(zip(outputs, again, strict=True)):
            if a.shape != b.shape or not self._close(a.array, b.array):
                self._fail(
                    f"output {place} differs between two calls with the same inputs: the function "
                    f"is not deterministic, or changes its inputs or its own state"
                )
        return outputs

    def _derivatives(self, cotangents: list[Array]) -> float:
        worst = self._compare(cotangents)
        gradients = self._pull(self.function, cotangents)
        self._same_every_time(gradients, self._pull(self.function, cotangents))
        self._zero_for_zero(self._pull(self.function, [np.zeros_like(c) for c in cotangents]))
        self._linear_in_cotangents(gradients, cotangents)
        if len(self.point) > 1:
            self._same_when_alone(gradients, cotangents)
        self._optional(gradients, cotangents)
        return worst

    def _optional(self, gradients: Sequence[Array], cotangents: list[Array]) -> None:
        """What has to be asked for, or has a meaning for several outputs only."""
        if self.strict.undefined and len(cotangents) > 1:
            self._undefined_are_zero(cotangents)
        if self.strict.batched:
            self._rows_of_a_batch(gradients, cotangents)

    def _close(self, a: Array, b: Array) -> bool:
        return bool(np.allclose(a, b, 0, self.strict.nondet_tol, equal_nan=True))

    def _agree(self, a: Array, b: Array) -> bool:
        """Whether two ways to one gradient lead to the same, but for rounding."""
        # Terms that cancel leave rounding errors, hence more than relative to their sum.
        scale = np.abs(b[np.isfinite(b)]).max(initial=0.0)
        bound = self.strict.atol * (1.0 + scale) + self.strict.nondet_tol
        return bool(np.allclose(a, b, self.strict.rtol, bound, equal_nan=True))

    def _pull(self, function: Function, cotangents: Sequence[Array]) -> tuple[Array, ...]:
        """The gradients at the point; the rules must leave the arrays they are given alone."""
        leaves = list(map(leaf_of, self.point))
        starts = [wrap(Tensor, np.array(c)) for c in cotangents]
        found = gradients_of(function(*leaves), leaves, starts)
        for start, c in zip(starts, cotangents, strict=True):
            if not np.array_equal(start.array, c, equal_nan=True):
                self._fail("backward changes the cotangent g in place")
        for label, leaf, x in zip(self.labels, leaves, self.point, strict=True):
            if not np.array_equal(leaf.array, x, equal_nan=True):
                self._fail(f"{label} is changed in place")
        return tuple(g.array for g in found)

    def _same_every_time(self, first: Sequence[Array], again: Sequence[Array]) -> None:
        for label, a, b in zip(self.labels, first, again, strict=True):
            if not self._close(a, b):
                apart = np.abs(a - b).max()
                self._fail(
                    f"the gradient of {label} differs by {apart:.3g} between two "
                    f"backward passes: backward is not deterministic (nondet_tol is "
                    f"{self.strict.nondet_tol:g})"
                )

    def _zero_for_zero(self, gradients: Sequence[Array]) -> None:
        for label, g in zip(self.labels, gradients, strict=True):
            if (g != 0).any():
                self._fail(
                    f"a cotangent of zero gives {label} the gradient {g.tolist()}, expected zeros"
                )

    def _linear_in_cotangents(self, gradients: Sequence[Array], cotangents: list[Array]) -> None:
        """Two uses in one graph, with cotangents c and -3c: their gradients add up to -2 of one."""

        def twice(*leaves: Tensor) -> tuple[Tensor, ...]:
            return (*self.function(*leaves), *self.function(*leaves))

        together = self._pull(twice, [*cotangents, *(-3.0 * c for c in cotangents)])
        for label, one, both in zip(self.labels, gradients, together, strict=True):
            if not self._agree(both, -2.0 * one):
                self._fail(
                    f"the gradient of {label} does not add up when the function is "
                    f"used twice, with cotangents g and -3g: backward is not linear in g, or gives "
                    f"away an array that is not its own"
                )

    def _same_when_alone(self, gradients: Sequence[Array], cotangents: list[Array]) -> None:
        """An argument's gradient does not depend on whether others want theirs."""
        for place, label in enumerate(self.labels):
            leaves = [leaf_of(x) if i == place else wrap(Tensor, np.array(x))
                      for i, x in enumerate(self.point)]  # fmt: skip
            starts = [wrap(Tensor, np.array(c)) for c in cotangents]
            (alone,) = gradients_of(self.function(*leaves), [leaves[place]], starts)
            expected = gradients[place]
            if alone.shape != expected.shape or not self._agree(alone.array, expected):
                self._fail(f"the gradient of {label} is another one if no other input wants one")

    def _undefined_are_zero(self, cotangents: list[Array]) -> None:
        """An output that nobody used is one whose cotangent is zero."""
        for used in range(len(cotangents)):

            def alone(*leaves: Tensor, used: int = used) -> tuple[Tensor, ...]:
                return (self.function(*leaves)[used],)

            zeros = [c if i == used else np.zeros_like(c) for i, c in enumerate(cotangents)]
            one = self._pull(alone, [cotangents[used]])
            padded = self._pull(self.function, zeros)
            for label, a, b in zip(self.labels, one, padded, strict=True):
                if not np.allclose(a, b, 1e-10, 1e-12 + self.strict.nondet_tol):
                    self._fail(
                        f"the gradient of {label} is another one where only output "
                        f"{used} is used than where the others have cotangents of zero"
                    )

    def _rows_of_a_batch(self, gradients: Sequence[Array], cotangents: list[Array]) -> None:
        """`is_grads_batched` gives each row what it gets alone."""
        leaves = list(map(leaf_of, self.point))
        pairs = [
            (o, wrap(Tensor, np.stack([c, -2.0 * c])))
            for o, c in zip(self.function(*leaves), cotangents, strict=True)
            if o.requires_grad
        ]
        outputs, starts = zip(*pairs, strict=True)
        options = {"is_grads_batched": True, "allow_unused": True}
        batched = grad(outputs, leaves, starts, **options)
        for label, rows, single in zip(self.labels, batched, gradients, strict=True):
            expected = np.stack([single, -2.0 * single])
            if rows is not None and not np.allclose(rows.array, expected, 1e-10, 1e-12):
                self._fail(f"the batched gradient of {label} is not that of its rows")

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
        plain = self._pull(self.function, list(cotangents))
        for label, a, b in zip(self.labels, recorded, plain, strict=True):
            scale = np.abs(b).max(initial=0.0)
            if not np.allclose(a.array, b, 1e-10, 1e-12 * (1.0 + scale) + self.strict.nondet_tol):
                self._fail(
                    f"the gradient of {label} with create_graph=True differs from the one without:"
                    f"\n{a.array}\n{b}"
                )
        labels = [*self.labels, *(f"cotangent {i}" for i in range(len(cotangents)))]
        name = f"gradient of {self.name}"
        inner = Checker(gradient, map(leaf_of, point), name, self.strict, self.seed, labels)
        inner.rng = self.rng
        starts = [away_from_zero(self.rng, g.shape) for g in recorded]
        worst = inner._compare(starts)
        inner._optional(inner._pull(gradient, starts), starts)
        return worst

    # --- comparison ------------------------------------------------------------------------------

    def _compare(self, cotangents: list[Array]) -> float:
        leaves = list(map(leaf_of, self.point))
        starts = [wrap(Tensor, np.array(c)) for c in cotangents]
        analytic = gradients_of(self.function(*leaves), leaves, starts)
        situation = Situation(
            self.name, self.function, self.point, cotangents, self.labels, self.seed
        )
        worst = 0.0
        for place, (g, x) in enumerate(zip(analytic, self.point, strict=True)):
            self._check_form(self.labels[place], g, x)
            comparison = Comparison(situation, place, g.array, self.strict)
            worst = max(worst, comparison.along(away_from_zero(self.rng, x.shape)))
            if self.strict.entrywise:
                worst = max([worst, *map(comparison.at, np.ndindex(x.shape))])
        return worst

    def _check_form(self, label: str, g: Tensor, x: Array) -> None:
        if g.shape != x.shape:
            cause = cause_of_shape(tuple(g.shape), x.shape)
            hint = "" if cause is None else f"\nlikely: {cause}"
            self._fail(
                f"the gradient of {label} has shape {list(g.shape)}, expected {list(x.shape)}{hint}"
            )
        if self.strict.dtypes and g.dtype is not dtypes.float64:
            self._fail(f"the gradient of {label} has dtype {g.dtype}, expected float64 as it has")

    def _fail(self, what: str) -> None:
        raise GradcheckError(f"{self.name}: {what}\nseed: {self.seed}")
