"""torch.backends.mkldnn: minigrad's kernels are its own; the setting can be set."""

from minigrad.core.public_names import show_public_names

__all__ = ["enabled", "is_available"]

enabled = True


def is_available() -> bool:
    """False: minigrad does not call oneDNN."""
    return False


show_public_names(__name__)
