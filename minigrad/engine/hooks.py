"""Hooks, which users register on tensors, modules and optimizers, and the handles to them."""

import itertools
from collections.abc import Callable
from typing import Any, Self

Hook = Callable[[Any], Any]
"""A function of a gradient that may return another in its place."""


class RemovableHandle:
    """Takes a hook away again: `handle.remove()`, or leave its `with` block.

    The hook is entered into `hooks_dict` under `handle.id`.  What has this key in `extra_dict`, a
    dict or a list of them, goes with it.
    """

    _next_id = itertools.count().__next__

    def __init__(
        self, hooks_dict: dict[int, Any], *,
        extra_dict: dict[int, Any] | list[dict[int, Any]] | None = None,
    ) -> None:  # fmt: skip
        self.id = RemovableHandle._next_id()
        self._hooks = hooks_dict
        self._extra = [extra_dict] if isinstance(extra_dict, dict) else extra_dict or []

    def remove(self) -> None:
        """Take the hook away; again does nothing."""
        self._hooks.pop(self.id, None)
        for extra in self._extra:
            extra.pop(self.id, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()


def registered(hooks: dict[int, Any], hook: Any) -> RemovableHandle:
    """A hook entered into the others; the handle takes it away."""
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    return handle
