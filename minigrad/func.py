"""torch.func: transforms of functions, and modules called as functions of their parameters.

>>> layer = minigrad.nn.Linear(2, 1)
>>> def loss(parameters, x):
...     return minigrad.func.functional_call(layer, parameters, x).square().sum()
>>> gradient = minigrad.func.grad(loss)(dict(layer.named_parameters()), minigrad.ones(2))
>>> sorted(gradient)
['bias', 'weight']
"""

from typing import TypeVar

from minigrad.autograd.forward_transforms import hessian, hvp, jacfwd, jvp, linearize
from minigrad.autograd.transforms import grad, grad_and_value, jacrev, value_and_grad, vjp
from minigrad.autograd.vmap import vmap
from minigrad.core.public_names import show_public_names
from minigrad.nn.utils.batching import replace_all_batch_norm_modules_, stack_module_state
from minigrad.nn.utils.replaced_tensors import functional_call
from minigrad.tensor import Tensor

__all__ = [
    "debug_unwrap",
    "functional_call",
    "functionalize",
    "grad",
    "grad_and_value",
    "hessian",
    "hvp",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "replace_all_batch_norm_modules_",
    "stack_module_state",
    "value_and_grad",
    "vjp",
    "vmap",
]


T = TypeVar("T")


def functionalize(func: T, *, remove: str = "mutations") -> T:
    """The function itself: whether it changes tensors in place cannot be seen in its results.

    Raises RuntimeError unless `remove` is "mutations" or "mutations_and_views".
    """
    if remove not in ("mutations", "mutations_and_views"):
        raise RuntimeError(
            f'functionalize(f, remove="mutations"|"mutations_and_views"), got {remove!r}'
        )
    return func


def debug_unwrap(tensor: Tensor, *, recurse: bool = True) -> Tensor:
    """The tensor itself, cut off from the graph and from tangents."""
    return tensor.detach()


show_public_names(__name__)
