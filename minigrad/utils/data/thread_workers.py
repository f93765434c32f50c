"""Worker threads of a DataLoader."""

import queue
import threading
from queue import SimpleQueue

from minigrad.utils.data.worker import Epoch, Job, Outcome, Task, TaskRunner, WorkerInfo


class _CurrentEpoch:
    value = 0


class ThreadCrew:
    """Threads that carry out tasks, each in the order in which it gets them.

    A thread has no reference to the loader or its iterator, so it ends when the iterator is
    deleted.  It is a daemon, so Python can exit while a dataset hangs.
    """

    def __init__(self, job: Job, num_workers: int, seed: int) -> None:
        self.current: Epoch = _CurrentEpoch()
        self._outcomes: SimpleQueue[tuple[int, Outcome]] = SimpleQueue()
        self._tasks: list[SimpleQueue[Task | None]] = [SimpleQueue() for _ in range(num_workers)]
        for number, tasks in enumerate(self._tasks):
            info = WorkerInfo(number, num_workers, seed + number, job.dataset)
            run = TaskRunner(info, job, f"worker thread {number}", self.current)
            threading.Thread(
                target=_work,
                args=(run, tasks, self._outcomes),
                name=f"minigrad-dataloader-{number}",
                daemon=True,
            ).start()

    def send(self, worker: int, task: Task) -> None:
        """Hand a task to a worker."""
        self._tasks[worker].put(task)

    def collect(self, timeout: float | None) -> list[tuple[int, Outcome]]:
        """Wait for an outcome, with the number of its worker; none after `timeout` seconds."""
        try:
            return [self._outcomes.get(timeout=timeout)]
        except queue.Empty:
            return []

    def close(self) -> None:
        """End each thread after the batch it is fetching now, without waiting for it."""
        self.current.value = -1
        for tasks in self._tasks:
            tasks.put(None)


def _work(
    run: TaskRunner,
    tasks: "SimpleQueue[Task | None]",
    outcomes: "SimpleQueue[tuple[int, Outcome]]",
) -> None:
    run.set_up()
    while (task := tasks.get()) is not None:
        outcome = run(task)
        outcomes.put((run.info.id, outcome))
        del outcome, task  # otherwise the thread would keep a batch alive while it waits
