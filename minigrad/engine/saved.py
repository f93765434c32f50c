"""The arguments that the graph keeps for the backward pass: those that a rule reads, no others."""

import dis
import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from minigrad.engine.graph import Value

Rule = Callable[..., Any]

_TENSOR = "tensor"  # in the place of one of which nothing else is read


class ShapeDtype:
    """Shape and dtype of an input of which a rule reads nothing else; its memory can be freed."""

    __slots__ = ("dtype", "shape")

    def __init__(self, value: Any) -> None:
        self.shape = value.array.shape
        self.dtype = value.dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)


class SavedArguments:
    """The arguments that the graph keeps of one application, and if it keeps the output."""

    def __init__(self, reads: Sequence[Sequence[str]], arity: int) -> None:
        self.output = any(read[0] != "" for read in reads)
        inputs = [max(read[i + 1] for read in reads) for i in range(arity)]
        self.values = tuple(i for i, what in enumerate(inputs) if what == "value")
        self._metas = tuple(i for i, what in enumerate(inputs) if what == "meta")
        self._kinds = tuple(i for i, what in enumerate(inputs) if what == "kind")
        self._nothing = tuple(i for i, what in enumerate(inputs) if what == "")
        self.everything = len(self.values) == arity
        self._none = (None,) * arity if len(self._nothing) == arity else None

    def of(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments without those that no rule reads; call it unless `everything` is read."""
        if self._none:
            return self._none
        kept = list(args)
        for i in self._nothing:
            kept[i] = None
        for i in self._metas:
            if isinstance(kept[i], Value):
                kept[i] = ShapeDtype(kept[i])
        for i in self._kinds:
            if isinstance(kept[i], Value):
                kept[i] = _TENSOR
        return tuple(kept)


class KeptFor(dict[tuple[tuple[int, ...], int], SavedArguments]):
    """SavedArguments by (the positions that require gradients, the number of arguments)."""

    def __init__(self, rules: Callable[[Iterable[int]], Iterable[Rule]], read_by_name: str) -> None:
        self._rules = rules
        self._read_by_name = read_by_name  # of every input, by the function that names nodes

    def __missing__(self, key: tuple[tuple[int, ...], int]) -> SavedArguments:
        needs, arity = key
        reads = [_reads(rule, arity) for rule in self._rules(needs)]
        if self._read_by_name:
            reads.append(("", *[self._read_by_name] * arity))
        found = self[key] = SavedArguments(reads, arity)
        return found


# Of the words below, `max` gives the one that says most: "" < "kind" < "meta" < "value".  What
# names nodes may read of which kind an input was: a tensor, a number or None.
_META = {"shape", "dtype", "ndim"}


@functools.cache
def _reads(rule: Rule, arity: int) -> tuple[str, ...]:
    """For `out` and each input, what a rule reads: "" nothing, "meta" its shape or dtype, "value".

    It is taken from the rule's byte code, so that it cannot differ from what the rule does.  Of the
    tensors that a rule takes as `*tensors: ShapeDtype` it is given no more than that says.
    """
    code = rule.__code__
    names = code.co_varnames[1 : code.co_argcount]
    rest: tuple[str, ...] = ()
    if code.co_flags & inspect.CO_VARARGS:
        variadic = code.co_varnames[code.co_argcount + code.co_kwonlyargcount]
        only_shapes = rule.__annotations__.get(variadic) is ShapeDtype
        rest = ("meta" if only_shapes else "value",) * (arity + 1 - len(names))
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
    return (*(reads[name] for name in names[: arity + 1]), *rest)
