"""Signatures as a reader wants them: types without the modules that they live in."""

import inspect
import re
from functools import cache
from typing import Any

from public_names import names

_PATH = re.compile(r"\b(?:[a-z_]\w*\.)+\w+")
_VARIABLES = {"~V": "Tensor", "+T_co": "T", "~T": "T"}
_ADDRESS = re.compile(r"<([\w.]+)[^>]*>")


def signature(call: Any) -> str:
    """The arguments of a function or class in parentheses, and what it gives back."""
    try:
        found = inspect.signature(call)
    except (TypeError, ValueError):
        return "(...)"
    parameters = list(found.parameters.values())
    written = ", ".join(_separated(parameters))
    result = found.return_annotation
    if inspect.isclass(call) or result in {inspect.Signature.empty, None, "None"}:
        return f"({written})"
    return f"({written}) -> {annotation(result)}"


def _separated(parameters: list[inspect.Parameter]) -> list[str]:
    """The parameters, with `/` and `*` where they belong."""
    written: list[str] = []
    starred = False
    for i, parameter in enumerate(parameters):
        if parameter.kind is parameter.VAR_POSITIONAL:
            starred = True
        if parameter.kind is parameter.KEYWORD_ONLY and not starred:
            written.append("*")
            starred = True
        written.append(_parameter(parameter))
        last_positional = parameter.kind is parameter.POSITIONAL_ONLY and (
            i + 1 == len(parameters) or parameters[i + 1].kind is not parameter.POSITIONAL_ONLY
        )
        if last_positional:
            written.append("/")
    return written


def _parameter(parameter: inspect.Parameter) -> str:
    stars = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
    text = stars + parameter.name
    typed = parameter.annotation is not parameter.empty
    if typed:
        text += f": {annotation(parameter.annotation)}"
    if parameter.default is not parameter.empty:
        equals = " = " if typed else "="
        text += equals + shown(parameter.default)
    return text


def shown(value: Any) -> str:
    """A value in one line; `<function relu at 0x...>` and others without a text are `...`."""
    return _ADDRESS.sub("...", " ".join(repr(value).split()))


def annotation(given: Any) -> str:
    """A type as text, without modules and without variables' marks."""
    text = given if isinstance(given, str) else inspect.formatannotation(given)
    for variable, name in _VARIABLES.items():
        text = text.replace(variable, name)
    text = _PATH.sub(_public, text.strip("'\""))
    return _ADDRESS.sub("...", re.sub(r"Optional\[([\w.]+)\]", r"\1 | None", text))


def _public(match: re.Match[str]) -> str:
    """A class under its public name, to be linked; any other name without its modules."""
    path = match[0]
    return _public_classes().get(path, path.rpartition(".")[2])


@cache
def _public_classes() -> dict[str, str]:
    """Public names of classes by where they are defined."""
    return {
        f"{name.home}.{name.value.__qualname__}": name.described_at
        for found in names().values()
        for name in found
        if inspect.isclass(name.value)
    }
