"""How an operation is declared: forward, derivative and gradient-check samples stand together.

    @op(vjp=(lambda g, out, a, b: g @ b.mT,
             lambda g, out, a, b: a.mT @ g),
        degree=1,
        samples=[sample(arr(5, 3), arr(3, 4))])
    def matmul(a, b):
        return kernels.matmul(a, b)

Positional parameters of the forward are arrays, keyword-only ones are settings.  The declared
function takes Values and gives a Value, and is recorded in the graph.  A rule takes
`(g, out, *inputs, **settings)` as Values, is written with operations on Values, and says nothing
about broadcasting or about saving: what it reads of its arguments is what the graph keeps.
It returns `g`, a view of `g` or a new value, never one of its inputs.
"""

import dis
import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar, overload

import numpy as np

from minigrad import dtypes
from minigrad.graph import Meta, Node, Storage, Value, wrap
from minigrad.modes import mode

V = TypeVar("V")
Rule = Callable[..., Any]


class Operation(Protocol):
    """The callable that `@op` makes: its result has the type of its first tensor."""

    op: "Op"
    __name__: str

    def __call__(self, tensor: V, /, *args: Any, **settings: Any) -> V: ...
    @overload
    def __get__(self, instance: None, owner: Any) -> "Operation": ...
    @overload
    def __get__(self, instance: V, owner: Any) -> Callable[..., V]: ...


class arr(NamedTuple):  # noqa: N801  reads as a value in a list of samples
    """An array to be drawn for a gradient check: its shape and the domain of its elements.

    `away_from` names kinks and poles; elements keep a distance from them.  With `integers` the
    elements are whole numbers below it, and no gradient is asked for.
    """

    shape: tuple[int, ...]
    low: float = -2.0
    high: float = 2.0
    away_from: tuple[float, ...] = ()
    integers: int | None = None
    distinct: bool = False

    @classmethod
    def of(cls, *shape: int, **domain: Any) -> "arr":
        return cls(shape, **domain)


class Sample(NamedTuple):
    """Arguments for one gradient check of an operation."""

    args: tuple[Any, ...]
    settings: Mapping[str, Any]


def sample(*args: Any, **settings: Any) -> Sample:
    """One gradient check: `arr.of(...)` for each tensor argument, numbers and settings as they are."""
    return Sample(args, settings)


class Op:
    """What is known of an operation."""

    returns_fresh = True

    def __init__(
        self,
        forward: Callable[..., Any],
        vjp: Sequence[Rule | None] | Rule | None,
        samples: Sequence[Sample],
        degree: int | None,
    ) -> None:
        self.name = forward.__name__.rstrip("_")
        self.forward = forward
        self.vjp = vjp
        self.samples = samples
        self.degree = degree
        parameters = inspect.signature(forward).parameters.values()
        settings = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
        self.settings = tuple(p.name for p in settings)
        self.defaults = {p.name: p.default for p in settings if p.default is not p.empty}
        self.variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters)
        tensors = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
        self.tensors = tuple(p.name for p in tensors)
        self.optional = {p.name for p in tensors if p.default is None}
        self._keeps: dict[tuple[int, ...], tuple[tuple[str, ...], bool]] = {}

    def __repr__(self) -> str:
        return f"<op {self.name}>"

    def rules(self, needs: Iterable[int]) -> list[Rule]:
        """The rules that give the cotangents at these positions."""
        if self.vjp is None:
            return []
        if callable(self.vjp):
            return [self.vjp]
        found = (self.vjp[i] for i in needs)
        return [rule for rule in found if rule is not None]

    def keeps(self, needs: tuple[int, ...], arity: int) -> tuple[tuple[str, ...], bool]:
        """What rules for these positions read: of each argument, and whether of the output."""
        key = (*needs, -arity) if self.variadic else needs
        found = self._keeps.get(key)
        if found is None:
            reads = [_reads(rule, arity) for rule in self.rules(needs)]
            inputs = tuple(max(r[i + 1] for r in reads) for i in range(arity))
            found = inputs, any(r[0] != "" for r in reads)
            self._keeps[key] = found
        return found

    def pull(
        self,
        g: Any,
        out: Any,
        inputs: Sequence[Any],
        settings: Mapping[str, Any],
        wanted: Sequence[int],
    ) -> Sequence[Any]:
        vjp = self.vjp
        if callable(vjp):
            cotangents = vjp(g, out, *inputs, wanted=wanted, **settings)
            return [cotangents[i] for i in wanted]
        rules: Any = vjp
        return [rules[i](g, out, *inputs, **settings) for i in wanted]

    def arrange(
        self, args: tuple[Any, ...], settings: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Tensors in their places, settings by name, however the caller wrote them."""
        expected = len(self.tensors)
        if self.variadic:
            named = [name for name in settings if name not in self.settings]
        else:
            args, settings = list(args), dict(settings)  # type: ignore[assignment]
            for name, value in zip(self.settings, args[expected:], strict=False):
                if name in settings:
                    raise TypeError(f"{self.name}() got multiple values for argument '{name}'")
                settings[name] = value
            surplus = len(args) - expected - len(self.settings)
            if surplus > 0:
                raise TypeError(
                    f"{self.name}() takes at most {expected + len(self.settings)} arguments "
                    f"({', '.join(self.tensors + self.settings)}), got {len(args)}"
                )
            given = list(args[:expected])
            for name in self.tensors[len(given) :]:
                if name in settings:
                    given.append(settings.pop(name))
                elif name in self.optional:
                    given.append(None)
                else:
                    raise TypeError(f"{self.name}() missing required argument '{name}'")
            args = tuple(given)
            named = [name for name in settings if name not in self.settings]
        if named:
            raise TypeError(
                f"{self.name}() got an unexpected keyword argument '{named[0]}'; its arguments are "
                f"{', '.join(self.tensors + self.settings)}"
            )
        return args, settings


_META = {"shape", "dtype", "ndim"}


@functools.cache
def _reads(rule: Rule, arity: int) -> tuple[str, ...]:
    """What a rule reads of `out` and of each input: "" nothing, "meta" its shape or dtype, or "value".

    Read from the rule's byte code, so that it cannot disagree with what the rule does.
    """
    code = rule.__code__  # type: ignore[attr-defined]
    names = code.co_varnames[1 : code.co_argcount]
    if code.co_flags & inspect.CO_VARARGS:
        return ("value",) * (arity + 1)
    reads = dict.fromkeys(names, "")
    loads: list[str] = []
    for instruction in dis.get_instructions(code):
        if instruction.opname == "LOAD_ATTR" and instruction.argval in _META and loads:
            last = loads.pop()
            reads[last] = max(reads[last], "meta")
        for name in loads:
            reads[name] = "value"
        loads = []
        if instruction.opname.startswith(("LOAD_FAST", "LOAD_CLOSURE", "LOAD_DEREF")):
            loaded = instruction.argval
            loads = [n for n in (loaded if type(loaded) is tuple else (loaded,)) if n in reads]
            for name in loads[:-1]:
                reads[name] = "value"
            loads = loads[-1:]
    return tuple(reads[name] for name in names[: arity + 1])


def op(
    *,
    vjp: Sequence[Rule | None] | Rule | None,
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
        operation = Op(forward, vjp, samples, degree)
        if promotes or floats:
            prepare = functools.partial(_meet, floats=floats)
        else:
            prepare = None
        call = _recorded(operation, prepare, broadcasts, views)
        functools.update_wrapper(call, forward)
        call.op = operation  # type: ignore[attr-defined]
        return call  # type: ignore[return-value]

    return declare


elementwise = functools.partial(op, broadcasts=True, promotes=True)


def _recorded(
    operation: Op, prepare: Callable[..., Any] | None, broadcasts: bool, views: bool
) -> Callable[..., Any]:
    """The function that users call.  It is on the path of every operation, so it is lean."""
    forward = operation.forward
    arity = -1 if operation.variadic else len(operation.tensors)
    names = frozenset(operation.settings)
    derivable = _derivable(operation)
    record = functools.partial(_record, operation, broadcasts)

    def call(*args: Any, **settings: Any) -> Any:
        if len(args) != arity or not names.issuperset(settings):
            args, settings = operation.arrange(args, settings)
        kind = None
        needs = ()
        arrays = []
        position = 0
        for arg in args:
            if isinstance(arg, Value):
                if kind is None:
                    kind = arg.kind
                if arg.requires_grad and (derivable is None or position in derivable):
                    needs += (position,)  # type: ignore[assignment]
                arrays.append(arg.array)
            else:
                arrays.append(arg if type(arg) in _PLAIN else _plain(operation, position, arg))
            position += 1
        if kind is None:
            raise _not_a_tensor(operation, args)
        if prepare is not None:
            met = prepare(arrays)
            if met is not None:
                return call(*_cast(args, met), **settings)
        try:
            array = forward(*arrays, **settings)
        except ValueError:
            if broadcasts:
                _refuse_mismatch(operation, arrays)
            raise
        byproducts = None
        if type(array) is not np.ndarray:
            if type(array) is tuple:
                array, *byproducts = array
            array = np.asarray(array)
        out = kind.__new__(kind)
        out.array = array
        if views:
            _alias(out, args[0])
        if mode.grad:
            if needs:
                record(out, args, needs, settings, byproducts)
        elif mode.inference:
            out._is_inference = True
        if byproducts is None:
            return out
        return (out, *(wrap(kind, np.asarray(b)) for b in byproducts))

    return call


def _record(
    operation: Op,
    broadcasts: bool,
    out: Value,
    args: tuple[Any, ...],
    needs: tuple[int, ...],
    settings: Mapping[str, Any],
    byproducts: list[Any] | None,
) -> None:
    kept, keeps_out = operation.keeps(needs, len(args))
    inputs = []
    for arg, what in zip(args, kept, strict=True):
        if what == "value" or not isinstance(arg, Value):
            if isinstance(arg, Value) and arg._is_inference:
                raise RuntimeError(
                    f"Inference tensors cannot be saved for backward by {operation.name}(): make "
                    f"the tensor outside inference_mode, or clone() it"
                )
            inputs.append(arg)
        else:
            inputs.append(Meta(arg) if what == "meta" else None)
    edges = tuple([args[i] if args[i].node is None else args[i].node for i in needs])
    if operation.defaults:
        settings = {**operation.defaults, **settings}
    node = Node(operation, needs, edges, tuple(inputs), settings)
    if keeps_out:
        if byproducts is not None:
            node.out = [wrap(out.kind, np.asarray(b)) for b in byproducts]
        else:
            node.out = (out.array, out.kind)
            node.out_storage = out.storage()
    if broadcasts:
        shape = out.array.shape
        for i in needs:
            if args[i].array.shape != shape:
                node.shapes = tuple([args[j].array.shape for j in needs])
                break
    out.node = node
    out.requires_grad = True


def _derivable(operation: Op) -> frozenset[int] | None:
    """Positions that have a rule; None if all have."""
    if operation.vjp is None:
        return frozenset()
    if callable(operation.vjp) or all(rule is not None for rule in operation.vjp):
        return None
    return frozenset(i for i, rule in enumerate(operation.vjp) if rule is not None)


def _alias(out: Value, base: Value) -> None:
    """Make `out` a view of `base` if it shares its memory."""
    array = out.array
    if array is base.array or (array.base is not None and np.may_share_memory(array, base.array)):
        out._base = base if base._base is None else base._base
        out._storage = base.storage()
        out._is_inference = base._is_inference


def _meet(arrays: list[Any], *, floats: bool) -> np.dtype[Any] | None:
    """The dtype to cast to before the forward; None if the arrays can go in as they are."""
    dtype = None
    same = True
    for a in arrays:
        if type(a) is np.ndarray:
            if dtype is None:
                dtype = a.dtype
            elif a.dtype is not dtype and a.dtype != dtype:
                same = False
    assert dtype is not None
    if same and (dtype.kind == "f" or not floats):
        if dtype.kind == "f":
            return None
        scalars = [a for a in arrays if type(a) is not np.ndarray]
        if not scalars:
            return None
    operands = [a for a in arrays if isinstance(a, np.ndarray | bool | int | float)]
    target = dtypes.result_type(*operands)
    if floats and target.kind != "f":
        target = dtypes.default_numpy()
    if all(a.dtype == target for a in arrays if type(a) is np.ndarray):
        return None
    return target


def _cast(args: tuple[Any, ...], dtype: np.dtype[Any]) -> tuple[Any, ...]:
    to = dtypes.of_numpy(dtype)
    return tuple(a.to(to) if isinstance(a, Value) else a for a in args)


_PLAIN = frozenset({int, float, bool, type(None)})


def _plain(operation: Op, position: int, arg: Any) -> Any:
    """A NumPy number as a Python number; anything else cannot stand for a tensor."""
    if isinstance(arg, np.generic):
        return arg.item()
    if isinstance(arg, int | float):
        return arg
    name = operation.tensors[position] if position < len(operation.tensors) else "tensors"
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
