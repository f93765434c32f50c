"""What is declared of an operation: its rules, what they read, and samples to check them with."""

import dis
import functools
import inspect
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from minigrad.engine.graph import Node, ShapeDtype, Value

Rule = Callable[..., Any]


class arr(NamedTuple):  # noqa: N801  reads as a value in a list of samples
    """An array to be drawn for a gradient check: its shape and the domain of its elements.

    `away_from` names kinks and poles; elements keep a distance from them.  With `integers` the
    elements are whole numbers below it, and no gradient is asked for.  `diagonal` is added to the
    diagonal of matrices, to keep them away from singular ones.
    """

    shape: tuple[int, ...]
    low: float = -2.0
    high: float = 2.0
    away_from: tuple[float, ...] = ()
    integers: int | None = None
    distinct: bool = False
    diagonal: float = 0.0

    @classmethod
    def of(cls, *shape: int, **domain: Any) -> "arr":
        return cls(shape, **domain)


class Sample(NamedTuple):
    """Arguments for one gradient check of an operation."""

    args: tuple[Any, ...]
    settings: Mapping[str, Any]


def sample(*args: Any, **settings: Any) -> Sample:
    """One gradient check: `arr.of(...)` for each tensor, numbers and settings as they are."""
    return Sample(args, settings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """How a call treats the arguments and the result."""

    broadcasts: bool = False
    """Arguments broadcast against each other."""
    promotes: bool = False
    """Tensor arguments are brought to their common dtype."""
    floats: bool = False
    """Integer arguments become floating first."""
    views: bool = False
    """The result may share the memory of the first argument."""

    @property
    def checks_dtype(self) -> bool:
        """Whether arguments may have to be cast before the forward."""
        return self.promotes or self.floats


class SavedArguments:
    """What the graph keeps of one application: which arguments, and whether the output."""

    def __init__(self, reads: Sequence[Sequence[str]], arity: int) -> None:
        self.output = any(read[0] != "" for read in reads)
        inputs = [max(read[i + 1] for read in reads) for i in range(arity)]
        self.values = tuple(i for i, what in enumerate(inputs) if what == "value")
        self._metas = tuple(i for i, what in enumerate(inputs) if what == "meta")
        self._nothing = tuple(i for i, what in enumerate(inputs) if what == "")
        self.everything = len(self.values) == arity
        self._none = (None,) * arity if len(self._nothing) == arity else None

    def of(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments, less what no rule reads; to be asked unless `everything` is read."""
        if self._none:
            return self._none
        kept = list(args)
        for i in self._nothing:
            kept[i] = None
        for i in self._metas:
            if isinstance(kept[i], Value):
                kept[i] = ShapeDtype(kept[i])
        return tuple(kept)


class _Keeps(dict[tuple[tuple[int, ...], int], SavedArguments]):
    """What is kept when these positions of so many arguments require gradients."""

    def __init__(
        self, rules: Callable[[Iterable[int]], Iterable[Rule]], named_by_inputs: bool
    ) -> None:
        self._rules = rules
        self._named_by_inputs = named_by_inputs

    def __missing__(self, key: tuple[tuple[int, ...], int]) -> SavedArguments:
        needs, arity = key
        reads = [_reads(rule, arity) for rule in self._rules(needs)]
        if self._named_by_inputs:
            reads.append(("", *["meta"] * arity))
        found = self[key] = SavedArguments(reads, arity)
        return found


class Op:
    """What is known of an operation."""

    returns_fresh = True

    def __init__(
        self,
        forward: Callable[..., Any],
        vjp: Sequence[Rule | None] | Rule | None,
        samples: Sequence[Sample],
        degree: int | None,
        array_vjp: Sequence[Rule],
        node: str | Callable[[Node], str] | None,
        declaration: Declaration,
    ) -> None:
        self.name = forward.__name__.strip("_")
        self.node = node or self.name.title().replace("_", "") + "Backward0"
        self.named_by_inputs = callable(node) and _names_inputs(node)
        self.forward = forward
        self.vjp_rules = vjp
        self.samples = samples
        self.degree = degree
        self.array_vjp = array_vjp
        self.declaration = declaration
        # What `inspect.signature` says, which would take a fortieth of the time of an import.
        code = forward.__code__
        tensors, names = code.co_argcount, code.co_varnames
        self.tensors = names[:tensors]
        self.settings = names[tensors : tensors + code.co_kwonlyargcount]
        self.defaults = dict(forward.__kwdefaults__ or {})
        self.variadic = bool(code.co_flags & inspect.CO_VARARGS)
        given = forward.__defaults__ or ()
        self.optional = {
            name
            for name, default in zip(reversed(self.tensors), reversed(given), strict=False)
            if default is None
        }
        self.keeps = _Keeps(self._readers, self.named_by_inputs)

    def __repr__(self) -> str:
        return f"<op {self.name}>"

    def node_name(self, node: Node) -> str:
        """What torch calls a node of this operation."""
        return self.node(node) if callable(self.node) else self.node

    def rules(self, needs: Iterable[int]) -> list[Rule]:
        """The rules that give the cotangents at these positions."""
        if self.vjp_rules is None:
            return []
        if callable(self.vjp_rules):
            return [self.vjp_rules]
        found = (self.vjp_rules[i] for i in needs)
        return [rule for rule in found if rule is not None]

    def _readers(self, needs: Iterable[int]) -> list[Rule]:
        """Whatever reads what the graph keeps: the rules, and the same over arrays."""
        return self.rules(needs) + ([self.array_vjp[i] for i in needs] if self.array_vjp else [])

    def vjp(
        self,
        g: Any,
        out: Any,
        inputs: Sequence[Any],
        settings: Mapping[str, Any],
        wanted: Sequence[int],
    ) -> Sequence[Any]:
        vjp = self.vjp_rules
        if callable(vjp):
            cotangents = vjp(g, out, *inputs, wanted=wanted, **settings)
            return [cotangents[i] for i in wanted]
        rules: Any = vjp
        return [rules[i](g, out, *inputs, **settings) for i in wanted]

    def arrange(
        self, args: tuple[Any, ...], settings: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Tensors in their places, settings by name, however the caller wrote them."""
        settings = in_torch_names(self.name, settings, self.tensors + self.settings)
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


_NUMPY_NAMES = {"axis": "dim", "keepdims": "keepdim"}


def in_torch_names(
    function: str, settings: dict[str, Any], taken: Collection[str]
) -> dict[str, Any]:
    """Settings of a function that takes these, under torch's names where they came under NumPy's.

    Raises TypeError for `out`: a result is always a new tensor.
    """
    found = dict(settings)
    if "out" not in taken and found.pop("out", None) is not None:
        raise TypeError(
            f"{function}() does not take out=: its result is a new tensor, which "
            f"out.copy_({function}(...)) writes into another"
        )
    for numpy_name, name in _NUMPY_NAMES.items():
        if numpy_name in found and name in taken and numpy_name not in taken:
            if name in found:
                raise TypeError(f"{function}() got both '{name}' and '{numpy_name}'")
            found[name] = found.pop(numpy_name)
    return found


def _names_inputs(node: Callable[[Node], str]) -> bool:
    """Whether a function that names nodes looks at their inputs."""
    return not {"inputs", "is_number", "ndim"}.isdisjoint(node.__code__.co_names)


_META = {"shape", "dtype", "ndim"}


@functools.cache
def _reads(rule: Rule, arity: int) -> tuple[str, ...]:
    """What a rule reads of `out` and of each input: "" nothing, "meta" shape or dtype, or "value".

    Read from the rule's byte code, so that it cannot disagree with what the rule does.
    """
    code = rule.__code__
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
