"""A function at a point with cotangents of its outputs: values and gradients as arrays."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.autograd.differentiate import grad
from minigrad.core.types import Array
from minigrad.engine.graph import wrap
from minigrad.tensor import Tensor

Function = Callable[..., Any]


class Situation(NamedTuple):
    """A function of several arrays at a point, and the cotangents that weigh its outputs."""

    name: str
    function: Function
    point: Sequence[Array]
    cotangents: Sequence[Array]
    labels: Sequence[str]
    seed: int

    def moved(self, position: int, array: Array) -> "Situation":
        """The same with another value of the argument at `position`."""
        return self._replace(
            point=[array if i == position else a for i, a in enumerate(self.point)]
        )

    def values(self) -> list[Array]:
        """The outputs."""
        return [o.array for o in self.function(*map(leaf_of, self.point))]

    def flat_values(self) -> Array:
        """All elements of the outputs, in float64."""
        return np.concatenate([np.ravel(o).astype(np.float64) for o in self.values()])

    def terms(self) -> Array:
        """All elements of the outputs, each times its cotangent."""
        pairs = zip(self.cotangents, self.values(), strict=True)
        return np.concatenate([np.ravel(c * o).astype(np.float64) for c, o in pairs])

    def along(self, position: int, direction: Array) -> Callable[[float], "Situation"]:
        """The situations on the line through the point, by the distance gone."""
        start = self.point[position]

        def at(distance: float) -> Situation:
            return self.moved(position, (start + distance * direction).astype(start.dtype))

        return at

    def terms_along(self, position: int, direction: Array) -> Callable[[float], Array]:
        """The terms on the line through the point, by the distance gone."""
        line = self.along(position, direction)
        return lambda distance: line(distance).terms()

    def gradients(self, cotangents: Sequence[Array] | None = None) -> tuple[Array, ...]:
        """The analytic gradients of all arguments."""
        leaves = list(map(leaf_of, self.point))
        given = self.cotangents if cotangents is None else cotangents
        outputs = self.function(*leaves)
        starts = [
            wrap(Tensor, np.array(c, o.array.dtype)) for c, o in zip(given, outputs, strict=True)
        ]
        return tuple(g.array for g in gradients_of(outputs, leaves, starts))

    def one_hot(self, output: int) -> list[Array]:
        """Cotangents that leave of all elements of the outputs one, times its cotangent."""
        flat = np.concatenate([np.ravel(c) for c in self.cotangents])
        chosen = np.where(np.arange(flat.size) == output, flat, 0.0)
        parts = np.split(chosen, np.cumsum([np.size(c) for c in self.cotangents])[:-1])
        return [p.reshape(np.shape(c)) for p, c in zip(parts, self.cotangents, strict=True)]


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
