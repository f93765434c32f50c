"""torch.backends.mps: there is no such device."""

from minigrad.core.public_names import show_public_names

__all__ = ["is_available", "is_built", "is_macos13_or_newer", "is_macos_or_newer"]


def is_available() -> bool:
    """False: minigrad computes on the CPU."""
    return False


def is_built() -> bool:
    """False: minigrad computes on the CPU."""
    return False


def is_macos_or_newer(major: int, minor: int) -> bool:
    """False: the device that the system's version matters to is not there."""
    return False


def is_macos13_or_newer(minor: int = 0) -> bool:
    """False: the device that the system's version matters to is not there."""
    return False


show_public_names(__name__)
