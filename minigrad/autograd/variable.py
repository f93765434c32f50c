"""`Variable`, torch's old word for a tensor that belongs to a graph."""

from typing import Any

from minigrad.tensor import Tensor


class _VariableType(type):
    def __call__(cls, data: Any = None, requires_grad: bool = False, **_: Any) -> Any:
        if data is None:
            return Tensor().requires_grad_(requires_grad)
        if not isinstance(data, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(data).__name__}")
        return data.detach().requires_grad_(requires_grad)

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, Tensor)


class Variable(metaclass=_VariableType):
    """`Variable(tensor, requires_grad=False)`: a leaf on the tensor's memory.

    All tensors are Variables.  torch's setting `volatile` has no effect, as in torch.
    Raises TypeError for data that are no tensor.
    """
