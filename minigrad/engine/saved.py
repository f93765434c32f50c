"""What the graph keeps of an operation's arguments: what its rules read, and no more."""

import dis
import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from minigrad.engine.graph import Value

Rule = Callable[..., Any]


class ShapeDtype:
    """Stands in for an input of which a rule reads only this much, so its memory can go."""

    __slots__ = ("dtype", "shape")

    def __init__(self, value: Any) -> None:
        self.shape = value.array.shape
        self.dtype = value.dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)


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


class KeptFor(dict[tuple[tuple[int, ...], int], SavedArguments]):
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


# In the order of their letters "" < "meta" < "value", so that `max` gives what is read at most.
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
