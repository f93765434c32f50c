"""Code that interrupts an operation of its own thread: handlers, finalizers and callbacks."""

import math
import signal
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

import minigrad as torch
from minigrad import nn
from minigrad.engine.grad_mode import ignore_fp_errors, thread
from minigrad.kernels.compiler.workspace import scratch


def compute() -> float:
    """An operation of each form of call, in place ones too, and two backward passes."""
    x = torch.tensor([0.0, 1.0, 4.0], requires_grad=True)
    y = torch.cat([x.sqrt() + x, (x / 2).exp()])  # the gradient of sqrt at 0 is inf, in silence
    with torch.no_grad():
        z = x.clone().add_(1.0).clamp_(max=3)
    y.sum().backward()
    (x * x).sum().backward()
    nn.utils.clip_grad_norm_([x], math.inf)
    return float(y.sum() + z.sum())


RIGHT = 8.0 + 1 + math.exp(0.5) + math.exp(2) + 6


class Interrupted:
    """Calls what it is given while an operation of this thread runs."""

    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback = callback

    def __call__(self) -> np.ndarray:
        self.callback()
        return np.ones(1)


def test_what_interrupts_an_operation_computes() -> None:
    results: list[float] = []
    thread.mode.ignore_fp_errors(Interrupted(lambda: results.append(compute())))
    assert results == [pytest.approx(RIGHT)]


def test_what_interrupts_an_interruption_computes() -> None:
    results: list[float] = []

    def deeper(depth: int) -> None:
        results.append(compute())
        if depth:
            ignore_fp_errors(deeper, depth - 1)

    ignore_fp_errors(deeper, 3)
    assert results == [pytest.approx(RIGHT)] * 4


def test_an_error_of_the_interrupting_code_is_its_own() -> None:
    def fail() -> None:
        raise RuntimeError("mine")

    def interrupt() -> None:
        with pytest.raises(RuntimeError, match=r"^mine$"):
            ignore_fp_errors(fail)
        with pytest.raises(RuntimeError, match="shape"):
            torch.ones(2, 3) @ torch.ones(2, 3)

    ignore_fp_errors(interrupt)


def test_finalizers_and_weakref_callbacks_compute() -> None:
    class Computes:
        def __del__(self) -> None:
            results.append(compute())

    results: list[float] = []

    def forward() -> None:
        watched = Computes()
        reference = weakref.ref(watched, lambda _: results.append(compute()))
        del watched
        assert reference() is None

    ignore_fp_errors(forward)
    assert results == [pytest.approx(RIGHT)] * 2


def test_a_workspace_that_is_held_is_not_given_again() -> None:
    held = scratch(1000, np.dtype(np.float32))
    other = scratch(500, np.dtype(np.float32))
    assert not np.shares_memory(held, other)
    address = held.ctypes.data
    del held
    assert scratch(1000, np.dtype(np.float32)).ctypes.data == address


@contextmanager
def alarms(handler: Callable[[], object], interval: float) -> Iterator[None]:
    running = True

    def ring(*_: object) -> None:
        handler()
        if running:  # a timer that repeats would interrupt a slow machine's handler without end
            signal.setitimer(signal.ITIMER_REAL, interval)

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, interval)
    try:
        yield
    finally:
        running = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timers")
def test_a_signal_handler_computes_while_kernels_and_backward_run() -> None:
    """The same layers in both: neither may see the other's workspace."""
    rng = torch.Generator().manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3))
    big = torch.randn(4, 3, 24, 24, generator=rng)
    small = torch.randn(4, 3, 20, 20, generator=rng)

    @torch.enable_grad()  # a handler finds the mode of the code that it interrupts
    def step(x: torch.Tensor) -> list[np.ndarray]:
        out = model(x)
        return [out.detach().numpy(), *(
            g.numpy() for g in torch.autograd.grad((out * out).sum(), list(model.parameters()))
        )]  # fmt: skip

    expected, expected_inside = step(big), step(small)
    inside: list[list[np.ndarray]] = []
    with alarms(lambda: inside.append(step(small)), 0.02):
        deadline = time.monotonic() + 60
        while len(inside) < 20 and time.monotonic() < deadline:
            for got, right in zip(step(big), expected, strict=True):
                np.testing.assert_array_equal(got, right)
    assert len(inside) >= 20
    for results in inside:
        for got, right in zip(results, expected_inside, strict=True):
            np.testing.assert_array_equal(got, right)
