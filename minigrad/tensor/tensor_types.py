"""`FloatTensor`, `LongTensor` and the others: constructors, and the types of tensors by dtype."""

from typing import Any

from minigrad.core import dtypes
from minigrad.core.dtypes import dtype as Dtype
from minigrad.engine.graph import Value, wrap_new
from minigrad.tensor.construction import constructed
from minigrad.tensor.methods.type_names import TYPE_NAMES, TensorType, tensor_type
from minigrad.tensor.tensor import Tensor


class _Constructor(TensorType):
    """The type of `FloatTensor` and its like: `isinstance` asks for a tensor's dtype."""

    def __call__(self, *data: Any, **options: Any) -> Any:
        return wrap_new(Tensor, constructed(self.dtype, data, **options))

    def __instancecheck__(self, instance: object) -> bool:
        return isinstance(instance, Value) and instance.dtype is self.dtype


def _tensor_type(name: str) -> Any:
    words = f": `{name}(2, 3)` makes one, `isinstance` asks."
    return tensor_type(_Constructor, "minigrad", name, words)


HalfTensor = _tensor_type("HalfTensor")
FloatTensor = _tensor_type("FloatTensor")
DoubleTensor = _tensor_type("DoubleTensor")
CharTensor = _tensor_type("CharTensor")
ShortTensor = _tensor_type("ShortTensor")
IntTensor = _tensor_type("IntTensor")
LongTensor = _tensor_type("LongTensor")
ByteTensor = _tensor_type("ByteTensor")
BoolTensor = _tensor_type("BoolTensor")


def set_default_tensor_type(t: Any) -> None:
    """Make the dtype of `FloatTensor`, `DoubleTensor` or `HalfTensor`, or of its name, the default.

    Raises TypeError for other types.
    """
    if isinstance(t, str):
        name = t.rpartition(".")[2]
        found: Dtype | None = TYPE_NAMES.get(name)
    else:
        found = t.dtype if isinstance(t, TensorType) else None
    if found is None:
        raise TypeError(f"invalid type object: expected FloatTensor, DoubleTensor ..., got {t!r}")
    if not found.is_floating_point:
        raise TypeError(f"only floating-point types are supported as the default type, got {t!r}")
    dtypes.set_default_dtype(found)


def typename(obj: object) -> str:
    """The name of a tensor's type, "minigrad.FloatTensor", or of another object's."""
    if isinstance(obj, Tensor):
        return str(obj.type())
    kind = obj if isinstance(obj, type) else type(obj)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
