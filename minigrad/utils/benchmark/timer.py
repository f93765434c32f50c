"""Timer: times a statement in blocks so long that the cost of the clock is negligible."""

import statistics
import textwrap
import timeit
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from minigrad.kernels.compiler.kernel import get_num_threads, set_num_threads
from minigrad.utils.benchmark.common import Measurement, TaskSpec

# The clock may cost this share of a block.
OVERHEAD = 1e-4
# The lower bound of a time, in seconds, so that ratios stay finite.
SHORTEST = 1e-9
MOST_RUNS = 2**31 - 1


@contextmanager
def _threads(number: int) -> Iterator[None]:
    before = get_num_threads()
    set_num_threads(number)
    try:
        yield
    finally:
        set_num_threads(before)


def _dedented(code: str) -> str:
    return textwrap.dedent(code).removeprefix("\n").rstrip()


class Timer:
    """Times the Python statement `stmt`, run after `setup` with `globals`, on `num_threads`.

    `label`, `sub_label` and `description` are for `Compare`, which makes a table for each label, a
    row for each sub-label and a column for each description.  Raises ValueError if `stmt` is not a
    string, or for more threads than the process has.

    PyTorch differs: statements are Python, not C++, and have only the names in `globals` and those
    of `setup`; there is no Callgrind.

    >>> import minigrad as mg
    >>> from minigrad.utils.benchmark import Timer
    >>> timer = Timer("x + x", globals={"x": mg.ones(32)}, label="add", description="n=32")
    >>> timer.blocked_autorange(min_run_time=0.01).median > 0
    True
    """

    def __init__(
        self,
        stmt: str = "pass",
        setup: str = "pass",
        timer: Callable[[], float] = timeit.default_timer,
        globals: dict[str, Any] | None = None,
        label: str | None = None,
        sub_label: str | None = None,
        description: str | None = None,
        env: str | None = None,
        num_threads: int = 1,
    ) -> None:
        if not isinstance(stmt, str):
            raise ValueError(f"stmt must be a str of Python code, got {type(stmt).__name__}")
        stmt, setup = _dedented(stmt), _dedented(setup)
        self._timer = timeit.Timer(stmt, setup, timer, dict(globals or {}))
        self._task_spec = TaskSpec(stmt, setup, "", label, sub_label, description, env, num_threads)

    def _seconds(self, number: int) -> float:
        return max(self._timer.timeit(number), SHORTEST)

    def timeit(self, number: int = 1_000_000) -> Measurement:
        """One measurement of `number` runs, after a warm-up of a hundredth as many."""
        with _threads(self._task_spec.num_threads):
            self._seconds(max(number // 100, 2))
            return Measurement(number, [self._seconds(number)], self._task_spec)

    def _block_size(self, min_run_time: float) -> int:
        """The number of runs in a block, a power of ten; the search also warms up."""
        clock = statistics.median(self._seconds(0) for _ in range(5))
        number = 1
        while True:
            seconds = self._seconds(number)
            exact = clock <= OVERHEAD * seconds and seconds >= min_run_time / 1000
            if exact or seconds > min_run_time or number * 10 > MOST_RUNS:
                return number
            number *= 10

    def blocked_autorange(
        self,
        callback: Callable[[int, float], object] | None = None,
        min_run_time: float = 0.2,
    ) -> Measurement:
        """Blocks with the same number of runs, for at least `min_run_time` seconds in total.

        `callback(runs, seconds)` is called after each block.
        """
        with _threads(self._task_spec.num_threads):
            number = self._block_size(min_run_time)
            times: list[float] = []
            while sum(times) < min_run_time:
                times.append(self._seconds(number))
                if callback is not None:
                    callback(number, times[-1])
        return Measurement(number, times, self._task_spec)

    def adaptive_autorange(
        self,
        threshold: float = 0.1,
        *,
        min_run_time: float = 0.01,
        max_run_time: float = 10.0,
        callback: Callable[[int, float], object] | None = None,
    ) -> Measurement:
        """Blocks until their interquartile range is below `threshold` of the median.

        At least four blocks and `min_run_time` seconds, at most `max_run_time` seconds.
        """
        with _threads(self._task_spec.num_threads):
            number = self._block_size(0.05)
            measurement = Measurement(number, [], self._task_spec)
            while True:
                seconds = self._seconds(number)
                measurement = Measurement(
                    number, [*measurement.raw_times, seconds], self._task_spec
                )
                if callback is not None:
                    callback(number, seconds)
                spent = sum(measurement.raw_times)
                steady = len(measurement.raw_times) > 3 and measurement.meets_confidence(threshold)
                if (steady and spent >= min_run_time) or spent > max_run_time:
                    return measurement
