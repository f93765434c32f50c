"""Dataset, IterableDataset, and datasets that are made of others."""

import math
import warnings
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Any, Generic, TypeVar, overload

import numpy as np

from minigrad.ops.generator import Generator, default_generator, stream
from minigrad.tensor import Tensor
from minigrad.utils.data.collate import Columns

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Stack = TypeVar("Stack", tuple[Any, ...], dict[str, Any])


class Dataset(Generic[T_co]):
    """The base of map-style datasets: `__getitem__(index)`, and `__len__` for samplers.

    A subclass may also define `__getitems__(indices)`, which returns the samples of a batch at
    once; if that is a `Columns`, the DataLoader has nothing to stack.  `a + b` concatenates.
    """

    def __getitem__(self, index: Any) -> T_co:
        raise NotImplementedError(f"{type(self).__name__} does not define __getitem__")

    def __add__(self, other: "Dataset[T_co]") -> "Dataset[T_co]":
        return ConcatDataset([self, other])


def take(dataset: Any, indices: Sequence[int]) -> Sequence[Any]:
    """The samples at `indices`, by `__getitems__` if it belongs to the dataset's `__getitem__`.

    An inherited `__getitems__` is not used if a subclass overrides `__getitem__` alone.

    PyTorch differs: there the inherited `__getitems__` is used, without a warning.
    """
    for owner in type(dataset).__mro__:
        if "__getitems__" in vars(owner):
            samples: Sequence[Any] = dataset.__getitems__(indices)
            return samples
        if "__getitem__" in vars(owner):
            break
    return [dataset[index] for index in indices]


class IterableDataset(Dataset[T_co]):
    """The base of streams of samples: `__iter__` instead of indices.

    Each worker thread iterates over the stream separately; with `get_worker_info()` inside
    `__iter__` a worker can find its share.
    """

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(f"{type(self).__name__} does not define __iter__")

    def __add__(self, other: Dataset[T_co]) -> "ChainDataset[T_co]":
        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Sample i is the tuple of the tensors' elements i along the first axis.

    Raises AssertionError, as PyTorch does, if the tensors differ in their first size.

    >>> import minigrad as mg
    >>> from minigrad.utils.data import TensorDataset
    >>> TensorDataset(mg.tensor([[0.0, 1.0], [2.0, 3.0]]), mg.tensor([0, 1]))[1]
    (tensor([2., 3.]), tensor(1))
    """

    def __init__(self, *tensors: Tensor) -> None:
        if not tensors or any(tensor.ndim == 0 for tensor in tensors):
            raise ValueError(
                "TensorDataset expects tensors with at least one axis, "
                f"got shapes {[tuple(tensor.shape) for tensor in tensors]}"
            )
        if any(tensor.shape[0] != tensors[0].shape[0] for tensor in tensors):
            raise AssertionError(
                "Size mismatch between tensors: first sizes are "
                f"{[tensor.shape[0] for tensor in tensors]}"
            )
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(tensor[index] for tensor in self.tensors)

    def __getitems__(self, indices: Sequence[int]) -> Columns:
        positions = np.asarray(indices, dtype=np.int64)
        return Columns(*(tensor[positions] for tensor in self.tensors))

    def __len__(self) -> int:
        return int(self.tensors[0].shape[0])


class StackDataset(Dataset[Stack]):
    """Sample i is the tuple of the datasets' samples i; a dict if the datasets have keywords.

    Raises ValueError for datasets of different lengths, for none, and for both forms at once.
    """

    @overload
    def __init__(self: "StackDataset[tuple[Any, ...]]", *args: Dataset[Any]) -> None: ...
    @overload
    def __init__(self: "StackDataset[dict[str, Any]]", **kwargs: Dataset[Any]) -> None: ...
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if bool(args) == bool(kwargs):
            raise ValueError(
                "StackDataset expects datasets either all by position or all by name, got "
                f"{len(args)} and {len(kwargs)}"
            )
        self.datasets: Any = args or kwargs
        sizes = [len(dataset) for dataset in args or kwargs.values()]
        if len(set(sizes)) > 1:
            raise ValueError(f"Size mismatch between datasets: their lengths are {sizes}")
        self._length = sizes[0]

    def __getitem__(self, index: Any) -> Any:
        if isinstance(self.datasets, dict):
            return {name: dataset[index] for name, dataset in self.datasets.items()}
        return tuple(dataset[index] for dataset in self.datasets)

    def __getitems__(self, indices: Sequence[int]) -> Sequence[Any]:
        named = isinstance(self.datasets, dict)
        parts = [take(d, indices) for d in (self.datasets.values() if named else self.datasets)]
        for part in parts:
            if len(part) != len(indices):
                raise ValueError(
                    "Nested dataset's output size mismatch. "
                    f"Expected {len(indices)}, got {len(part)}"
                )
        samples = list(zip(*parts, strict=True))
        return [dict(zip(self.datasets, s, strict=True)) for s in samples] if named else samples

    def __len__(self) -> int:
        return self._length


class ConcatDataset(Dataset[T_co]):
    """Several map-style datasets, one after another.

    Raises AssertionError, as PyTorch does, for no dataset at all or an IterableDataset.
    """

    def __init__(self, datasets: Iterable[Dataset[T_co]]) -> None:
        self.datasets: list[Any] = list(datasets)
        if not self.datasets:
            raise AssertionError("datasets should not be an empty iterable")
        if any(isinstance(dataset, IterableDataset) for dataset in self.datasets):
            raise AssertionError("ConcatDataset does not support IterableDataset")
        self.cumulative_sizes = list(accumulate(len(dataset) for dataset in self.datasets))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: int) -> T_co:
        if index < -len(self):
            raise ValueError(
                "absolute value of index should not exceed dataset length: "
                f"got {index} for length {len(self)}"
            )
        if index >= len(self):
            raise IndexError(f"index {index} is out of range for length {len(self)}")
        position = index % len(self)
        number = bisect_right(self.cumulative_sizes, position)
        start = self.cumulative_sizes[number - 1] if number else 0
        sample: T_co = self.datasets[number][position - start]
        return sample


class ChainDataset(IterableDataset[T_co]):
    """Several streams, one after another; AssertionError, as in PyTorch, for anything else."""

    def __init__(self, datasets: Iterable[Dataset[T_co]]) -> None:
        self.datasets: list[Any] = list(datasets)
        for dataset in self.datasets:
            if not isinstance(dataset, IterableDataset):
                raise AssertionError(
                    f"ChainDataset only supports IterableDataset, got {type(dataset).__name__}"
                )

    def __iter__(self) -> Iterator[T_co]:
        for dataset in self.datasets:
            yield from dataset

    def __len__(self) -> int:
        return sum(len(dataset) for dataset in self.datasets)


class Subset(Dataset[T_co]):
    """The samples of a dataset at the given indices."""

    def __init__(self, dataset: Dataset[T_co], indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: Any) -> T_co:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]

    def __getitems__(self, indices: Sequence[int]) -> Sequence[T_co]:
        return take(self.dataset, [self.indices[i] for i in indices])

    def __len__(self) -> int:
        return len(self.indices)


def random_split(
    dataset: Dataset[T],
    lengths: Sequence[int | float],
    generator: Generator | None = default_generator,
) -> list[Subset[T]]:
    """Split a dataset at random into subsets of the given lengths, or fractions with sum 1.

    Fractions are rounded down, and the remaining samples go to the first subsets, one to each.
    Raises ValueError if the lengths do not add up to the dataset, or are negative.

    >>> from minigrad.utils.data import random_split
    >>> [len(part) for part in random_split(range(10), [0.75, 0.25])]
    [8, 2]
    """
    available = len(dataset)  # type: ignore[arg-type]
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        lengths = _from_fractions(lengths, available)
    elif any(length < 0 or length != int(length) for length in lengths):
        raise ValueError(
            f"random_split expects lengths that are integers >= 0, or fractions with sum 1; "
            f"got {list(lengths)}"
        )
    if sum(lengths) != available:
        raise ValueError(
            "Sum of input lengths does not equal the length of the input dataset: "
            f"{list(lengths)} have the sum {sum(lengths)}, the dataset has {available} samples"
        )
    order = stream(generator).permutation(available).tolist()
    ends = accumulate((int(length) for length in lengths), initial=0)
    return [Subset(dataset, order[start:end]) for start, end in pairwise(ends)]


def _from_fractions(fractions: Sequence[float], available: int) -> list[int]:
    for position, fraction in enumerate(fractions):
        if not 0 <= fraction <= 1:
            raise ValueError(f"Fraction at index {position} is not between 0 and 1: {fraction}")
    lengths = [math.floor(available * fraction) for fraction in fractions]
    for extra in range(available - sum(lengths)):
        lengths[extra % len(lengths)] += 1
    for position, length in enumerate(lengths):
        if length == 0:
            warnings.warn(
                f"Length of split at index {position} is 0. This might result in an empty dataset.",
                stacklevel=3,
            )
    return lengths
