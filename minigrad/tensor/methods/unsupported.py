"""What torch's tensors do and these do not: each says why, and what to do instead."""

from collections.abc import Callable
from typing import Any, NoReturn

from minigrad.tensor.methods.array import ArrayValue

_COMPLEX = "minigrad has no complex numbers"
_SPARSE = "minigrad has no sparse tensors"
_QUANTIZED = "minigrad has no quantized tensors"
_BFLOAT = "minigrad has no bfloat16, which NumPy does not hold; use half() or float()"
_RESIZE = "minigrad's tensors do not change their memory; use reshape, or new_empty and copy_"
_SHARE = "minigrad's tensors cannot move to shared memory; pass NumPy arrays between processes"


def _refused(name: str, reason: str) -> Callable[..., NoReturn]:
    def method(self: Any, *_: Any, **__: Any) -> NoReturn:
        raise NotImplementedError(f"Tensor.{name}: {reason}")

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"Raises NotImplementedError: {reason}."
    return method


class RefusedMethods(ArrayValue):
    """Methods that raise NotImplementedError with the reason."""

    bfloat16 = _refused("bfloat16", _BFLOAT)
    cfloat = _refused("cfloat", _COMPLEX)
    cdouble = _refused("cdouble", _COMPLEX)
    chalf = _refused("chalf", _COMPLEX)
    to_sparse = _refused("to_sparse", _SPARSE)
    to_sparse_coo = _refused("to_sparse_coo", _SPARSE)
    to_sparse_csr = _refused("to_sparse_csr", _SPARSE)
    coalesce = _refused("coalesce", _SPARSE)
    sparse_mask = _refused("sparse_mask", _SPARSE)
    dequantize = _refused("dequantize", _QUANTIZED)
    int_repr = _refused("int_repr", _QUANTIZED)
    q_scale = _refused("q_scale", _QUANTIZED)
    q_zero_point = _refused("q_zero_point", _QUANTIZED)
    resize_ = _refused("resize_", _RESIZE)
    resize_as_ = _refused("resize_as_", _RESIZE)
    set_ = _refused("set_", _RESIZE)
    untyped_storage = _refused("untyped_storage", _RESIZE)
    share_memory_ = _refused("share_memory_", _SHARE)
