"""Buckets: gradients of several parameters in one array, so that few exchanges carry all."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.engine.grad_mode import ignore_fp_errors
from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_numpy

MEGABYTE = 1024 * 1024
FIRST_BUCKET = 1 * MEGABYTE  # small, so that the exchange begins early in the backward pass


class Bucket:
    """The gradients of some parameters of one dtype, one after the other."""

    def __init__(self, parameters: Sequence[Any]) -> None:
        self.parameters = list(parameters)
        sizes = [p.array.size for p in self.parameters]
        self.array = np.zeros(sum(sizes), self.parameters[0].array.dtype)
        self.tensor: Tensor = from_numpy(self.array)
        self.views: dict[int, np.ndarray[Any, Any]] = {}  # by id of the parameter
        start = 0
        for p, size in zip(self.parameters, sizes, strict=True):
            self.views[id(p)] = self.array[start : start + size].reshape(p.array.shape)
            start += size
        self.missing = len(self.parameters)  # gradients that have not yet come

    def take(self, parameter: Any, gradient: Any) -> None:
        """Put a parameter's gradient, or zeros for None, into its place."""
        view = self.views[id(parameter)]
        if gradient is None:
            ignore_fp_errors(np.copyto, view, 0)
        elif gradient.array is not view:
            ignore_fp_errors(np.copyto, view, gradient.array)
        self.missing -= 1


def buckets_of(parameters: Sequence[Any], megabytes: float) -> list[Bucket]:
    """Buckets of at most so many megabytes, in the order of the parameters; the first is small.

    Parameters of different dtypes are in different buckets; one that is larger has its own.
    """
    limit = int(megabytes * MEGABYTE)
    found: list[Bucket] = []
    open_parts: dict[Any, list[Any]] = {}
    for p in parameters:
        part = open_parts.setdefault(p.array.dtype, [])
        most = min(FIRST_BUCKET, limit) if not found else limit
        if part and sum(q.array.nbytes for q in part) + p.array.nbytes > most:
            found.append(Bucket(part))
            part = open_parts[p.array.dtype] = []
        part.append(p)
    return found + [Bucket(part) for part in open_parts.values() if part]
