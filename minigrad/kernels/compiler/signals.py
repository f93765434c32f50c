"""Signals during a compilation wait until the compiler has finished a step.

Numba and LLVM call Python from C, and Python's finalizers run in between.  What a signal handler
raises there is printed and lost: an interrupt has no effect, or the compiler goes on without a
result that it counts on.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Any

from numba.core import event

Handler = Callable[[int, FrameType | None], Any]


class _DeferredSignals:
    """Handlers in place of the user's, which note signals until `deliver` calls the user's."""

    def __init__(self) -> None:
        self._users: dict[int, Handler] = {}
        self._pending: dict[int, FrameType | None] = {}
        self._depth = 0
        self.is_enabled = False

    @contextmanager
    def defer(self) -> Iterator[None]:
        """Note signals inside, and deliver them at the end and between Numba's passes.

        Other threads than the main one run no handlers: nothing is done there.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self._depth += 1
        try:
            if self._depth == 1:
                self._take_over()
            yield
        finally:
            self._depth -= 1
            if self._depth == 0:
                self._give_back()
                self.deliver()

    def deliver(self) -> None:
        """Call the user's handlers for the signals that have come.  Raises what they raise."""
        if self._pending and threading.current_thread() is threading.main_thread():
            pending, self._pending = self._pending, {}
            with ExitStack() as calls:  # it calls all, even if one raises
                for number, frame in pending.items():
                    calls.callback(self._users[number], number, frame)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._pending[number] = frame

    def _take_over(self) -> None:
        self._users.clear()
        for number in signal.valid_signals():
            handler = signal.getsignal(number)
            if callable(handler):
                self._users[number] = handler
                signal.signal(number, self._note)

    def _give_back(self) -> None:
        for number, handler in self._users.items():
            if signal.getsignal(number) == self._note:  # no handler has set another since
                signal.signal(number, handler)


class _BetweenPasses(event.Listener):
    """Delivers deferred signals whenever Numba has ended a pass."""

    def on_start(self, event: Any) -> None:
        pass

    def on_end(self, event: Any) -> None:
        deferred_signals.deliver()


deferred_signals = _DeferredSignals()


def deferring_signals(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function as one that signals interrupt only between Numba's passes."""
    if not deferred_signals.is_enabled:
        return function

    def undisturbed(*args: Any, **settings: Any) -> Any:
        with deferred_signals.defer():
            return function(*args, **settings)

    return undisturbed


def defer_signals() -> None:
    """Defer the signals that come during a compilation until Numba ends a pass."""
    deferred_signals.is_enabled = True
    event.register("numba:run_pass", _BetweenPasses())
