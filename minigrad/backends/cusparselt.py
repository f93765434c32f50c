"""torch.backends.cusparselt: minigrad does not call cuSPARSELt."""

from minigrad.core.public_names import show_public_names

__all__ = ["get_max_alg_id", "is_available", "version"]


def is_available() -> bool:
    """False: minigrad does not call cuSPARSELt."""
    return False


def version() -> int | None:
    """None: there is no cuSPARSELt."""
    return None


def get_max_alg_id() -> int | None:
    """None: there is no cuSPARSELt."""
    return None


show_public_names(__name__)
