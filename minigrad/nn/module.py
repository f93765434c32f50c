"""`Module`: parameters and a forward, with torch's life around them."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Self

from minigrad.core import dtypes
from minigrad.core.device import is_device, require_cpu
from minigrad.engine.grad_mode import no_grad
from minigrad.engine.graph import RemovableHandle
from minigrad.nn import state_dict as states
from minigrad.nn.hooks import Hook, Hooks, add, call_with_hooks, forward_hook
from minigrad.nn.tree import ModuleTree
from minigrad.tensor import Tensor


def _no_forward(self: Any, *inputs: Any) -> Any:
    raise NotImplementedError(
        f'Module [{type(self).__name__}] is missing the required "forward" function'
    )


class Module(ModuleTree):
    """Base of all layers and networks: subclass it, own parameters and modules, define `forward`.

    Parameters, Buffers and Modules assigned as attributes are found by `parameters()`, `to()`,
    `state_dict()` and the like.

    >>> import minigrad as mg
    >>> class Line(mg.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.slope = mg.nn.Parameter(mg.tensor([2.0]))
    ...     def forward(self, x):
    ...         return self.slope * x
    >>> Line()(mg.tensor([3.0])).item()
    6.0
    """

    # The hooks are made with the first of them, so that a module without any costs nothing.
    _hooks: Hooks | None = None

    forward: Callable[..., Any] = _no_forward

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        hooks = self._hooks
        if hooks is None or not hooks.around_call():
            return self.forward(*args, **kwargs)
        return call_with_hooks(self, hooks, args, kwargs)

    # --- modes -----------------------------------------------------------------------------------

    def train(self, mode: bool = True) -> Self:
        """Put this module and all below it in training mode, or with False in evaluation mode."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Put this module and all below it in evaluation mode."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Ask for the gradients of all parameters, or no longer."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or make them zero."""
        for parameter in self.parameters():
            if set_to_none:
                parameter.grad = None
            elif parameter.grad is not None:
                parameter.grad = parameter.grad.new_zeros(parameter.grad.shape)

    # --- casts -----------------------------------------------------------------------------------

    def _apply(self, fn: Callable[[Tensor], Tensor]) -> Self:
        """Replace the data of each parameter, its gradient and each buffer by `fn` of it."""
        with no_grad():
            for parameter in self.parameters():
                parameter.data = fn(parameter.data)
                if parameter.grad is not None:
                    parameter.grad = fn(parameter.grad)
            for module in self.modules():
                for name, buffer in module._buffers.items():
                    if buffer is not None:
                        module._buffers[name] = fn(buffer)
        return self

    def to(self, *args: Any, **options: Any) -> Self:
        """Cast floating parameters and buffers: `to(dtype)`, `to("cpu", dtype)`, `to(tensor)`.

        Changes this module and returns it.  Raises RuntimeError for devices other than the CPU,
        TypeError for dtypes that are not floating.
        """
        wanted = options.pop("dtype", None)
        require_cpu(options.pop("device", None))
        options.pop("non_blocking", None)  # a hint for devices that work beside the CPU
        if options:
            raise TypeError(f"to() got an unexpected keyword argument '{next(iter(options))}'")
        for given in args:
            if is_device(given):
                require_cpu(given)
            elif isinstance(given, Tensor):
                wanted = given.dtype
            elif given is not None and not isinstance(given, bool):
                wanted = given
        if wanted is None:
            return self
        dtype = dtypes.of_numpy(dtypes.to_numpy(wanted))
        if not dtype.is_floating_point:
            raise TypeError(
                f"nn.Module.to only accepts floating point dtypes, but got desired dtype={dtype}"
            )
        return self._apply(lambda t: t.to(dtype) if t.is_floating_point() else t)

    def type(self, dst_type: Any) -> Self:
        """Cast all parameters and buffers to `dst_type`, integers too."""
        return self._apply(lambda t: t.to(dst_type))

    def cpu(self) -> Self:
        """The module itself: it is on the CPU."""
        return self

    def cuda(self, device: Any = None) -> Self:
        """Raises RuntimeError: minigrad computes on the CPU only."""
        raise RuntimeError("minigrad computes on the CPU only: there is no cuda device")

    # --- state -----------------------------------------------------------------------------------

    def state_dict(
        self, *, destination: Any = None, prefix: str = "", keep_vars: bool = False
    ) -> Any:
        """Parameters and persistent buffers by path, detached but sharing memory."""
        destination = OrderedDict() if destination is None else destination
        return states.collect(self, destination, prefix, keep_vars)

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> states.IncompatibleKeys:
        """Copy a state into parameters and buffers, or with assign=True put its tensors in.

        Returns the missing and the unexpected keys.  Raises RuntimeError that lists all keys that
        are missing or unexpected (when strict) and all shapes that do not match.
        PyTorch differs: it loads what fits before it raises; here nothing has changed then.
        """
        return states.load(self, state_dict, strict, assign)

    # --- hooks -----------------------------------------------------------------------------------

    def _own_hooks(self) -> Hooks:
        if self._hooks is None:
            self._hooks = Hooks()
        return self._hooks

    def register_forward_pre_hook(
        self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args)` before forward; what it returns replaces the arguments.

        With with_kwargs it is `hook(module, args, kwargs)` and returns both.
        """
        return add(self._own_hooks().forward_pre, forward_hook(hook, with_kwargs), prepend)

    def register_forward_hook(
        self,
        hook: Hook,
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Call `hook(module, args, output)` after forward; what it returns replaces the output.

        With with_kwargs it is `hook(module, args, kwargs, output)`; with always_call it is called
        even if forward raises.
        """
        wrapped = forward_hook(hook, with_kwargs, always_call)
        return add(self._own_hooks().forward, wrapped, prepend)

    def register_full_backward_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_output)` when the outputs' gradients are there."""
        return add(self._own_hooks().backward_pre, hook, prepend)

    def register_full_backward_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_input, grad_output)` when the inputs' gradients are there.

        Both are tuples; what the hook returns replaces grad_input.
        """
        return add(self._own_hooks().backward, hook, prepend)

    def register_state_dict_pre_hook(self, hook: Hook) -> RemovableHandle:
        """Call `hook(module, prefix, keep_vars)` before state_dict reads this module."""
        return add(self._own_hooks().state_dict_pre, hook)

    def register_state_dict_post_hook(self, hook: Hook) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, local_metadata)` after it was read."""
        return add(self._own_hooks().state_dict_post, hook)

    def register_load_state_dict_pre_hook(self, hook: Hook) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, local_metadata, strict, missing_keys,
        unexpected_keys, error_msgs)` before this module is matched; it may change the dictionary.
        """
        return add(self._own_hooks().load_pre, hook)

    def register_load_state_dict_post_hook(self, hook: Hook) -> RemovableHandle:
        """Call `hook(module, incompatible_keys)`, which may change its lists.

        PyTorch differs: it calls the hook after loading, not before.
        """
        return add(self._own_hooks().load_post, hook)

    # The names of Python's types come last: below them they would mean these methods.

    def half(self) -> Self:
        return self.to(dtypes.float16)

    def double(self) -> Self:
        return self.to(dtypes.float64)

    def float(self) -> Self:
        return self.to(dtypes.float32)
