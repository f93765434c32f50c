"""All names of torch's that have no support here: each is refused with a reason and a remedy."""

from typing import Any, NoReturn

# --- reasons --------------------------------------------------------------------------------------

COMPLEX_HALF = "NumPy does not hold this format; use complex64"
SPARSE = "minigrad has no sparse tensors; use a dense one"
NESTED = "minigrad has no nested tensors; pad, or use nn.utils.rnn.pack_sequence"
QUANTIZED = "minigrad has no quantized tensors; use float32, or int8 and a scale of your own"
FLOAT_FORMAT = "NumPy does not hold this format; use float16 or float32"
BITS = "torch has no arithmetic of parts of bytes, nor has minigrad; use int8 or uint8"
UNSIGNED = "torch can only store this type, minigrad has none; use uint8, or a wider signed type"
SHARED_MEMORY = (
    "minigrad's tensors cannot move to shared memory; pass NumPy arrays between processes"
)


def refuse(name: str, reason: str) -> NoReturn:
    """Raise NotImplementedError for a function, argument or dtype, with one of the reasons."""
    raise NotImplementedError(f"{name}: {reason}")


class Unsupported:
    """A dtype, layout, function or method without support: a call of it raises the reason."""

    __slots__ = ("name", "reason")

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason

    def __repr__(self) -> str:
        return f"minigrad.{self.name}"

    def refuse(self) -> NoReturn:
        """Raise NotImplementedError with the reason."""
        refuse(f"minigrad.{self.name}", self.reason)

    def __call__(self, *_: Any, **__: Any) -> NoReturn:
        self.refuse()


def refuse_unsupported(given: Any) -> None:
    """Raise NotImplementedError if `given` is a dtype or layout without support."""
    if isinstance(given, Unsupported):
        given.refuse()


# --- the top level --------------------------------------------------------------------------------

complex32 = chalf = Unsupported("complex32", COMPLEX_HALF)

sparse_coo_tensor = Unsupported("sparse_coo_tensor", SPARSE)
sparse_csr_tensor = Unsupported("sparse_csr_tensor", SPARSE)

quantize_per_tensor = Unsupported("quantize_per_tensor", QUANTIZED)
quantize_per_channel = Unsupported("quantize_per_channel", QUANTIZED)


class UnsupportedMethods:
    """Methods of torch's tensors without support."""

    bfloat16 = Unsupported("Tensor.bfloat16", FLOAT_FORMAT)
    chalf = Unsupported("Tensor.chalf", COMPLEX_HALF)
    to_sparse = Unsupported("Tensor.to_sparse", SPARSE)
    to_sparse_coo = Unsupported("Tensor.to_sparse_coo", SPARSE)
    to_sparse_csr = Unsupported("Tensor.to_sparse_csr", SPARSE)
    coalesce = Unsupported("Tensor.coalesce", SPARSE)
    sparse_mask = Unsupported("Tensor.sparse_mask", SPARSE)
    dequantize = Unsupported("Tensor.dequantize", QUANTIZED)
    int_repr = Unsupported("Tensor.int_repr", QUANTIZED)
    q_scale = Unsupported("Tensor.q_scale", QUANTIZED)
    q_zero_point = Unsupported("Tensor.q_zero_point", QUANTIZED)
    share_memory_ = Unsupported("Tensor.share_memory_", SHARED_MEMORY)
