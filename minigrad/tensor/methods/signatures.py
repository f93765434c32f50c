"""Signatures of methods, for type checkers and editors; at run time nothing is added to a call.

An operation becomes a method with the parameters that a family of operations shares,
`exp = unary(ops.exp)`, or with its own, `gather = method(ops.gather)`.  Its result is of the type
`kind`, as at run time: a Tensor also where the method is a Parameter's.
"""

from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, overload

from minigrad.core.types import Dim, DTypeLike, Number
from minigrad.engine.graph import Value
from minigrad.engine.op import HasKind
from minigrad.ops.results import ValuesAndIndices

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

Operand = Value | Number
"""The other side of an operation: a tensor, or a number."""


class Method(Protocol[P]):
    """A function of a tensor and P that gives a tensor; on an instance, of P alone."""

    __name__: str

    def __call__(self, input: Any, /, *args: P.args, **settings: P.kwargs) -> Any: ...
    @overload
    def __get__(self, instance: None, owner: Any) -> "Method[P]": ...
    @overload
    def __get__(self, instance: HasKind[T], owner: Any) -> Callable[P, T]: ...


def method(function: Callable[Concatenate[Any, P], Any]) -> Method[P]:
    """The function as a method that gives a Tensor, with the parameters it has."""
    return function


def signature(
    example: Callable[Concatenate[Any, P], Any],
) -> Callable[[Callable[..., Any]], Method[P]]:
    """Make of `example` a function that takes an operation for a method of the same parameters."""

    def with_parameters(operation: Callable[..., Any]) -> Method[P]:
        return operation

    return with_parameters


@signature
def unary(x: Value) -> None:
    """`x.exp()`."""


@signature
def binary(x: Value, other: Operand) -> None:
    """`x.mul(other)`, `x * other`."""


@signature
def scaled(x: Value, other: Operand, *, alpha: Number = 1) -> None:
    """`x.add(other, alpha=2)`: x + alpha * other."""


@signature
def power(x: Value, exponent: Operand) -> None:
    """`x.pow(exponent)`."""


@signature
def bounds(x: Value, min: Operand | None = None, max: Operand | None = None) -> None:
    """`x.clamp(min, max)`."""


@signature
def reduction(x: Value, dim: Dim = None, keepdim: bool = False) -> None:
    """`x.amax(dim, keepdim)`; without `dim` over all elements."""


@signature
def summation(x: Value, dim: Dim = None, keepdim: bool = False, *, dtype: DTypeLike = None) -> None:
    """`x.sum(dim, keepdim, dtype=...)`; without `dim` over all elements."""


@signature
def cumulation(x: Value, dim: int, *, dtype: DTypeLike = None) -> None:
    """`x.cumsum(dim, dtype=...)`."""


@signature
def normalization(x: Value, dim: int, dtype: DTypeLike = None) -> None:
    """`x.softmax(dim)`."""


@signature
def along(x: Value, dim: int) -> None:
    """`x.unsqueeze(dim)`."""


@signature
def along_any(x: Value, dim: Dim = None) -> None:
    """`x.squeeze(dim)`; without `dim` over all dimensions."""


@signature
def between(x: Value, dim0: int, dim1: int) -> None:
    """`x.transpose(dim0, dim1)`."""


@signature
def triangle(x: Value, diagonal: int = 0) -> None:
    """`x.tril(diagonal)`."""


@signature
def rounding(x: Value, *, decimals: int = 0) -> None:
    """`x.round(decimals=2)`."""


class TensorProperty(Protocol):
    """A property that is a Tensor, as in `Method`."""

    @overload
    def __get__(self, instance: None, owner: Any) -> "TensorProperty": ...
    @overload
    def __get__(self, instance: HasKind[T], owner: Any) -> T: ...


def tensor_property(function: Callable[[Any], Any]) -> TensorProperty:
    """The function as a property that is a Tensor."""
    return property(function)


def tensor_part(function: Callable[[Any], Any]) -> TensorProperty:
    """The function as a property that is a view; what is assigned to it is written there."""

    def write(tensor: Any, new: Any) -> None:
        function(tensor)[...] = new

    return property(function, write)


class TupleMethod(Protocol[P]):
    """As `Method`, of functions that give several tensors."""

    def __call__(self, input: Any, /, *args: P.args, **settings: P.kwargs) -> Any: ...
    @overload
    def __get__(self, instance: None, owner: Any) -> "TupleMethod[P]": ...
    @overload
    def __get__(self, instance: HasKind[T], owner: Any) -> Callable[P, tuple[T, ...]]: ...


def tuple_method(function: Callable[Concatenate[Any, P], Any]) -> TupleMethod[P]:
    """The function as a method that gives a tuple of Tensors, with the parameters it has."""
    return function


class _Extremum(Protocol[T_co]):
    @overload
    def __call__(self) -> T_co: ...
    @overload
    def __call__(self, dim: int, keepdim: bool = False) -> ValuesAndIndices[T_co]: ...
    @overload
    def __call__(self, other: Value) -> T_co: ...


class Extremum(Protocol):
    """`x.max()`, `x.max(dim, keepdim)` with positions, `x.max(other)`."""

    def __call__(self, input: Any, /, *args: Any, **settings: Any) -> Any: ...
    @overload
    def __get__(self, instance: None, owner: Any) -> "Extremum": ...
    @overload
    def __get__(self, instance: HasKind[T], owner: Any) -> _Extremum[T]: ...


class _Middle(Protocol[T_co]):
    @overload
    def __call__(self) -> T_co: ...
    @overload
    def __call__(self, dim: int, keepdim: bool = False) -> ValuesAndIndices[T_co]: ...


class Middle(Protocol):
    """`x.median()`, and `x.median(dim, keepdim)` with positions."""

    def __call__(self, input: Any, /, *args: Any, **settings: Any) -> Any: ...
    @overload
    def __get__(self, instance: None, owner: Any) -> "Middle": ...
    @overload
    def __get__(self, instance: HasKind[T], owner: Any) -> _Middle[T]: ...
