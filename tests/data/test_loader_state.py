"""`DataLoader.state_dict`: passes that go on where others have stopped, batch for batch."""

import itertools
import random

import pytest

import minigrad as mg
from minigrad.utils import data
from minigrad.utils.data import DataLoader


class Numbers(data.Dataset):
    """Its index, and a number drawn as augmentation draws it."""

    def __len__(self):
        return 23

    def __getitem__(self, index):
        if index == self.damaged:
            raise OSError("sample 5 is damaged")
        return index, mg.rand(()).item()

    damaged = None


class Stream(data.IterableDataset):
    """Each worker's share of 23 numbers, with random ones."""

    def __iter__(self):
        info = data.get_worker_info()
        first, step = (0, 1) if info is None else (info.id, info.num_workers)
        for number in range(first, 23, step):
            yield number, mg.rand(()).item()


class PythonsOrder(data.Sampler):
    """A user's sampler, which draws from Python's generator, index by index."""

    def __iter__(self):
        left = list(range(23))
        while left:
            yield left.pop(random.randrange(len(left)))

    def __len__(self):
        return 23


class Rotating(data.Sampler):
    """A user's sampler with a state: every pass begins one index later."""

    start = 0

    def __iter__(self):
        first, self.start = self.start, self.start + 1
        return iter([(first + i) % 23 for i in range(23)])

    def __len__(self):
        return 23

    def state_dict(self):
        return {"start": self.start}

    def load_state_dict(self, state):
        self.start = state["start"]


LOADERS = {
    "in order": lambda w: DataLoader(Numbers(), 4, num_workers=w),
    "shuffled": lambda w: DataLoader(Numbers(), 4, shuffle=True, num_workers=w),
    "own generator": lambda w: DataLoader(
        Numbers(), 4, shuffle=True, num_workers=w, generator=mg.Generator().manual_seed(7)
    ),
    "drop_last": lambda w: DataLoader(Numbers(), 4, shuffle=True, drop_last=True, num_workers=w),
    "weighted": lambda w: DataLoader(
        Numbers(), 4, num_workers=w, sampler=data.WeightedRandomSampler([1.0] * 23, 23)
    ),
    "unbatched": lambda w: DataLoader(Numbers(), None, shuffle=True, num_workers=w),
    "Python's order": lambda w: DataLoader(Numbers(), 4, sampler=PythonsOrder(), num_workers=w),
    "sampler with a state": lambda w: DataLoader(Numbers(), 4, sampler=Rotating(), num_workers=w),
    "batch sampler": lambda w: DataLoader(
        Numbers(),
        batch_sampler=data.BatchSampler(
            data.RandomSampler(range(23), generator=mg.Generator().manual_seed(1)), 4, False
        ),
        num_workers=w,
    ),
    "persistent": lambda w: DataLoader(
        Numbers(), 4, shuffle=True, num_workers=w, persistent_workers=w > 0
    ),
    "processes": lambda w: DataLoader(
        Numbers(), 4, shuffle=True, num_workers=w, multiprocessing_context="fork" if w else None
    ),
}


def plain(batch):
    return [part.tolist() if isinstance(part, mg.Tensor) else part for part in batch]


def saved_at(loader, stop, passes=3):
    """The batches after `stop` in some passes, and the states at that batch."""
    batches, state = [], None
    for _ in range(passes):
        for batch in loader:
            batches.append(plain(batch))
            if len(batches) == stop:
                state = loader.state_dict(), mg.get_rng_state(), random.getstate()
    return batches[stop:], state


def rest(loader, state, count):
    """The first batches that a loader gives after it has loaded a state."""
    mg.manual_seed(99)
    random.seed(99)
    loader.load_state_dict(state[0])
    mg.set_rng_state(state[1])
    random.setstate(state[2])
    passes = itertools.chain.from_iterable(iter(loader) for _ in range(4))
    return [plain(batch) for batch in itertools.islice(passes, count)]


WORKERS = [(0, 0), (0, 2), (2, 0), (2, 1)]
# Workers ahead of the loop draw from Python's own generator earlier: what is left of it differs.
CASES = [(name, *w) for name in LOADERS for w in WORKERS if name != "Python's order"]


@pytest.mark.parametrize(
    ("name", "workers", "later"), [*CASES, ("Python's order", 0, 0), ("Python's order", 2, 2)]
)
def test_the_rest_of_a_pass_is_the_same(name, workers, later, tmp_path):
    for stop in (1, 4, 6, 8, 11):
        mg.manual_seed(3)
        random.seed(3)
        expected, state = saved_at(LOADERS[name](workers), stop)
        mg.save({"loader": state[0]}, tmp_path / "state")
        state = mg.load(tmp_path / "state")["loader"], *state[1:]
        assert rest(LOADERS[name](later), state, len(expected)) == expected


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_a_stream_is_read_again_by_as_many_workers(workers):
    def make():
        return DataLoader(Stream(), 4, num_workers=workers)

    mg.manual_seed(3)
    expected, state = saved_at(make(), 4, passes=2)
    assert rest(make(), state, len(expected)) == expected
    others = 2 - workers // 2
    with pytest.raises(
        ValueError, match=f"num_workers={workers}; this one has num_workers={others}"
    ):
        DataLoader(Stream(), 4, num_workers=others).load_state_dict(state[0])


def test_batches_in_any_order_are_given_once():
    loader = DataLoader(range(40), 2, num_workers=2, in_order=False)
    iterator = iter(loader)
    seen = [tuple(next(iterator).tolist()) for _ in range(7)]
    other = DataLoader(range(40), 2, num_workers=2, in_order=False)
    other.load_state_dict(loader.state_dict())
    seen += [tuple(batch.tolist()) for batch in other]
    assert sorted(seen) == [(i, i + 1) for i in range(0, 40, 2)]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_batch_that_failed_is_not_tried_again(workers):
    dataset = Numbers()
    dataset.damaged = 5
    loader = DataLoader(dataset, 4, num_workers=workers)
    iterator = iter(loader)
    next(iterator)
    with pytest.raises(OSError, match="damaged"):
        next(iterator)
    other = DataLoader(dataset, 4, num_workers=workers)
    other.load_state_dict(loader.state_dict())
    assert next(iter(other))[0].tolist() == [8, 9, 10, 11]


def test_workers_ahead_of_the_loop_do_not_count():
    loader = DataLoader(range(100), 1, num_workers=2, prefetch_factor=8)
    iterator = iter(loader)
    next(iterator)
    assert loader.state_dict()["pass"]["given"] == 1


def test_a_state_is_loaded_for_one_pass():
    loader = DataLoader(range(6), 2)
    next(iter(loader))
    other = DataLoader(range(6), 2)
    other.load_state_dict(loader.state_dict())
    assert [len(list(other)) for _ in range(2)] == [2, 3]


def test_a_state_that_was_loaded_is_given_back():
    loader = DataLoader(range(6), 2)
    next(iter(loader))
    other = DataLoader(range(6), 2)
    other.load_state_dict(loader.state_dict())
    assert other.state_dict() == loader.state_dict()


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (DataLoader(range(7), 2), "samples=6; this one has samples=7"),
        (DataLoader(range(6), 3), "batch_size=2; this one has batch_size=3"),
    ],
)
def test_states_of_other_loaders_are_refused(other, message):
    loader = DataLoader(range(6), 2)
    next(iter(loader))
    with pytest.raises(ValueError, match=message):
        other.load_state_dict(loader.state_dict())
    with pytest.raises(TypeError, match=r"what DataLoader.state_dict returned"):
        other.load_state_dict({"epoch": 3})
    with pytest.raises(ValueError, match="format 2"):
        loader.load_state_dict({**loader.state_dict(), "format": 2})
    assert [len(batch) for batch in other] == [other.batch_size] * (6 // other.batch_size) + (
        [1] if len(other.dataset) == 7 else []
    )


def test_a_stream_that_became_shorter_is_said():
    loader = DataLoader(Stream(), 4)
    iterator = iter(loader)
    for _ in range(5):
        next(iterator)
    state = loader.state_dict()
    state["pass"]["given"] = 9
    other = DataLoader(Stream(), 4)
    other.load_state_dict(state)
    with pytest.raises(RuntimeError, match=r"ended after 6 batches; .* after 9"):
        iter(other)
