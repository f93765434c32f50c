"""Hooks of modules: called before and after forward, and when gradients pass a module."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from minigrad.autograd.function import Function
from minigrad.engine.grad_mode import thread
from minigrad.engine.graph import RemovableHandle, Value

Hook = Callable[..., Any]


class _Forward(NamedTuple):
    """A forward hook or pre-hook, and how it wants to be called."""

    call: Hook
    with_kwargs: bool
    always: bool = False


class Hooks:
    """The hooks of one module, of each kind in the order of calling."""

    def __init__(self) -> None:
        self.forward_pre: dict[int, _Forward] = {}
        self.forward: dict[int, _Forward] = {}
        self.backward_pre: dict[int, Hook] = {}
        self.backward: dict[int, Hook] = {}
        self.state_dict_pre: dict[int, Hook] = {}
        self.state_dict_post: dict[int, Hook] = {}
        self.load_pre: dict[int, Hook] = {}
        self.load_post: dict[int, Hook] = {}

    def around_call(self) -> bool:
        """Whether any of them concerns a call of the module."""
        return bool(self.forward_pre or self.forward or self.backward_pre or self.backward)


def add(hooks: dict[int, Any], hook: Any, prepend: bool = False) -> RemovableHandle:
    """Put a hook at the end of its kind, or at the front; the handle takes it away."""
    before = list(hooks.items())
    handle = RemovableHandle(hooks, hook)
    if prepend:
        newest = hooks.pop(handle.id)
        hooks.clear()
        hooks[handle.id] = newest
        hooks.update(before)
    return handle


def forward_hook(hook: Hook, with_kwargs: bool, always: bool = False) -> Any:
    """A forward hook as `Hooks` keeps it."""
    return _Forward(hook, with_kwargs, always)


def call_with_hooks(module: Any, hooks: Hooks, args: tuple[Any, ...], kwargs: Any) -> Any:
    """`module.forward(*args, **kwargs)` with all hooks around it."""
    called: set[int] = set()
    result = None
    try:
        for pre in list(hooks.forward_pre.values()):
            args, kwargs = _run_forward_pre(pre, module, args, kwargs)
        passage = None
        if (hooks.backward or hooks.backward_pre) and thread.mode.grad:
            passage = _Passage(module, hooks)
            args = passage.enter(args)
        result = module.forward(*args, **kwargs)
        for key, hook in list(hooks.forward.items()):
            called.add(key)
            changed = _run_forward(hook, module, args, kwargs, result)
            if changed is not None:
                result = changed
        return result if passage is None else passage.leave(result)
    except Exception:
        for key, hook in list(hooks.forward.items()):
            if hook.always and key not in called:
                _run_forward(hook, module, args, kwargs, result)
        raise


def _run_forward(hook: _Forward, module: Any, args: Any, kwargs: Any, result: Any) -> Any:
    if hook.with_kwargs:
        return hook.call(module, args, kwargs, result)
    return hook.call(module, args, result)


def _run_forward_pre(
    hook: _Forward, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if not hook.with_kwargs:
        changed = hook.call(module, args)
        if changed is None:
            return args, kwargs
        return (changed if isinstance(changed, tuple) else (changed,)), kwargs
    changed = hook.call(module, args, kwargs)
    if changed is None:
        return args, kwargs
    if not (isinstance(changed, tuple) and len(changed) == 2):
        raise RuntimeError(
            f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got "
            f"{changed}."
        )
    return changed


# --- gradients that pass a module ----------------------------------------------------------------


class _Boundary(Function):
    """Tensors pass unchanged; on the way back `seen` is shown all their gradients at once."""

    @staticmethod
    def forward(ctx: Any, seen: Callable[[tuple[Any, ...]], Any], *tensors: Any) -> Any:
        ctx.seen = seen
        ctx.set_materialize_grads(False)
        return tuple(tensor.detach() for tensor in tensors)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return (None, *ctx.seen(gradients))


class _Passage:
    """One call of a module with backward hooks: its tensors, each marked on its way in and out."""

    def __init__(self, module: Any, hooks: Hooks) -> None:
        self.module = module
        self.before = list(hooks.backward_pre.values())
        self.after = list(hooks.backward.values())
        self.places_in: list[int] = []
        self.count_in = 0
        self.grad_outputs: tuple[Any, ...] = ()

    def enter(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments, watched; only they, not keyword arguments, as in torch."""
        self.count_in = len(args)
        self.places_in = [i for i, a in enumerate(args) if isinstance(a, Value) and a.requires_grad]
        return _watched(args, self.places_in, self._gradients_left)

    def leave(self, result: Any) -> Any:
        """The result, watched: one tensor, or a tuple or list with tensors."""
        several = isinstance(result, tuple | list)
        outputs = tuple(result) if several else (result,)
        places = [i for i, o in enumerate(outputs) if isinstance(o, Value) and o.requires_grad]
        arrived = functools.partial(self._gradients_arrived, places, len(outputs))
        outputs = _watched(outputs, places, arrived)
        if not several:
            return outputs[0]
        return type(result)(*outputs) if hasattr(result, "_fields") else type(result)(outputs)

    def _gradients_arrived(
        self, places: Sequence[int], count: int, arrived: tuple[Any, ...]
    ) -> tuple[Any, ...]:
        gradients = _spread(arrived, places, count)
        for hook in self.before:
            changed = hook(self.module, gradients)
            if changed is not None:
                gradients = _same_number(changed, gradients, "grad_output")
        self.grad_outputs = gradients
        if not self.places_in:
            self._show((None,) * self.count_in)
        return tuple(gradients[i] for i in places)

    def _gradients_left(self, gradients: tuple[Any, ...]) -> tuple[Any, ...]:
        shown = self._show(_spread(gradients, self.places_in, self.count_in))
        return tuple(shown[i] for i in self.places_in)

    def _show(self, gradients: tuple[Any, ...]) -> tuple[Any, ...]:
        for hook in self.after:
            changed = hook(self.module, gradients, self.grad_outputs)
            if changed is not None:
                if not self.places_in:
                    raise RuntimeError(
                        "Backward hooks that return a gradient need an input that requires one."
                    )
                gradients = _same_number(changed, gradients, "grad_input")
        return gradients


def _watched(
    values: tuple[Any, ...], places: Sequence[int], seen: Callable[[tuple[Any, ...]], Any]
) -> tuple[Any, ...]:
    if not places:
        return values
    passed = dict(zip(places, _Boundary.apply(seen, *(values[i] for i in places)), strict=True))
    return tuple(passed.get(i, value) for i, value in enumerate(values))


def _spread(gradients: tuple[Any, ...], places: Sequence[int], count: int) -> tuple[Any, ...]:
    """Gradients in their places among `count`, None elsewhere."""
    known = dict(zip(places, gradients, strict=True))
    return tuple(known.get(i) for i in range(count))


def _same_number(changed: Any, gradients: tuple[Any, ...], what: str) -> tuple[Any, ...]:
    given = changed if isinstance(changed, tuple) else (changed,)
    if len(given) != len(gradients):
        raise RuntimeError(
            f"Backward hook returned an invalid number of {what}, got {len(given)}, but expected "
            f"{len(gradients)}"
        )
    return given
