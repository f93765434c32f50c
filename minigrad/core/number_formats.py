"""Dtypes of torch's that tensors here cannot have.

They can be named, compared and asked for their limits, as programs do that choose among dtypes:
`dtype = torch.bfloat16 if torch.cuda.is_available() else torch.float32`.  A tensor of one is
refused, with the reason and what to do.
"""

from typing import Any, NamedTuple

from minigrad.core import unsupported
from minigrad.core.dtypes import dtype


class Limits(NamedTuple):
    """What `finfo` says of a floating format."""

    eps: float
    max: float
    tiny: float
    resolution: float = 1.0
    min: float | None = None


class NumberFormat(dtype):
    """A dtype that no tensor has.  `limits` is None for those of which torch gives none."""

    __slots__ = ("limits", "reason")

    def __init__(
        self, name: str, itemsize: int, reason: str, *, signed: bool = True,
        floating: bool = False, limits: Limits | None = None,
    ) -> None:  # fmt: skip
        self.name, self.itemsize, self.reason, self.limits = name, itemsize, reason, limits
        self.is_signed, self.is_floating_point, self.is_complex = signed, floating, False

    def __getattr__(self, name: str) -> Any:
        if name == "numpy":  # which everything reads that makes a tensor
            self.refuse()
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def refuse(self) -> None:
        """Raise NotImplementedError with the reason."""
        unsupported.refuse(f"minigrad.{self.name}", self.reason)

    def __reduce__(self) -> tuple[Any, ...]:
        return named, (self.name,)


def _floating(name: str, itemsize: int, limits: Limits | None, signed: bool = True) -> NumberFormat:
    reason = unsupported.FLOAT_FORMAT
    return NumberFormat(name, itemsize, reason, signed=signed, floating=True, limits=limits)


def _quantized(name: str, itemsize: int = 1) -> NumberFormat:
    return NumberFormat(name, itemsize, unsupported.QUANTIZED, signed=not name.startswith("qu"))


def _bits(name: str, itemsize: int = 1) -> NumberFormat:
    signed = name.startswith("int")
    return NumberFormat(name, itemsize, unsupported.BITS, signed=signed)


def _unsigned(name: str, itemsize: int) -> NumberFormat:
    return NumberFormat(name, itemsize, unsupported.UNSIGNED, signed=False)


bfloat16 = _floating("bfloat16", 2, Limits(2.0**-7, (2 - 2.0**-7) * 2.0**127, 2.0**-126, 0.01))
float8_e4m3fn = _floating("float8_e4m3fn", 1, Limits(2.0**-3, 448.0, 2.0**-6))
float8_e4m3fnuz = _floating("float8_e4m3fnuz", 1, Limits(2.0**-3, 240.0, 2.0**-7))
float8_e5m2 = _floating("float8_e5m2", 1, Limits(2.0**-2, 57344.0, 2.0**-14))
float8_e5m2fnuz = _floating("float8_e5m2fnuz", 1, Limits(2.0**-3, 57344.0, 2.0**-15))
float8_e8m0fnu = _floating(
    "float8_e8m0fnu", 1, Limits(1.0, 2.0**127, 2.0**-127, min=2.0**-127), signed=False
)
float4_e2m1fn_x2 = _floating("float4_e2m1fn_x2", 1, None)

qint8, quint8, qint32 = _quantized("qint8"), _quantized("quint8"), _quantized("qint32", 4)
quint4x2, quint2x4 = _quantized("quint4x2"), _quantized("quint2x4")

bits8, bits16 = _bits("bits8"), _bits("bits16", 2)
bits1x8, bits2x4, bits4x2 = _bits("bits1x8"), _bits("bits2x4"), _bits("bits4x2")
int1, int2, int3, int4, int5, int6, int7 = (_bits(f"int{n}") for n in range(1, 8))
uint1, uint2, uint3, uint4, uint5, uint6, uint7 = (_bits(f"uint{n}") for n in range(1, 8))
bit = uint1

uint16, uint32, uint64 = _unsigned("uint16", 2), _unsigned("uint32", 4), _unsigned("uint64", 8)


def named(name: str) -> NumberFormat:
    """The format of a name; a pickle of one says it."""
    found: NumberFormat = globals()[name]
    return found
