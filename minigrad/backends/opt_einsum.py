"""torch.backends.opt_einsum: `einsum` plans its products itself; the settings can be set."""

import contextlib
from collections.abc import Iterator

from minigrad.backends.settings import replaced
from minigrad.core.public_names import show_public_names

__all__ = ["enabled", "flags", "get_opt_einsum", "is_available", "set_flags", "strategy"]

enabled = False
strategy: str | None = None


def is_available() -> bool:
    """False: the package is not asked; `opt_einsum.contract` itself takes minigrad's tensors."""
    return False


def get_opt_einsum() -> None:
    """None: the package is not asked."""


def set_flags(
    _enabled: bool | None = None, _strategy: str | None = None
) -> tuple[bool, str | None]:
    """Set the settings that are not None; what they were before."""
    given = {"enabled": _enabled, "strategy": _strategy}
    before: tuple[bool, str | None] = replaced(globals(), given)
    return before


@contextlib.contextmanager
def flags(enabled: bool | None = None, strategy: str | None = None) -> Iterator[None]:
    """Set the settings inside a `with` block."""
    before = set_flags(enabled, strategy)
    try:
        yield
    finally:
        globals().update(enabled=before[0], strategy=before[1])


show_public_names(__name__)
