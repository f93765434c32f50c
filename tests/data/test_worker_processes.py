"""Worker processes of the DataLoader: numbers, shared memory, deaths, interrupts, the end."""

import os
import pickle
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad.utils import data
from minigrad.utils.data import DataLoader, shared_batches
from minigrad.utils.data.shared_batches import Blocks, Packer
from tests.support.worker_datasets import Noise, Rows, Squares

MEMORY = Path("/dev/shm")
pytestmark = [
    pytest.mark.skipif(not MEMORY.is_dir(), reason="looks for blocks of shared memory in /dev/shm"),
    pytest.mark.filterwarnings("ignore:This DataLoader will create"),
]

forked = partial(DataLoader, multiprocessing_context="fork")


def blocks() -> set[str]:
    return {path.name for path in MEMORY.iterdir() if path.name.startswith("psm_")}


@pytest.fixture(autouse=True)
def nothing_is_left_in_memory():
    before = blocks()
    yield
    assert not blocks() - before


def drawn(num_workers, context, passes=2):
    mg.manual_seed(7)
    options = {"num_workers": num_workers, "multiprocessing_context": context}
    loader = DataLoader(Noise(), batch_size=3, shuffle=True, **options)
    numbers = [[column.tolist() for column in batch] for _ in range(passes) for batch in loader]
    return numbers, mg.rand(()).item()


def test_numbers_do_not_depend_on_the_workers():
    batches, after = drawn(0, None)
    own = [batch[0] for batch in batches]
    assert len({number for batch in own for number in batch}) == 24
    for num_workers, context in ((1, None), (2, None), (5, None), (1, "fork"), (3, "fork")):
        others, other_after = drawn(num_workers, context)
        assert [batch[0] for batch in others] == own
        assert other_after == after


def test_in_processes_those_of_python_and_numpy_do_not_either():
    batches, after = drawn(1, "fork", passes=1)
    assert len({number for batch in batches for column in batch for number in column}) == 36
    assert drawn(3, "fork", passes=1) == (batches, after)
    assert drawn(1, "spawn", passes=1) == (batches, after)
    assert drawn(1, "forkserver", passes=1) == (batches, after)


@pytest.mark.parametrize("size", [10, 20_000, 300_000])
def test_batches_of_every_size_arrive(size):
    for number, batch in enumerate(forked(Rows(8, size), num_workers=2)):
        assert batch.shape == (1, size)
        assert (batch == number).all()
        batch.zero_()  # its memory is its own


def test_the_block_grows_with_the_batches():
    own, worker = Blocks(1), Packer()
    for size in (50_000, 50_000, 80_000, 10, 80_000):
        arrays = {"x": np.arange(size), "y": np.ones(3, np.float32)}
        number, name = own.lend()
        parcel = worker.pack(arrays, number, name)
        received = own.unpack(number, parcel)
        assert received["x"].tolist() == arrays["x"].tolist()
        assert received["y"].tolist() == [1, 1, 1]
        assert received["x"].flags.writeable
    assert parcel.inline is None  # the last one came by shared memory
    worker.close()
    own.close()


def test_without_shared_memory_batches_come_by_the_pipe(monkeypatch):
    monkeypatch.setattr(shared_batches, "_new_block", lambda size: None)
    assert [b[0, 0].item() for b in forked(Rows(6, 50_000), num_workers=2)] == [0, 1, 2, 3, 4, 5]


def test_memory_that_cannot_be_reserved_is_given_back(monkeypatch):
    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    assert shared_batches._new_block(1_000) is None


def test_leaving_the_loop_ends_the_processes():
    iterator = iter(forked(Rows(100, 50_000), num_workers=2))
    processes = list(iterator._crew._processes)
    next(iterator)
    pids = [process.pid for process in processes]
    del iterator
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_persistent_workers_end_with_their_loader():
    loader = forked(Rows(4, 50_000), num_workers=1, persistent_workers=True)
    first = [process.pid for process in iter(loader)._crew._processes]
    for _ in range(2):
        next(iter(loader))  # what is left of a pass is dropped
    assert len(list(loader)) == 4
    assert [process.pid for process in loader._iterator._crew._processes] == first
    del loader
    with pytest.raises(ProcessLookupError):
        os.kill(first[0], 0)


def test_a_worker_that_dies_is_named_with_its_exit_code():
    iterator = iter(forked(Rows(9, 50_000, deadly=4), num_workers=2))
    start = time.monotonic()
    with pytest.raises(RuntimeError, match=r"exited unexpectedly: worker 0 killed by.*SIGKILL"):
        list(iterator)
    assert time.monotonic() - start < 5
    with pytest.raises(StopIteration):
        next(iterator)


def test_a_persistent_loader_replaces_a_worker_that_died():
    loader = forked(Rows(3, 10, deadly=2), num_workers=1, persistent_workers=True)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="exited unexpectedly"):
            list(loader)


class Unsendable(Squares):
    def __getitem__(self, index):
        if index == 1:
            raise LookupError("cannot be found")
        return lambda: index


def test_a_batch_that_cannot_be_pickled_is_an_error_of_the_worker():
    iterator = iter(forked(Unsendable(2), batch_size=None, num_workers=1))
    with pytest.raises(RuntimeError, match="DataLoader worker process 0"):
        next(iterator)
    with pytest.raises(LookupError, match="cannot be found"):
        next(iterator)


def test_a_dataset_that_cannot_be_pickled_is_said_to_be_so():
    loader = DataLoader([1], num_workers=1, collate_fn=lambda x: x, multiprocessing_context="spawn")
    with pytest.raises((AttributeError, pickle.PicklingError, TypeError)) as caught:
        iter(loader)
    assert "at the top level of a module" in caught.value.__notes__[0]


PROGRAM = """
import os, signal, sys, time
from tests.support.worker_datasets import Rows
from minigrad.utils.data import DataLoader
iterator = iter(DataLoader(Rows(1000, 50_000), num_workers=2, multiprocessing_context="fork"))
for _ in range(6):
    batch = next(iterator)
print(*(process.pid for process in iterator._crew._processes), flush=True)
{end}
"""


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("", 0),  # the interpreter ends while the iterator is alive
        ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
        ("os.kill(os.getpid(), signal.SIGINT); time.sleep(9)", -signal.SIGINT),
    ],
)
def test_nothing_is_left_by_a_program_that_ends(end, code):
    before = blocks()
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(end=end)],
        check=False,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert ran.returncode in (code, 1 if code == -signal.SIGINT else code), ran.stderr
    assert "leaked" not in ran.stderr or code == -signal.SIGKILL
    assert "Exception ignored" not in ran.stderr
    deadline = time.monotonic() + 10
    while (left := blocks() - before) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not left
    for pid in ran.stdout.split():
        while time.monotonic() < deadline and Path(f"/proc/{pid}").exists():
            time.sleep(0.05)
        assert not Path(f"/proc/{pid}").exists()


def test_workers_compute_on_one_thread():
    class Threads(data.Dataset):
        def __len__(self):
            return 1

        def __getitem__(self, index):
            (mg.ones(300, 300) @ mg.ones(300, 300)).sum()
            return mg.get_num_threads()

    mg.ones(300, 300) @ mg.ones(300, 300)
    assert [batch.item() for batch in forked(Threads(), num_workers=1)] == [1]
