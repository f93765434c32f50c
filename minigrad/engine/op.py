"""Declarations of operations: forward, derivative and gradient-check samples stand together.

    @op(vjp=(lambda g, out, a, b: g @ b.mT,
             lambda g, out, a, b: a.mT @ g),
        degree=1,
        samples=[sample(arr.of(5, 3), arr.of(3, 4))])
    def matmul(a, b):
        return kernels.matmul(a, b)

Positional parameters of the forward are arrays, keyword-only ones are settings.  The declared
function takes Values and gives a Value, and is recorded in the graph.  A rule takes
`(g, out, *inputs, **settings)` as Values, is written with operations on Values, and says nothing
about broadcasting or about saving: what it reads of its arguments is what the graph keeps.
It returns `g`, a view of `g` or a new value, never one of its inputs.
"""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar, overload

from minigrad.core.types import Number
from minigrad.engine.dispatch import recorded
from minigrad.engine.graph import Node, V, Value
from minigrad.engine.old_forms import in_current_form, matching
from minigrad.engine.operands import advice_on
from minigrad.engine.operation import Declaration, Op, Rule, Sample, arr, in_torch_names, sample
from minigrad.engine.out_argument import call_into
from minigrad.engine.overrides import SWITCH, ask, mark_asking, named_kind, overriding

__all__ = [
    "Op",
    "Operation",
    "Sample",
    "arr",
    "composed",
    "elementwise",
    "label_node",
    "labelled",
    "op",
    "pointwise",
    "require_tensors",
    "sample",
]

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")
K = TypeVar("K")
K_co = TypeVar("K_co", covariant=True)


class HasKind(Protocol[K_co]):
    """A value whose operations give results of the type `kind`."""

    @property
    def kind(self) -> type[K_co]: ...


class Operation(Protocol):
    """The callable that `@op` makes: its result has the type of its first tensor."""

    op: "Op"
    __name__: str

    @overload
    def __call__(self, tensor: V, /, *args: Any, **settings: Any) -> V: ...
    @overload
    def __call__(self, number: Number, tensor: V, /, *args: Any, **settings: Any) -> V: ...
    @overload
    def __get__(self, instance: None, owner: Any) -> "Operation": ...
    @overload
    def __get__(self, instance: HasKind[K], owner: Any) -> Callable[..., K]: ...


def op(
    *,
    vjp: Sequence[Rule | None] | Rule | None,
    node: str | Callable[[Node], str] | None = None,
    array_vjp: Sequence[Rule] = (),
    samples: Sequence[Sample] = (),
    degree: int | None = None,
    broadcasts: bool = False,
    promotes: bool = False,
    floats: bool = False,
    views: bool = False,
    tensors_at: Sequence[int] = (),
    accumulates: bool = False,
    symmetric: bool = False,
    add_part: Callable[..., None] | None = None,
    takes_complex: bool = False,
) -> Callable[[Callable[..., Any]], Operation]:
    """Declare an operation.

    vjp: one rule per tensor argument (None where there is no derivative); or, where the cotangents
        share work, one function that is also given `wanted` (positions) and returns all of them;
        or None if the operation has no derivative.
    node: torch's name of the operation's node in the graph, "MmBackward0"; or, where it depends
        on settings or inputs, a function of the node.  By default made from the forward's name.
    array_vjp: the same rules over arrays, for operations that are used very much: taken where the
        gradient is not itself recorded, they spare what recorded operations cost.
    samples: inputs for the gradient check.
    degree: 1 if the operation is linear in each argument: the check may then take an exact step.
    broadcasts: arguments broadcast against each other.
    promotes: tensor arguments are brought to their common dtype.
    floats: integer arguments become floating first.
    views: the result may share the memory of the first argument.
    tensors_at: positions at which a number is refused, as torch has it.
    accumulates: float16 arguments are computed in float32, and the result is rounded once.
    symmetric: the Jacobian for each argument is symmetric, as that of elementwise operations: then
        the rule for cotangents is the rule for tangents.
    add_part: where the result is a part of its one argument, a function that adds the cotangent's
        array into that of the argument, in place, given the settings.  Parts after the first then
        cost what they hold, and no array of the argument's size.
    takes_complex: complex tensors are taken as they are, or made; see also `complex_form`.

    A forward that returns a tuple gives its first item as the result; the others are by-products
    (saved statistics, indices) that carry no gradient, and rules get them as `out`.
    """
    declaration = Declaration(
        broadcasts=broadcasts, promotes=promotes, floats=floats, views=views,
        tensors_at=frozenset(tensors_at), accumulates=accumulates, symmetric=symmetric,
        takes_complex=takes_complex,
    )  # fmt: skip

    def declare(forward: Callable[..., Any]) -> Operation:
        operation = Op(forward, vjp, samples, degree, array_vjp, node, declaration)
        call = recorded(operation)
        functools.update_wrapper(call, forward)
        call.op = operation  # type: ignore[attr-defined]
        operation.public = call
        operation.add_part = add_part
        return call  # type: ignore[return-value]

    return declare


# Operations on one element at a time; `elementwise` of operands that broadcast.
pointwise = functools.partial(op, symmetric=True)
elementwise = functools.partial(pointwise, broadcasts=True, promotes=True)


@overload
def composed(function: F, /) -> F: ...
@overload
def composed(*, node: str = "", old_forms: Sequence[str] = ()) -> Callable[[F], F]: ...
def composed(
    function: Callable[..., Any] | None = None,
    /,
    *,
    node: str = "",
    old_forms: Sequence[str] = (),
) -> Any:
    """Declare a function of tensors that is made of operations.

    node: torch's name of the result's node, where torch has one node for the whole function.
    old_forms: the arguments of calls that torch takes still, "beta input mat1 mat2", with a
        warning.

    It takes `out`, NumPy's names for dim and keepdim, and is refused operands that are no tensors:
    its positional parameters that are annotated as tensors and have no default.  All are looked
    into when the function has failed, so that calls that succeed pay next to nothing.
    """
    if function is None:
        return lambda function: _composed(labelled(node)(function) if node else function, old_forms)
    return _composed(function, old_forms)


def _composed(operation: Callable[..., Any], old_forms: Sequence[str]) -> Callable[..., Any]:
    name = operation.__name__.rstrip("_")

    @functools.wraps(operation)
    def call(*args: Any, **settings: Any) -> Any:
        if SWITCH.on and (asked := overriding(args, settings)):
            return ask(call, asked, args, settings)
        try:
            return operation(*args, **settings)
        except AttributeError:
            if asked := overriding(args, settings):
                return ask(call, asked, args, settings)
            _require_tensors(name, inspect.signature(operation), args, settings)
            raise
        except TypeError:
            if asked := overriding(args, settings):
                return ask(call, asked, args, settings)
            parameters = inspect.signature(operation).parameters
            form = matching(old_forms, args)
            if form is None and settings.keys() <= parameters.keys():
                raise
        if form is not None:
            args, settings = in_current_form(name, form, args, settings)
        if "out" in settings and "out" not in parameters:
            return call_into(call, name, args, settings)
        return operation(*args, **in_torch_names(name, settings, parameters.keys()))

    mark_asking(call)
    return call


def labelled(node: str) -> Callable[[F], F]:
    """Decorate a function of tensors: the node of its result gets this name, torch's."""

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def call(*args: Any, **settings: Any) -> Any:
            return label_node(function(*args, **settings), node, args)

        return call  # type: ignore[return-value]

    return decorate


def label_node(result: T, name: str, args: Sequence[Any] = ()) -> T:
    """Give the nodes of a result torch's name; a result that is one of `args` keeps its own."""
    for value in result if isinstance(result, tuple) else (result,):
        if isinstance(value, Value) and value.node and not any(value is arg for arg in args):
            value.node.label = name
    return result


def require_tensors(name: str, **operands: Any) -> None:
    """Raise TypeError unless all the named operands, in their order, are tensors."""
    for position, (operand, given) in enumerate(operands.items()):
        if not isinstance(given, Value):
            raise TypeError(
                f"{name}(): argument '{operand}' (position {position + 1}) must be Tensor, not "
                f"{named_kind(given)}{advice_on(given)}"
            ) from None


def _require_tensors(
    name: str,
    signature: inspect.Signature,
    args: Sequence[Any],
    settings: Mapping[str, Any],
) -> None:
    """Raise torch's TypeError for the first operand that is given, and no tensor."""
    for position, p in enumerate(signature.parameters.values()):
        if p.kind is p.POSITIONAL_OR_KEYWORD and p.default is p.empty and _is_tensor(p.annotation):
            given = args[position] if position < len(args) else settings.get(p.name)
            if not isinstance(given, Value):
                raise TypeError(
                    f"{name}(): argument '{p.name}' (position {position + 1}) must be Tensor, not "
                    f"{named_kind(given)}{advice_on(given)}"
                ) from None


def _is_tensor(annotation: Any) -> bool:
    """True if an annotation says that a parameter is a tensor."""
    return annotation is V or (isinstance(annotation, type) and issubclass(annotation, Value))
