"""Worker processes of a DataLoader: for datasets whose Python code keeps a core busy."""

import contextlib
import os
import pickle
import random
import signal
import threading
import time
from multiprocessing import connection, parent_process, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from queue import SimpleQueue
from typing import Any, NamedTuple

import numpy as np

from minigrad.kernels.compiler.kernel import set_num_threads
from minigrad.ops.generator import default_generator
from minigrad.utils.data.shared_batches import Blocks, Packer, Parcel
from minigrad.utils.data.worker import (
    BATCH,
    Epoch,
    Failure,
    Job,
    Outcome,
    Task,
    TaskRunner,
    WorkerInfo,
    describe_process,
)

# A worker that is dismissed while it fetches a batch may take so many seconds to finish it.
GRACE = 5.0


class Order(NamedTuple):
    """A task, with the number and the name of the block of shared memory for its batch."""

    task: Task
    block: int
    name: str | None


class ProcessCrew:
    """Processes that carry out tasks, each in the order in which it gets them.

    A process that ends on its own, or is killed, raises RuntimeError in `collect` at once.
    """

    def __init__(
        self, job: Job, num_workers: int, seed: int, context: BaseContext, prefetch: int
    ) -> None:
        # Forks share the tracker of shared memory only if it is there before them.
        resource_tracker.ensure_running()
        self.current: Epoch = context.RawValue("q", 0)
        self._blocks = [Blocks(prefetch) for _ in range(num_workers)]
        self._processes: list[BaseProcess] = []
        self._tasks: list[Connection] = []
        self._parcels: list[Connection] = []
        try:
            for number in range(num_workers):
                self._start((number, num_workers, seed + number), job, context)
        except BaseException as error:
            if isinstance(error, pickle.PicklingError | AttributeError | TypeError):
                error.add_note(
                    "A DataLoader's dataset, collate_fn and worker_init_fn are pickled for worker "
                    "processes, unless they are forks: define them at the top level of a module."
                )
            self.close()
            raise

    def _start(self, place: tuple[int, int, int], job: Job, context: BaseContext) -> None:
        tasks, send_task = context.Pipe(duplex=False)
        receive_parcel, parcels = context.Pipe(duplex=False)
        process = context.Process(  # type: ignore[attr-defined]
            target=_work,
            args=(*place, job, self.current, tasks, parcels),
            name=f"minigrad-dataloader-{place[0]}",
            daemon=True,
        )
        process.start()
        tasks.close()
        parcels.close()
        self._processes.append(process)
        self._tasks.append(send_task)
        self._parcels.append(receive_parcel)

    def send(self, worker: int, task: Task) -> None:
        """Hand a task to a worker."""
        order = Order(task, *self._blocks[worker].lend())
        with contextlib.suppress(BrokenPipeError):  # `collect` says that the worker has died
            self._tasks[worker].send(order)

    def collect(self, timeout: float | None) -> list[tuple[int, Outcome]]:
        """Wait for outcomes, with the numbers of their workers; none after `timeout` seconds."""
        sentinels = [process.sentinel for process in self._processes]
        ready = connection.wait([*self._parcels, *sentinels], timeout)
        outcomes = []
        for worker, parcels in enumerate(self._parcels):
            if parcels in ready and (received := _received(parcels)) is not None:
                block, parcel = received
                outcomes.append((worker, self._blocks[worker].unpack(block, parcel)))
        if ready and not outcomes:
            raise RuntimeError(self._obituary())
        return outcomes

    def _obituary(self) -> str:
        dead = []
        for number, process in enumerate(self._processes):
            process.join(0.1)
            if process.exitcode is not None:
                dead.append((number, process.pid, process.exitcode))
        workers = ", ".join(f"{number} {_cause(code)}" for number, _, code in dead)
        return (
            f"DataLoader worker (pid(s) {', '.join(str(pid) for _, pid, _ in dead)}) exited "
            f"unexpectedly: worker {workers}.  With num_workers=0 the error's traceback is seen."
        )

    def close(self) -> None:
        """End all processes, and free the shared memory."""
        self.current.value = -1
        for tasks in self._tasks:
            with contextlib.suppress(OSError):
                tasks.send(None)
        deadline = time.monotonic() + GRACE
        running = self._running()
        open_pipes = list(self._parcels)
        while running and (left := deadline - time.monotonic()) > 0:
            ready = connection.wait([*running, *open_pipes], left)
            # A worker may wait until what it sends is read.
            open_pipes = [p for p in open_pipes if p not in ready or _received(p) is not None]
            running = self._running()
        for process in self._processes:
            process.kill()
            process.join()
            process.close()
        for pipe in (*self._tasks, *self._parcels):
            pipe.close()
        for blocks in self._blocks:
            blocks.close()

    def _running(self) -> list[int]:
        return [process.sentinel for process in self._processes if process.is_alive()]


def _received(parcels: Connection) -> Any:
    """What has arrived, or None if the other end is closed."""
    try:
        return parcels.recv()
    except (EOFError, OSError):
        return None


def _cause(code: int) -> str:
    if code >= 0:
        return f"with exit code {code}"
    with contextlib.suppress(ValueError):
        return f"killed by signal {signal.Signals(-code).name} (exit code {code})"
    return f"killed by signal {-code}"


def _work(
    number: int,
    num_workers: int,
    seed: int,
    job: Job,
    current: Epoch,
    tasks: Connection,
    parcels: Connection,
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C: the process of the loop ends this one
    set_num_threads(1)
    default_generator.manual_seed(seed)
    _seed_globals((seed,))
    info = WorkerInfo(number, num_workers, seed, job.dataset, "multiprocessing")
    run = TaskRunner(info, job, f"worker process {number}", current)
    describe_process(info)
    run.set_up()
    orders: SimpleQueue[Order | None] = SimpleQueue()
    threading.Thread(target=_receive, args=(tasks, orders), daemon=True).start()
    packer = Packer()
    while (order := orders.get()) is not None:
        task = order.task
        _seed_globals((task.seed, BATCH, task.position))
        outcome = run(task)
        parcels.send((order.block, _packed(packer, outcome, order, number)))
        del outcome, order, task


def _receive(tasks: Connection, orders: "SimpleQueue[Order | None]") -> None:
    """Take tasks off the pipe at once, so that the loop never waits to send one."""
    parent = parent_process()
    assert parent is not None
    while True:
        if tasks not in connection.wait([tasks, parent.sentinel]):
            os._exit(1)  # the process of the loop is gone
        order = _received(tasks)
        orders.put(order)
        if order is None:
            return


def _packed(packer: Packer, outcome: Outcome, order: Order, number: int) -> Parcel:
    try:
        return packer.pack(outcome, order.block, order.name)
    except Exception as error:  # the batch, or the class of an exception, cannot be pickled
        failure = outcome.failure or Failure(error, f"worker process {number}")
        failure.kind = RuntimeError
        return packer.pack(Outcome(outcome.epoch, failure=failure), order.block, order.name)


def _seed_globals(key: tuple[int, ...]) -> None:
    """Seed the generators of Python and NumPy that belong to the whole process."""
    words = np.random.SeedSequence(key).generate_state(8)
    random.seed(words[:4].tobytes())
    np.random.seed(words[4:])  # noqa: NPY002  what datasets draw from
