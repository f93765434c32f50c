"""torch.backends.mps: there is no such device."""

from minigrad.core.public_names import show_public_names

__all__ = ["is_available", "is_built"]


def is_available() -> bool:
    """False: minigrad computes on the CPU."""
    return False


def is_built() -> bool:
    """False: minigrad computes on the CPU."""
    return False


show_public_names(__name__)
