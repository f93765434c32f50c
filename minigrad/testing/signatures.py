"""Comparison of two functions' signatures: arguments, their order, their defaults.

Python's functions say what they take.  torch's compiled ones do not, so the first lines of their
documentation are read, `sum(input, dim=None, *, dtype=None) -> Tensor`: one for each form there is.
"""

import ast
import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

_UNKNOWN = object()  # a default that is not reported, or is no plain value
# Of no concern: they choose among torch's implementations, or torch has given them up.
_IGNORED = {
    "out", "layout", "pin_memory", "memory_format", "size_average", "reduce", "non_blocking",
    "only_inputs", "grad_variables", "out_dtype", "self", "args", "kwargs",
}  # fmt: skip


class Argument(NamedTuple):
    """One argument: whether its place alone can name it, and its default if that is plain."""

    name: str
    positional: bool
    default: Any = _UNKNOWN


Form = Sequence[Argument]


def differences(ours: Any, theirs: Any, name: str) -> list[str] | None:
    """A description of the differences; None if one of the two has no readable signature."""
    mine, forms = _python_form(ours), _forms(theirs, name)
    if mine is None or not forms:
        return None
    known = {argument.name: argument for argument in mine}
    found = [
        f"no {argument.name}"
        for argument in _distinct(forms)
        if argument.name not in known and argument.name not in _IGNORED
    ]
    if len(forms) == 1:
        found += _other_defaults(known, forms[0])
    if all(_out_of_order(mine, form) for form in forms):
        found.append("another order")
    return found


def _distinct(forms: Sequence[Form]) -> list[Argument]:
    return list({argument.name: argument for form in forms for argument in form}.values())


def _other_defaults(known: dict[str, Argument], form: Form) -> Iterator[str]:
    for argument in form:
        default = known[argument.name].default if argument.name in known else _UNKNOWN
        reported = _UNKNOWN not in (default, argument.default)
        if reported and default is not argument.default and default != argument.default:
            yield f"{argument.name}={default!r}, not {argument.default!r}"


def _out_of_order(mine: Form, form: Form) -> bool:
    """True if positional arguments that both have are in another order."""
    places = [argument.name for argument in mine if argument.positional]
    shared = [a.name for a in form if a.positional and a.name in places]
    return shared != [name for name in places if name in shared]


# --- what is said --------------------------------------------------------------------------------


def _forms(function: Any, name: str) -> list[Form]:
    """The ways to call one of torch's functions, as far as they can be known."""
    form = _python_form(function)
    return list(documented_forms(name, function.__doc__ or "")) if form is None else [form]


def _python_form(function: Callable[..., Any]) -> Form | None:
    """The arguments of a Python function or class; None if it has none, or takes any."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters):
        return None
    operation = getattr(function, "op", None)  # takes its settings by place, too
    return [
        Argument(
            p.name,
            operation is not None or p.kind is not p.KEYWORD_ONLY,
            p.default if _is_plain(p.default) else _UNKNOWN,
        )
        for p in parameters
        if p.name != "self" and not p.name.startswith("_")
    ]


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float | str | tuple | list)


def documented_forms(name: str, text: str) -> Iterator[Form]:
    """The forms that a compiled function's documentation opens with, or marks as such."""
    opening = rf"(?:\A\s*|^\s*\.\. function:: )(?:\w+\.)*{name}\((.*)\)"
    for line in re.findall(opening, text, re.MULTILINE):
        form = _documented_form(line)
        if form is not None:
            yield form


def _documented_form(line: str) -> Form | None:
    """`input, dim=None, *, out=None` as arguments; None if it is not Python, or takes any."""
    line = re.sub(r"\[([^\]]*)\]", "", line)  # types, as in Optional[Tensor]
    try:
        called = ast.parse(f"def form({line}): ...").body[0]
    except SyntaxError:
        return None
    assert isinstance(called, ast.FunctionDef)
    given = called.args
    if given.vararg or given.kwarg:
        return None
    placed = [*given.posonlyargs, *given.args]
    defaults = [None] * (len(placed) - len(given.defaults)) + list(given.defaults)
    every = [Argument(a.arg, True, _literal(d)) for a, d in zip(placed, defaults, strict=True)] + [
        Argument(a.arg, False, _literal(d))
        for a, d in zip(given.kwonlyargs, given.kw_defaults, strict=True)
    ]
    return [argument for argument in every if not argument.name.startswith("_")]


def _literal(expression: ast.expr | None) -> Any:
    try:
        return _UNKNOWN if expression is None else ast.literal_eval(expression)
    except ValueError:
        return _UNKNOWN
