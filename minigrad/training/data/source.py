"""What a task asks of its data."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigrad.core.types import Array


@dataclass
class Source:
    """Samples to train and to test on, and how they were prepared.

    `train` and `test` are datasets of (input, label).  `sizes` are those that models are made for.
    `preprocessing` is plain data, from which another program prepares inputs in the same way.
    `picture` gives the pixels of a test image, uint8, and is None where there are none.
    """

    train: Any
    test: Any
    classes: list[str]
    sizes: dict[str, Any]
    preprocessing: dict[str, Any]
    unit: str = "images"
    picture: Callable[[int], Array] | None = None
    target: dict[str, float] = field(default_factory=dict)
    """Mean and deviation of what is predicted, for numbers."""


def held_out(labels: Array) -> tuple[Array, Array]:
    """The positions of training and of test samples: a fifth of each label is for the test.

    The draw is the same for the same labels, whatever the seed of a run.
    """
    random = np.random.Generator(np.random.PCG64(0))
    test = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        of_label = random.permutation(np.flatnonzero(labels == label))
        test[of_label[: max(len(of_label) // 5, 1 if len(of_label) > 1 else 0)]] = True
    return np.flatnonzero(~test), np.flatnonzero(test)
