"""Hooks that run before and after a step, saving and loading."""

import functools
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from minigrad.engine.grad_mode import thread
from minigrad.engine.hooks import RemovableHandle, registered

Hook = Callable[..., Any]
"""A user's function; `OptimizerHooks` says for each kind what it is called with."""

GLOBAL_HOOKS: dict[str, dict[int, Hook]] = {"step_pre": {}, "step_post": {}}


def register_optimizer_step_pre_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(optimizer, args, kwargs)` before each step of every optimizer."""
    return registered(GLOBAL_HOOKS["step_pre"], hook)


def register_optimizer_step_post_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(optimizer, args, kwargs)` after each step of every optimizer."""
    return registered(GLOBAL_HOOKS["step_post"], hook)


class OptimizerHooks:
    """The hooks of an optimizer; each `register_...` returns a handle that removes the hook."""

    is_repeated_whole = True
    """A compiled step calls `step` in each replay, so what is in here may change."""

    has_stepped = False
    """True after the first `step`: a scheduler warns when it is stepped before the optimizer."""

    # The hooks of each kind, from the first on: a subclass may not call the constructor.
    _hooks: Mapping[str, dict[int, Hook]] = MappingProxyType({})

    def _hooks_of(self, kind: str) -> list[Hook]:
        """A list, because a hook may remove itself while the hooks run."""
        return list(self._hooks.get(kind, {}).values())

    def _add_hook(self, kind: str, hook: Hook, prepend: bool = False) -> RemovableHandle:
        self._hooks = {kind: {}, **self._hooks}
        hooks = self._hooks[kind]
        earlier = dict(hooks)
        handle = registered(hooks, hook)
        if prepend:
            for number, other in earlier.items():
                del hooks[number]
                hooks[number] = other
        return handle

    def register_step_pre_hook(self, hook: Hook) -> RemovableHandle:
        """Call `hook(optimizer, args, kwargs)` before each step; it may return new ones.

        The first of args is the optimizer.
        """
        return self._add_hook("step_pre", hook)

    def register_step_post_hook(self, hook: Hook) -> RemovableHandle:
        """Call `hook(optimizer, args, kwargs)` after each step."""
        return self._add_hook("step_post", hook)

    def register_state_dict_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer)` before `state_dict()`."""
        return self._add_hook("save_pre", hook, prepend)

    def register_state_dict_post_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer, state_dict)` on the result of `state_dict()`; it may replace it."""
        return self._add_hook("save_post", hook, prepend)

    def register_load_state_dict_pre_hook(
        self, hook: Hook, prepend: bool = False
    ) -> RemovableHandle:
        """Call `hook(optimizer, state_dict)` before loading; it may replace the state."""
        return self._add_hook("load_pre", hook, prepend)

    def register_load_state_dict_post_hook(
        self, hook: Hook, prepend: bool = False
    ) -> RemovableHandle:
        """Call `hook(optimizer)` after loading."""
        return self._add_hook("load_post", hook, prepend)


def with_step_hooks(step: Callable[..., Any]) -> Callable[..., Any]:
    """`step` as a method that runs the step hooks around it.

    Raises RuntimeError if a pre-hook returns anything but None or (args, kwargs).
    """

    @functools.wraps(step)
    def hooked(self: OptimizerHooks, *args: Any, **kwargs: Any) -> Any:
        if type(self).step is not hooked:  # type: ignore[attr-defined]
            return step(self, *args, **kwargs)  # `super().step()`: the subclass has run the hooks
        if (recorder := thread.mode.step_recorder) is not None and not (args or kwargs):
            return recorder.repeat(hooked, self)
        if not (self._hooks or GLOBAL_HOOKS["step_pre"] or GLOBAL_HOOKS["step_post"]):
            result = step(self, *args, **kwargs)
            self.has_stepped = True
            return result
        args = (self, *args)
        for hook in [*GLOBAL_HOOKS["step_pre"].values(), *self._hooks_of("step_pre")]:
            replaced = hook(self, args, kwargs)
            if replaced is not None:
                if not (isinstance(replaced, tuple) and len(replaced) == 2):
                    raise RuntimeError(
                        f"{hook} must return None or a tuple of (new_args, new_kwargs), but got "
                        f"{replaced!r}"
                    )
                args, kwargs = replaced
        result = step(*args, **kwargs)
        self.has_stepped = True
        for hook in [*self._hooks_of("step_post"), *GLOBAL_HOOKS["step_post"].values()]:
            hook(self, args, kwargs)
        return result

    return hooked
