"""Signals that come while a kernel is compiled: none is lost, and none spoils the compiler."""

import signal
import threading

import numba
import pytest
from numba.core import event

from minigrad.kernels.compiler.signals import deferred_signals, deferring_signals
from tests.support.processes import output

PASS = "numba:run_pass"


def come(number: int = signal.SIGINT) -> None:
    signal.raise_signal(number)


def test_an_interrupt_comes_when_the_pass_ends() -> None:
    happened = []

    @deferring_signals
    def compile_() -> None:
        with event.trigger_event(PASS):
            come()
            happened.append("the rest of the pass")
        happened.append("the next pass")

    with pytest.raises(KeyboardInterrupt):
        compile_()
    assert happened == ["the rest of the pass"]


def test_an_interrupt_outside_the_passes_comes_at_the_end() -> None:
    happened = []

    @deferring_signals
    def compile_() -> None:
        with deferred_signals.defer():
            come()
        happened.append("the end of the inner compilation")

    with pytest.raises(KeyboardInterrupt):
        compile_()
    assert happened
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_all_handlers_are_called_even_if_one_raises() -> None:
    calls: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: calls.append(number))

    @deferring_signals
    def compile_() -> None:
        come(signal.SIGTERM)
        come()
        come()
        assert calls == []

    try:
        with pytest.raises(KeyboardInterrupt):
            compile_()
        assert calls == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_an_interrupt_comes_before_an_error() -> None:
    @deferring_signals
    def compile_() -> None:
        come()
        raise ValueError

    with pytest.raises(KeyboardInterrupt):
        compile_()


def test_a_handler_that_is_set_meanwhile_stays() -> None:
    before = signal.getsignal(signal.SIGINT)
    try:
        with deferred_signals.defer():
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_defer_nothing() -> None:
    found: list[object] = []

    def compile_() -> None:
        with deferred_signals.defer():
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=compile_)
    thread.start()
    thread.join()
    assert found == [signal.default_int_handler]


@pytest.mark.parametrize("stage", range(8))
def test_an_interrupted_compilation_can_be_repeated(stage: int) -> None:
    """At every pass in turn, of the function or of one that it calls."""
    double = numba.njit(lambda x: x * 2)
    function = numba.njit(lambda x: double(x) + 1)
    compile_ = deferring_signals(function.compile)
    left = [stage * 6]

    class Interrupts(event.Listener):
        def on_start(self, _: object) -> None:
            left[0] -= 1
            if left[0] == 0:
                come()

        def on_end(self, _: object) -> None:
            pass

    with event.install_listener(PASS, Interrupts()):
        if stage:
            with pytest.raises(KeyboardInterrupt):
                compile_((numba.float64,))
        else:
            compile_((numba.float64,))
    compile_((numba.float64,))
    assert function(1.5) == 4


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no signals for one thread")
def test_an_interrupt_while_another_process_compiles_ends_the_wait() -> None:
    told = output(
        "import signal, threading\n"
        "from minigrad.kernels.compiler.background import BackgroundCompiler\n"
        "compiler = BackgroundCompiler('other')\n"
        "compiler._begun['a'] = threading.Event()\n"  # as if the other were at it
        "main = threading.main_thread().ident\n"
        "threading.Timer(0.3, signal.pthread_kill, [main, signal.SIGINT]).start()\n"
        "try:\n"
        "    compiler.wait_for('a')\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted')\n"
        "compiler._begun['a'].set()\n"
        "compiler.wait_for('a')\n"
    )
    assert told == "interrupted\n"
