"""`Module`, the base class of layers and networks: calls, modes, casts and state."""

from collections.abc import Callable
from typing import Any, Self

from minigrad.core import dtypes
from minigrad.core.device import is_device, refuse_device, require_cpu
from minigrad.core.types import DeviceLike, DTypeLike
from minigrad.core.warn import warn_caller
from minigrad.engine.grad_mode import no_grad
from minigrad.nn.hooks import call_with_hooks
from minigrad.nn.module_hooks import HookMethods
from minigrad.nn.module_state import StateMethods
from minigrad.nn.module_tree import ModuleTree
from minigrad.nn.parameter import zero_gradient
from minigrad.tensor import Tensor, creation


def _forward_unimplemented(self: Any, *inputs: Any) -> Any:
    raise NotImplementedError(
        f'Module [{type(self).__name__}] is missing the required "forward" function: define it in '
        f"the class; of a ModuleList or ModuleDict, call the members"
    )


class Module(ModuleTree["Module"], HookMethods, StateMethods):
    """The base class of layers and networks: assign parameters and modules, define `forward`.

    Parameters, Buffers and Modules that are attributes are found by `parameters()`, `to()`,
    `state_dict()` and the other methods.

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

    forward: Callable[..., Any] = _forward_unimplemented

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        hooks = self._hooks
        if hooks is None or not hooks.around_call():
            return self.forward(*args, **kwargs)
        return call_with_hooks(self, hooks, args, kwargs)

    # --- modes -----------------------------------------------------------------------------------

    def train(self, mode: bool = True) -> Self:
        """Set this module and its descendants to training mode, or with False to evaluation mode.

        Raises ValueError unless mode is a bool.
        """
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> Self:
        """Set this module and its descendants to evaluation mode."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Set requires_grad of all parameters."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Set the gradients of all parameters to None, or with set_to_none=False to zero."""
        for parameter in self.parameters():
            if set_to_none:
                parameter.grad = None
            elif parameter.grad is not None:
                zero_gradient(parameter)

    def apply(self, fn: Callable[["Module"], object]) -> Self:
        """Call `fn` on every descendant and then on this module."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    # --- casts -----------------------------------------------------------------------------------

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Replace each parameter's data and gradient, and each buffer, by `fn` of it.

        The children come first, with their own `_apply`; recurse=False leaves them out.
        """
        for module in self.children() if recurse else ():
            module._apply(fn)
        with no_grad():
            for parameter in self.parameters(recurse=False):
                parameter.data = fn(parameter.data)
                if parameter.grad is not None:
                    parameter.grad = fn(parameter.grad)
            for name, buffer in self._buffers.items():
                if buffer is not None:
                    self._buffers[name] = fn(buffer)
        return self

    def to(self, *args: Tensor | DTypeLike | DeviceLike, **options: Any) -> Self:
        """Cast floating parameters and buffers: `to(dtype)`, `to("cpu", dtype)`, `to(tensor)`.

        With `memory_format` those of 4 and 5 dimensions get that order in memory.
        Changes this module in place and returns it.  Raises RuntimeError for devices other than the
        CPU, TypeError for dtypes that are not floating.
        """
        wanted = options.pop("dtype", None)
        require_cpu(options.pop("device", None))
        options.pop("non_blocking", None)  # a hint for devices that work beside the CPU
        memory_format = options.pop("memory_format", None)
        if options:
            raise TypeError(f"to() got an unexpected keyword argument '{next(iter(options))}'")
        for given in args:
            if is_device(given):
                require_cpu(given)
            elif isinstance(given, Tensor):
                wanted = given.dtype
            elif given is not None and not isinstance(given, bool):
                wanted = given
        if memory_format is not None:
            self._apply(lambda t: t.to(memory_format=memory_format) if t.ndim in (4, 5) else t)
        if wanted is None:
            return self
        dtype = dtypes.of_numpy(dtypes.to_numpy(wanted))
        if not (dtype.is_floating_point or dtype.is_complex):
            raise TypeError(
                f"nn.Module.to only accepts floating point or complex dtypes, but got desired "
                f"dtype={dtype}"
            )
        if dtype.is_complex:
            warn_caller(
                "Complex modules are a new feature under active development whose design may "
                "change, and some modules might not work as expected when using complex tensors "
                "as parameters or buffers: convolutions and most activations refuse them here."
            )
        return self._apply(lambda t: t.to(dtype) if t.is_floating_point() or t.is_complex() else t)

    def type(self, dst_type: DTypeLike) -> Self:
        """Cast all parameters and buffers to `dst_type`, integers too."""
        return self._apply(lambda t: t.to(dst_type))

    def to_empty(self, *, device: DeviceLike, recurse: bool = True) -> Self:
        """Give all parameters and buffers new memory, whose values are arbitrary."""
        require_cpu(device)
        return self._apply(creation.empty_like, recurse)

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Record and replay this module's forward from now on, as `minigrad.compile` does.

        The arguments are those of `minigrad.compile`.  The module stays what it is: its names, its
        hooks, which run around the forward, and its copies, which record anew.
        """
        self._compile_in_place(*args, **kwargs)

    # What `compiler` puts here, which stands on this file.
    _compile_in_place: Callable[..., None]

    def share_memory(self) -> Self:
        """Move all parameters and buffers to memory that processes share."""
        return self._apply(lambda t: t.share_memory_())

    def cpu(self) -> Self:
        """This module: it is on the CPU."""
        return self

    def cuda(self, device: DeviceLike = None) -> Self:
        """Raises RuntimeError: minigrad computes on the CPU only."""
        refuse_device("cuda")

    # `float` comes last: in the class body below it, the name means this method.

    def _cast_floats(self, dtype: dtypes.dtype) -> Self:
        return self._apply(lambda t: t.to(dtype) if t.is_floating_point() else t)

    def half(self) -> Self:
        """Cast floating parameters and buffers to float16."""
        return self._cast_floats(dtypes.float16)

    def double(self) -> Self:
        """Cast floating parameters and buffers to float64."""
        return self._cast_floats(dtypes.float64)

    def float(self) -> Self:
        """Cast floating parameters and buffers to float32."""
        return self._cast_floats(dtypes.float32)
