"""Datasets for worker processes, which import this module: it needs minigrad only."""

import os
import random
import signal
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.tensor import Tensor
from minigrad.utils import data


class Noise(data.Dataset[Any]):
    """What the generators of minigrad, Python and NumPy draw for each sample."""

    def __len__(self) -> int:
        return 12

    def __getitem__(self, index: int) -> tuple[float, float, float]:
        return mg.rand(()).item(), random.random(), np.random.rand()  # noqa: NPY002


class Rows(data.Dataset[Tensor]):
    """Rows of a given size; the process ends itself in sample `deadly`."""

    def __init__(self, length: int, size: int, deadly: int = -1) -> None:
        self.length, self.size, self.deadly = length, size, deadly

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Tensor:
        if index == self.deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        return mg.full((self.size,), float(index))


class Squares(data.Dataset[int]):
    """Samples without tensors, and without __getitems__."""

    def __init__(self, length: int = 10) -> None:
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> int:
        return index * index
