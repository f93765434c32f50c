"""utils.data: datasets, samplers and collation, against PyTorch's and by invariants."""

from collections import Counter

import numpy as np
import pytest
import torch.utils.data as torch_data
from hypothesis import given
from hypothesis import strategies as st

from minigrad.ops.generator import Generator
from minigrad.tensor.creation import from_numpy, tensor
from minigrad.utils import data
from minigrad.utils.data import DataLoader, TensorDataset
from tests.support.data_samples import (
    Point,
    Stream,
    as_torch,
    assert_same_batch,
    numbers,
    order,
)
from tests.support.worker_datasets import Squares

# --- datasets ---


def test_tensor_dataset_gives_single_samples_and_whole_batches():
    values, labels = np.random.default_rng(0).random((6, 2)).astype(np.float32), np.arange(6)
    dataset = TensorDataset(from_numpy(values), from_numpy(labels))
    value, label = dataset[4]
    np.testing.assert_array_equal(value.array, values[4])
    assert label.item() == 4
    batch = dataset.__getitems__([5, 0, 5])
    np.testing.assert_array_equal(batch.columns[0].array, values[[5, 0, 5]])
    assert [sample[1].item() for sample in batch] == [5, 0, 5]


def test_tensor_dataset_refuses_what_has_no_common_first_axis():
    with pytest.raises(AssertionError, match=r"Size mismatch.*\[2, 3\]"):
        TensorDataset(from_numpy(np.zeros(2)), from_numpy(np.zeros(3)))
    with pytest.raises(ValueError, match="at least one axis"):
        TensorDataset(tensor(1.0))
    with pytest.raises(ValueError, match="at least one axis"):
        TensorDataset()


def test_concatenation_reads_like_one_dataset():
    both = Squares(3) + Squares(4)
    assert [both[i] for i in range(len(both))] == [0, 1, 4, 0, 1, 4, 9]
    assert both[-1] == 9
    assert both[-7] == 0
    with pytest.raises(ValueError, match="should not exceed dataset length"):
        both[-8]
    with pytest.raises(IndexError, match="index 7 is out of range"):
        both[7]
    with pytest.raises(AssertionError, match="empty"):
        data.ConcatDataset([])
    with pytest.raises(AssertionError, match="does not support IterableDataset"):
        data.ConcatDataset([Stream(3)])


def test_streams_are_chained():
    chained = Stream(3) + Stream(2)
    assert list(chained) == [0, 1, 2, 0, 1]
    assert len(chained) == 5
    with pytest.raises(AssertionError, match="only supports IterableDataset, got Squares"):
        Stream(3) + Squares(2)


def test_a_subset_takes_batches_through_the_dataset_beneath():
    subset = data.Subset(data.Subset(numbers(10), [9, 7, 5, 3]), [2, 0])
    assert isinstance(subset.__getitems__([0, 1]), data.Columns)
    assert order(DataLoader(subset, batch_size=2)) == [5, 9]
    assert list(data.Subset(Squares(), [3, 2])) == [9, 4]


def test_an_overridden_getitem_counts_for_batches_too():
    class Doubled(TensorDataset):
        def __getitem__(self, index):
            return tuple(2 * column for column in super().__getitem__(index))

    assert order(DataLoader(Doubled(from_numpy(np.arange(4))), batch_size=4)) == [0, 2, 4, 6]


@pytest.mark.filterwarnings("ignore:Length of split")  # a sum of 1 means fractions, as in torch
@given(st.lists(st.integers(0, 8), min_size=1, max_size=5), st.integers(0, 2**32))
def test_random_split_deals_out_every_sample_once(lengths, seed):
    parts = data.random_split(range(sum(lengths)), lengths, generator=Generator().manual_seed(seed))
    if sum(lengths) != 1:  # a sum of 1 means fractions, here as in torch
        assert [len(part) for part in parts] == lengths
    assert sorted(i for part in parts for i in part) == list(range(sum(lengths)))


@pytest.mark.parametrize(
    "fractions", [(0.5, 0.5), (0.3, 0.3, 0.4), (0.9, 0.1), (1.0,), (0.07, 0.93)]
)
@pytest.mark.parametrize("length", [1, 10, 101])
@pytest.mark.filterwarnings("ignore:Length of split")
def test_random_split_rounds_fractions_as_torch(fractions, length):
    ours = data.random_split(range(length), fractions)
    theirs = torch_data.random_split(range(length), fractions)
    assert [len(part) for part in ours] == [len(part) for part in theirs]


def test_random_split_refuses_lengths_that_do_not_fit():
    with pytest.raises(ValueError, match=r"\[3, 4\] have the sum 7, the dataset has 8"):
        data.random_split(range(8), [3, 4])
    with pytest.raises(ValueError, match="integers >= 0"):
        data.random_split(range(3), [4, -1])
    with pytest.raises(ValueError, match="Fraction at index 0 is not between 0 and 1"):
        data.random_split(range(3), [-0.5, 1.5])
    with pytest.warns(UserWarning, match="Length of split at index 1 is 0"):
        data.random_split(range(1), [0.5, 0.5])


# --- samplers ---


@given(st.integers(1, 30), st.integers(1, 70), st.booleans())
def test_random_sampler_gives_what_it_announces(available, wanted, replacement):
    sampler = data.RandomSampler(range(available), replacement, wanted)
    drawn = list(sampler)
    assert len(drawn) == len(sampler) == wanted
    counts = Counter(drawn)
    assert set(counts) <= set(range(available))
    if not replacement:  # whole permutations, one after the other
        assert max(counts.values()) <= -(-wanted // available)
        assert min(counts[i] for i in range(available)) >= wanted // available


def test_samplers_follow_their_generator():
    for make in (
        lambda g: data.RandomSampler(range(50), generator=g),
        lambda g: data.RandomSampler(range(50), replacement=True, generator=g),
        lambda g: data.SubsetRandomSampler(range(3, 40), generator=g),
        lambda g: data.WeightedRandomSampler(np.arange(1, 30), 20, generator=g),
    ):
        first, again, other = (list(make(Generator().manual_seed(s))) for s in (5, 5, 6))
        assert first == again != other


def test_random_order_is_uniform():
    sampler = data.RandomSampler(range(3), generator=Generator().manual_seed(0))
    counts = Counter(tuple(sampler) for _ in range(6000))
    assert len(counts) == 6
    assert all(abs(count - 1000) < 150 for count in counts.values())  # 5 sigma


def test_weighted_sampler_follows_its_weights():
    generator = Generator().manual_seed(1)
    drawn = Counter(data.WeightedRandomSampler([1, 0, 3], 40_000, generator=generator))
    assert drawn[1] == 0
    assert abs(drawn[2] / 40_000 - 0.75) < 0.011  # 5 sigma
    once = list(data.WeightedRandomSampler([1, 0, 3], 2, replacement=False))
    assert sorted(once) == [0, 2]


def test_subset_sampler_gives_each_index_once():
    assert sorted(data.SubsetRandomSampler([4, 8, 15, 16])) == [4, 8, 15, 16]


@given(st.integers(0, 20), st.integers(1, 7), st.booleans())
def test_batches_are_torch_s(length, batch_size, drop_last):
    ours = data.BatchSampler(data.SequentialSampler(range(length)), batch_size, drop_last)
    theirs = torch_data.BatchSampler(
        torch_data.SequentialSampler(range(length)), batch_size, drop_last
    )
    assert list(ours) == list(theirs)
    assert len(ours) == len(theirs)


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda d: d.RandomSampler(range(3), replacement=1), TypeError),
        (lambda d: d.RandomSampler(range(3), num_samples=0), ValueError),
        (lambda d: d.RandomSampler([]), ValueError),
        (lambda d: d.WeightedRandomSampler([1.0], -1), ValueError),
        (lambda d: d.WeightedRandomSampler([[1.0]], 1), ValueError),
        (lambda d: d.WeightedRandomSampler([1.0], 1, replacement="no"), ValueError),
        (lambda d: list(d.WeightedRandomSampler([1.0, -1.0], 1)), RuntimeError),
        (lambda d: list(d.WeightedRandomSampler([0.0, 0.0], 1)), RuntimeError),
        (lambda d: list(d.WeightedRandomSampler([1.0, 0.0], 3, replacement=False)), RuntimeError),
        (lambda d: d.BatchSampler(range(3), 0, False), ValueError),
        (lambda d: d.BatchSampler(range(3), 2.5, False), ValueError),
        (lambda d: d.BatchSampler(range(3), True, False), ValueError),
        (lambda d: d.BatchSampler(range(3), 2, None), ValueError),
    ],
)
def test_bad_samplers_raise_what_torch_raises(make, error):
    for library in (data, torch_data):
        with pytest.raises(error):
            make(library)


# --- collation ---


SAMPLES = [
    [1, 2],
    [1.5, 2.5],
    [True, False],
    ["a", "b"],
    [b"a", b"b"],
    [np.float32(1), np.float32(2)],
    [np.int16(1), np.int16(2)],
    [np.zeros((2, 2), np.float32), np.ones((2, 2), np.float32)],
    [np.zeros(2, np.uint8), np.ones(2, np.uint8)],
    [from_numpy(np.zeros((2, 3))), from_numpy(np.ones((2, 3)))],
    [(1, np.zeros(2)), (2, np.ones(2))],
    [[1, 2.0], [3, 4.0]],
    [{"x": 1, "y": "a"}, {"x": 2, "y": "b"}],
    [Point(1, from_numpy(np.zeros(2))), Point(2, from_numpy(np.ones(2)))],
    [{"deep": [(1, {"er": 2.0})]}, {"deep": [(3, {"er": 4.0})]}],
]


@pytest.mark.parametrize("samples", SAMPLES, ids=str)
def test_collation_is_torch_s(samples):
    assert_same_batch(data.default_collate(samples), torch_data.default_collate(as_torch(samples)))


@pytest.mark.parametrize("samples", SAMPLES, ids=str)
def test_conversion_is_torch_s(samples):
    assert_same_batch(
        data.default_convert(samples[0]), torch_data.default_convert(as_torch(samples[0]))
    )


@pytest.mark.parametrize(
    ("samples", "error"),
    [
        ([object(), object()], TypeError),
        ([None, None], TypeError),
        ([np.array(["a"]), np.array(["b"])], TypeError),
        ([(1, 2), (1,)], RuntimeError),
        ([np.zeros(2), np.zeros(3)], RuntimeError),
        ([{"a": 1}, {"b": 1}], KeyError),
    ],
)
def test_collation_refuses_what_torch_refuses(samples, error):
    for collate in (data.default_collate, torch_data.default_collate):
        with pytest.raises(error):
            collate(samples)


def test_columns_read_like_a_list_of_samples():
    columns = data.Columns(np.arange(6).reshape(3, 2), ["a", "b", "c"])
    assert [(pair.tolist(), name) for pair, name in columns] == [
        ([0, 1], "a"), ([2, 3], "b"), ([4, 5], "c")
    ]  # fmt: skip
    assert len(columns[1:]) == 2
    assert columns[1:][0][1] == "b"
    assert_same_batch(data.default_collate(columns), torch_data.default_collate(list(columns)))
    with pytest.raises(ValueError, match=r"one length, got lengths \[3, 2\]"):
        data.Columns(np.zeros(3), [1, 2])
    with pytest.raises(TypeError, match="found an array of"):
        data.default_collate(data.Columns(np.array(["a"])))
