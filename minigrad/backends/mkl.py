"""torch.backends.mkl: minigrad's LAPACK is NumPy's."""

from minigrad.core.public_names import show_public_names

__all__ = ["is_available"]


def is_available() -> bool:
    """False: minigrad does not call MKL."""
    return False


show_public_names(__name__)
