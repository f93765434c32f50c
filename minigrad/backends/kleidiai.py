"""torch.backends.kleidiai: minigrad does not call KleidiAI."""

from minigrad.core.public_names import show_public_names

__all__ = ["is_available"]


def is_available() -> bool:
    """False: minigrad does not call KleidiAI."""
    return False


show_public_names(__name__)
