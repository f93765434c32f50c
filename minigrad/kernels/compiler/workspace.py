"""Memory that kernels need while they run, kept from call to call.

Fresh memory has to be mapped and cleared by the operating system, page by page: 0.1 ms for each
megabyte, as long as it takes to multiply by it.
"""

import threading

import numpy as np

# Larger requests are met anew each time.
KEPT_BYTES = 48 * 2**20


class _Kept(threading.local):
    """One block for each thread: a kernel is done with it when it returns."""

    def __init__(self) -> None:
        self.block = np.empty(0, np.uint8)


_kept = _Kept()


def scratch(size: int, dtype: np.dtype) -> np.ndarray:
    """`size` elements of undefined content, valid until this thread's next call of `scratch`."""
    count = size * dtype.itemsize
    if count > KEPT_BYTES:
        return np.empty(size, dtype)
    if count > _kept.block.nbytes:
        _kept.block = np.empty(0, np.uint8)  # let the old block go before the new one is made
        _kept.block = np.empty(count, np.uint8)
    return _kept.block[:count].view(dtype)
