"""Parameters as one vector, and a vector as parameters."""

from collections.abc import Iterable

from minigrad import ops
from minigrad.tensor import Tensor


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """The elements of all parameters, concatenated: a tensor (n,).

    Raises ValueError if there are no parameters.
    """
    flat = [ops.reshape(p, shape=(p.numel(),)) for p in parameters]
    if not flat:
        raise ValueError("parameters_to_vector expects at least one parameter, got none")
    return ops.cat(flat)


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Set the parameters to consecutive elements of a vector (n,).

    Raises ValueError, before anything is written, for a vector of another size.
    """
    targets = list(parameters)
    wanted = sum(p.numel() for p in targets)
    if vec.ndim != 1 or vec.numel() != wanted:
        raise ValueError(
            f"vector_to_parameters expects a vector of the parameters' {wanted} elements, got "
            f"shape {list(vec.shape)}"
        )
    start = 0
    for p in targets:
        # As in torch, the parameter gets new memory; other tensors keep the old one.
        p.data = vec[start : start + p.numel()].reshape(p.shape).detach()
        start += p.numel()
