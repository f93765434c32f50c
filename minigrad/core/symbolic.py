"""Numbers that torch's compiler may leave open.  Here all are known, so these are Python's own."""

import builtins
import math
from collections.abc import Iterable
from typing import NoReturn, TypeVar

Number = int | float
T = TypeVar("T")


class _Never:
    """A kind of number that is never open here: there are no objects of it."""

    def __new__(cls, *_: object) -> NoReturn:
        raise TypeError(f"{cls.__name__}: there are no open numbers here; use Python's own")


class SymInt(_Never):
    """An open int.  `isinstance(n, (int, SymInt))` is what programs ask."""


class SymFloat(_Never):
    """An open float."""


class SymBool(_Never):
    """An open bool."""


def sym_int(a: Number) -> int:
    """The number without its fraction."""
    return int(a)


def sym_float(a: Number) -> float:
    """The number as a float."""
    return float(a)


def sym_not(a: bool) -> bool:
    """The opposite."""
    return not a


def sym_max(a: Number, b: Number) -> Number:
    """The larger number; a float if one is."""
    return _like(builtins.max(a, b), a, b)


def sym_min(a: Number, b: Number) -> Number:
    """The smaller number; a float if one is."""
    return _like(builtins.min(a, b), a, b)


def _like(found: Number, a: Number, b: Number) -> Number:
    return float(found) if isinstance(a, float) or isinstance(b, float) else found


def sym_sqrt(a: Number) -> float:
    """The square root."""
    return math.sqrt(a)


def sym_sum(args: Iterable[Number]) -> Number:
    """The sum."""
    return builtins.sum(args)


def sym_ite(b: bool, t: T, f: T) -> T:
    """t if b, else f."""
    return t if b else f
