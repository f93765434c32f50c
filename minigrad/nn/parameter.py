"""Parameter and Buffer: tensors that a module registers when they are assigned to it."""

from minigrad.core.public_names import show_public_names
from minigrad.tensor import Tensor


class Parameter(Tensor):
    """A tensor that is trained: a Module lists it in `parameters()`.  It shares the memory of data.

    Operations on it give plain tensors.  Raises TypeError if data is not a Tensor, RuntimeError if
    its dtype cannot require gradients.
    """

    def __init__(self, data: Tensor | None = None, requires_grad: bool = True) -> None:
        if data is None:
            super().__init__()
        elif isinstance(data, Tensor):
            self.array = data.array
            self._storage = data.storage()
        else:
            raise TypeError(f"Parameter expects a Tensor as its data, not {type(data).__name__}")
        self.requires_grad_(requires_grad)

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()


class Buffer(Tensor):
    """A tensor that is state but not trained: a Module lists it in `buffers()`.

    One that is not persistent is not in `state_dict()`.  Raises as Parameter does.
    """

    persistent = True

    def __init__(
        self, data: Tensor | None = None, *, persistent: bool = True, requires_grad: bool = False
    ) -> None:
        if data is None:
            super().__init__()
        elif isinstance(data, Tensor):
            self.array = data.array
            self._storage = data.storage()
        else:
            raise TypeError(f"Buffer expects a Tensor as its data, not {type(data).__name__}")
        self.requires_grad_(requires_grad)
        self.persistent = persistent


def zero_gradient(tensor: Tensor) -> None:
    """Set the gradient of a tensor to zero in its own memory, cut off from any graph."""
    gradient = tensor.grad
    assert gradient is not None
    if gradient.node is not None:
        gradient.detach_()
    else:
        gradient.requires_grad_(False)
    gradient.zero_()


def type_name(value: object) -> str:
    """The name of a value's type in messages, with its module unless built in."""
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


__all__ = [
    "Buffer",
    "Parameter",
]

show_public_names(__name__)
