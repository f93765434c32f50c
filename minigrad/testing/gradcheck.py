"""Analytic derivatives of functions of tensors against numeric ones."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad import dtypes
from minigrad.autograd import grad
from minigrad.graph import wrap
from minigrad.tensor import Tensor
from minigrad.testing.numeric import Estimate, away_from_zero, directional_derivative, unit

Array = np.ndarray[Any, Any]
Function = Callable[..., Any]

# Entries that a report lists, the worst first.
LISTED = 8


class GradientError(AssertionError):
    """An analytic derivative that disagrees with the function; says where, and by what ratio."""


class NotSmoothError(GradientError):
    """The function has a kink near the point, so that no difference tells its derivative."""


class Tolerance(NamedTuple):
    """How far analytic and numeric derivatives may be apart."""

    rtol: float = 1e-6
    atol: float = 1e-8

    def allows(self, analytic: float, numeric: float, scale: float) -> bool:
        """Whether two sums, of terms of total size `scale`, agree."""
        return abs(analytic - numeric) <= self.rtol * abs(numeric) + self.atol * (1.0 + scale)


def gradcheck(
    func: Function,
    inputs: Tensor | Sequence[Tensor],
    *,
    rtol: float = 1e-6,
    atol: float = 1e-8,
    linear: bool = False,
    seed: int = 0,
    name: str | None = None,
    raise_exception: bool = True,
) -> bool:
    """Check the first derivatives of `func(*inputs)` with respect to inputs that require gradients.

    func gives a tensor or several.  `linear` says that it is linear in each input, so that the
    check may take an exact step.  Also checked: a cotangent of zero gives zero.

    Raises GradientError with the entries that disagree (or returns False without
    raise_exception), ValueError for inputs that are not float64 or none of which requires
    gradients.

        >>> x = minigrad.rand(3, dtype=minigrad.float64, requires_grad=True)
        >>> minigrad.testing.gradcheck(lambda x: x.exp() * x, x)
        True
    """
    check = _Check(func, inputs, name, linear, seed, Tolerance(rtol, atol))
    return _answer(check.first_order, raise_exception)


def gradgradcheck(
    func: Function,
    inputs: Tensor | Sequence[Tensor],
    *,
    rtol: float = 1e-6,
    atol: float = 1e-8,
    linear: bool = False,
    seed: int = 0,
    name: str | None = None,
    raise_exception: bool = True,
) -> bool:
    """Check the second derivatives of `func(*inputs)`, as `gradcheck` does the first.

    The first derivatives that `create_graph=True` computes must be those computed without it.
    """
    check = _Check(func, inputs, name, linear, seed, Tolerance(rtol, atol))
    return _answer(check.second_order, raise_exception)


def _answer(check: Callable[[], None], raise_exception: bool) -> bool:
    try:
        check()
    except GradientError:
        if raise_exception:
            raise
        return False
    return True


def _outputs(result: Any) -> tuple[Tensor, ...]:
    given = tuple(result) if isinstance(result, tuple | list) else (result,)
    return tuple(t for t in given if isinstance(t, Tensor) and t.is_floating_point())


def _leaf(array: Array) -> Tensor:
    leaf: Tensor = wrap(Tensor, array)
    leaf.requires_grad = True
    return leaf


def _gradients(
    outputs: Sequence[Tensor], leaves: Sequence[Tensor], cotangents: Sequence[Any], **options: Any
) -> tuple[Tensor, ...]:
    pairs = [(o, c) for o, c in zip(outputs, cotangents, strict=True) if o.requires_grad]
    if not pairs:
        return tuple(leaf.new_zeros(leaf.shape) for leaf in leaves)
    roots, starts = zip(*pairs, strict=True)
    return grad(roots, leaves, starts, materialize_grads=True, **options)


class _Check:
    """One function at one point, with random cotangents of its outputs."""

    def __init__(
        self, func: Function, inputs: Any, name: str | None, linear: bool, seed: int,
        tolerance: Tolerance,
    ) -> None:  # fmt: skip
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
        self.point = [np.array(self.inputs[i].array) for i in self.places]
        self.name = name if name else str(getattr(func, "__name__", "function"))
        self.linear = linear
        self.rng = np.random.default_rng(seed)
        self.tolerance = tolerance

    def function(self, *leaves: Tensor) -> tuple[Tensor, ...]:
        """The checked function of its differentiable inputs alone."""
        inputs = list(self.inputs)
        for place, leaf in zip(self.places, leaves, strict=True):
            inputs[place] = leaf
        return _outputs(self.func(*inputs))

    def cotangents(self) -> list[Array]:
        outputs = self.function(*map(_leaf, self.point))
        if not any(o.requires_grad for o in outputs):
            raise GradientError(f"{self.name}: no output depends on the inputs in the graph")
        return [away_from_zero(self.rng, o.shape) for o in outputs]

    def first_order(self) -> None:
        cotangents = self.cotangents()
        self._compare(self.name, self.function, self.point, cotangents)
        leaves = [_leaf(array) for array in self.point]
        zeros = [wrap(Tensor, np.zeros_like(c)) for c in cotangents]
        for place, g in enumerate(_gradients(self.function(*leaves), leaves, zeros)):
            if (g.array != 0).any():
                raise GradientError(
                    f"{self.name}: a cotangent of zero gives argument {self.places[place]} the "
                    f"gradient {g.array.tolist()}, expected zeros"
                )

    def second_order(self) -> None:
        cotangents = self.cotangents()
        count = len(self.point)

        def gradient(*values: Tensor) -> tuple[Tensor, ...]:
            outputs = self.function(*values[:count])
            return _gradients(outputs, values[:count], values[count:], create_graph=True)

        point = [*self.point, *cotangents]
        recorded = gradient(*map(_leaf, point))
        leaves = [_leaf(array) for array in self.point]
        plain = _gradients(self.function(*leaves), leaves, [wrap(Tensor, c) for c in cotangents])
        for place, (a, b) in enumerate(zip(recorded, plain, strict=True)):
            if not np.allclose(a.array, b.array, 1e-10, 1e-12):
                raise GradientError(
                    f"{self.name}: the gradient of argument {self.places[place]} with "
                    f"create_graph=True differs from the one without:\n{a.array}\n{b.array}"
                )
        self._compare(
            f"gradient of {self.name}", gradient, point,
            [away_from_zero(self.rng, g.shape) for g in recorded],
        )  # fmt: skip

    def _compare(
        self, name: str, function: Function, point: list[Array], cotangents: list[Array]
    ) -> None:
        leaves = [_leaf(array) for array in point]
        starts = [wrap(Tensor, c) for c in cotangents]
        analytic = _gradients(function(*leaves), leaves, starts)
        for place, (g, x) in enumerate(zip(analytic, point, strict=True)):
            if g.shape != x.shape or g.dtype is not dtypes.float64:
                raise GradientError(
                    f"{name}: the gradient of argument {self._named(place)} has shape "
                    f"{list(g.shape)} and dtype {g.dtype}, expected {list(x.shape)} and float64"
                )

            def weighted(moved: Array, place: int = place) -> float:
                arrays = [moved if i == place else a for i, a in enumerate(point)]
                outputs = function(*map(_leaf, arrays))
                return sum(
                    float(np.vdot(c, o.array)) for c, o in zip(cotangents, outputs, strict=True)
                )

            direction = away_from_zero(self.rng, x.shape)
            numeric = directional_derivative(weighted, x, direction, linear=self.linear)
            terms = g.array * direction
            if not self.tolerance.allows(terms.sum(), numeric.value, np.abs(terms).sum()):
                self._explain(name, place, weighted, x, g.array, numeric)

    def _named(self, place: int) -> str:
        if place < len(self.places):
            return str(self.places[place])
        return f"cotangent {place - len(self.places)}"

    def _explain(
        self, name: str, place: int, weighted: Callable[[Array], float], x: Array, g: Array,
        whole: Estimate,
    ) -> None:  # fmt: skip
        """Raise, with the entries that disagree: index, analytic, numeric, ratio."""
        found = []
        for index in np.ndindex(x.shape):
            along = directional_derivative(weighted, x, unit(x.shape, index), linear=self.linear)
            found.append((abs(g[index] - along.value), index, float(g[index]), along))
        unsteady = max([whole.unsteady, *(along.unsteady for *_, along in found)])
        found.sort(key=lambda entry: -entry[0])
        lines = [f"  {'index':<14}{'analytic':>16}{'numeric':>16}{'ratio':>12}"]
        for _, index, analytic, along in found[:LISTED]:
            ratio = analytic / along.value if along.value else float("nan")
            lines.append(f"  {index!s:<14}{analytic:>16.8g}{along.value:>16.8g}{ratio:>12.6g}")
        more = len(found) - LISTED
        if more > 0:
            lines.append(f"  and {more} more")
        kind = NotSmoothError if unsteady > 1e-2 * (1.0 + abs(whole.value)) else GradientError
        raise kind(
            f"{name}: the gradient of argument {self._named(place)} (shape {list(x.shape)}) "
            f"disagrees with differences of function values, the worst entries first:\n"
            + "\n".join(lines)
        )
