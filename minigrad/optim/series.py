"""A number for each of some coming steps, to be computed with as if it were one."""

import operator
from collections.abc import Callable, Iterable, Iterator
from typing import Any


class Disagreement(Exception):  # noqa: N818  an answer, not an error
    """The first `steps` of a series answer a question alike, the next one does not."""

    def __init__(self, steps: int) -> None:
        super().__init__(f"alike in {steps} steps only")
        self.steps = steps


def _agreed(answers: Iterable[bool]) -> bool:
    given = list(answers)
    other = not given[0]
    if other in given:
        raise Disagreement(given.index(other))
    return given[0]


def _arithmetic(function: Callable[[Any, Any], Any]) -> tuple[Any, Any]:
    """The method of an operator, and its reflected one."""

    def method(self: "Series", other: Any) -> Any:
        if isinstance(other, Series):
            return Series(map(function, self.values, other.values))
        if isinstance(other, int | float):
            return Series([function(x, other) for x in self.values])
        return NotImplemented

    def reflected(self: "Series", other: Any) -> Any:
        if isinstance(other, int | float):
            return Series([function(other, x) for x in self.values])
        return NotImplemented

    return method, reflected


def _comparison(function: Callable[[Any, Any], bool]) -> Callable[..., bool]:
    def method(self: "Series", other: Any) -> bool:
        others = other.values if isinstance(other, Series) else [other] * len(self.values)
        return _agreed(map(function, self.values, others))

    return method


class Series:
    """Numbers of several steps; arithmetic is Python's, on one after another.

    A question is answered if the answer is the same for all of them, else `Disagreement` is raised.
    """

    __slots__ = ("values",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, values: Iterable[Any]) -> None:
        self.values = list(values)

    __add__, __radd__ = _arithmetic(operator.add)
    __sub__, __rsub__ = _arithmetic(operator.sub)
    __mul__, __rmul__ = _arithmetic(operator.mul)
    __truediv__, __rtruediv__ = _arithmetic(operator.truediv)
    __floordiv__, __rfloordiv__ = _arithmetic(operator.floordiv)
    __mod__, __rmod__ = _arithmetic(operator.mod)
    __pow__, __rpow__ = _arithmetic(operator.pow)
    __lt__, __le__ = _comparison(operator.lt), _comparison(operator.le)
    __gt__, __ge__ = _comparison(operator.gt), _comparison(operator.ge)
    __eq__, __ne__ = _comparison(operator.eq), _comparison(operator.ne)

    def __neg__(self) -> "Series":
        return Series([-x for x in self.values])

    def __bool__(self) -> bool:
        return _agreed(map(bool, self.values))

    def __iter__(self) -> Iterator[Any]:
        raise TypeError("a number cannot be iterated over")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **settings: Any) -> Any:
        numbers = all(isinstance(x, Series | int | float) for x in inputs)
        if method != "__call__" or settings or not numbers:
            return NotImplemented
        columns = [x.values if isinstance(x, Series) else [x] * len(self.values) for x in inputs]
        return Series(map(ufunc, *columns))
