"""Settings that are a module's variables, as torch's backends have them."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any


def replaced(module: dict[str, Any], settings: Mapping[str, Any]) -> tuple[Any, ...]:
    """Set those of a module's variables that are not None here; what they all were before."""
    before = tuple(module[name] for name in settings)
    module.update({name: value for name, value in settings.items() if value is not None})
    return before


@contextlib.contextmanager
def during(module: dict[str, Any], settings: Mapping[str, Any]) -> Iterator[None]:
    """Set a module's variables inside a `with` block."""
    before = {name: module[name] for name in settings}
    module.update(settings)
    try:
        yield
    finally:
        module.update(before)
