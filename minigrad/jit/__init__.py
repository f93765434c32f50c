"""torch.jit: functions and modules run as they are written.

`script` and `trace` give back what they are given, and decorators leave functions as they are, so
that programs written for torch.jit run.  minigrad's kernels are compiled; programs are not.
"""

import builtins
from collections.abc import Callable
from typing import Any, Final, NoReturn, TypeVar

from minigrad.core.public_names import show_public_names
from minigrad.core.unsupported import refuse
from minigrad.nn.module import Module

__all__ = [
    "Final", "ScriptModule", "annotate", "export", "freeze", "ignore", "interface", "is_scripting",
    "is_tracing", "isinstance", "load", "optimize_for_inference", "save", "script",
    "script_if_tracing", "script_method", "trace", "trace_module", "unused",
]  # fmt: skip

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
NO_PROGRAMS = (
    "a file of torch.jit holds a program, and minigrad's files hold data only; save a model's "
    "state_dict(), and load it into the model's class"
)


class ScriptModule(Module):
    """A module as scripts derive theirs from; what `script` gives back is none."""


def script(
    obj: T,
    optimize: None = None,
    _frames_up: int = 0,
    _rcb: Callable[[str], Any] | None = None,
    example_inputs: Any = None,
) -> T:
    """The function, class or module itself.

    PyTorch differs: nothing is compiled, so everything that Python allows is allowed.
    """
    return obj


def trace(func: F, example_inputs: Any = None, **options: Any) -> F:
    """The function or module itself; it is not run.

    PyTorch differs: nothing is recorded, so conditions in it are asked at every call.
    """
    return func


def trace_module(mod: Module, inputs: dict[str, Any], **options: Any) -> Module:
    """The module itself."""
    return mod


def script_if_tracing(fn: F) -> F:
    """The function itself."""
    return fn


def script_method(fn: F) -> F:
    """The method itself."""
    return fn


def export(fn: F) -> F:
    """The method itself."""
    return fn


def unused(fn: F) -> F:
    """The method itself."""
    return fn


def ignore(drop: Any = False, **settings: Any) -> Any:
    """The method itself; called without one, a decorator that gives it back."""
    return drop if callable(drop) else unused


def interface(obj: T) -> T:
    """The class itself."""
    return obj


def is_scripting() -> bool:
    """False."""
    return False


def is_tracing() -> bool:
    """False."""
    return False


def annotate(the_type: type[T], the_value: T) -> T:
    """The value."""
    return the_value


def isinstance(obj: Any, target_type: Any) -> bool:
    """True if the object is of the type; of `list[int]` and the like, `list` is asked for."""
    return builtins.isinstance(obj, getattr(target_type, "__origin__", target_type))


def freeze(
    mod: Module, preserved_attrs: list[str] | None = None, optimize_numerics: bool = True
) -> Module:
    """The module itself."""
    return mod


def optimize_for_inference(mod: Module, other_methods: list[str] | None = None) -> Module:
    """The module itself."""
    return mod


def save(m: Module, f: Any, _extra_files: dict[str, Any] | None = None) -> NoReturn:
    """Raise NotImplementedError: programs are not saved."""
    refuse("jit.save", NO_PROGRAMS)


def load(f: Any, map_location: Any = None, _extra_files: dict[str, Any] | None = None) -> NoReturn:
    """Raise NotImplementedError: programs are not loaded."""
    refuse("jit.load", NO_PROGRAMS)


show_public_names(__name__)
