"""Workspaces: memory that kernels need while they run, kept from call to call.

The operating system maps and clears fresh memory page by page.  That takes 0.1 ms for each
megabyte, as long as a matrix product with it.
"""

import threading

import numpy as np

# A larger request gets fresh memory each time.
KEPT_BYTES = 48 * 2**20


class _Workspace(threading.local):
    """One block for each thread, free again when the kernel returns."""

    def __init__(self) -> None:
        self.block = np.empty(0, np.uint8)


_workspace = _Workspace()


def scratch(size: int, dtype: np.dtype) -> np.ndarray:
    """Return `size` undefined elements, valid until this thread's next call of `scratch`."""
    count = size * dtype.itemsize
    if count > KEPT_BYTES:
        return np.empty(size, dtype)
    if count > _workspace.block.nbytes:
        _workspace.block = np.empty(0, np.uint8)  # frees the old block before allocating a new one
        _workspace.block = np.empty(count, np.uint8)
    return _workspace.block[:count].view(dtype)
