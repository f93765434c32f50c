"""Parameter and Buffer: tensors that a module registers when they are assigned to it."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any, Self, TypeGuard, TypeVar

from minigrad.core.device import require_cpu
from minigrad.core.public_names import show_public_names
from minigrad.core.types import DeviceLike, DTypeLike
from minigrad.engine.graph import wrap
from minigrad.engine.overrides import disabled_torch_function_impl, overrides_functions
from minigrad.tensor import Tensor, creation
from minigrad.tensor.methods.copying import attributes

T = TypeVar("T", bound=Tensor)


class _ParameterType(type):
    """The type of Parameter: tensors of other classes that `Parameter(...)` made belong to it."""

    def __instancecheck__(cls, instance: object) -> bool:
        return super().__instancecheck__(instance) or (
            cls is Parameter and isinstance(instance, Tensor) and "_is_param" in vars(instance)
        )


class Parameter(Tensor, metaclass=_ParameterType):
    """A tensor that is trained: a Module lists it in `parameters()`.  It shares the memory of data.

    Operations on it give plain tensors.  Of data of a subclass it is a tensor of that subclass, for
    which `isinstance(x, Parameter)` is True.  Raises TypeError if data is not a Tensor,
    RuntimeError if its dtype cannot require gradients.
    """

    __torch_function__ = staticmethod(disabled_torch_function_impl)
    _is_param: bool

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = True) -> Self:
        if isinstance(data, Tensor) and overrides_functions(type(data)):
            new: Self = data.detach().requires_grad_(requires_grad)  # type: ignore[assignment]
            if type(new) is not type(data):
                raise RuntimeError(
                    f"Creating a Parameter from an instance of type {type(data).__name__} requires "
                    f"that detach() returns an instance of the same type, but return type "
                    f"{type(new).__name__} was found instead."
                )
            new._is_param = True
            return new
        return _on_memory(cls, data).requires_grad_(requires_grad)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """A copy of the elements, of requires_grad and attributes, without the gradient."""
        self._require_leaf()
        new: Self = wrap(type(self), self.array.copy(order="K"))
        memo[id(self)] = new
        new._requires_grad = self._requires_grad
        vars(new).update(deepcopy(attributes(self), memo))
        return new

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()


class Buffer(Tensor):
    """A tensor that is state but not trained: a Module lists it in `buffers()`.

    One that is not persistent is not in `state_dict()`.  Raises as Parameter does.
    """

    __torch_function__ = staticmethod(disabled_torch_function_impl)

    persistent = True

    def __new__(
        cls, data: Tensor | None = None, *, persistent: bool = True, requires_grad: bool = False
    ) -> Self:
        new = _on_memory(cls, data).requires_grad_(requires_grad)
        new.persistent = persistent
        return new


def _on_memory(kind: type[T], data: Tensor | None) -> T:
    """A tensor of this kind on the memory of data, or without elements."""
    if data is None:
        return Tensor.__new__(kind)
    if isinstance(data, Tensor):
        return Tensor.__new__(kind, data)
    raise TypeError(f"{kind.__name__} expects a Tensor as its data, not {type(data).__name__}")


class _Uninitialized(Tensor):
    """A tensor without a shape: a lazy module gives it one when it sees its first input."""

    __torch_function__ = staticmethod(disabled_torch_function_impl)

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

    def __new__(
        cls, requires_grad: bool = True, device: DeviceLike = None, dtype: DTypeLike = None
    ) -> Self:
        require_cpu(device)
        return Parameter.__new__(cls, creation.empty(0, dtype=dtype), requires_grad)


class UninitializedBuffer(_Uninitialized, Buffer):
    """A buffer without a shape, of a lazy module before its first call."""

    _initialized = Buffer

    def __new__(
        cls,
        requires_grad: bool = False,
        device: DeviceLike = None,
        dtype: DTypeLike = None,
        persistent: bool = True,
    ) -> Self:
        require_cpu(device)
        data = creation.empty(0, dtype=dtype)
        return Buffer.__new__(cls, data, persistent=persistent, requires_grad=requires_grad)


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
