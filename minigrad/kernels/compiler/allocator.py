"""Keeps the memory that arrays give back ready for the next ones.

A training step allocates the same large arrays as the one before.  GNU's allocator hands blocks of
megabytes back to the operating system at once, and gets them anew page by page, cleared: a third
of a small network's step.  Told to keep them, it costs nothing, and the peak stays the same.
"""

import ctypes
import os
import sys

# Of malloc.h: what is to be given back from the top of the heap, and what lives outside it.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
KEPT = 2**30  # bytes; larger blocks still come from the system, and go back to it
_OWN = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TOP_PAD_", "GLIBC_TUNABLES")


def keep_freed_memory() -> bool:
    """Ask the C library to keep up to `KEPT` bytes; whether it does.

    It does not where the user has set the allocator's own variables, or where it is another's.
    """
    if not sys.platform.startswith("linux") or any(name in os.environ for name in _OWN):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    accepted = [mallopt(option, KEPT) for option in (_TRIM_THRESHOLD, _MMAP_THRESHOLD)]
    return all(accepted)
