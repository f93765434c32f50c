"""Python expressions for what functions were given: arrays by their names, the rest as it is."""

import functools
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from minigrad.compiler.breaks import GraphBreak
from minigrad.compiler.trace import Name, Trace
from minigrad.engine.graph import Value, wrap
from minigrad.tensor.memory import view_beside


class Expressions:
    """Expressions over variables, and the objects that they name."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.lines: list[str] = []
        self.names: dict[str, Any] = {"view_beside": view_beside, "wrap": wrap}
        self._floats: dict[str, int] = {}  # by `float.hex`, the number of an argument
        self._objects: dict[int, str] = {}
        self._expressions: dict[Name, str] = {}
        self._leaves: dict[Name, str] = {}
        self._where = ""  # the line of the program that is being repeated

    def write(self, line: str) -> None:
        """Append a line."""
        self.lines.append(line)

    def value(self, given: Any) -> str:  # noqa: PLR0911
        """An expression for an argument."""
        if isinstance(given, np.ndarray):
            return self.array(self.trace.name_of(given))
        if isinstance(given, Value):
            return f"wrap({self.object(given.kind)}, {self.value(given.array)})"
        kind = type(given)
        if kind is float and given.hex() in self._floats:
            return f"floats[{self._floats[given.hex()]}]"
        if isinstance(given, tuple) and self._holds_arrays(given):
            items = "".join(f"{self.value(each)}, " for each in given)
            if kind is tuple:
                return f"({items})"
            how = "{}({})" if hasattr(kind, "_fields") else "{}(({}))"
            return how.format(self.object(kind), items)
        if kind is list and self._holds_arrays(given):
            return f"[{', '.join(map(self.value, given))}]"
        if kind is dict and self._holds_arrays(given):
            pairs = (f"{self.object(key)}: {self.value(each)}" for key, each in given.items())
            return f"{{{', '.join(pairs)}}}"
        if isinstance(given, types.FunctionType) and given.__closure__:
            cells = [cell.cell_contents for cell in given.__closure__]
            if self._holds_arrays(cells):
                raise GraphBreak("a recorded function holds an array in its closure", self._where)
        if isinstance(given, functools.partial) and self._holds_arrays(
            [given.args, given.keywords]
        ):
            raise GraphBreak("a recorded function is bound to an array", self._where)
        if given is None or kind in (bool, int):
            return repr(given)
        return self.object(given)

    def _holds_arrays(self, given: Any) -> bool:
        if isinstance(given, tuple | list):
            return any(map(self._holds_arrays, given))
        if isinstance(given, dict):
            return any(map(self._holds_arrays, given.values()))
        return isinstance(given, np.ndarray | Value) or (
            type(given) is float and bool(self._floats)
        )

    def array(self, name: Name) -> str:
        """An expression for an array."""
        found = self._expressions.get(name)
        if found is None:
            found = self._expressions[name] = self._new_expression(name)
        return found

    def _new_expression(self, name: Name) -> str:
        if name[0] == "input":
            return f"x{name[1]}"
        if name[0] == "memory":
            return self.object(self.trace.objects[name])
        if name[0] == "gradient":
            return f"a_{self.leaf(name[1])}"
        if name[0] == "view":
            variable = f"w{len(self._expressions)}"
            base, place = self.array(name[1]), self.object(name[2])
            self.write(f"{variable} = view_beside({base}, {place})")
            return variable
        raise GraphBreak(f"an array is used before it is made: {name}", self._where)

    @contextmanager
    def scope(self) -> Iterator[None]:
        """A block whose arrays the lines after it do not see."""
        before = dict(self._expressions)
        try:
            yield
        finally:
            inputs = {name: e for name, e in self._expressions.items() if name[0] == "input"}
            self._expressions = before | inputs

    def expressions(self) -> list[tuple[Name, str]]:
        """All names of arrays, with the variables that hold them."""
        return list(self._expressions.items())

    def leaf(self, name: Name) -> str:
        """A variable with a leaf, whose gradient is read at the beginning."""
        if name not in self._leaves:
            leaf = self.trace.leaves[name][0]
            variable = self._leaves[name] = f"leaf{len(self._leaves)}"
            if name[0] == "leaf":
                self.names[variable] = leaf
        return self._leaves[name]

    def object(self, given: Any) -> str:
        """A global name for an object."""
        found = self._objects.get(id(given))
        if found is None:
            found = self._objects[id(given)] = f"c{len(self._objects)}"
            self.names[found] = given
        return found
