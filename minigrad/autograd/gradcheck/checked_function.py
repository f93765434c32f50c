"""A function at one point, as the checks use it: outputs, gradients, comparisons, failures."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

import numpy as np

from minigrad.autograd.gradcheck.comparison import Coverage
from minigrad.autograd.gradcheck.failures import GradcheckError
from minigrad.autograd.gradcheck.situation import gradients_of, leaf_of
from minigrad.autograd.gradcheck.strictness import Strictness
from minigrad.core.complex_arrays import real_view
from minigrad.core.types import Array
from minigrad.engine.graph import wrap
from minigrad.ops import view_as_complex, view_as_real
from minigrad.tensor import Tensor

Function = Callable[..., Any]


class CheckedFunction:
    """A function of tensors at one point: `function` takes its differentiable inputs alone.

    Complex inputs and outputs count as pairs of real numbers.  The tolerances are those of the
    input with the fewest digits.  Raises ValueError if no input requires gradients.
    """

    def __init__(
        self,
        func: Function,
        inputs: Tensor | Iterable[Any],
        name: str,
        strictness: Strictness,
        seed: int,
        labels: Sequence[str] | None = None,
    ) -> None:
        self.func = func
        self.inputs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
        self.positions = [
            i for i, x in enumerate(self.inputs) if isinstance(x, Tensor) and x.requires_grad
        ]
        if not self.positions:
            raise ValueError("gradcheck needs at least one input that requires gradients")
        self.labels = labels or [f"argument {i}" for i in self.positions]
        self.point = [np.array(real_view(self.inputs[i].array)) for i in self.positions]
        self.name = name
        self.strict = strictness
        self.bounds = strictness.bounds(
            min((x.dtype for x in self.point), key=lambda d: d.itemsize)
        )
        # The least size of function values that counts: that of the function derived from, if any.
        self.size = 0.0
        self.coverages: list[Coverage] = []
        self.seed = seed
        self.rng = np.random.default_rng(seed)

    def function(self, *leaves: Tensor) -> tuple[Tensor, ...]:
        """The checked function of its differentiable inputs alone; its floating outputs.

        Inputs and outputs are real: pairs of parts stand for complex ones.
        """
        return self._real(self.func, leaves)

    def function_like(self, func: Function) -> Function:
        """`function` of another function of the same inputs."""
        return lambda *leaves: self._real(func, leaves)

    def _real(self, func: Function, leaves: Sequence[Tensor]) -> tuple[Tensor, ...]:
        inputs = list(self.inputs)
        for position, leaf in zip(self.positions, leaves, strict=True):
            inputs[position] = view_as_complex(leaf) if inputs[position].is_complex() else leaf
        result = func(*inputs)
        given = tuple(result) if isinstance(result, tuple | list) else (result,)
        tensors = [t for t in given if isinstance(t, Tensor) and t.array.dtype.kind in "fc"]
        return tuple(view_as_real(t) if t.is_complex() else t for t in tensors)

    def leaves(self) -> list[Tensor]:
        """New leaves at the point, which require gradients."""
        return list(map(leaf_of, self.point))

    def elsewhere(self) -> list[Array]:
        """A point nearby, in the function's domain as far as one can tell."""
        rng = np.random.default_rng(self.seed)
        return [(x * (1 + 0.01 * rng.uniform(-1, 1, x.shape))).astype(x.dtype) for x in self.point]

    def gradients(self, function: Function, cotangents: Sequence[Array]) -> tuple[Array, ...]:
        """The gradients at the point; the rules must leave the arrays they are given alone."""
        leaves = self.leaves()
        outputs = function(*leaves)
        starts = [
            wrap(Tensor, np.array(c, o.array.dtype))
            for c, o in zip(cotangents, outputs, strict=True)
        ]
        found = gradients_of(outputs, leaves, starts)
        for start, c in zip(starts, cotangents, strict=True):
            if not np.array_equal(start.array, c.astype(start.array.dtype), equal_nan=True):
                self.fail("backward changes the cotangent g in place", "cotangent in place")
        self.require_unchanged(leaves)
        return tuple(g.array for g in found)

    def require_unchanged(self, leaves: Sequence[Tensor]) -> None:
        """Fail if leaves made at the point are no longer what they were."""
        for label, leaf, x in zip(self.labels, leaves, self.point, strict=True):
            if not np.array_equal(leaf.array, x, equal_nan=True):
                self.fail(f"{label} is changed in place", "input in place")

    def close(self, a: Array, b: Array) -> bool:
        """True if two runs of one computation give the same, up to `nondet_tol`."""
        return bool(np.allclose(a, b, 0, self.strict.nondet_tol, equal_nan=True))

    def agree(self, a: Array, b: Array) -> bool:
        """True if two computations of one gradient give the same up to rounding."""
        # Terms that cancel leave rounding errors, hence more than relative to their sum.
        scale = np.abs(b[np.isfinite(b)]).max(initial=0.0)
        bound = self.bounds.atol * (1.0 + scale) + self.strict.nondet_tol
        return bool(np.allclose(a, b, self.bounds.rtol, bound, equal_nan=True))

    def identical(self, a: Array, b: Array) -> bool:
        """True if two ways to the same gradient give the same up to the last digits."""
        relative = max(1e-10, 100 * self.bounds.rounding)
        scale = np.abs(b[np.isfinite(b)]).max(initial=0.0)
        bound = 1e-2 * relative * (1.0 + scale) + self.strict.nondet_tol
        return bool(np.allclose(a, b, relative, bound, equal_nan=True))

    def require_same(self, what: str, found: Sequence[Tensor], expected: Sequence[Tensor]) -> float:
        """Fail if two ways to the same tensors differ; the worst difference, relative to them."""
        worst = 0.0
        for position, (a, b) in enumerate(zip(found, expected, strict=True)):
            if a.shape != b.shape or not self.agree(a.array, b.array):
                self.fail(
                    f"{what} {position} is another one than of contiguous copies:\n{a.array}\n"
                    f"{b.array}"
                )
            scale = 1.0 + np.abs(b.array).max(initial=0.0)
            worst = max(worst, float(np.nanmax(np.abs(a.array - b.array) / scale, initial=0.0)))
        return worst

    def fail(self, what: str, kind: str | None = None) -> NoReturn:
        """Raise GradcheckError."""
        raise GradcheckError(f"{self.name}: {what}\nseed: {self.seed}", kind)
