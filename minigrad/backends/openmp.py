"""torch.backends.openmp: minigrad's threads are Numba's."""

from minigrad.core.public_names import show_public_names

__all__ = ["is_available"]


def is_available() -> bool:
    """False: minigrad does not call OpenMP itself."""
    return False


show_public_names(__name__)
