"""The operators of numbers that a rule's text computes with, where they are no plain ones."""

import operator
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Self


def _arithmetic(function: Callable[[Any, Any], Any]) -> tuple[Any, Any]:
    """The method of an operator, and its reflected method."""

    def method(self: "Scalar", other: Any) -> Any:
        if isinstance(other, (type(self), int, float)):
            return self._compute(function, self, other)
        return NotImplemented

    def reflected(self: "Scalar", other: Any) -> Any:
        if isinstance(other, int | float):
            return self._compute(function, other, self)
        return NotImplemented

    return method, reflected


def _comparison(function: Callable[[Any, Any], bool]) -> Any:
    def method(self: "Scalar", other: Any) -> Any:
        if isinstance(other, (type(self), int, float)):
            return self._answer(function, self, other)
        return NotImplemented

    return method


class Scalar(ABC):
    """A number that follows from settings and the step count, where it is no plain number.

    A subclass says how a function of such numbers and plain ones is computed, and how a question
    about them is answered.
    """

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]  # equality is a question like others

    @abstractmethod
    def _compute(self, function: Callable[..., Any], *operands: Any) -> Self: ...

    @abstractmethod
    def _answer(self, function: Callable[..., Any], *operands: Any) -> bool: ...

    @abstractmethod
    def is_factor(self, largest: float) -> bool:
        """True if its size, and that of its reciprocal, is at most `largest` in each step."""

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

    def __neg__(self) -> Self:
        return self._compute(operator.neg, self)

    def __abs__(self) -> Self:
        return self._compute(abs, self)

    def __bool__(self) -> bool:
        return self._answer(bool, self)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **settings: Any) -> Any:
        are_numbers = all(isinstance(x, (type(self), int, float)) for x in inputs)
        if method != "__call__" or settings or not are_numbers:
            return NotImplemented
        return self._compute(ufunc, *inputs)
