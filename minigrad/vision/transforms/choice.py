"""Transforms applied at random, or one of several."""

from collections.abc import Sequence
from typing import Any

from minigrad.nn import Module, ModuleList
from minigrad.ops.generator import stream
from minigrad.vision.transforms.base import require_probability
from minigrad.vision.transforms.compose import Compose, Transform


class RandomApply(Module):
    """Applies all the transforms, a sequence or ModuleList, with probability `p`, else none."""

    def __init__(self, transforms: Sequence[Transform] | ModuleList, p: float = 0.5) -> None:
        super().__init__()
        self.p = require_probability(self, p)
        self.transforms = transforms

    def forward(self, *inputs: Any) -> Any:
        if stream(None).random() < self.p:
            return Compose(list(self.transforms))(*inputs)
        return inputs if len(inputs) > 1 else inputs[0]

    def __repr__(self) -> str:
        lines = "".join(f"\n    {transform}" for transform in self.transforms)
        return f"{type(self).__name__}(\n    p={self.p}{lines}\n)"


class RandomOrder(Compose):
    """Applies all the transforms, in a random order."""

    def __call__(self, *inputs: Any) -> Any:
        order = stream(None).permutation(len(self.transforms))
        return Compose([self.transforms[index] for index in order])(*inputs)


class RandomChoice(Compose):
    """Applies one of the transforms, each with the same probability or that of its weight `p`."""

    def __init__(self, transforms: Sequence[Transform], p: Sequence[float] | None = None) -> None:
        super().__init__(transforms)
        if not transforms or (p is not None and len(p) != len(transforms)):
            raise ValueError(
                "RandomChoice expects transforms, and a weight for each, got "
                f"{len(transforms)} transforms and p={p}"
            )
        self.p = p

    def __call__(self, *inputs: Any) -> Any:
        weights = [1.0] * len(self.transforms) if self.p is None else self.p
        mark = stream(None).random() * sum(weights)
        for transform, weight in zip(self.transforms, weights, strict=True):
            if mark < weight:
                return transform(*inputs)
            mark -= weight
        return self.transforms[-1](*inputs)

    def __repr__(self) -> str:
        return f"{super().__repr__()}(p={self.p})"
