"""torch's names for what minigrad leaves out: whoever asks for it is told so in words."""

from typing import Any, NoReturn


class Absent:
    """A dtype, layout or function that is not here; calling it, or asking for it, says why."""

    __slots__ = ("name", "reason")

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason

    def __repr__(self) -> str:
        return f"minigrad.{self.name}"

    def refuse(self) -> NoReturn:
        """Raise NotImplementedError with the reason."""
        raise NotImplementedError(f"minigrad.{self.name}: {self.reason}")

    def __call__(self, *_: Any, **__: Any) -> NoReturn:
        self.refuse()


def refuse_absent(given: Any) -> None:
    """Raise NotImplementedError if `given` is the name of something left out."""
    if isinstance(given, Absent):
        given.refuse()


_COMPLEX = "minigrad has no complex numbers; keep real and imaginary parts as two tensors"
_SPARSE = "minigrad has no sparse tensors; use a dense one"
_QUANTIZED = "minigrad has no quantized tensors; use float32, or int8 and a scale of your own"
_NOT_HELD = "NumPy does not hold this format; use float16 or float32"
_CHANNELS = "minigrad's tensors are laid out in the order of their dimensions; use permute"

complex32 = chalf = Absent("complex32", _COMPLEX)
complex64 = cfloat = Absent("complex64", _COMPLEX)
complex128 = cdouble = Absent("complex128", _COMPLEX)
complex = Absent("complex", _COMPLEX)
polar = Absent("polar", _COMPLEX)
view_as_complex = Absent("view_as_complex", _COMPLEX)
view_as_real = Absent("view_as_real", _COMPLEX)

bfloat16 = Absent("bfloat16", _NOT_HELD)
float8_e4m3fn = Absent("float8_e4m3fn", _NOT_HELD)
float8_e5m2 = Absent("float8_e5m2", _NOT_HELD)

sparse_coo = Absent("sparse_coo", _SPARSE)
sparse_csr = Absent("sparse_csr", _SPARSE)
sparse_csc = Absent("sparse_csc", _SPARSE)
sparse_coo_tensor = Absent("sparse_coo_tensor", _SPARSE)
sparse_csr_tensor = Absent("sparse_csr_tensor", _SPARSE)

qint8 = Absent("qint8", _QUANTIZED)
quint8 = Absent("quint8", _QUANTIZED)
qint32 = Absent("qint32", _QUANTIZED)
quantize_per_tensor = Absent("quantize_per_tensor", _QUANTIZED)
quantize_per_channel = Absent("quantize_per_channel", _QUANTIZED)

channels_last = Absent("channels_last", _CHANNELS)
