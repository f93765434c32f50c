"""Hooks, which users register on tensors, modules and optimizers, and the handles to them."""

import itertools
from collections.abc import Callable
from typing import Any, Self

Hook = Callable[[Any], Any]
"""A function of a gradient that may return another in its place."""


class RemovableHandle:
    """Takes a hook away again: `handle.remove()`, or leave its `with` block."""

    _next_id = itertools.count().__next__

    def __init__(self, hooks: dict[int, Any], hook: Any) -> None:
        self.id = RemovableHandle._next_id()
        self._hooks = hooks
        hooks[self.id] = hook

    def remove(self) -> None:
        """Take the hook away; again does nothing."""
        self._hooks.pop(self.id, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()
