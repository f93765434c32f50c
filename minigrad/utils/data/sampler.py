"""Samplers: the order in which a dataset's samples are taken, and their number."""

from collections.abc import Iterable, Iterator, Sequence, Sized
from itertools import islice, repeat
from typing import Any, Generic, TypeVar

import numpy as np

from minigrad.ops.generator import Generator, stream
from minigrad.tensor.creation import from_numpy

T_co = TypeVar("T_co", covariant=True)


class Sampler(Generic[T_co]):
    """The base of samplers: `__iter__` yields indices, or lists of indices for a batch sampler.

    A subclass that knows its length defines `__len__`.
    """

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(f"{type(self).__name__} does not define __iter__")


class SequentialSampler(Sampler[int]):
    """The indices 0, 1, ... of the dataset, in order."""

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """The dataset's indices in random order, or drawn one by one with `replacement`.

    `num_samples` (default: the dataset's length) may exceed the dataset: without replacement one
    permutation then follows another.  Indices are drawn as they are needed, so `num_samples` may be
    as large as 10**10.  Raises TypeError if `replacement` is not a bool, ValueError
    if `num_samples` is not a positive integer.

    >>> from minigrad.utils.data import RandomSampler
    >>> sorted(RandomSampler(range(4)))
    [0, 1, 2, 3]
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        if not isinstance(replacement, bool):
            raise TypeError(
                f"replacement should be a boolean value, but got replacement={replacement}"
            )
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        _check_positive("num_samples", self.num_samples)

    @property
    def num_samples(self) -> int:
        """The number of indices in one pass; by default the present length of the dataset."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        return self._indices(_stream_of_a_pass(self.generator))

    def _indices(self, random: np.random.Generator) -> Iterator[int]:
        available, wanted = len(self.data_source), self.num_samples
        if self.replacement:
            for size in _parts(wanted):
                yield from random.integers(available, size=size).tolist()
            return
        for start in range(0, wanted, available):
            yield from random.permutation(available)[: wanted - start].tolist()

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """The given indices, each once, in random order."""

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        order = _stream_of_a_pass(self.generator).permutation(len(self.indices))
        return map(self.indices.__getitem__, order.tolist())

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """`num_samples` indices in 0 ... len(weights) - 1, drawn with the given relative weights.

    Raises ValueError for weights that are not one-dimensional or arguments of the wrong kind, and
    RuntimeError for weights that are no distribution, or if fewer than `num_samples` are positive
    without replacement.
    """

    def __init__(
        self,
        weights: Sequence[float],
        num_samples: int,
        replacement: bool = True,
        generator: Generator | None = None,
    ) -> None:
        _check_positive("num_samples", num_samples)
        if not isinstance(replacement, bool):
            raise ValueError(
                f"replacement should be a boolean value, but got replacement={replacement}"
            )
        given = np.array(weights, dtype=np.float64)
        if given.ndim != 1:
            raise ValueError(
                f"weights should be a 1d sequence but given weights have shape {given.shape}"
            )
        if not np.all(np.isfinite(given)) or np.any(given < 0):
            raise RuntimeError("weights contain either inf, nan or an element < 0")
        positive = np.count_nonzero(given)
        if positive == 0:
            raise RuntimeError("weights should have a sum > 0, but none of them is")
        if not replacement and num_samples > positive:
            raise RuntimeError(
                f"cannot draw num_samples={num_samples} without replacement "
                f"from {positive} indices with a weight > 0"
            )
        self.weights = from_numpy(given)
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        weights = self.weights.array
        return self._indices(_stream_of_a_pass(self.generator), weights / weights.sum())

    def _indices(
        self, random: np.random.Generator, probabilities: np.ndarray[Any, Any]
    ) -> Iterator[int]:
        number = len(probabilities)
        if not self.replacement:
            yield from random.choice(number, self.num_samples, False, probabilities).tolist()
            return
        for size in _parts(self.num_samples):
            yield from random.choice(number, size, True, probabilities).tolist()

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[Any]]):
    """Lists of `batch_size` indices from another sampler; `drop_last` drops a shorter last list.

    >>> from minigrad.utils.data import BatchSampler, SequentialSampler
    >>> list(BatchSampler(SequentialSampler(range(5)), batch_size=2, drop_last=False))
    [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Iterable[Any], batch_size: int, drop_last: bool) -> None:
        _check_positive("batch_size", batch_size)
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last should be a boolean value, but got drop_last={drop_last}")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[Any]]:
        indices = iter(self.sampler)
        while batch := list(islice(indices, self.batch_size)):
            if len(batch) < self.batch_size and self.drop_last:
                return
            yield batch

    def __len__(self) -> int:
        samples = len(self.sampler)  # type: ignore[arg-type]
        return samples // self.batch_size if self.drop_last else -(-samples // self.batch_size)


def _parts(number: int) -> Iterator[int]:
    """Sizes that add up to `number`: what is drawn at once of samples with replacement.

    Scripts ask for billions of samples to have a loader without an end.
    """
    largest = 65536
    for start in range(0, number, largest):
        yield min(largest, number - start)


def _stream_of_a_pass(generator: Generator | None) -> np.random.Generator:
    """The random numbers of one pass, seeded by a single number of the generator, drawn now.

    What else is drawn from the generator during the pass leaves the pass's order as it is.
    """
    return np.random.Generator(np.random.SFC64(int(stream(generator).integers(2**63))))


class EndlessSampler(Sampler[None]):
    """The sampler of an IterableDataset, which determines its order and its end."""

    def __iter__(self) -> Iterator[None]:
        return repeat(None)


def _check_positive(name: str, value: Any) -> None:
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value <= 0:
        raise ValueError(f"{name} should be a positive integer value, but got {name}={value}")
