"""torch.func: transforms of functions, and modules called as functions of their parameters.

>>> layer = minigrad.nn.Linear(2, 1)
>>> def loss(parameters, x):
...     return minigrad.func.functional_call(layer, parameters, x).square().sum()
>>> gradient = minigrad.func.grad(loss)(dict(layer.named_parameters()), minigrad.ones(2))
>>> sorted(gradient)
['bias', 'weight']
"""

from minigrad.autograd.forward_transforms import hessian, hvp, jacfwd, jvp, linearize
from minigrad.autograd.transforms import grad, grad_and_value, jacrev, value_and_grad, vjp
from minigrad.autograd.vmap import vmap
from minigrad.core.public_names import show_public_names
from minigrad.nn.utils.batching import replace_all_batch_norm_modules_, stack_module_state
from minigrad.nn.utils.replaced_tensors import functional_call

__all__ = [
    "functional_call",
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


show_public_names(__name__)
