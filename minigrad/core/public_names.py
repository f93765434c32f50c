"""The names that a module shows, and words for those that it does not have.

    show_public_names(__name__, lazy=("distributions",))

at the end of a module makes `dir` and `help` show its `__all__` alone, and an error about a missing
name say why torch's name is not here, and which names are near.  Modules in `lazy` are imported
when they are first read: few programs need them, and each would make every import slower.
Names of `__all__` that the module does not import itself are those of its `parts`, submodules
that are asked in this order when such a name is first read.
It is set from outside, because a `__getattr__` in the module's text would tell type checkers that
every name exists.
"""

import difflib
import dis
import importlib
import importlib.util
import sys
from collections.abc import Collection, Iterator, Sequence
from types import FrameType
from typing import Any

from minigrad.core.scope import why_missing

_PACKAGE = __name__.partition(".")[0]
_shown: dict[str, list[str]] = {}


def show_public_names(
    module_name: str,
    lazy: Collection[str] = (),
    parts: Sequence[str] = (),
) -> None:
    """Let a module show the names in its `__all__`, and say in words that it lacks another."""
    module = sys.modules[module_name]
    names: list[str] = list(module.__all__)
    _shown[module_name] = names

    def __getattr__(name: str) -> Any:  # noqa: N807  a module's own
        if name in lazy or name in parts:
            return importlib.import_module(f"{module_name}.{name}")
        for part in parts if name in names else ():
            submodule = importlib.import_module(f"{module_name}.{part}")
            if name in submodule.__all__:
                value = getattr(submodule, name)
                setattr(module, name, value)
                return value
        if name.startswith("__"):
            raise AttributeError(f"module {module_name!r} has no attribute {name!r}")
        message = f"module {module_name!r} has no attribute {name!r}{_advice(module_name, name)}"
        if _is_import(sys._getframe(1)):  # which would hide the words of an AttributeError
            raise ImportError(message, name=module_name)
        raise AttributeError(message)

    def __dir__() -> list[str]:  # noqa: N807  a module's own
        return sorted({*names, *(name for name in vars(module) if name.startswith("__"))})

    vars(module).update(__getattr__=__getattr__, __dir__=__dir__)


def _is_import(frame: FrameType) -> bool:
    """True if the frame is at `from module import name`."""
    return bool(dis.opname[frame.f_code.co_code[frame.f_lasti]] == "IMPORT_FROM")


def _advice(module_name: str, name: str) -> str:
    """The reason that torch's name is not here, or names that may have been meant."""
    namespace = module_name.removeprefix(_PACKAGE).removeprefix(".")
    elsewhere = [
        f"{module}.{name}"
        for module, names in _shown.items()
        if name in names and not module.startswith(f"{_PACKAGE}.nn.modules")  # only for old code
    ]
    if elsewhere:
        return f"; it is {' and '.join(elsewhere)}"
    is_package = "__path__" in vars(sys.modules[module_name])
    if is_package and name.isidentifier() and importlib.util.find_spec(f"{module_name}.{name}"):
        return f"; it is a module: import {module_name}.{name}"
    if why := why_missing(namespace, name):
        return f": {why}"
    near = list(_near(name, _shown[module_name]))
    return f". Did you mean: {' or '.join(map(repr, near))}?" if near else ""


def _near(name: str, names: list[str]) -> Iterator[str]:
    """Names that differ in case alone, or else in few letters: at most three."""
    by_letters = {other.lower(): other for other in names}
    if name.lower() in by_letters:
        yield by_letters[name.lower()]
        return
    for letters in difflib.get_close_matches(name.lower(), by_letters, n=3, cutoff=0.75):
        yield by_letters[letters]
