"""Denormal numbers, the smallest of all: kept, or taken and given as zeros.

Most CPUs compute with them some hundred times as slowly as with others.
"""

import numpy as np

from minigrad.kernels.compiler.float_control import (
    FLUSH_OPERANDS,
    FLUSH_RESULTS,
    read_control,
    write_control,
)
from minigrad.kernels.compiler.kernel import kernel

_BOTH = np.uint32(FLUSH_OPERANDS | FLUSH_RESULTS)
_NEITHER = ~_BOTH


@kernel
def _set_flushing(flushes: bool) -> bool:
    """Set this thread's control; return whether it has one, and took the setting."""
    before = read_control()
    write_control(np.uint32(before | _BOTH if flushes else before & _NEITHER))
    return bool(before != 0 and read_control() & _BOTH == (_BOTH if flushes else 0))


def set_flush_denormal(mode: bool) -> bool:
    """Have denormal numbers taken and given as zeros, or with False kept, as at the start.

    It holds for the thread that calls this, for all threads that run its kernels, and for threads
    that it starts from then on; for NumPy's functions in it, and for Python's floats.  The helper
    threads of NumPy's BLAS keep denormal numbers: they were there before.

    Returns whether the CPU has taken the setting: False on others than x86-64, which keep them.
    Raises RuntimeError for what is no bool.

    PyTorch differs: there other threads of the same operation may keep them.

    >>> import minigrad as mg
    >>> mg.set_flush_denormal(True)  # doctest: +SKIP
    True
    >>> mg.tensor([1e-320], dtype=mg.float64)  # doctest: +SKIP
    tensor([0.], dtype=float64)
    """
    if not isinstance(mode, bool):
        raise RuntimeError(f"set_flush_denormal expects a bool, but got {type(mode).__name__}")
    return bool(_set_flushing.run(mode))
