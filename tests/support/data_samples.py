"""Small datasets and comparisons for the tests of utils.data."""

from collections import namedtuple
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_numpy
from minigrad.utils import data
from minigrad.utils.data import DataLoader, TensorDataset

Point = namedtuple("Point", "x y")


class Stream(data.IterableDataset[int]):
    """0 ... length - 1, shared out among the workers."""

    def __init__(self, length: int) -> None:
        self.length = length

    def __iter__(self) -> Iterator[int]:
        info = data.get_worker_info()
        first, step = (0, 1) if info is None else (info.id, info.num_workers)
        return iter(range(first, self.length, step))

    def __len__(self) -> int:
        return self.length


def numbers(length: int) -> TensorDataset:
    return TensorDataset(from_numpy(np.arange(length)))


def order(loader: DataLoader[Any]) -> list[int]:
    return [number for (batch,) in loader for number in batch.tolist()]


def as_torch(sample):
    """The same sample for torch."""
    if isinstance(sample, Tensor):
        return torch.from_numpy(sample.array)
    if isinstance(sample, dict):
        return {key: as_torch(value) for key, value in sample.items()}
    if isinstance(sample, Point):
        return Point(*map(as_torch, sample))
    if isinstance(sample, list | tuple):
        return type(sample)(map(as_torch, sample))
    return sample


def assert_same_batch(ours, theirs):
    assert type(ours) is type(theirs) or isinstance(ours, Tensor)
    if isinstance(ours, Tensor):
        assert ours.array.dtype == theirs.numpy().dtype
        np.testing.assert_array_equal(ours.array, theirs.numpy())
    elif isinstance(ours, dict):
        assert ours.keys() == theirs.keys()
        for key in ours:
            assert_same_batch(ours[key], theirs[key])
    elif isinstance(ours, list | tuple):
        assert len(ours) == len(theirs)
        for our_field, their_field in zip(ours, theirs, strict=True):
            assert_same_batch(our_field, their_field)
    else:
        assert ours == theirs
