"""The least work that threads share: smaller loops run on one thread.

    minigrad.backends.sharing.least_work = 100_000
    with minigrad.backends.sharing.flags(least_work=None):
        out = model(images)

Work is counted in elements that a loop reads; 8 or 16 multiply-adds count as one.  With None, as at
first, the limits follow from what calling the threads costs, measured when a kernel is first
used and when another number of threads is set: `limits()` has one for threads that wait for work,
and one for threads that sleep.  `MINIGRAD_SHARED_WORK` in the environment is another first value.
Results have the same bits whatever it is.  It is for the whole process.

PyTorch differs: it has no such module; its limits are constants.
"""

import contextlib
import sys
from collections.abc import Iterator
from types import ModuleType

from minigrad.core.public_names import show_public_names
from minigrad.kernels.compiler.kernel import get_num_threads
from minigrad.kernels.compiler.region_cost import choose, chosen
from minigrad.kernels.compiler.sharing import Limits
from minigrad.kernels.compiler.sharing import limits as current_limits

__all__ = ["flags", "least_work", "limits"]

least_work: int | None


def limits() -> Limits:
    """The least work that threads share while they are awake, and while they sleep."""
    return current_limits()


@contextlib.contextmanager
def flags(least_work: int | None = None) -> Iterator[None]:
    """Set the least work inside a `with` block; None has it follow from the measurement.

    Raises ValueError for a negative number, TypeError for what is no whole number.
    """
    before = chosen()
    _set(least_work)
    try:
        yield
    finally:
        _set(before)


def _set(least_work: int | None) -> None:
    if least_work is not None and type(least_work) is not int:
        raise TypeError(
            f"least_work is a whole number of elements, or None to measure it, got {least_work!r}"
        )
    if least_work is not None and least_work < 0:
        raise ValueError(f"least_work is 0 elements or more, got {least_work}")
    choose(least_work, get_num_threads())


class _Module(ModuleType):
    """This module: `least_work = ...` on it reaches all kernels."""

    @property
    def least_work(self) -> int | None:
        """The least work that threads share, or None if it follows from the measurement."""
        return chosen()

    @least_work.setter
    def least_work(self, least_work: int | None) -> None:
        _set(least_work)


sys.modules[__name__].__class__ = _Module
show_public_names(__name__)
