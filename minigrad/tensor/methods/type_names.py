"""torch's names of tensors by dtype."""

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


class TensorType(type):
    """The type of `FloatTensor` and its like."""

    dtype: Dtype


def dtype_named(type_name: str) -> Dtype:
    """The dtype of "FloatTensor", "minigrad.FloatTensor" ...  Raises ValueError for other names."""
    name = type_name.rpartition(".")[2]
    if name not in TYPE_NAMES:
        raise ValueError(f"invalid type: {type_name!r}; the types are {', '.join(TYPE_NAMES)}")
    return TYPE_NAMES[name]
