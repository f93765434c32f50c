"""torch.compiler and torch.compile: models run as they are written.

minigrad's kernels are compiled already; whole steps are not, yet.  So `compile` gives back what it
is given, and results are those of the program as it stands.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from minigrad.core.public_names import show_public_names

__all__ = [
    "allow_in_graph", "assume_constant_result", "compile", "cudagraph_mark_step_begin", "disable",
    "is_compiling", "is_dynamo_compiling", "is_exporting", "list_backends", "reset", "set_stance",
]  # fmt: skip

F = TypeVar("F", bound=Callable[..., Any])


def compile(
    model: Callable[..., Any] | None = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: str | Callable[..., Any] | None = None,
    mode: str | None = None,
    options: dict[str, Any] | None = None,
    name: str | None = None,
    disable: bool = False,
    recompile_limit: int | None = None,
    isolate_recompiles: bool = False,
    shapes_spec: Any = None,
) -> Any:
    """The model or function itself; without one, a decorator that gives it back.

    PyTorch differs: nothing is compiled, so no option has an effect, and a state_dict has no
    "_orig_mod." before its keys.  Raises TypeError for what cannot be called.
    """
    if model is None:
        return compile
    return _callable("compile", model)


def _callable(name: str, given: Any) -> Any:
    if not callable(given):
        raise TypeError(f"{name} expects a module or a function, got {type(given).__name__}")
    return given


def disable(fn: Any = None, recursive: bool = True, *, reason: str | None = None) -> Any:
    """The function itself, which is never compiled; without one, a decorator."""
    return disable if fn is None else fn


def allow_in_graph(fn: F) -> F:
    """The function itself."""
    return fn


def assume_constant_result(fn: F) -> F:
    """The function itself."""
    return fn


def is_compiling() -> bool:
    """False."""
    return False


def is_dynamo_compiling() -> bool:
    """False."""
    return False


def is_exporting() -> bool:
    """False."""
    return False


def list_backends(exclude_tags: tuple[str, ...] = ("debug", "experimental")) -> list[str]:
    """No backends."""
    return []


def reset() -> None:
    """Nothing: no compiled code is kept."""


def cudagraph_mark_step_begin() -> None:
    """Nothing: there are no graphs of a device."""


@contextlib.contextmanager
def set_stance(stance: str = "default", **settings: Any) -> Iterator[None]:
    """A block or decorator in which models run as they are written, as everywhere."""
    yield


show_public_names(__name__)
