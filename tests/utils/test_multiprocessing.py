"""multiprocessing under torch's names: Python's, tensors by value, `spawn` and its errors."""

import multiprocessing as python
import os
import signal

import pytest

import minigrad as mg
from minigrad import multiprocessing as mp


def put_sum(index, tensor, queue):
    queue.put((index, (tensor + index).sum()))


def fail_in_one(index, message):
    if index == 1:
        raise ValueError(message)


def end_by_signal(index):
    os.kill(os.getpid(), signal.SIGKILL)


def end_with_code(index):
    raise SystemExit(3)


def test_names_are_pythons():
    assert mp.Pool.__func__ is python.Pool.__func__
    assert mp.cpu_count() == python.cpu_count()
    assert mp.get_context("spawn") is python.get_context("spawn")
    assert mp.get_sharing_strategy() in mp.get_all_sharing_strategies()
    mp.set_sharing_strategy("file_descriptor")
    with pytest.raises(ValueError, match="sharing strategy"):
        mp.set_sharing_strategy("magic")


def test_processes_are_started_with_their_index():
    queue = mp.get_context("fork").SimpleQueue()
    mp.start_processes(put_sum, (mg.ones(3), queue), nprocs=2, start_method="fork")
    assert sorted((i, total.item()) for i, total in (queue.get(), queue.get())) == [
        (0, 3.0), (1, 6.0),
    ]  # fmt: skip


def test_spawn_starts_anew():
    queue = mp.get_context("spawn").SimpleQueue()
    mp.spawn(put_sum, args=(mg.ones(2), queue), nprocs=1)
    assert queue.get()[1].item() == 2.0


def test_an_exception_is_told_with_its_traceback():
    with pytest.raises(mp.ProcessRaisedException, match="Process 1 terminated with the") as caught:
        mp.start_processes(fail_in_one, ("a word",), nprocs=2, start_method="fork")
    assert "ValueError: a word" in str(caught.value)
    assert caught.value.error_index == 1


def test_an_end_without_exception_is_told():
    with pytest.raises(mp.ProcessExitedException, match="process 0 terminated with signal 9"):
        mp.start_processes(end_by_signal, start_method="fork")
    with pytest.raises(mp.ProcessExitedException, match="exit code 3") as caught:
        mp.start_processes(end_with_code, start_method="fork")
    assert caught.value.exit_code == 3


def test_without_join_the_processes_are_handed_out():
    queue = mp.get_context("fork").SimpleQueue()
    context = mp.start_processes(
        put_sum, (mg.ones(1), queue), nprocs=2, join=False, start_method="fork"
    )
    assert len(context.pids()) == 2
    while not context.join(timeout=60):
        pass
    assert len({queue.get()[0], queue.get()[0]}) == 2
