"""Parameter and Buffer: tensors that a module registers when they are assigned to it."""

from collections.abc import Sequence
from typing import Any, TypeGuard

from minigrad.core.device import require_cpu
from minigrad.core.public_names import show_public_names
from minigrad.core.types import DeviceLike, DTypeLike
from minigrad.tensor import Tensor, creation


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


class _Uninitialized(Tensor):
    """A tensor without a shape: a lazy module gives it one when it sees its first input."""

    _initialized: type[Tensor]

    def materialize(
        self, shape: Sequence[int], device: DeviceLike = None, dtype: DTypeLike = None
    ) -> None:
        """Give the tensor a shape and memory, whose values are arbitrary."""
        require_cpu(device)
        self.data = creation.empty(*shape, dtype=dtype or self.dtype)
        self.__class__ = self._initialized  # type: ignore[assignment]

    @property
    def shape(self) -> Any:
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. Call `forward` to "
            "initialize the parameters of a lazy module before accessing their attributes."
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class UninitializedParameter(_Uninitialized, Parameter):
    """A parameter without a shape, of a lazy module before its first call."""

    _initialized = Parameter

    def __init__(
        self, requires_grad: bool = True, device: DeviceLike = None, dtype: DTypeLike = None
    ) -> None:
        require_cpu(device)
        super().__init__(creation.empty(0, dtype=dtype), requires_grad)


class UninitializedBuffer(_Uninitialized, Buffer):
    """A buffer without a shape, of a lazy module before its first call."""

    _initialized = Buffer

    def __init__(
        self,
        requires_grad: bool = False,
        device: DeviceLike = None,
        dtype: DTypeLike = None,
        persistent: bool = True,
    ) -> None:
        require_cpu(device)
        data = creation.empty(0, dtype=dtype)
        super().__init__(data, persistent=persistent, requires_grad=requires_grad)


def is_lazy(value: object) -> TypeGuard[_Uninitialized]:
    """True for a parameter or buffer without a shape."""
    return isinstance(value, _Uninitialized)


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
    "UninitializedBuffer",
    "UninitializedParameter",
]

show_public_names(__name__)
