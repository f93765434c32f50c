"""How an operation is declared: forward, derivative and gradient-check samples stand together.

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

import numpy as np

from minigrad import dtypes
from minigrad.declaration import Op, Rule, Sample, arr, in_torch_names, sample
from minigrad.graph import Meta, Node, Value, wrap
from minigrad.modes import mode

__all__ = ["Op", "Operation", "Sample", "arr", "composed", "elementwise", "op", "sample"]

V = TypeVar("V")
F = TypeVar("F", bound=Callable[..., Any])

# Looked up at every operation.
_ndarray = np.ndarray
_new = object.__new__


class Operation(Protocol):
    """The callable that `@op` makes: its result has the type of its first tensor."""

    op: "Op"
    __name__: str

    def __call__(self, tensor: V, /, *args: Any, **settings: Any) -> V: ...
    @overload
    def __get__(self, instance: None, owner: Any) -> "Operation": ...
    @overload
    def __get__(self, instance: V, owner: Any) -> Callable[..., V]: ...


def op(
    *,
    vjp: Sequence[Rule | None] | Rule | None,
    direct: Sequence[Rule] = (),
    samples: Sequence[Sample] = (),
    degree: int | None = None,
    broadcasts: bool = False,
    promotes: bool = False,
    floats: bool = False,
    views: bool = False,
) -> Callable[[Callable[..., Any]], Operation]:
    """Declare an operation.

    vjp: one rule per tensor argument (None where there is no derivative); or, where the cotangents
        share work, one function that is also given `wanted` (positions) and returns all of them;
        or None if the operation has no derivative.
    direct: the same rules over arrays, for operations that are used very much: taken where the
        gradient is not itself recorded, they spare what recorded operations cost.
    samples: inputs for the gradient check.
    degree: 1 if the operation is linear in each argument: the check may then take an exact step.
    broadcasts: arguments broadcast against each other.
    promotes: tensor arguments are brought to their common dtype.
    floats: integer arguments become floating first.
    views: the result may share the memory of the first argument.

    A forward that returns a tuple gives its first item as the result; the others are by-products
    (saved statistics, indices) that carry no gradient, and rules get them as `out`.
    """

    def declare(forward: Callable[..., Any]) -> Operation:
        operation = Op(forward, vjp, samples, degree, direct)
        prepare = functools.partial(_meet, floats=floats) if promotes or floats else None
        call = _recorded(operation, prepare, broadcasts, views)
        functools.update_wrapper(call, forward)
        call.op = operation  # type: ignore[attr-defined]
        return call  # type: ignore[return-value]

    return declare


elementwise = functools.partial(op, broadcasts=True, promotes=True)


def composed(function: F) -> F:
    """Declare a function of tensors that is made of operations.

    It takes NumPy's names for dim and keepdim, and is refused operands that are no tensors: its
    positional parameters that are annotated `Any` and have no default.  Both are looked into when
    the function has failed, so that they cost the calls that succeed next to nothing.
    """
    name = function.__name__.rstrip("_")
    parameters = inspect.signature(function).parameters
    operands = {
        p.name: position
        for position, p in enumerate(parameters.values())
        if p.kind is p.POSITIONAL_OR_KEYWORD and p.default is p.empty and p.annotation is Any
    }

    @functools.wraps(function)
    def call(*args: Any, **settings: Any) -> Any:
        try:
            return function(*args, **settings)
        except AttributeError:
            _require_tensors(name, operands, args, settings)
            raise
        except TypeError:
            if settings.keys() <= parameters.keys():
                raise
            settings = in_torch_names(name, settings, parameters.keys())
        return function(*args, **settings)

    return call  # type: ignore[return-value]


def _require_tensors(
    name: str, operands: Mapping[str, int], args: Sequence[Any], settings: Mapping[str, Any]
) -> None:
    """Raise torch's TypeError for the first operand that is given, and no tensor."""
    for operand, position in operands.items():
        given = args[position] if position < len(args) else settings.get(operand)
        if not isinstance(given, Value):
            raise TypeError(
                f"{name}(): argument '{operand}' (position {position + 1}) must be Tensor, not "
                f"{type(given).__name__}"
            ) from None


def _recorded(  # noqa: PLR0915  one function, as calls cost more than statements
    operation: Op, prepare: Callable[..., Any] | None, broadcasts: bool, views: bool
) -> Callable[..., Any]:
    """The function that users call.  It is on the path of every operation, so it is lean."""
    forward = operation.forward
    arity = -1 if operation.variadic else len(operation.tensors)
    names = frozenset(operation.settings)
    derivable = _derivable(operation)

    def call(*args: Any, **settings: Any) -> Any:  # noqa: PLR0912
        if len(args) != arity or (settings and not names.issuperset(settings)):
            args, settings = operation.arrange(args, settings)
        recording = mode.grad
        kind = None
        suspect = False
        needs: tuple[int, ...] = ()
        arrays = []
        for position, arg in enumerate(args):
            if isinstance(arg, Value):
                if kind is None:
                    kind = arg.kind
                if recording:
                    if arg._suspect:
                        suspect = True
                        arg.catch_up()
                    if arg._requires_grad:
                        needs += (position,)
                arrays.append(arg.array)
            else:
                arrays.append(arg if type(arg) in _PLAIN else _plain(operation, position, arg))
        if kind is None:
            raise _not_a_tensor(operation, args)
        if prepare is not None:
            met = prepare(arrays)
            if met is not None:
                return call(*_cast(args, met), **settings)
        try:
            array = mode.quietly(forward, *arrays, **settings)
        except ValueError:
            if broadcasts:
                _refuse_mismatch(operation, arrays)
            raise
        except MemoryError as error:
            raise RuntimeError(f"not enough memory for {operation.name}(): {error}") from None
        byproducts = None
        if type(array) is not _ndarray:
            array, byproducts = _unpacked(array, kind)
        out = _new(kind)
        out.array = array
        if views:
            _alias(out, args[0], recording)
        if needs and derivable is not None:
            needs = tuple([i for i in needs if i in derivable])
        if suspect:
            _refuse_inference(operation, args, needs)
        if needs:
            _record(operation, broadcasts, out, args, needs, settings, byproducts)
        elif not recording and mode.inference:
            out.mark_inference()
        return out if byproducts is None else (out, *byproducts)

    return call


def _unpacked(result: Any, kind: type[Value]) -> tuple[Any, list[Value] | None]:
    """The array that a forward gave, and its by-products if there are any."""
    if type(result) is not tuple:
        return np.asarray(result), None
    first, *others = result
    return np.asarray(first), [wrap(kind, np.asarray(other)) for other in others]


def _record(  # noqa: PLR0912
    operation: Op,
    broadcasts: bool,
    out: Value,
    args: tuple[Any, ...],
    needs: tuple[int, ...],
    settings: Mapping[str, Any],
    byproducts: list[Value] | None,
) -> None:
    array = out.array
    if array.dtype.kind != "f":  # a cast to integers: nothing can flow back
        return
    kept = operation.keeps(needs, len(args))
    inputs = args
    if kept.nothing or kept.metas:
        reduced = list(args)
        for i in kept.nothing:
            if isinstance(args[i], Value):
                reduced[i] = None
        for i in kept.metas:
            if isinstance(args[i], Value):
                reduced[i] = Meta(args[i])
        inputs = tuple(reduced)
    edges = tuple([args[i] if args[i].node is None else args[i].node for i in needs])
    if operation.defaults:
        settings = {**operation.defaults, **settings}
    node = Node(operation, needs, edges, inputs, settings)
    if kept.output:
        node.keeps_values = True
        if byproducts is None:
            node.out = (array, out.kind)
            node.out_storage = out.storage()
        else:
            node.out = byproducts
    elif kept.values:
        node.keeps_values = True
    if broadcasts:
        shape = array.shape
        for i in needs:
            if args[i].array.shape != shape:
                node.shapes = tuple([args[j].array.shape for j in needs])
                break
    out.node = node
    out._requires_grad = True


def _refuse_inference(operation: Op, args: tuple[Any, ...], needs: tuple[int, ...]) -> None:
    """Raise RuntimeError if a tensor made in inference mode would have to be kept."""
    for i in operation.keeps(needs, len(args)).values if needs else ():
        if isinstance(args[i], Value) and args[i]._is_inference:
            raise RuntimeError(
                f"Inference tensors cannot be saved for backward by {operation.name}(): make the "
                f"tensor outside inference_mode, or clone() it"
            )


def _derivable(operation: Op) -> frozenset[int] | None:
    """Positions that have a rule; None if all have."""
    if operation.vjp is None:
        return frozenset()
    if callable(operation.vjp) or all(rule is not None for rule in operation.vjp):
        return None
    return frozenset(i for i, rule in enumerate(operation.vjp) if rule is not None)


def _alias(out: Value, base: Value, recording: bool) -> None:
    """Make `out` a view of `base` if it shares its memory."""
    array = out.array
    if array is base.array or (array.base is not None and np.may_share_memory(array, base.array)):
        out._storage = base.storage()
        out._is_inference = base._is_inference
        out._suspect = True
        if recording or not base._requires_grad:  # else it is outside the graph, and stays there
            out._base = base if base._base is None else base._base
            out._moves = base._moves


_FLOAT32, _FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)


def _meet(arrays: list[Any], *, floats: bool) -> np.dtype[Any] | None:
    """The dtype to cast to before the forward; None if the arrays can go in as they are."""
    dtype = None
    for a in arrays:
        if type(a) is _ndarray:
            if dtype is None:
                dtype = a.dtype
            elif a.dtype is not dtype:
                break
    else:
        if dtype is _FLOAT32 or dtype is _FLOAT64:  # Python's numbers adapt to them
            return None
    target = dtypes.result_type(*(a for a in arrays if a is not None))
    if floats and target.kind != "f":
        target = dtypes.default_numpy()
    if all(a.dtype == target for a in arrays if type(a) is np.ndarray):
        return None
    return target


def _cast(args: tuple[Any, ...], dtype: np.dtype[Any]) -> tuple[Any, ...]:
    to = dtypes.of_numpy(dtype)
    return tuple([a.to(to) if hasattr(a, "to") else a for a in args])


_PLAIN = frozenset({int, float, bool})


def _plain(operation: Op, position: int, arg: Any) -> Any:
    """A NumPy number as a Python number, None for an optional tensor; nothing else will do."""
    if isinstance(arg, np.generic):
        return arg.item()
    if isinstance(arg, int | float):
        return arg
    name = operation.tensors[position] if position < len(operation.tensors) else "tensors"
    if arg is None and name in operation.optional:
        return None
    raise TypeError(
        f"{operation.name}(): argument '{name}' (position {position + 1}) must be Tensor or a "
        f"number, not {type(arg).__name__}"
    )


def _not_a_tensor(operation: Op, args: tuple[Any, ...]) -> TypeError:
    given = type(args[0]).__name__ if args else "nothing"
    first = operation.tensors[0] if operation.tensors else "tensors"
    return TypeError(
        f"{operation.name}(): argument '{first}' (position 1) must be Tensor, not {given}"
    )


def _refuse_mismatch(operation: Op, arrays: list[Any]) -> None:
    """Raise torch's error if shapes do not broadcast."""
    shapes = [a.shape for a in arrays if isinstance(a, np.ndarray)]
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        given = " and ".join(str(list(shape)) for shape in shapes)
        raise RuntimeError(
            f"{operation.name}(): the shapes {given} do not broadcast: counted from the last "
            f"dimension, sizes must be equal or 1"
        ) from None
