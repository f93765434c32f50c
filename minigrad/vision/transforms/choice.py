"""Transforms applied at random, or one of several."""

from collections.abc import Sequence
from typing import Any

from minigrad.ops.generator import stream
from minigrad.vision.transforms.compose import Compose, Transform


class RandomApply(Compose):
    """Applies all the transforms with probability `p`, else none."""

    def __init__(self, transforms: Sequence[Transform], p: float = 0.5) -> None:
        super().__init__(transforms)
        if not 0 <= p <= 1:
            raise ValueError(f"RandomApply expects p in [0, 1], got {p}")
        self.p = p

    def __call__(self, image: Any) -> Any:
        return super().__call__(image) if stream(None).random() < self.p else image


class RandomOrder(Compose):
    """Applies all the transforms, in a random order."""

    def __call__(self, image: Any) -> Any:
        for index in stream(None).permutation(len(self.transforms)):
            image = self.transforms[index](image)
        return image


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

    def __call__(self, image: Any) -> Any:
        weights = [1.0] * len(self.transforms) if self.p is None else self.p
        mark = stream(None).random() * sum(weights)
        for transform, weight in zip(self.transforms, weights, strict=True):
            if mark < weight:
                return transform(image)
            mark -= weight
        return self.transforms[-1](image)
