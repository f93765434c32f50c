"""The record of a declared operation: its rules, settings and samples to check them with."""

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from minigrad.engine.graph import Node
from minigrad.engine.saved import KeptFor, Rule


class arr(NamedTuple):  # noqa: N801  reads as a value in a list of samples
    """An array to be drawn for a gradient check: its shape and the domain of its elements.

    `away_from` names kinks and poles; elements keep a distance from them.  With `integers` the
    elements are whole numbers below it, and no gradient is checked.  `diagonal` is added to the
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
    """Rules for the arguments and the result of a call."""

    broadcasts: bool = False
    """Arguments broadcast against each other."""
    promotes: bool = False
    """Tensor arguments are brought to their common dtype."""
    floats: bool = False
    """Integer arguments become floating first."""
    views: bool = False
    """The result may share the memory of the first argument."""
    tensors_at: frozenset[int] = frozenset()
    """Positions at which a number will not do: torch takes tensors only there."""
    symmetric: bool = False
    """The Jacobian for each argument is symmetric, as that of all elementwise operations."""
    accumulates: bool = False
    """float16 arguments are computed in float32, and the result is rounded once."""
    takes_complex: bool = False
    """Complex tensors are taken as they are, or the result may be complex."""

    @property
    def checks_dtype(self) -> bool:
        """True if arguments may have to be cast before the forward."""
        return self.promotes or self.floats or self.accumulates


_NUMBERS_ARE_TENSORS = frozenset({"add", "sub", "mul", "div"})


class Op:
    """A declared operation."""

    returns_fresh = True
    add_part: Callable[..., None] | None = None
    is_complex_form = False
    complex_form: Any = None  # the form for complex tensors; see `complex_form`
    public: Callable[..., Any]  # the function that users call; see `overrides`

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
        self.read_by_name = _read_by_name(node) if callable(node) else ""
        self.named_by_inputs = self.read_by_name != ""
        self.forward = forward
        self.vjp_rules = vjp
        self.samples = samples
        self.degree = degree
        self.array_vjp = array_vjp
        self.declaration = declaration
        self.is_complex_form = declaration.takes_complex
        self.symmetric = declaration.symmetric
        # What `inspect.signature` says, which would take a fortieth of the time of an import.
        code = forward.__code__
        tensors, names = code.co_argcount, code.co_varnames
        self.tensors = names[:tensors]
        self.settings = names[tensors : tensors + code.co_kwonlyargcount]
        self.defaults = dict(forward.__kwdefaults__ or {})
        self.variadic = bool(code.co_flags & inspect.CO_VARARGS)
        self.arity = -1 if self.variadic else tensors
        given = forward.__defaults__ or ()
        self.optional = {
            name
            for name, default in zip(reversed(self.tensors), reversed(given), strict=False)
            if default is None
        }
        self.keeps = KeptFor(self._readers, self.read_by_name)

    def __repr__(self) -> str:
        return f"<op {self.name}>"

    def node_name(self, node: Node) -> str:
        """torch's name of a node of this operation."""
        return self.node(node) if callable(self.node) else self.node

    def operands(self, node: Node) -> Sequence[int]:
        """The positions that may have a gradient; in arithmetic a number has one, as in torch."""
        rules, count = self.vjp_rules, len(node.inputs)
        numbers_count = self.declaration.broadcasts and self.name in _NUMBERS_ARE_TENSORS
        return [
            i
            for i in range(count)
            if i in node.needs
            or (
                not (isinstance(rules, Sequence) and rules[i] is None)
                and (numbers_count or not isinstance(node.inputs[i], int | float))
            )
        ]

    def rules(self, needs: Iterable[int]) -> list[Rule]:
        """The rules that give the cotangents at these positions."""
        if self.vjp_rules is None:
            return []
        if callable(self.vjp_rules):
            return [self.vjp_rules]
        found = (self.vjp_rules[i] for i in needs)
        return [rule for rule in found if rule is not None]

    def _readers(self, needs: Iterable[int]) -> list[Rule]:
        """All that read what the graph keeps: the rules, and those over arrays."""
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
        """Tensors by position and settings by name, in whichever way the caller wrote them."""
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

    Raises TypeError if one came under both.
    """
    found = dict(settings)
    for numpy_name, name in _NUMPY_NAMES.items():
        if numpy_name in found and name in taken and numpy_name not in taken:
            if name in found:
                raise TypeError(f"{function}() got both '{name}' and '{numpy_name}'")
            found[name] = found.pop(numpy_name)
    return found


def _read_by_name(node: Callable[[Node], str]) -> str:
    """What a function that names nodes reads of their inputs, in the words of `saved`."""
    read = {"inputs", "is_number", "ndim"}.intersection(node.__code__.co_names)
    return "meta" if "ndim" in read else "kind" if read else ""
