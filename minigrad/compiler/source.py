"""Python source that repeats a recorded step: a line for each call, arrays in local variables."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.compiler.breaks import GraphBreak
from minigrad.compiler.floats import FloatArguments
from minigrad.compiler.native import NativeCalls
from minigrad.compiler.native_lines import NativeLines
from minigrad.compiler.shortcuts import arguments_of, shortcut
from minigrad.compiler.tape import Entry
from minigrad.compiler.trace import Name, Trace
from minigrad.engine.graph import Value

# Functions whose results have a shape that depends on the elements.
_SHAPED_BY_ELEMENTS = {"argwhere", "bincount", "nonzero", "unique", "unique_consecutive"}


_VARIABLE = re.compile(r"\b(?:[vwxkg]\d+(?:_\d+)?|[ga]_leaf\d+)\b")
_DEFINED = re.compile(r"^([\w, ]+?),? = ")


class ShapeChangedError(RuntimeError):
    """A result has another shape than in the recording."""


class Writer(NativeLines):
    """Writes the source of a replay, line by line, and collects the objects that it names."""

    def __init__(
        self,
        trace: Trace,
        floats: FloatArguments,
        varying: set[int],
        inputs: int,
        native: NativeCalls,
    ) -> None:
        super().__init__(trace, native, floats)
        self.is_plain = False  # calls are written as they were recorded, with nothing shorter
        self.inputs = inputs  # the number of arrays among the arguments; cotangents come after
        self.names.update(check=_check, new=object.__new__)
        self.repeated: list[Callable[[Sequence[float]], Any]] = []
        self._varying = varying
        self._backwards: list[tuple[list[str], list[str], str]] = []
        self.text = ""
        self.shortcuts = 0  # calls that are written shorter

    # --- lines ---

    def add(self, number: int, entry: Entry) -> None:
        """Write what an entry does."""
        step, self._where = self.trace.steps[number], entry.where
        self._floats = self.floats.numbers if number in self._varying else {}
        if entry.kind == "call":
            self._add_call(number, entry)
        elif entry.kind == "gradients":
            for (leaf, name), (_, grad) in zip(step.args, entry.args, strict=True):
                self._add_gradient(leaf, name, grad)
        elif entry.kind == "repeat":
            self._add_repeat(entry)
        elif entry.kind == "setting":
            group, key, value = entry.kept, entry.args[1], self.value(entry.args[2])
            self.write(f"{self.object(group)}[{key!r}] = {value}")
        elif entry.kind == "constant":
            self._add_constant(step.results[0])

    def _add_call(self, number: int, entry: Entry) -> None:
        if _is_shaped_by_elements(entry):
            raise GraphBreak(
                f"the shape of what `{entry.called}` gives depends on the elements", entry.where
            )
        if number in self.native.calls and not self.is_plain:
            self.add_native(number, entry, self.native.calls[number])
            return
        several = isinstance(entry.result, tuple | list)
        results = entry.result if several else (entry.result,)
        targets = []
        for k, result in enumerate(results):
            name = ("result", number, k)
            target = f"v{number}_{k}" if isinstance(result, np.ndarray) else "_"
            targets.append(target)
            if isinstance(result, np.ndarray) and self.trace.steps[number].results[several + k]:
                self._expressions.setdefault(name, target)
        if not self._write_shortcut(entry, targets):
            self.write(f"{', '.join(targets)}{',' * several} = {self.call(entry)}")
        if _has_integers([entry.args, entry.settings]):
            for target, result in zip(targets, results, strict=True):
                if isinstance(result, np.ndarray):
                    self.write(f"check({target}, {self.object(result.shape)})")

    def _write_shortcut(self, entry: Entry, targets: Sequence[str]) -> bool:
        """Write shorter lines for a call, if there are any."""
        found = shortcut(entry.function, entry.args, entry.settings)
        if found is None or found.lines is None or self.is_plain:
            return False
        given = [self.value(arg) for arg in arguments_of(entry.function, entry.args)]
        given += [self.value(entry.settings[name]) for name in found.named]
        names = {name: self.object(value) for name, value in found.objects.items()}
        names.update({f"out{k}": target for k, target in enumerate(targets)})
        for line in found.lines:
            self.write(line.format(*given, **names))
        self.shortcuts += 1
        return True

    def _add_gradient(self, leaf: Name, name: Name | None, grad: Any) -> None:
        owner = self.leaf(leaf)
        if name is None:
            self.write(f"{owner}._grad = None")
        elif name == ("gradient", leaf):
            self.write(f"{owner}._grad = g_{owner}")
        else:
            self.write(f"g_ = new({self.object(type(grad))})")
            self.write(f"g_.array = {self.array(name)}")
            self.write(f"{owner}._grad = g_")

    def _add_repeat(self, entry: Entry) -> None:
        if any(isinstance(arg, Value | np.ndarray) for arg in entry.args):
            raise GraphBreak("a method that is repeated whole takes a tensor", entry.where)
        function, args = entry.function, entry.args
        numbers = [self._floats.get(a.hex()) if type(a) is float else None for a in args]

        def repeat(floats: Sequence[float]) -> Any:
            return function(*[
                arg if number is None else floats[number]
                for arg, number in zip(args, numbers, strict=True)
            ])  # fmt: skip

        self.write(f"repeated[{len(self.repeated)}](floats)")
        self.repeated.append(repeat)

    def _add_constant(self, name: Name) -> None:
        content, changed = self.trace.constants[name]
        self._expressions[name] = self.object(content)
        if changed:
            variable = f"k{name[1]}"
            self.write(f"{variable} = {self.object(content)}.copy()")
            self._expressions[name] = variable

    def head(self) -> list[str]:
        """The first lines: leaves among the arguments, and the gradients that are read."""
        read = {name[1] for name in self._expressions if name[0] == "gradient"}
        handed_on = set(re.findall(r"\bg_(leaf\d+)\b", "\n".join(self.lines)))
        lines = [
            f"{variable} = inputs[{name[1]}]"
            for name, variable in self._expressions.items()
            if name[0] == "input" and name[1] < self.inputs
        ]
        if self.takes_floats:
            lines.append(f"{self.object(self.floats.memory)}[:] = floats")
        for name, variable in self._leaves.items():
            if name[0] != "leaf":
                lines.append(f"{variable} = tensors[{name[1]}]")
        for name, variable in self._leaves.items():
            first = self.trace.leaves[name][1]
            is_read = first is not None and name in read
            # Otherwise a gradient that the step drops would live to its end.
            if is_read or variable in handed_on:
                lines.append(f"g_{variable} = {variable}._grad")
            if is_read:
                lines.append(f"a_{variable} = g_{variable}.array")
        return lines

    def old_gradient(self, leaf: Name) -> str | None:
        """The variable of the gradient that a leaf has before the step, if the step takes it."""
        return self._expressions.get(("gradient", leaf))

    # --- the function ---

    def function(self, results: str, count: int) -> Callable[..., Any]:
        """The function of the first `count` lines, which returns `results`."""
        lines = [*self.head(), *_with_deletions(self.lines[:count], results), f"return {results}"]
        return self.compiled("replay(inputs, tensors, floats, repeated)", lines)

    def backward(
        self, start: int, end: int, chosen: Sequence[int], results: str
    ) -> tuple[str, ...]:
        """Note the function of some lines, a backward; the variables that it reads from outside."""
        lines = self.lines[start:end]
        made = {
            name.strip() for line in lines for m in _DEFINED.findall(line) for name in m.split(",")
        }
        given = [f"x{self.inputs + i}" for i in chosen]
        read = {v for line in (*lines, results) for v in _VARIABLE.findall(line)}
        outside = tuple(sorted(read - made - {*given}))
        self._backwards.append((lines, given, results))
        return outside

    def backwards(self, saved: Sequence[str]) -> list[Callable[..., Any]]:
        """The functions `backward(saved, cotangents)` of all backwards."""
        head = [f"{''.join(f'{name}, ' for name in saved)} = saved"] if saved else []
        return [
            self.compiled(
                "backward(saved, cotangents)",
                [
                    *head,
                    *(f"{name} = cotangents[{i}]" for i, name in enumerate(given)),
                    *_with_deletions(lines, results),
                    f"return {results}",
                ],
            )
            for lines, given, results in self._backwards
        ]

    def compiled(self, head: str, lines: list[str]) -> Callable[..., Any]:
        """A function of these lines."""
        body = "\n".join(f"    {line}" for line in lines)
        text = f"def {head}:\n{body}\n"
        self.text += text
        exec(compile(text, "<a compiled step>", "exec"), self.names)
        made: Callable[..., Any] = self.names[head.partition("(")[0]]
        return made


def _with_deletions(lines: list[str], results: str) -> list[str]:
    """The lines, with arrays let go after the last line that reads them."""
    pattern = _VARIABLE
    last: dict[str, int] = {}
    for number, line in enumerate(lines):
        for variable in pattern.findall(line):
            last[variable] = number
    kept = set(pattern.findall(results))
    ending: dict[int, list[str]] = {}
    for variable, number in last.items():
        if variable not in kept:
            ending.setdefault(number, []).append(variable)
    found = []
    for number, line in enumerate(lines):
        found.append(line)
        if number in ending:
            found.append(f"del {', '.join(ending[number])}")
    return found


def _check(array: np.ndarray, shape: tuple[int, ...]) -> None:
    if array.shape != shape:
        raise ShapeChangedError(
            f"a compiled step was recorded with a result of shape {list(shape)} that depends on "
            f"the elements of tensors, and now has shape {list(array.shape)}; what the step has "
            f"changed until here stays changed.  Leave this step uncompiled"
        )


def _is_shaped_by_elements(entry: Entry) -> bool:
    name = getattr(entry.function, "__name__", "").strip("_")
    if name == "getitem":
        index = entry.settings.get("index", ())
        return any(isinstance(part, np.ndarray) and part.dtype == np.bool_ for part in index)
    return name in _SHAPED_BY_ELEMENTS


def _has_integers(given: Any) -> bool:
    if isinstance(given, np.ndarray):
        return given.dtype.kind in "biu"
    if isinstance(given, tuple | list):
        return any(map(_has_integers, given))
    return isinstance(given, dict) and any(map(_has_integers, given.values()))
