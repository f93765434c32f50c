"""The methods of a module that register hooks."""

from collections.abc import Mapping
from types import MappingProxyType

from minigrad.engine.hooks import RemovableHandle
from minigrad.nn.hooks import ForwardHook, Hook, Hooks, LoadHook, SaveHook, add, require_one_kind


class HookMethods:
    """Registers hooks of calls, gradients and state; each method returns a handle to remove it."""

    # Created with the first hook: a module without hooks pays one test a call.
    _hooks: Hooks | None = None

    def _get_hooks(self) -> Hooks:
        own: Hooks | None = vars(self).get("_hooks")
        if own is None:
            own = self._hooks = Hooks()
        return own

    @property
    def _forward_pre_hooks(self) -> Mapping[int, Hook]:
        """The forward pre-hooks, to look at: torch's mapping, as its tutorials print it."""
        hooks = self._hooks.forward_pre if self._hooks else {}
        return MappingProxyType({key: hook.call for key, hook in hooks.items()})

    def register_forward_pre_hook(
        self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args)` before forward; a result replaces the arguments.

        with_kwargs=True: call `hook(module, args, kwargs)`, whose result is (args, kwargs).
        """
        return add(self._get_hooks().forward_pre, ForwardHook(hook, with_kwargs), prepend)

    def register_forward_hook(
        self,
        hook: Hook,
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Call `hook(module, args, output)` after forward; a result replaces the output.

        with_kwargs=True: call `hook(module, args, kwargs, output)`.  always_call=True: call it even
        if forward raises.
        """
        wrapped = ForwardHook(hook, with_kwargs, always_call)
        return add(self._get_hooks().forward, wrapped, prepend)

    def register_full_backward_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_output)` when the gradients of the outputs are computed."""
        return add(self._get_hooks().backward_pre, hook, prepend)

    def register_full_backward_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_input, grad_output)` when the inputs' gradients are computed.

        Both are tuples; a result replaces grad_input.  Raises RuntimeError beside hooks of
        `register_backward_hook`.
        """
        require_one_kind(self._get_hooks().backward_of_node, "on a single Module")
        return add(self._get_hooks().backward, hook, prepend)

    def register_backward_hook(self, hook: Hook) -> RemovableHandle:
        """Call `hook(module, grad_input, grad_output)` when the node of the output has run.

        Deprecated: grad_input belongs to that node.  Where the module is more than one operation,
        use `register_full_backward_hook`.  Raises RuntimeError beside hooks of that.
        PyTorch differs: of a Linear the order is input, weight, bias; there bias, input, weight.
        """
        require_one_kind(self._get_hooks().backward, "on a single Module")
        return add(self._get_hooks().backward_of_node, hook)

    def register_state_dict_pre_hook(self, hook: Hook) -> RemovableHandle:
        """Call `hook(module, prefix, keep_vars)` before state_dict collects this module's state."""
        return add(self._get_hooks().state_dict_pre, hook)

    def register_state_dict_post_hook(self, hook: Hook) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, local_metadata)` after that."""
        return add(self._get_hooks().state_dict_post, SaveHook(hook, may_replace=False))

    def _register_state_dict_hook(self, hook: Hook) -> RemovableHandle:
        """As register_state_dict_post_hook; a result of the hook replaces the state."""
        return add(self._get_hooks().state_dict_post, SaveHook(hook, may_replace=True))

    def register_load_state_dict_pre_hook(self, hook: Hook) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, local_metadata, strict, missing_keys,
        unexpected_keys, error_msgs)` before this module's keys are matched; it may change the
        dictionary.
        """
        return add(self._get_hooks().load_pre, LoadHook(hook, with_module=True))

    def _register_load_state_dict_pre_hook(
        self, hook: Hook, with_module: bool = False
    ) -> RemovableHandle:
        """As register_load_state_dict_pre_hook; the module is an argument only if with_module."""
        return add(self._get_hooks().load_pre, LoadHook(hook, with_module))

    def register_load_state_dict_post_hook(self, hook: Hook) -> RemovableHandle:
        """Call `hook(module, incompatible_keys)` after loading; it may change the two lists."""
        return add(self._get_hooks().load_post, hook)
