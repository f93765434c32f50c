"""The text of a tensor: torch's layout, to the character."""

import math
from typing import Any

import numpy as np


class _Options:
    precision = 4
    threshold = 1000.0
    edgeitems = 3
    linewidth = 80
    sci_mode: bool | None = None


OPTIONS = _Options()
_PROFILES = {
    "default": (4, 1000.0, 3, 80),
    "short": (2, 1000.0, 2, 80),
    "full": (4, math.inf, 3, 80),
}


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set digits, the size from which tensors are summarised, edge items, and columns.

    profile is "default", "short" or "full".  Raises ValueError for any other.
    """
    if profile is not None:
        if profile not in _PROFILES:
            raise ValueError(f"profile must be one of {sorted(_PROFILES)}, got {profile!r}")
        OPTIONS.precision, OPTIONS.threshold, OPTIONS.edgeitems, OPTIONS.linewidth = _PROFILES[
            profile
        ]
    for name, given in (
        ("precision", precision),
        ("threshold", threshold),
        ("edgeitems", edgeitems),
        ("linewidth", linewidth),
    ):
        if given is not None:
            setattr(OPTIONS, name, given)
    OPTIONS.sci_mode = sci_mode


class _Formatter:
    """Decides once, from all elements shown, how each of them is written."""

    def __init__(self, shown: np.ndarray[Any, Any]) -> None:
        self.floating = shown.dtype.kind == "f"
        self.whole = True
        self.scientific = False
        self.width = 1
        if not self.floating:
            self.width = max((len(str(v)) for v in shown.ravel().tolist()), default=1)
            return
        values = shown.ravel().astype(np.float64)
        values = values[np.isfinite(values) & (values != 0)]
        if values.size == 0:
            return
        least, most = np.abs(values).min(), np.abs(values).max()
        self.whole = bool(np.all(values == np.ceil(values)))
        self.scientific = bool(most / least > 1000.0 or most > 1e8 or least < 1e-4)
        if OPTIONS.sci_mode is not None:
            self.scientific = OPTIONS.sci_mode
        self.width = max(len(self._number(v)) for v in values.tolist())

    def _number(self, value: Any) -> str:
        if not self.floating:
            return str(value)
        if self.scientific:
            return f"{value:.{OPTIONS.precision}e}"
        if self.whole:
            return f"{value:.0f}" + ("." if math.isfinite(value) else "")
        return f"{value:.{OPTIONS.precision}f}"

    def __call__(self, value: Any) -> str:
        return self._number(value).rjust(self.width)


class _ComplexFormatter:
    """Writes complex numbers: each part as all parts of its kind are written."""

    def __init__(self, shown: np.ndarray[Any, Any]) -> None:
        self.real, self.imag = _Formatter(shown.real), _Formatter(shown.imag)
        self.width = self.real.width + self.imag.width + 1

    def __call__(self, value: complex) -> str:
        imag = self.imag(value.imag).lstrip()
        sign = "" if imag[0] in "+-" else "+"
        return f"{self.real(value.real)}{sign}{imag}j"


Formatter = _Formatter | _ComplexFormatter


def _vector(row: np.ndarray[Any, Any], indent: int, summarize: bool, write: Formatter) -> str:
    per_line = max(1, (OPTIONS.linewidth - indent) // (write.width + 2))
    edge = OPTIONS.edgeitems
    values = row.tolist()
    if summarize and not edge:
        items = ["..."]
    elif summarize and len(values) > 2 * edge:
        first, last = values[:edge], values[-edge:]
        items = [*map(write, first), " ...", *map(write, last)]
    else:
        items = list(map(write, values))
    lines = [items[i : i + per_line] for i in range(0, len(items), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(", ".join(line) for line in lines) + "]"


def _nested(array: np.ndarray[Any, Any], indent: int, summarize: bool, write: Formatter) -> str:
    if array.ndim == 0:
        return write(array.item())
    if array.ndim == 1:
        return _vector(array, indent, summarize, write)
    edge = OPTIONS.edgeitems
    if summarize and array.shape[0] > 2 * edge:
        rows = [_nested(a, indent + 1, summarize, write) for a in array[:edge]]
        rows.append("...")
        rows += [_nested(a, indent + 1, summarize, write) for a in array[-edge:]]
    else:
        rows = [_nested(a, indent + 1, summarize, write) for a in array]
    between = "," + "\n" * (array.ndim - 1) + " " * (indent + 1)
    return "[" + between.join(rows) + "]"


def _edges(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The elements that a summary shows."""
    for axis in range(array.ndim):
        edge = OPTIONS.edgeitems
        if array.shape[axis] > 2 * edge:
            size = array.shape[axis]
            shown = [*range(edge), *range(size - edge, size)]
            array = array.take(shown, axis)
    return array


def format_tensor(
    array: np.ndarray[Any, Any], prefix: str, notes: list[str], shown_dtype: str | None
) -> str:
    """`tensor([...], notes...)`; `shown_dtype` where it is not plain from the numbers."""
    indent = len(prefix)
    if array.size == 0 and array.ndim != 1:
        notes = [
            f"size={tuple(array.shape)}",
            *([f"dtype={shown_dtype}"] if shown_dtype else []),
            *notes,
        ]
        body = "[]"
    else:
        if shown_dtype:
            notes = [f"dtype={shown_dtype}", *notes]
        summarize = array.size > OPTIONS.threshold
        of = _ComplexFormatter if array.dtype.kind == "c" else _Formatter
        write: Formatter = of(_edges(array) if summarize else array)
        body = "[]" if array.size == 0 else _nested(array, indent, summarize, write)
    text = prefix + body
    column = len(text) - text.rfind("\n") + 1
    for note in notes:
        if column + len(note) + 2 > OPTIONS.linewidth:
            text += ",\n" + " " * indent + note
            column = indent + len(note)
        else:
            text += ", " + note
            column += len(note) + 2
    return text + ")"
