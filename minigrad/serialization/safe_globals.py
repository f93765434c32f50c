"""Classes and functions that you trust: `load` makes objects with them, as torch's files tell it.

>>> import argparse
>>> from minigrad.serialization import get_safe_globals, safe_globals
>>> with safe_globals([argparse.Namespace]):  # options, saved beside the weights
...     get_safe_globals()
[<class 'argparse.Namespace'>]
"""

from collections.abc import Iterable
from typing import Any

Trusted = Any
"""A class or function, or a pair of it and the path that files have for it."""

_trusted: list[Trusted] = []


def add_safe_globals(safe_globals: Iterable[Trusted]) -> None:
    """Let `load` make objects of these classes, and call these functions, where a file says so.

    A file names them as `module.qualified_name`; for another path give a pair of both.  Code in
    them runs with whatever the file holds.  Raises ValueError or TypeError for what has no path.
    """
    given = list(safe_globals)
    for each in given:
        _path_and_value(each)
    _trusted.extend(each for each in given if each not in _trusted)


def get_safe_globals() -> list[Trusted]:
    """What was added, in that order."""
    return list(_trusted)


def clear_safe_globals() -> None:
    """Trust nothing any more."""
    _trusted.clear()


class safe_globals:  # noqa: N801  torch's name
    """Trusts classes and functions within a `with` block."""

    def __init__(self, safe_globals: Iterable[Trusted]) -> None:
        self.safe_globals = list(safe_globals)
        self._before: list[Trusted] = []

    def __enter__(self) -> None:
        self._before = get_safe_globals()
        add_safe_globals(self.safe_globals)

    def __exit__(self, *exc: object) -> None:
        _trusted[:] = self._before


def trusted_values() -> dict[str, Any]:
    """What was added, by the path that files have for it."""
    return dict(map(_path_and_value, _trusted))


def is_trusted(value: Any) -> bool:
    """True for a class or function that was added."""
    return any(value is trusted for trusted in trusted_values().values())


def set_state(made: Any, state: Any) -> None:
    """Give an object the state that its class saved: by `__setstate__`, or as attributes."""
    if hasattr(made, "__setstate__"):
        made.__setstate__(state)
        return
    parts = [part for part in (state if type(state) is tuple else (state,)) if part is not None]
    if not all(type(part) is dict and all(type(name) is str for name in part) for part in parts):
        raise ValueError("an object's attributes should be a dict")
    for part in parts:
        for name, value in part.items():
            object.__setattr__(made, name, value)  # which frozen dataclasses forbid otherwise


def _path_and_value(given: Trusted) -> tuple[str, Any]:
    if isinstance(given, tuple):
        if len(given) != 2:
            raise ValueError(
                f"Expected tuple of length 2 (global, str of callable full path), but got tuple of "
                f"length: {len(given)}"
            )
        value, path = given
        if type(path) is not str:
            raise TypeError(
                f"Expected second item in tuple to be str of callable full path, but got: "
                f"{type(path)}"
            )
        return path, value
    if not (callable(given) and hasattr(given, "__module__") and hasattr(given, "__qualname__")):
        raise TypeError(f"add_safe_globals() expects classes and functions, got {given!r}")
    return f"{given.__module__}.{given.__qualname__}", given
