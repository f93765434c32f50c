"""Transforms in sequence, and the form of a transform for a whole batch."""

from collections.abc import Callable, Sequence
from typing import Any

Transform = Callable[..., Any]
"""A function of an image, of whatever kind the transform before it has made."""


class Compose:
    """Applies transforms one after another, to an image or to all parts of a sample.

    >>> import numpy as np
    >>> from minigrad.vision.transforms import Compose, Normalize, ToTensor
    >>> Compose([ToTensor(), Normalize((0.5,), (0.5,))])(np.zeros((28, 28), np.uint8)).shape
    minigrad.Size([1, 28, 28])
    """

    def __init__(self, transforms: Sequence[Transform]) -> None:
        for transform in transforms:
            if not callable(transform):
                raise TypeError(f"Compose expects callables, got {type(transform).__name__}")
        self.transforms = transforms

    def __call__(self, *inputs: Any) -> Any:
        if len(inputs) == 1:
            image = inputs[0]
            for transform in self.transforms:
                image = transform(image)
            return image
        for transform in self.transforms:
            inputs = transform(*inputs)
        return inputs

    def __repr__(self) -> str:
        lines = "".join(f"\n    {transform}" for transform in self.transforms)
        return f"{type(self).__name__}({lines}\n)"


class Lambda:
    """Applies a user's function; TypeError if it is not callable."""

    def __init__(self, lambd: Transform) -> None:
        if not callable(lambd):
            raise TypeError(f"Argument lambd should be callable, got {type(lambd).__name__!r}")
        self.lambd = lambd

    def __call__(self, image: Any) -> Any:
        return self.lambd(image)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def batch_form(transform: Transform) -> Transform | None:
    """The form of `transform` for a stack of images (N, ...), or None if it has none.

    It is the transform's method `batch`, unless a subclass overrides the form for one image alone.
    A Compose has one if all its transforms do.

    PyTorch differs: torchvision has no such form; a transform without `batch` works as there.
    """
    for owner in type(transform).__mro__:
        if owner is Compose:
            steps = [batch_form(step) for step in transform.transforms]  # type: ignore[attr-defined]
            return None if None in steps else Compose([step for step in steps if step])
        if "batch" in vars(owner):
            whole: Transform = transform.batch  # type: ignore[attr-defined]
            return whole
        if vars(owner).keys() & {"__call__", "forward", "alter"}:
            return None
    return None
