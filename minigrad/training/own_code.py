"""Models and optimizers of users, given as FILE.py:NAME."""

import hashlib
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from minigrad.core.files import import_file
from minigrad.training.settings import SettingsError


class OwnCode(NamedTuple):
    """A name in a Python file, the file, and a checksum of its content."""

    made: Callable[..., Any]
    file: Path
    name: str
    sha256: str


def is_own_code(given: str) -> bool:
    """Whether a setting is FILE.py:NAME."""
    return ".py:" in given


def find_own_code(given: str, setting: str) -> OwnCode:
    """Run the file and find the name in it.  Raises SettingsError if that cannot be."""
    path, _, name = given.rpartition(":")
    file = Path(path).expanduser().resolve()
    if not file.is_file():
        raise SettingsError(f"{setting} {given}: there is no file {file}")
    digest = checksum(file)
    try:
        module = import_file(file)
    except Exception as error:
        raise SettingsError(
            f"{setting} {given}: {file} cannot be run: {type(error).__name__}: {error}"
        ) from error
    made = getattr(module, name, None)
    if not callable(made):
        found = [n for n, v in vars(module).items() if callable(v) and not n.startswith("_")]
        raise SettingsError(
            f"{setting} {given}: {file.name} has no class or function {name!r}; it has "
            f"{', '.join(found) or 'none'}"
        )
    return OwnCode(made, file, name, digest)


def checksum(file: Path) -> str:
    """The SHA-256 of a file's content."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def call_with_known(made: Callable[..., Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that a function or class takes, of those that are known."""
    parameters = inspect.signature(made).parameters
    return {name: value for name, value in known.items() if name in parameters}
