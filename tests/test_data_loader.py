"""utils.data: datasets, samplers and the DataLoader, against PyTorch's and by invariants."""

import gc
import threading
import time
import traceback
import weakref
from collections import Counter, namedtuple
from collections.abc import Iterator

import numpy as np
import pytest
import torch
import torch.utils.data as torch_data
from hypothesis import given
from hypothesis import strategies as st

from minigrad.creation import from_numpy, tensor
from minigrad.generator import Generator, default_generator
from minigrad.tensor import Tensor
from minigrad.utils import data
from minigrad.utils.data import DataLoader, TensorDataset

Point = namedtuple("Point", "x y")


class Squares(data.Dataset[int]):
    """Samples without tensors, and without __getitems__."""

    def __init__(self, length: int = 10) -> None:
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> int:
        return index * index


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


def order(loader: DataLoader) -> list[int]:
    return [number for (batch,) in loader for number in batch.tolist()]


def loader_threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name.startswith("minigrad-dataloader")]


def assert_threads_end() -> None:
    deadline = time.monotonic() + 5
    while loader_threads() and time.monotonic() < deadline:
        time.sleep(0.005)
    assert not loader_threads()


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


# --- DataLoader ---


@given(
    st.integers(0, 25),
    st.one_of(st.none(), st.integers(1, 6)),
    st.booleans(),
    st.integers(0, 3),
)
def test_batches_in_order_are_torch_s(length, batch_size, drop_last, num_workers):
    options = {"batch_size": batch_size, "drop_last": drop_last and batch_size is not None}
    ours = DataLoader(Squares(length), num_workers=num_workers, **options)
    theirs = torch_data.DataLoader(Squares(length), **options)
    assert len(ours) == len(theirs)
    for our_batch, their_batch in zip(ours, theirs, strict=True):
        assert_same_batch(our_batch, their_batch)


@pytest.mark.parametrize("num_workers", [0, 1, 2, 5])
def test_the_order_follows_from_the_generator_alone(num_workers):
    def shuffled(seed, workers):
        generator = Generator().manual_seed(seed)
        loader = DataLoader(
            numbers(50), batch_size=7, shuffle=True, num_workers=workers, generator=generator
        )
        return order(loader), order(loader)

    first_epoch, second_epoch = shuffled(3, num_workers)
    assert sorted(first_epoch) == sorted(second_epoch) == list(range(50))
    assert first_epoch != second_epoch
    assert (first_epoch, second_epoch) == shuffled(3, 0) != shuffled(4, 0)


def test_the_default_generator_is_used_without_another():
    loader = DataLoader(numbers(50), batch_size=50, shuffle=True)
    default_generator.manual_seed(7)
    first = order(loader)
    default_generator.manual_seed(7)
    assert order(loader) == first


class Noise(data.Dataset[float]):
    """What a random augmentation draws."""

    def __len__(self) -> int:
        return 20

    def __getitem__(self, index: int) -> float:
        time.sleep(0.0005 * (index % 3))  # mixes up the workers
        return float(data.loading_generator().generator.random())


def test_random_transforms_do_not_depend_on_the_workers():
    def drawn(workers):
        loader = DataLoader(
            Noise(), batch_size=3, num_workers=workers, generator=Generator().manual_seed(1)
        )
        return [[x for batch in loader for x in batch.tolist()] for _ in range(2)]

    first, second = drawn(0)
    assert len(set(first + second)) == 40
    assert drawn(1) == drawn(3) == [first, second]
    assert data.loading_generator() is default_generator


def test_loaders_may_be_nested():
    class Outer(data.Dataset[list[float]]):
        def __len__(self):
            return 2

        def __getitem__(self, index):
            before = data.loading_generator()
            total = sum(batch.item() for batch in DataLoader(Noise()))
            assert data.loading_generator() is before is not default_generator
            return total

    assert len(list(DataLoader(Outer()))) == 2


@pytest.mark.parametrize("num_workers", [0, 2])
def test_samplers_and_collate_functions_of_the_user_are_used(num_workers):
    loader = DataLoader(
        numbers(9), sampler=[8, 1, 5], batch_size=2, collate_fn=list, num_workers=num_workers
    )
    assert [[sample[0].item() for sample in batch] for batch in loader] == [[8, 1], [5]]
    loader = DataLoader(numbers(9), batch_sampler=[[3], [1, 2]], num_workers=num_workers)
    assert [batch.tolist() for (batch,) in loader] == [[3], [1, 2]]
    assert len(loader) == 2
    assert loader.batch_size is None


@pytest.mark.parametrize("num_workers", [0, 1, 2, 3])
@pytest.mark.parametrize(
    ("batch_size", "drop_last"), [(None, False), (1, False), (1, True), (4, False), (4, True)]
)
def test_streams_come_complete_and_in_the_workers_turns(num_workers, batch_size, drop_last):
    loader = DataLoader(
        Stream(10), batch_size=batch_size, num_workers=num_workers, drop_last=drop_last
    )
    batches = [batch if batch_size is None else batch.tolist() for batch in loader]

    # What torch documents: each worker batches its own share, and the workers take turns.
    shares = [list(range(w, 10, num_workers or 1)) for w in range(num_workers or 1)]
    size = batch_size or 1
    cut = [[share[i : i + size] for i in range(0, len(share), size)] for share in shares]
    if drop_last:
        cut = [[batch for batch in batches if len(batch) == size] for batches in cut]
    expected = [batches[turn] for turn in range(10) for batches in cut if turn < len(batches)]
    assert batches == ([batch[0] for batch in expected] if batch_size is None else expected)


def test_the_length_of_a_stream():
    assert len(DataLoader(Stream(10), batch_size=4)) == 3
    assert len(DataLoader(Stream(10), batch_size=4, drop_last=True)) == 2
    assert len(DataLoader(Stream(10), batch_size=None)) == 10


@pytest.mark.parametrize(
    "options",
    [
        {"num_workers": -1},
        {"timeout": -1},
        {"prefetch_factor": 2},
        {"num_workers": 1, "prefetch_factor": -1},
        {"persistent_workers": True},
        {"sampler": [0], "shuffle": True},
        {"batch_sampler": [[0]], "batch_size": 2},
        {"batch_sampler": [[0]], "shuffle": True},
        {"batch_sampler": [[0]], "sampler": [0]},
        {"batch_sampler": [[0]], "drop_last": True},
        {"batch_size": None, "drop_last": True},
        {"batch_size": 0},
        {"batch_size": -3},
        {"batch_size": 1.5},
        {"dataset": Stream(3), "shuffle": True},
        {"dataset": Stream(3), "sampler": [0]},
        {"dataset": Stream(3), "batch_sampler": [[0]]},
        {"dataset": [], "shuffle": True},
    ],
    ids=str,
)
def test_options_that_exclude_each_other_are_refused_as_by_torch(options):
    class TorchStream(torch_data.IterableDataset):
        __iter__ = None

    with pytest.raises(ValueError, match=r"\w"):
        DataLoader(**{"dataset": Squares(), **options})
    if options.get("dataset"):
        options = {**options, "dataset": TorchStream()}
    with pytest.raises(ValueError, match=r"\w"):
        torch_data.DataLoader(**{"dataset": Squares(), **options})


def test_what_is_fixed_cannot_be_set_later():
    loader = DataLoader(Squares())
    with pytest.raises(ValueError, match="batch_size attribute should not be set after DataLoader"):
        loader.batch_size = 3
    assert loader.batch_size == 1


# --- worker threads ---


def test_workers_know_themselves_and_are_set_up():
    seen, lock = [], threading.Lock()

    class Curious(Squares):
        def __getitem__(self, index):
            return data.get_worker_info().id

    def set_up(number):
        info = data.get_worker_info()
        with lock:
            seen.append((number, info.id, info.num_workers, info.dataset is dataset, info.seed))

    dataset = Curious(8)
    loader = DataLoader(dataset, num_workers=3, worker_init_fn=set_up)
    assert [batch.item() for batch in loader] == [0, 1, 2, 0, 1, 2, 0, 1]
    assert sorted(entry[:4] for entry in seen) == [(n, n, 3, True) for n in range(3)]
    assert len({entry[4] for entry in seen}) == 3
    assert data.get_worker_info() is None
    assert_threads_end()


def test_batches_are_fetched_ahead_but_not_further_than_asked():
    fetched = []

    class Recording(Squares):
        def __getitem__(self, index):
            fetched.append(index)
            return index

    iterator = iter(DataLoader(Recording(100), num_workers=2, prefetch_factor=3))
    deadline = time.monotonic() + 5
    while len(fetched) < 6 and time.monotonic() < deadline:
        time.sleep(0.005)
    time.sleep(0.02)
    assert sorted(fetched) == list(range(6))
    assert next(iterator).item() == 0


def test_workers_fetch_at_the_same_time():
    meeting = threading.Barrier(3, timeout=5)

    class Meeting(Squares):
        def __getitem__(self, index):
            meeting.wait()
            return index

    assert len(list(DataLoader(Meeting(6), num_workers=3))) == 6


def fail(index):
    if index == 5:
        raise KeyError("sample 5 is broken")
    return index


class Broken(Squares):
    def __getitem__(self, index):
        return fail(index)


@pytest.mark.parametrize("num_workers", [0, 1, 3])
def test_an_error_comes_out_in_its_turn_with_its_own_traceback(num_workers):
    received = []
    with pytest.raises(KeyError, match="sample 5 is broken") as caught:
        received.extend(b.item() for b in DataLoader(Broken(), num_workers=num_workers))
    text = "".join(traceback.format_exception(caught.value))
    assert "raise KeyError" in text
    assert ("raised in DataLoader worker thread" in text) == (num_workers > 0)
    del caught
    assert_threads_end()


def test_batches_before_an_error_arrive():
    iterator = iter(DataLoader(Broken(), num_workers=3))
    assert [next(iterator).item() for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(KeyError):
        next(iterator)
    with pytest.raises(StopIteration):
        next(iterator)


@pytest.mark.parametrize("where", ["worker_init_fn", "stream"])
def test_an_error_in_a_worker_s_preparation_comes_out(where):
    class BadStream(data.IterableDataset):
        def __iter__(self):
            raise OSError("cannot be prepared")

    def bad_init(number):
        raise OSError("cannot be prepared")

    options = {"worker_init_fn": bad_init} if where == "worker_init_fn" else {}
    dataset = Squares() if where == "worker_init_fn" else BadStream()
    with pytest.raises(OSError, match="cannot be prepared"):
        list(DataLoader(dataset, num_workers=2, **options))
    assert_threads_end()


def test_a_dropped_iterator_ends_its_threads_and_frees_its_batches():
    loader = DataLoader(Squares(1000), num_workers=2)
    iterator = iter(loader)
    gone = weakref.ref(iterator)
    next(iterator)
    assert loader_threads()
    gc.disable()
    try:
        del iterator
        assert gone() is None  # no reference cycle keeps it
    finally:
        gc.enable()
    assert_threads_end()


def test_an_unused_iterator_ends_its_threads():
    iter(DataLoader(Squares(1000), num_workers=2))
    assert_threads_end()


def test_leaving_the_loop_ends_the_threads():
    for _ in DataLoader(Squares(1000), num_workers=2):
        break
    assert_threads_end()


def test_an_interrupt_ends_the_threads(monkeypatch):
    iterator = iter(DataLoader(Squares(1000), num_workers=2))
    next(iterator)

    def interrupted(worker):
        raise KeyboardInterrupt

    monkeypatch.setattr(iterator, "_answer", interrupted)
    with pytest.raises(KeyboardInterrupt):
        next(iterator)
    assert_threads_end()


def test_a_slow_batch_runs_into_the_timeout():
    release = threading.Event()

    class Slow(Squares):
        def __getitem__(self, index):
            release.wait(5)
            return index

    try:
        with pytest.raises(RuntimeError, match=r"DataLoader timed out after 0\.05 seconds"):
            next(iter(DataLoader(Slow(), num_workers=1, timeout=0.05)))
    finally:
        release.set()
    assert_threads_end()


def test_options_without_a_device_to_serve_change_nothing():
    loader = DataLoader(Squares(4), num_workers=1, pin_memory=True, persistent_workers=True)
    assert [b.item() for b in loader] == [b.item() for b in loader] == [0, 1, 4, 9]
