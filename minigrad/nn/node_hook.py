"""The older backward hooks of modules: hooks of the one node that made a module's output."""

from collections.abc import Callable, Mapping
from typing import Any

from minigrad.core.warn import warn_caller
from minigrad.tensor import Tensor


def observe_node(module: Any, hook: Callable[..., Any], args: Any, result: Any) -> None:
    """Call `hook(module, grad_input, grad_output)` when the node of the result has run.

    grad_input has what that node passes on.  These are gradients of the module's inputs only if
    the module is one operation; otherwise a FutureWarning says so.
    """
    output = _first_tensor(result)
    node = None if output is None else output.grad_fn
    if node is None:
        return
    inputs = {a.grad_fn for a in args if isinstance(a, Tensor)} - {None}
    if result is not output or inputs != {n for n, _ in node.next_functions} - {None}:
        warn_caller(
            "Using a non-full backward hook when the forward contains multiple autograd Nodes is "
            "deprecated and will be removed in future versions. This hook will be missing some "
            "grad_input. Please use register_full_backward_hook to get the documented behavior.",
            FutureWarning,
        )
    node.register_hook(lambda grad_input, grad_output: hook(module, grad_input, grad_output))


def _first_tensor(result: Any) -> Any:
    while not isinstance(result, Tensor):
        values = list(result.values()) if isinstance(result, Mapping) else result
        if not isinstance(values, tuple | list) or not values:
            return None
        result = values[0]
    return result
