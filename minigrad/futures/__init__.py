"""torch.futures: values that another thread sets, and what follows from them."""

import concurrent.futures
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from minigrad.core.public_names import show_public_names

__all__ = ["Future", "collect_all", "wait_all"]

T = TypeVar("T")
S = TypeVar("S")


class Future(Generic[T]):
    """A value that is set once, perhaps by another thread, or the exception in its place.

    devices is there for torch's sake: nothing has to be waited for on a CPU.
    """

    def __init__(self, *, devices: Any = None) -> None:
        self._state: concurrent.futures.Future[T] = concurrent.futures.Future()

    def done(self) -> bool:
        """True once there is a value or an exception."""
        return self._state.done()

    def wait(self) -> T:
        """Wait for the value and return it; raise the exception if there is one."""
        return self._state.result()

    def value(self) -> T:
        """The value, or the exception raised.  Raises RuntimeError if there is neither yet."""
        if not self.done():
            raise RuntimeError("value() of a Future that is not completed; wait() waits for it")
        return self._state.result()

    def set_result(self, result: T) -> None:
        """Set the value.  Raises RuntimeError if the future has been completed before."""
        self._complete(self._state.set_result, result)

    def set_exception(self, result: BaseException) -> None:
        """Set the exception.  Raises RuntimeError if the future has been completed before."""
        if not isinstance(result, BaseException):
            raise AssertionError(f"{result!r} is of type {type(result)}, not an Exception.")
        self._complete(self._state.set_exception, result)

    def _complete(self, how: Callable[[Any], None], given: Any) -> None:
        try:
            how(given)
        except concurrent.futures.InvalidStateError:
            raise RuntimeError(
                "Attempting to mark a completed Future as complete again. Note that a Future can "
                "only be marked completed once."
            ) from None

    def add_done_callback(self, callback: Callable[["Future[T]"], None]) -> None:
        """Call a function with this future once it is done; at once if it is."""
        self._state.add_done_callback(lambda _: callback(self))

    def then(self, callback: Callable[["Future[T]"], S]) -> "Future[S]":
        """A future of what a function makes of this one; of a RuntimeError if that fails."""
        following: Future[S] = Future()

        def follow(_: Any) -> None:
            try:
                following.set_result(callback(self))
            except Exception as error:
                words = f"Got the following error when running the callback: {error!r}"
                failed = RuntimeError(words)
                failed.__cause__ = error
                following.set_exception(failed)

        self._state.add_done_callback(follow)
        return following


def collect_all(futures: Sequence[Future[Any]]) -> Future[list[Future[Any]]]:
    """A future of the futures, done when all of them are."""
    collected: Future[list[Future[Any]]] = Future()
    given = list(futures)
    left = iter(range(len(given), 0, -1))  # next() is one step: no two threads get the same

    def count(_: Any) -> None:
        if next(left) == 1:
            collected.set_result(given)

    for future in given:
        future.add_done_callback(count)
    if not given:
        collected.set_result(given)
    return collected


def wait_all(futures: Sequence[Future[Any]]) -> list[Any]:
    """The values of all; raises the first exception."""
    return [future.wait() for future in collect_all(futures).wait()]


show_public_names(__name__)
