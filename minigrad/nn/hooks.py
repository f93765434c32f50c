"""Hooks of modules: called before and after forward, and when gradients pass a module."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from minigrad.autograd.function import Function
from minigrad.core.warn import warn_caller
from minigrad.engine.grad_mode import thread
from minigrad.engine.hooks import RemovableHandle, registered
from minigrad.nn.node_hook import observe_node
from minigrad.tensor import Tensor

Hook = Callable[..., Any]
"""A user's hook; its arguments are described where it is registered."""

Gradients = tuple[Tensor | None, ...]
GradientsHook = Callable[[Gradients], Gradients]

H = TypeVar("H")


class ForwardHook(NamedTuple):
    """A forward hook or pre-hook with the options it was registered with."""

    call: Hook
    with_kwargs: bool
    always: bool = False


class SaveHook(NamedTuple):
    """A hook of state_dict; one that may replace the state returns it."""

    call: Hook
    may_replace: bool


class LoadHook(NamedTuple):
    """A hook of load_state_dict, called with the module first if `with_module`."""

    call: Hook
    with_module: bool


class Hooks:
    """The hooks of one module, each kind in the order of the calls."""

    def __init__(self) -> None:
        self.forward_pre: dict[int, ForwardHook] = {}
        self.forward: dict[int, ForwardHook] = {}
        self.backward_pre: dict[int, Hook] = {}
        self.backward: dict[int, Hook] = {}
        self.backward_of_node: dict[int, Hook] = {}
        self.state_dict_pre: dict[int, Hook] = {}
        self.state_dict_post: dict[int, SaveHook] = {}
        self.load_pre: dict[int, LoadHook] = {}
        self.load_post: dict[int, Hook] = {}

    def around_call(self) -> bool:
        """True if a call of the module calls hooks."""
        return bool(
            self.forward_pre
            or self.forward
            or self.backward_pre
            or self.backward
            or self.backward_of_node
            or (self is not EVERYWHERE and EVERYWHERE.around_call())
        )

    def all_of(self, kind: str) -> list[tuple[int, Any]]:
        """The hooks of one kind with their keys, those of every module first."""
        shared = () if self is EVERYWHERE else vars(EVERYWHERE)[kind].items()
        return [*shared, *vars(self)[kind].items()]


EVERYWHERE = Hooks()
"""The hooks of all modules; see `global_hooks`."""


def add(hooks: dict[int, H], hook: H, prepend: bool = False) -> RemovableHandle:
    """Register a hook at the end, or with prepend=True at the front; the handle removes it."""
    before = list(hooks.items())
    handle = registered(hooks, hook)
    if prepend:
        newest = hooks.pop(handle.id)
        hooks.clear()
        hooks[handle.id] = newest
        hooks.update(before)
    return handle


def require_one_kind(others: dict[int, Hook], where: str) -> None:
    """Raise RuntimeError if there are backward hooks of the other kind."""
    if others:
        raise RuntimeError(
            f"Cannot use both regular backward hooks and full backward hooks {where}. Please use "
            f"only one of them."
        )


def call_with_hooks(
    module: Any, hooks: Hooks, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """`module.forward(*args, **kwargs)` with all hooks before and after it."""
    called: set[int] = set()
    result = None
    try:
        for _, pre in hooks.all_of("forward_pre"):
            args, kwargs = _run_forward_pre(pre, module, args, kwargs)
        backward = None
        if thread.mode.grad:
            around = _BackwardHooks(module, hooks)
            if around.before or around.after:
                backward = around
                args = around.enter(args)
        result = module.forward(*args, **kwargs)
        for key, hook in hooks.all_of("forward"):
            called.add(key)
            changed = _run_forward(hook, module, args, kwargs, result)
            if changed is not None:
                result = changed
        for _, hook_of_node in hooks.all_of("backward_of_node") if thread.mode.grad else ():
            observe_node(module, hook_of_node, args, result)
        return result if backward is None else backward.leave(result)
    except Exception:
        for key, hook in hooks.all_of("forward"):
            if hook.always and key not in called:
                result = _run_after_error(hook, module, args, kwargs, result)
        raise


def _run_after_error(hook: ForwardHook, module: Any, args: Any, kwargs: Any, result: Any) -> Any:
    """Run a hook that is always called; its own error must not hide that of forward."""
    try:
        changed = _run_forward(hook, module, args, kwargs, result)
    except Exception as error:
        warn_caller(
            f"module forward hook with ``always_call=True`` raised an exception that was silenced "
            f"as another error was raised in forward: {error}"
        )
        return result
    return result if changed is None else changed


def _run_forward(hook: ForwardHook, module: Any, args: Any, kwargs: Any, result: Any) -> Any:
    if hook.with_kwargs:
        return hook.call(module, args, kwargs, result)
    return hook.call(module, args, result)


def _run_forward_pre(
    hook: ForwardHook, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
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


class BackwardHookFunction(Function):
    """The identity of several tensors; backward calls `on_gradients` with all gradients at once."""

    @staticmethod
    def forward(ctx: Any, on_gradients: GradientsHook, *tensors: Tensor) -> tuple[Tensor, ...]:
        ctx.on_gradients = on_gradients
        ctx.set_materialize_grads(False)
        return tensors

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Any, ...]:
        return (None, *ctx.on_gradients(gradients))


class _BackwardHooks:
    """The backward hooks of one call: they see the gradients of its outputs and its inputs."""

    def __init__(self, module: Any, hooks: Hooks) -> None:
        self.module = module
        self.before = [hook for _, hook in hooks.all_of("backward_pre")]
        self.after = [hook for _, hook in hooks.all_of("backward")]
        self.input_positions: list[int] = []
        self.input_count = 0
        self.grad_outputs: Gradients = ()

    def enter(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The positional arguments, with their gradients observed; keyword arguments have none."""
        self.input_count = len(args)
        self.input_positions = [
            i for i, a in enumerate(args) if isinstance(a, Tensor) and a.requires_grad
        ]
        return _observed(args, self.input_positions, self._on_input_gradients)

    def leave(self, result: Any) -> Any:
        """The result, a tensor or a tuple or list with tensors, with its gradients observed."""
        is_sequence = isinstance(result, tuple | list)
        outputs = tuple(result) if is_sequence else (result,)
        positions = [i for i, o in enumerate(outputs) if isinstance(o, Tensor) and o.requires_grad]
        hook = functools.partial(self._on_output_gradients, positions, len(outputs))
        outputs = _observed(outputs, positions, hook)
        if not is_sequence:
            return outputs[0]
        return type(result)(*outputs) if hasattr(result, "_fields") else type(result)(outputs)

    def _on_output_gradients(
        self, positions: Sequence[int], count: int, given: Gradients
    ) -> tuple[Any, ...]:
        gradients = _spread(given, positions, count)
        for hook in self.before:
            changed = hook(self.module, gradients)
            if changed is not None:
                gradients = _same_number(changed, gradients, "grad_output")
        self.grad_outputs = gradients
        if not self.input_positions:
            self._call_hooks((None,) * self.input_count)
        return tuple(gradients[i] for i in positions)

    def _on_input_gradients(self, gradients: Gradients) -> tuple[Any, ...]:
        gradients = self._call_hooks(_spread(gradients, self.input_positions, self.input_count))
        return tuple(gradients[i] for i in self.input_positions)

    def _call_hooks(self, gradients: Gradients) -> tuple[Any, ...]:
        for hook in self.after:
            changed = hook(self.module, gradients, self.grad_outputs)
            if changed is not None:
                if not self.input_positions:
                    raise RuntimeError(
                        "Backward hooks that return a gradient need an input that requires one."
                    )
                gradients = _same_number(changed, gradients, "grad_input")
        return gradients


def _observed(
    values: tuple[Any, ...], positions: Sequence[int], on_gradients: GradientsHook
) -> tuple[Any, ...]:
    if not positions:
        return values
    passed = dict(
        zip(
            positions,
            BackwardHookFunction.apply(on_gradients, *(values[i] for i in positions)),
            strict=True,
        )
    )
    return tuple(passed.get(i, value) for i, value in enumerate(values))


def _spread(gradients: Gradients, positions: Sequence[int], count: int) -> tuple[Any, ...]:
    """`count` gradients: those given at their positions, None elsewhere."""
    known = dict(zip(positions, gradients, strict=True))
    return tuple(known.get(i) for i in range(count))


def _same_number(changed: Any, gradients: Gradients, what: str) -> tuple[Any, ...]:
    given = changed if isinstance(changed, tuple) else (changed,)
    if len(given) != len(gradients):
        raise RuntimeError(
            f"Backward hook returned an invalid number of {what}, got {len(given)}, but expected "
            f"{len(gradients)}"
        )
    return given
