"""Threads share loops with work above limits, which follow from what calling them costs."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import numba
import numpy as np
import pytest
from numba.np.ufunc.parallel import get_thread_id

from minigrad.backends import sharing
from minigrad.kernels.compiler import region_cost
from minigrad.kernels.compiler import sharing as memory
from minigrad.kernels.compiler.kernel import kernel, prange, set_num_threads, thread_setting
from minigrad.kernels.compiler.region_cost import LEAST, MOST, limits_of
from minigrad.kernels.matmul.gemm import Gemm
from minigrad.kernels.replay.guards import Headers

AWAKE, ASLEEP = 2**62, 0  # until when
two_threads = pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="it needs two threads")


@pytest.fixture(autouse=True)
def limits_are_set_back() -> Iterator[None]:
    before, limits, until = region_cost.chosen(), memory.limits(), memory._memory.until
    yield
    region_cost._Choice.work = before
    memory.set_limits(limits)
    memory._memory.until = until


@kernel
def _threads_of(out: Any) -> None:
    for i in prange(out.size):
        out[i] = get_thread_id()


def threads_that_share(work: int) -> int:
    out = np.zeros(2, np.int64)
    _threads_of.run(work, out)
    return len(set(out.tolist()))


@two_threads
@pytest.mark.parametrize("work", [1, 1000, 10**9])
def test_a_kernel_reads_the_limit_at_each_call(work: int) -> None:
    set_num_threads(2)
    with sharing.flags(work):
        assert threads_that_share(work) == 2
        assert threads_that_share(work - 1) == 1
        sharing.least_work = work + 1
        assert threads_that_share(work) == 1
    assert sharing.least_work == 32_768


@two_threads
def test_threads_that_sleep_are_woken_for_more_work_than_those_awake() -> None:
    set_num_threads(2)
    memory.set_limits(memory.Limits(1000, 5000))
    for until, work, threads in (
        (AWAKE, 999, 1), (AWAKE, 1000, 2), (ASLEEP, 1000, 1), (ASLEEP, 4999, 1), (ASLEEP, 5000, 2),
    ):  # fmt: skip
        memory._memory.until = until
        assert threads_that_share(work) == threads, (until, work)


@two_threads
@pytest.mark.skipif(memory._CLOCK is None, reason="this system has no such clock")
def test_threads_are_awake_for_a_while_after_a_loop() -> None:
    set_num_threads(2)
    memory.set_limits(memory.Limits(1000, 5000))
    memory._memory.until = ASLEEP
    threads_that_share(1000)  # by one
    assert memory._memory.until == ASLEEP
    before = time.monotonic_ns()
    threads_that_share(5000)
    assert memory._memory.until >= before + memory.AWAKE_NANOSECONDS


def test_the_limits_follow_from_costs_speed_and_threads() -> None:
    # 5 us and 20 us, 4 elements a nanosecond: of two threads each saves half of the time.
    assert limits_of(5_000, 20_000, 4.0, 2) == (40_000, 160_000)
    assert limits_of(5_000, 20_000, 2.0, 2) == (max(LEAST.awake, 20_000), 80_000)
    assert limits_of(9_000, 24_000, 4.0, 4) == (48_000, 128_000)
    assert limits_of(10_000, 8_000, 4.0, 2).asleep == 80_000, "sleepers are not faster"


def test_whatever_is_measured_large_work_is_shared_and_small_is_not() -> None:
    assert limits_of(10**9, 10**9, 8.0, 2) == MOST
    assert limits_of(0, 0, 0.0, 64) == LEAST
    assert all(least <= most for least, most in zip(LEAST, MOST, strict=True))


def test_the_measurement_ends_soon_on_a_busy_machine() -> None:
    calls = []

    def call() -> None:
        calls.append(len(calls))
        time.sleep(0.001)

    shortest = region_cost._shortest(call, 0, 1000)
    assert 1 <= len(calls) <= 2
    assert shortest >= 10**6


@two_threads
def test_the_measurement_is_made_once_for_each_number_of_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_num_threads(2)
    region_cost.measured.cache_clear()
    costs, calls = region_cost._cost, []
    monkeypatch.setattr(region_cost, "_cost", lambda n: calls.append(n) or costs(n))
    for _ in range(2):
        sharing.least_work = None
        found = sharing.limits()
        assert LEAST.awake <= found.awake <= MOST.awake
        assert max(found.awake, LEAST.asleep) <= found.asleep <= MOST.asleep
    set_num_threads(1)
    set_num_threads(2)
    assert calls == [2]
    assert sharing.limits() == found
    sharing.least_work = 7
    set_num_threads(2)
    assert sharing.limits() == (7, 7), "what was chosen holds"


def test_the_environment_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(region_cost.VARIABLE, " 12345 ")
    region_cost.prepare_limits()
    assert sharing.least_work == 12_345
    assert sharing.limits() == (12_345, 12_345)
    for given in ("many", "-1", "1e5"):
        monkeypatch.setenv(region_cost.VARIABLE, given)
        with pytest.raises(ValueError, match=rf"expected a whole number as 32768, got '{given}'"):
            region_cost.prepare_limits()
    assert sharing.least_work == 12_345


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [(-1, ValueError, "0 elements or more, got -1"), (1.5, TypeError, "whole number .* got 1.5"),
     (True, TypeError, "got True")],
)  # fmt: skip
def test_bad_limits_are_refused(given: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        sharing.least_work = given
    with pytest.raises(error, match=words), sharing.flags(given):
        pass
    assert sharing.least_work == 32_768


@two_threads
def test_prepared_tasks_and_recordings_follow_the_limit() -> None:
    set_num_threads(2)
    x = np.ones((256, 256), np.float32)
    product = Gemm((x.shape, x.strides), (x.shape, x.strides), x.dtype)
    tasks = product._for_threads.tasks
    headers = Headers((x,))
    setting = thread_setting()
    with sharing.flags(1):
        assert tasks.threads() == 2
        assert not headers.match((x,))
        assert Headers((x,)).match((x,))
        assert thread_setting() != setting
    with sharing.flags(2**62):  # more than a header has room for
        assert tasks.threads() == 1
        assert Headers((x,)).match((x,))
        assert thread_setting() > 0
    assert headers.match((x,))


PROGRAM = """
import hashlib, sys
import numpy as np
import minigrad as mg
from minigrad import nn, optim
from minigrad.backends import sharing

def trained(compiled):
    mg.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(400, 100),
                          nn.Tanh())
    head = nn.Linear(100, 10)
    parameters = [*model.parameters(), *head.parameters()]
    rule = optim.Adam(parameters, lr=0.01)
    x, y = mg.randn(48, 1, 12, 12), mg.arange(48) % 10
    def step(x, y):
        loss = nn.functional.cross_entropy(head(model(x)), y)
        rule.zero_grad()
        loss.backward()
        rule.step()
        return loss
    step = mg.compile(step) if compiled else step
    for k in range(4):
        if compiled and k == 2:  # a recording follows, too
            sharing.least_work = 0 if sharing.least_work else 10**9
        loss = step(x, y)
    bits = b"".join(p.detach().numpy().tobytes() for p in parameters)
    return hashlib.sha256(bits + loss.detach().numpy().tobytes()).hexdigest()

found = set()
for threads, least in ((1, None), (2, 0), (2, None), (2, 10**9), (3, 3000), (4, 0), (4, None)):
    mg.set_num_threads(threads)
    for compiled in (False, True):
        sharing.least_work = least
        found.add(trained(compiled))
print(len(found))
"""


def test_bits_are_the_same_for_any_limit_and_number_of_threads() -> None:
    environment = os.environ | {"NUMBA_NUM_THREADS": "4", "MINIGRAD_DISABLE": "background"}
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "1\n"
