"""Whether convolutions may use Winograd's algorithm for filters, 3x3 taps at a time.

    with minigrad.backends.winograd.flags(enabled=False):
        out = model(images)

It multiplies 2.25 or 4 times less than plain sums, and subtracts nearly equal numbers: in float32
its errors are up to sixteen times theirs (`python -m benchmarks.winograd_errors`).  Where it is not
enabled, sums are formed directly, for outputs and for gradients.  It is for the whole process.

PyTorch differs: it has no such module; oneDNN chooses by the shape.
"""

import contextlib
import sys
from collections.abc import Iterator
from types import ModuleType

from minigrad.core.public_names import show_public_names
from minigrad.kernels.conv.plan import set_winograd_enabled, winograd_enabled

__all__ = ["enabled", "flags", "is_available", "set_flags"]

enabled: bool


def is_available() -> bool:
    """True: there are kernels for it on every CPU."""
    return True


def set_flags(_enabled: bool | None = None) -> tuple[bool]:
    """Set the setting, if it is not None; what it was before."""
    before = winograd_enabled()
    if _enabled is not None and bool(_enabled) != before:
        set_winograd_enabled(bool(_enabled))
    return (before,)


@contextlib.contextmanager
def flags(enabled: bool = False) -> Iterator[None]:
    """Set the setting inside a `with` block."""
    before = set_flags(enabled)
    try:
        yield
    finally:
        set_flags(*before)


class _Module(ModuleType):
    """This module: `enabled = ...` on it reaches the planner of convolutions."""

    @property
    def enabled(self) -> bool:
        """Whether Winograd's algorithm is chosen where it is the fastest."""
        return winograd_enabled()

    @enabled.setter
    def enabled(self, enabled: bool) -> None:
        set_flags(enabled)


sys.modules[__name__].__class__ = _Module
show_public_names(__name__)
