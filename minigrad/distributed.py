"""The functions of torch.distributed that scripts ask before they train in one process.

>>> minigrad.distributed.is_available() and minigrad.distributed.is_initialized()
False
"""

from minigrad.core.public_names import show_public_names

__all__ = ["is_available", "is_initialized"]


def is_available() -> bool:
    """False: minigrad trains in one process, on all its threads."""
    return False


def is_initialized() -> bool:
    """False: there is no group of processes."""
    return False


show_public_names(__name__)
