"""Hooks of all modules, for debugging and profiling, as in `torch.nn.modules.module`.

They run before a module's own hooks.  Until the first one is registered they cost nothing.
"""

from minigrad.engine.hooks import RemovableHandle
from minigrad.nn.hooks import EVERYWHERE, ForwardHook, Hook, add, require_one_kind
from minigrad.nn.module_attributes import REGISTRATION_HOOKS
from minigrad.nn.module_hooks import HookMethods


def _add(kind: str, hook: object) -> RemovableHandle:
    HookMethods._hooks = EVERYWHERE  # what modules without hooks of their own have from now on
    return add(vars(EVERYWHERE)[kind], hook)


def register_module_forward_pre_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(module, args)` before the forward of every module; a result replaces args."""
    return _add("forward_pre", ForwardHook(hook, with_kwargs=False))


def register_module_forward_hook(
    hook: Hook, *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Call `hook(module, args, output)` after the forward of every module, as a module's own."""
    return _add("forward", ForwardHook(hook, with_kwargs, always_call))


def register_module_full_backward_pre_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(module, grad_output)` for every module, as a module's own."""
    return _add("backward_pre", hook)


def register_module_full_backward_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(module, grad_input, grad_output)` for every module, as a module's own.

    Raises RuntimeError if there are hooks of `register_module_backward_hook`.
    """
    require_one_kind(EVERYWHERE.backward_of_node, "as a global Module hook")
    return _add("backward", hook)


def register_module_backward_hook(hook: Hook) -> RemovableHandle:
    """Call the hook as `Module.register_backward_hook` does, for every module.

    Raises RuntimeError if there are hooks of `register_module_full_backward_hook`.
    """
    require_one_kind(EVERYWHERE.backward, "as a global Module hook")
    return _add("backward_of_node", hook)


def register_module_parameter_registration_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(module, name, parameter)` when a module registers one; a result replaces it."""
    return add(REGISTRATION_HOOKS["parameter"], hook)


def register_module_buffer_registration_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(module, name, buffer)` when a module registers one; a result replaces it."""
    return add(REGISTRATION_HOOKS["buffer"], hook)


def register_module_module_registration_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(module, name, submodule)` when a module registers one; a result replaces it."""
    return add(REGISTRATION_HOOKS["module"], hook)
