"""torch.backends.mha: the setting of attention's way for inference; there is one way here."""

from minigrad.core.public_names import show_public_names

__all__ = ["get_fastpath_enabled", "set_fastpath_enabled"]


class _Asked:
    """What was asked for last."""

    enabled = True


def get_fastpath_enabled() -> bool:
    """What `set_fastpath_enabled` has set."""
    return _Asked.enabled


def set_fastpath_enabled(value: bool) -> None:
    """Keep the setting; results are the same."""
    _Asked.enabled = value


show_public_names(__name__)
