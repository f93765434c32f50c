"""Comparison of one gradient with differences of function values, and the report of errors."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.autograd.differentiate import grad
from minigrad.autograd.gradcheck.diagnosis import (
    Evidence,
    GradcheckError,
    NotSmoothError,
    likely_cause,
    table,
    worst_entries,
)
from minigrad.autograd.gradcheck.numeric import (
    FINER,
    STEP,
    away_from_zero,
    directional_derivative,
    slope_jump,
    unit,
)
from minigrad.core.types import Array
from minigrad.engine.graph import wrap
from minigrad.tensor import Tensor

Function = Callable[..., Any]

# A report looks at every entry of arguments up to this size; in larger ones it searches.
MOST_ENTRIES = 1024
# It attributes errors to the entries of an output that is no larger than this.
MOST_PARTS = 64


class Strictness(NamedTuple):
    """Tolerances, and the optional checks."""

    rtol: float = 1e-6
    atol: float = 1e-8
    step: float = STEP
    nondet_tol: float = 0.0
    linear: bool = False
    entrywise: bool = False
    undefined: bool = True
    dtypes: bool = True
    batched: bool = False
    backward: bool = True
    forward: bool = False
    batched_forward: bool = False

    def allows(self, analytic: float, numeric: float, scale: float) -> bool:
        """True if two sums, of terms of total size `scale`, agree."""
        return abs(analytic - numeric) <= self.rtol * abs(numeric) + self.atol * (1.0 + scale)


class Situation(NamedTuple):
    """A function of several arrays at a point, and the cotangents that weigh its outputs."""

    name: str
    function: Function
    point: Sequence[Array]
    cotangents: Sequence[Array]
    labels: Sequence[str]
    seed: int

    def outputs(self, position: int, moved: Array) -> list[Array]:
        """The outputs where the argument at `position` has moved."""
        arrays = [moved if i == position else a for i, a in enumerate(self.point)]
        return [o.array for o in self.function(*map(leaf_of, arrays))]

    def weighted(self, position: int, moved: Array) -> float:
        """The sum of the outputs, weighed with the cotangents."""
        pairs = zip(self.cotangents, self.outputs(position, moved), strict=True)
        return sum(float(np.vdot(c, o)) for c, o in pairs)

    def gradients(self, cotangents: Sequence[Array]) -> tuple[Array, ...]:
        """The analytic gradients of all arguments."""
        leaves = list(map(leaf_of, self.point))
        starts = [wrap(Tensor, np.array(c)) for c in cotangents]
        return tuple(g.array for g in gradients_of(self.function(*leaves), leaves, starts))


class Comparison:
    """The gradient of one argument, compared along directions; raises where it disagrees."""

    def __init__(
        self, situation: Situation, position: int, analytic: Array, strictness: Strictness
    ) -> None:
        self.situation = situation
        self.position = position
        self.analytic = analytic
        self.strict = strictness

    def along(self, direction: Array) -> float:
        """Compare along a direction; the error, relative to the size of the terms."""
        terms = self.analytic * direction
        analytic, scale = float(terms.sum()), float(np.abs(terms).sum())
        numeric = self._numeric(direction)
        if not self.strict.allows(analytic, numeric, scale):
            self.strict = self.strict._replace(step=self.strict.step * FINER)
            numeric = self._numeric(direction)
            if not self.strict.allows(analytic, numeric, scale):
                self._explain()
        return abs(analytic - numeric) / (1.0 + scale)

    def at(self, index: tuple[int, ...]) -> float:
        """Compare one entry."""
        return self.along(unit(self.analytic.shape, index))

    def _numeric(self, direction: Array, position: int | None = None) -> float:
        at = self.position if position is None else position
        found = self._difference(lambda x: self.situation.weighted(at, x), direction, at)
        return float(found)

    def _difference(self, function: Callable[[Array], Any], direction: Array, at: int) -> Any:
        linear, step = self.strict.linear, self.strict.step
        point = self.situation.point[at]
        return directional_derivative(function, point, direction, linear=linear, step=step)

    def _explain(self) -> None:
        """Raise GradcheckError with the entries that disagree and the likely cause."""
        point = self.situation.point[self.position]
        evidence = Evidence(
            self.analytic, self._entries(), point, self._scaled_gradient, self._others, self._parts
        )
        kinked = any(self._at_kink(index) for index in worst_entries(evidence))
        cause = "a kink or a pole at the point" if kinked else likely_cause(evidence)
        wrong, looked = int(evidence.wrong.sum()), int(evidence.looked.sum())
        raise (NotSmoothError if kinked else GradcheckError)(
            f"{self.situation.name}: the gradient of {self.situation.labels[self.position]} (shape "
            f"{list(point.shape)}) disagrees with differences of function values at {wrong} of "
            f"{looked} entries, the worst first:\n{table(evidence)}\n"
            + (f"likely: {cause}\n" if cause else "")
            + f"seed: {self.situation.seed}"
        )

    def _at_kink(self, index: tuple[int, ...]) -> bool:
        if self.strict.linear:
            return False
        point = self.situation.point[self.position]
        direction, step = unit(point.shape, index), self.strict.step
        jump = slope_jump(
            lambda x: self.situation.weighted(self.position, x), point, direction, step
        )
        return not jump <= 1e-2 * (1.0 + abs(self._numeric(direction)))

    def _entries(self) -> Array:
        """The numeric gradient, entry by entry."""
        shape = self.analytic.shape
        numeric: Array = np.full(shape, np.nan)
        positions = list(np.ndindex(shape))
        for index in positions if len(positions) <= MOST_ENTRIES else self._suspects(positions):
            numeric[index] = self._numeric(unit(shape, index))
        return numeric

    def _suspects(self, positions: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
        """Halve the entries until few are left, keeping the half that disagrees more."""
        shape = self.analytic.shape
        rng = np.random.default_rng(self.situation.seed)
        while len(positions) > MOST_ENTRIES // 8:
            halves = positions[: len(positions) // 2], positions[len(positions) // 2 :]
            errors = []
            for half in halves:
                direction: Array = np.zeros(shape)
                direction[tuple(np.transpose(half))] = away_from_zero(rng, (len(half),))
                found = self._numeric(direction)
                errors.append(abs(float((self.analytic * direction).sum()) - found))
            positions = halves[int(np.argmax(errors))]
        return positions

    def _scaled_gradient(self, factor: float) -> Array:
        scaled = [factor * c for c in self.situation.cotangents]
        return self.situation.gradients(scaled)[self.position]

    def _others(self) -> Iterator[tuple[str, Array]]:
        for position, x in enumerate(self.situation.point):
            if (
                position != self.position
                and x.shape == self.analytic.shape
                and x.size <= MOST_PARTS
            ):
                numeric: Array = np.empty(x.shape)
                for index in np.ndindex(x.shape):
                    numeric[index] = self._numeric(unit(x.shape, index), position)
                yield self.situation.labels[position], numeric

    def _parts(self, index: tuple[int, ...]) -> tuple[Array, Array] | None:
        """The terms that the output's entries add to the gradient at `index`: analytic, numeric."""
        shapes = [c.shape for c in self.situation.cotangents]
        sizes = [c.size for c in self.situation.cotangents]
        if not 1 < sum(sizes) <= MOST_PARTS:
            return None

        def flat(moved: Array) -> Array:
            outputs = self.situation.outputs(self.position, moved)
            return np.concatenate([o.ravel() for o in outputs])

        weights = np.concatenate([c.ravel() for c in self.situation.cotangents])
        along = self._difference(flat, unit(self.analytic.shape, index), self.position)
        analytic = []
        for chosen in np.diag(weights):
            parts = np.split(chosen, np.cumsum(sizes)[:-1])
            cotangents = [p.reshape(shape) for p, shape in zip(parts, shapes, strict=True)]
            analytic.append(self.situation.gradients(cotangents)[self.position][index])
        return np.array(analytic), weights * along


def leaf_of(array: Array) -> Tensor:
    """A leaf that requires gradients, with a copy of the array."""
    leaf: Tensor = wrap(Tensor, np.array(array))
    leaf.requires_grad = True
    return leaf


def gradients_of(
    outputs: Sequence[Tensor], leaves: Sequence[Tensor], cotangents: Sequence[Any], **options: Any
) -> tuple[Tensor, ...]:
    """The gradients of the leaves, zeros where no output that is in the graph depends on one."""
    pairs = [(o, c) for o, c in zip(outputs, cotangents, strict=True) if o.requires_grad]
    if not pairs:
        return tuple(leaf.new_zeros(leaf.shape) for leaf in leaves)
    roots, starts = zip(*pairs, strict=True)
    return grad(roots, leaves, starts, materialize_grads=True, **options)
