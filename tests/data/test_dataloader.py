"""utils.data.DataLoader and its worker threads, against PyTorch's and by invariants."""

import gc
import threading
import time
import traceback
import weakref

import pytest
import torch.utils.data as torch_data
from hypothesis import given
from hypothesis import strategies as st

from minigrad.ops.generator import Generator, default_generator
from minigrad.utils import data
from minigrad.utils.data import DataLoader
from tests.support.data_samples import Stream, assert_same_batch, numbers, order
from tests.support.worker_datasets import Squares

pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create")


def loader_threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name.startswith("minigrad-dataloader")]


def assert_threads_end() -> None:
    deadline = time.monotonic() + 5
    while loader_threads() and time.monotonic() < deadline:
        time.sleep(0.005)
    assert not loader_threads()


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
        return float(default_generator.generator.random())


def test_random_transforms_do_not_depend_on_the_workers():
    def drawn(workers):
        loader = DataLoader(
            Noise(), batch_size=3, num_workers=workers, generator=Generator().manual_seed(1)
        )
        return [[x for batch in loader for x in batch.tolist()] for _ in range(2)]

    first, second = drawn(0)
    assert len(set(first + second)) == 40
    assert drawn(1) == drawn(3) == [first, second]


def test_loaders_may_be_nested():
    class Outer(data.Dataset[list[float]]):
        def __len__(self):
            return 2

        def __getitem__(self, index):
            before = default_generator.get_state().tolist()
            total = sum(batch.item() for batch in DataLoader(Noise()))
            assert default_generator.get_state().tolist() != before  # one number: the inner seed
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
    ids=",".join,
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
def test_an_error_is_raised_in_order_with_its_traceback(num_workers):
    received = []
    with pytest.raises(KeyError, match="sample 5 is broken") as caught:
        received.extend(b.item() for b in DataLoader(Broken(), num_workers=num_workers))
    text = "".join(traceback.format_exception(caught.value))
    assert "raise KeyError" in text
    assert ("Caught KeyError in DataLoader worker thread" in text) == (num_workers > 0)
    del caught
    assert_threads_end()


def test_batches_before_an_error_arrive():
    iterator = iter(DataLoader(Broken(), num_workers=3))
    assert [next(iterator).item() for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(KeyError):
        next(iterator)
    assert [batch.item() for batch in iterator] == [6, 7, 8, 9]


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


def test_a_dropped_iterator_s_workers_leave_their_other_tasks():
    fetched, started, release = [], threading.Event(), threading.Event()

    class Slow(Squares):
        def __getitem__(self, index):
            fetched.append(index)
            started.set()
            release.wait(5)
            return index

    iterator = iter(DataLoader(Slow(100), num_workers=1, prefetch_factor=50))
    assert started.wait(5)
    del iterator
    release.set()
    assert_threads_end()
    assert fetched == [0]


def test_an_exhausted_iterator_has_no_threads():
    iterator = iter(DataLoader(Squares(5), num_workers=2))
    assert len(iterator) == 5
    assert len(list(iterator)) == 5
    assert_threads_end()
    assert list(iterator) == []


class Parcel:
    """A batch that can be watched."""

    def __init__(self, samples: list[int]) -> None:
        self.samples = samples


def test_a_waiting_worker_does_not_hold_on_to_its_last_batch():
    iterator = iter(DataLoader(Squares(1), num_workers=1, collate_fn=Parcel))
    gone = weakref.ref(next(iterator))
    deadline = time.monotonic() + 5
    while gone() is not None and time.monotonic() < deadline:
        time.sleep(0.005)
    assert gone() is None
    assert loader_threads()
    del iterator
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

    def interrupted(timeout):
        raise KeyboardInterrupt

    monkeypatch.setattr(iterator._crew, "collect", interrupted)
    with pytest.raises(KeyboardInterrupt):
        list(iterator)
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


def test_pinned_memory_has_no_device_to_serve():
    loader = DataLoader(Squares(4), num_workers=1, pin_memory=True)
    with pytest.warns(UserWarning, match="no accelerator is found"):
        assert [b.item() for b in loader] == [0, 1, 4, 9]
