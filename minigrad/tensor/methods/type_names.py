"""torch's names of tensors by dtype."""

from typing import Any

from minigrad.core import dtypes
from minigrad.core.dtypes import dtype as Dtype

TYPE_NAMES = {
    "HalfTensor": dtypes.float16,
    "FloatTensor": dtypes.float32,
    "DoubleTensor": dtypes.float64,
    "CharTensor": dtypes.int8,
    "ShortTensor": dtypes.int16,
    "IntTensor": dtypes.int32,
    "LongTensor": dtypes.int64,
    "ByteTensor": dtypes.uint8,
    "BoolTensor": dtypes.bool_,
    "ComplexFloatTensor": dtypes.complex64,
    "ComplexDoubleTensor": dtypes.complex128,
}
NAMES = {dtype: name for name, dtype in TYPE_NAMES.items()}


class NamedType(type):
    """The type of a type that is named by a dtype, `FloatTensor` or `cuda.FloatTensor`."""

    dtype: Dtype

    def __repr__(cls) -> str:
        return f"<class '{cls.__module__}.{cls.__name__}'>"


class TensorType(NamedType):
    """The type of `FloatTensor` and its like, of which there are tensors."""


def tensor_type(kind: type[NamedType], module: str, name: str, words: str) -> Any:
    """The type of this name, as of a module, of the given kind; `words` say what it is for."""
    body = {
        "__module__": module,
        "__doc__": f"Tensors of {TYPE_NAMES[name]}{words}",
        "dtype": TYPE_NAMES[name],
        "is_cuda": module == "minigrad.cuda",
    }
    return kind(name, (), body)


def dtype_named(type_name: str) -> Dtype:
    """The dtype of "FloatTensor", "minigrad.FloatTensor" ...  Raises ValueError for other names."""
    name = type_name.rpartition(".")[2]
    if name not in TYPE_NAMES:
        raise ValueError(f"invalid type: {type_name!r}; the types are {', '.join(TYPE_NAMES)}")
    return TYPE_NAMES[name]
