"""Times of a thread's operations and of the nodes of its backward passes, while something asks.

Every operation calls its forward by `mode.ignore_fp_errors`; while a recorder is attached that is
one that takes the time, and backward passes are of a class that does.  So nothing is paid when
nothing is recorded.
"""

from collections.abc import Callable
from typing import Any, Protocol

from minigrad.engine.backward import Walk
from minigrad.engine.grad_mode import Mode, thread


class Recorder(Protocol):
    """What is told of operations: `begin` and `end` come in pairs that nest."""

    def begin(self, name: str, arguments: tuple[Any, ...] = ()) -> None: ...
    def end(self, result: Any = None) -> None: ...


def attach(recorder: Recorder) -> Callable[[], None]:
    """Tell a recorder of this thread's operations; the function that is returned ends it.

    Raises RuntimeError if another one is being told.
    """
    mode = thread.mode
    if mode.recorder is not None:
        raise RuntimeError("Profiler is already enabled on this thread")
    untimed = mode.ignore_fp_errors
    mode.recorder, mode.walk_type = recorder, _timed_walk(recorder, untimed)
    mode.ignore_fp_errors = _timed(recorder, untimed)

    def detach() -> None:
        mode.recorder = mode.walk_type = None
        mode.ignore_fp_errors = untimed

    return detach


def recorder_of(mode: Mode) -> Any:
    """The recorder that is told of a thread's operations, or None."""
    return mode.recorder


def _timed(recorder: Recorder, untimed: Callable[..., Any]) -> Any:
    def call(function: Callable[..., Any], *args: Any, **settings: Any) -> Any:
        if function is int:  # which asks if an operation is being interrupted
            return untimed(function)
        recorder.begin(f"aten::{getattr(function, '__name__', '?').strip('_')}", args)
        result = None
        try:
            result = untimed(function, *args, **settings)
        finally:
            recorder.end(result)
        return result

    return call


def _timed_walk(recorder: Recorder, untimed: Callable[..., Any]) -> type[Walk]:
    class TimedWalk(Walk):
        """A backward pass whose nodes are timed, one after the other."""

        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            self.ignore_fp_errors = untimed  # what rules over arrays take is their node's time

        def _vjp(self, node: Any, g: Any) -> None:
            recorder.begin(node.name(), (g.array,))
            try:
                super()._vjp(node, g)
            finally:
                recorder.end()

        def _array_vjp(self, node: Any, g: Any) -> None:
            recorder.begin(node.name(), (g.array,))
            try:
                super()._array_vjp(node, g)
            finally:
                recorder.end()

    return TimedWalk
