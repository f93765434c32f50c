"""All parameters as one vector, and back."""

from collections.abc import Iterable
from typing import Any

from minigrad import ops
from minigrad.tensor import Tensor


def parameters_to_vector(parameters: Iterable[Any]) -> Any:
    """The elements of all parameters, one after another: a tensor (n,)."""
    flat = [ops.reshape(p, shape=(p.numel(),)) for p in parameters]
    if not flat:
        raise ValueError("parameters_to_vector expects at least one parameter, got none")
    return ops.cat(flat)


def vector_to_parameters(vec: Tensor, parameters: Iterable[Any]) -> None:
    """Write the elements of a vector (n,) over the parameters, one after another.

    Raises ValueError, before anything is written, if it has too few or too many elements.
    """
    targets = list(parameters)
    wanted = sum(p.numel() for p in targets)
    if vec.ndim != 1 or vec.numel() != wanted:
        raise ValueError(
            f"vector_to_parameters expects a vector of the parameters' {wanted} elements, got "
            f"shape {list(vec.shape)}"
        )
    place = 0
    for p in targets:
        # The parameter's own memory is left to whoever else holds it, as in torch.
        p.data = vec[place : place + p.numel()].reshape(p.shape).detach()
        place += p.numel()
