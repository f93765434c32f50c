"""Setting of the C library's allocator that keeps freed memory for the next arrays.

A training step allocates the same large arrays as the step before.  GNU's allocator returns blocks
of megabytes to the operating system at once and gets them back page by page, cleared.  That is a
third of a small network's step.  Keeping them costs nothing, and the peak stays the same.
"""

import ctypes
import os
import sys

# Options of `mallopt` (malloc.h): when memory at the top of the heap is returned, and from which
# size on a block is mapped outside the heap.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
KEPT = 2**30  # bytes; larger blocks are still mapped, and returned when they are freed
_USER_SETTINGS = (
    "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TOP_PAD_", "GLIBC_TUNABLES",
)  # fmt: skip


def keep_freed_memory() -> bool:
    """Ask the C library to keep up to `KEPT` bytes, and return whether it agrees.

    Nothing is asked where the user has set the allocator's variables, or outside Linux.
    """
    is_linux = sys.platform.startswith("linux")
    if not is_linux or any(name in os.environ for name in _USER_SETTINGS):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    accepted = [mallopt(option, KEPT) for option in (_TRIM_THRESHOLD, _MMAP_THRESHOLD)]
    return all(accepted)
