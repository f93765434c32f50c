"""Numbers that are not the same for all inputs.

A model is recorded for some inputs.  A number that is the same in all recordings is a constant of
the file.  One that differs is a `Varying`.  With dynamic axes there are recordings of three sizes,
and the file computes the number from sizes of tensors, by the simplest expression that gives all
three; without, it is an error.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from minigrad.onnx.errors import OnnxExporterError

# An expression multiplies at most so many sizes.
MOST_FACTORS = 3


class Varying(NamedTuple):
    """A number that is another one in each recording."""

    values: tuple[Any, ...]


class Source(NamedTuple):
    """A size that the file can read: of a tensor, along an axis."""

    tensor: str
    axis: int
    values: tuple[int, ...]


class Expression(NamedTuple):
    """The product of some sizes, times `times`, divided by `over`, plus `plus`."""

    factors: tuple[Source, ...]
    times: int = 1
    over: int = 1
    plus: int = 0


def merged(given: Sequence[Any]) -> Any:  # noqa: PLR0911
    """One structure for those of all recordings, with a `Varying` for each number that differs.

    Arrays stay those of the first recording.  Raises OnnxExporterError if the structures differ.
    """
    first = given[0]
    if len(given) == 1 or isinstance(first, np.ndarray):
        return first
    if isinstance(first, tuple | list):
        if len({len(each) for each in given}) > 1:
            raise OnnxExporterError("it takes more or fewer arguments for other inputs")
        parts = [merged(each) for each in zip(*given, strict=True)]
        if hasattr(first, "_fields"):
            return type(first)(*parts)
        return tuple(parts) if isinstance(first, tuple) else parts
    if isinstance(first, dict):
        return {key: merged([each[key] for each in given]) for key in first}
    if isinstance(first, slice):
        bounds = zip(*((s.start, s.stop, s.step) for s in given), strict=True)
        return slice(*map(merged, bounds))
    if all(each is first or _are_equal(each, first) for each in given):
        return first
    if isinstance(first, int | float):
        return Varying(tuple(given))
    raise OnnxExporterError(f"it takes {first!r} for one input and another value for others")


def _are_equal(a: Any, b: Any) -> bool:
    return type(a) is type(b) and (bool(a == b) or repr(a) == repr(b) == "nan")


def value_in(given: Any, recording: int) -> Any:
    """What a merged number is in one recording."""
    return given.values[recording] if isinstance(given, Varying) else given


def varies(given: Any) -> bool:
    """True if a number, or one in nested sequences, is a `Varying`."""
    if isinstance(given, Varying):
        return True
    if isinstance(given, slice):
        return varies((given.start, given.stop, given.step))
    return isinstance(given, tuple | list) and any(map(varies, given))


def expression_of(values: Sequence[int], sources: Iterable[Source]) -> Expression | None:
    """The simplest expression that has these values, or None."""
    distinct: dict[tuple[int, ...], Source] = {}
    for source in sources:
        if len(set(source.values)) > 1:
            distinct.setdefault(source.values, source)
    wanted = tuple(values)
    if wanted in distinct:
        return Expression((distinct[wanted],))
    for count in range(1, MOST_FACTORS + 1):
        for factors in combinations(distinct.values(), count):
            products = [math.prod(each) for each in zip(*(f.values for f in factors), strict=True)]
            if (ratio := _ratio(wanted, products)) is not None:
                return Expression(factors, *ratio)
    for source in distinct.values():
        shifts = {w - s for w, s in zip(wanted, source.values, strict=True)}
        if len(shifts) == 1:
            return Expression((source,), plus=shifts.pop())
    return None


def _ratio(wanted: Sequence[int], products: Sequence[int]) -> tuple[int, int] | None:
    """The factor and the divisor that turn the products into the wanted numbers, exactly."""
    if 0 in products or 0 in wanted:
        return None
    divisor = math.gcd(wanted[0], products[0])
    times, over = wanted[0] // divisor, products[0] // divisor
    fits = all(w * over == p * times for w, p in zip(wanted, products, strict=True))
    return (times, over) if fits else None
