"""Element types under torch's names, and torch's promotion: scalars and 0-d tensors are weak."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad.core.unsupported import refuse_unsupported


class dtype:  # noqa: N801  torch's name
    """An element type: `minigrad.float32` and its like, one object for each."""

    __slots__ = ("is_complex", "is_floating_point", "is_signed", "itemsize", "name", "numpy")

    def __init__(self, name: str) -> None:
        self.name = name
        self.numpy = np.dtype(name)
        self.itemsize = self.numpy.itemsize
        self.is_floating_point = self.numpy.kind == "f"
        self.is_complex = self.numpy.kind == "c"
        self.is_signed = self.numpy.kind in "cfi"

    def to_complex(self) -> "dtype":
        """The complex dtype whose parts have this dtype; complex64 for float16 and integers."""
        return complex128 if self.name in ("float64", "complex128") else complex64

    def to_real(self) -> "dtype":
        """The dtype of the parts of a complex dtype; any other dtype itself."""
        return {"complex64": float32, "complex128": float64}.get(self.name, self)

    def __repr__(self) -> str:
        return f"minigrad.{self.name}"

    def __reduce__(self) -> tuple[Any, ...]:
        return of_numpy, (self.name,)


float16, float32, float64 = dtype("float16"), dtype("float32"), dtype("float64")
int8, int16, int32, int64 = dtype("int8"), dtype("int16"), dtype("int32"), dtype("int64")
uint8, bool_ = dtype("uint8"), dtype("bool")
complex64, complex128 = dtype("complex64"), dtype("complex128")
cfloat, cdouble = complex64, complex128
half, float_, double = float16, float32, float64
short, int_, long = int16, int32, int64

_BY_NUMPY = {
    d.numpy: d
    for d in (float16, float32, float64, int8, int16, int32, int64, uint8, bool_,
              complex64, complex128)
}  # fmt: skip
_default = float32


def of_numpy(given: Any) -> dtype:
    """The dtype of a NumPy array's elements.  Raises TypeError for those minigrad does not hold."""
    try:
        return _BY_NUMPY[np.dtype(given)]
    except (KeyError, TypeError):
        raise _cannot_hold(given) from None


def _cannot_hold(given: Any) -> Exception:
    """The error for elements that minigrad does not hold, or not in their byte order."""
    try:
        found = np.dtype(given)
    except TypeError:
        found = None
    if found is not None and found.newbyteorder("=") in _BY_NUMPY:
        return ValueError(
            f"given numpy array has byte order different from the native byte order ({found}). "
            f"Conversion between byte orders is currently not supported; use x.astype("
            f"{found.name!r})"
        )
    known = ", ".join(d.name for d in _BY_NUMPY.values())
    name = f"numpy.{found.type.__name__}" if found is not None else repr(given)
    return TypeError(
        f"can't convert np.ndarray of type {name}: cannot hold elements of type {given}; the "
        f"supported types are: {known}"
    )


def to_numpy(given: Any) -> np.dtype[Any]:
    """NumPy's name for a dtype given in torch's way: `minigrad.float32`, `float`, `int`, `bool`."""
    if isinstance(given, dtype):
        return given.numpy
    if given is float:
        return _default.numpy
    if given is int:
        return int64.numpy
    if given is bool:
        return bool_.numpy
    if isinstance(given, np.dtype) or (isinstance(given, type) and issubclass(given, np.generic)):
        return of_numpy(given).numpy
    if given is complex:
        return _default.to_complex().numpy
    refuse_unsupported(given)
    raise TypeError(f"dtype must be a minigrad.dtype such as minigrad.float32, not {given!r}")


def get_default_dtype() -> dtype:
    """The floating dtype of new tensors and of integer tensors turned floating."""
    return _default


def set_default_dtype(d: dtype) -> None:
    """Make `d` the floating dtype of new tensors.  Raises TypeError unless it is floating."""
    global _default  # noqa: PLW0603  torch's process-wide setting
    if not (isinstance(d, dtype) and d.is_floating_point):
        raise TypeError(f"the default dtype must be a floating dtype, got {d!r}")
    to_numpy(d)  # which refuses a format that no tensor has
    _default = d


def default_numpy() -> np.dtype[Any]:
    """NumPy's name for the default dtype."""
    return _default.numpy


_CATEGORY = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}
_TORCH_NAMES = {
    "float16": "Half", "float32": "Float", "float64": "Double", "int8": "Char", "int16": "Short",
    "int32": "Int", "int64": "Long", "uint8": "Byte", "bool": "Bool",
    "complex64": "ComplexFloat", "complex128": "ComplexDouble",
}  # fmt: skip


def torch_name(given: np.dtype[Any]) -> str:
    """The name that torch's messages have for a dtype: "Float", "Long"."""
    return _TORCH_NAMES[given.name]


def castable(given: np.dtype[Any], wanted: np.dtype[Any]) -> bool:
    """True if a result may be stored in another dtype: not floats in integers, say."""
    return _CATEGORY[given.kind] <= _CATEGORY[wanted.kind]


def held_by(given: np.dtype[Any], number: Any) -> Any:
    """A number that is to be written into an array of this dtype.

    Integers lose what stands behind the point, and negative ones count down from the largest where
    there is no sign.  Raises RuntimeError for a number that the dtype cannot hold: too large,
    not finite in integers, with an imaginary part outside complex ones.
    """
    if given.kind in "cb":
        return number
    real = number.real if isinstance(number, complex) and number.imag == 0 else number
    if given.kind == "f" and isinstance(real, float | int):
        if not math.isfinite(real) or abs(real) <= float(np.finfo(given).max):
            return real
    elif isinstance(real, float | int) and math.isfinite(real):
        limits = np.iinfo(given)
        whole, least = int(real), limits.min or -limits.max
        if least <= whole <= limits.max:
            return whole % (limits.max + 1) if limits.min == 0 else whole
    raise RuntimeError(
        f"value cannot be converted to type {torch_name(given)} without overflow: {number}"
    )


def _of_scalar(scalar: bool | int | float | complex) -> np.dtype[Any]:
    if isinstance(scalar, bool):
        return bool_.numpy
    if isinstance(scalar, complex):
        return _default.to_complex().numpy
    return int64.numpy if isinstance(scalar, int) else _default.numpy


def _promote(dtypes: Iterable[np.dtype[Any]]) -> np.dtype[Any] | None:
    result = None
    for d in dtypes:
        if result is None or result == d:
            result = d
        elif _CATEGORY[result.kind] == _CATEGORY[d.kind] or {result.kind, d.kind} == {"c", "f"}:
            result = np.promote_types(result, d)
        else:  # torch: a float meets an integer and stays as it is; NumPy would widen it
            result = max(result, d, key=lambda e: _CATEGORY[e.kind])
    return result


def result_type(*operands: Any) -> np.dtype[Any]:
    """The dtype in which arrays and Python scalars meet.

    Arrays with dimensions decide; a 0-d array, and after it a Python scalar, counts only if its
    category (bool < integer < floating < complex) is higher than what has been decided so far.
    A complex number makes a floating dtype complex, with parts of that dtype.
    """
    shaped = _promote(a.dtype for a in operands if isinstance(a, np.ndarray) and a.ndim)
    zero_d = _promote(a.dtype for a in operands if isinstance(a, np.ndarray) and not a.ndim)
    scalars = _promote(_of_scalar(a) for a in operands if not isinstance(a, np.ndarray))
    result = None
    for level in (shaped, zero_d, scalars):
        if level is not None and (result is None or _CATEGORY[level.kind] > _CATEGORY[result.kind]):
            parts_stay = result is not None and result.kind == "f" and level.kind == "c"
            result = of_numpy(result).to_complex().numpy if parts_stay else level
    if result is None:
        raise TypeError("result_type needs at least one array or number")
    return result
