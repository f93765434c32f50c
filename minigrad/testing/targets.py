"""Subjects of a gradient check in a user's file or module, and their default inputs."""

import importlib
import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from minigrad.autograd import Function
from minigrad.core.files import import_file
from minigrad.engine.op import Sample, arr
from minigrad.nn import Module
from minigrad.testing.cases import Cases, Subject, cases_of

DEFAULT_SHAPE = (3, 4)

CONVENTION = """\
What is checked in a file or module:
  - whatever is decorated with minigrad.testing.gradcheck_cases, on the cases
    stated there;
  - subclasses of autograd.Function, on random (3, 4) tensors for all arguments
    without default;
  - functions whose arguments without default are all annotated as Tensor,
    likewise;
  - nn.Modules and losses: instances, and classes that need no arguments to be
    made; a module's inputs are random tensors shaped for its first layer
    (Linear, convolution, batch norm), else (3, 4).
FILE.py:NAME or PACKAGE.MODULE:NAME checks that name alone, annotated or not."""


class TargetError(ValueError):
    """A target that cannot be read, or has nothing to check; says why."""


class Found(NamedTuple):
    """The subjects found, and what is left out, with the reason."""

    subjects: list[Subject]
    passed_over: list[tuple[str, str]]


def find(target: str) -> Found:
    """The functions, Functions, modules and losses of `package.module[:name]` or `file.py[:name]`.

    Raises TargetError if there is no such file, module or name, if importing it fails, or if it
    has nothing to check.
    """
    place, _, name = target.partition(":") if not _is_drive(target) else (target, "", "")
    module = _imported(place)
    if name:
        if not hasattr(module, name):
            raise TargetError(f"{place} has no {name!r}; it has {', '.join(_public(module))}")
        what = getattr(module, name)
        return Found([Subject(name, what, cases_of(what) or _defaults(name, what))], [])
    found = Found([], [])
    for label, what in vars(module).items():
        if label.startswith("_"):
            continue
        stated = cases_of(what)
        if stated is not None:
            found.subjects.append(Subject(label, what, stated))
        elif _belongs(what, module):
            try:
                found.subjects.append(Subject(label, what, _defaults(label, what)))
            except TargetError as reason:
                found.passed_over.append((label, str(reason)))
    if not found.subjects:
        seen = "".join(f"\n  {label}: {reason}" for label, reason in found.passed_over)
        raise TargetError(f"{place} has nothing to check.{seen}\n{CONVENTION}")
    return found


def _is_drive(target: str) -> bool:
    """True if the only colon is that of a drive, as in C:\\ops.py."""
    return target.count(":") == 1 and target[1:3] in {":\\", ":/"}


def _public(module: ModuleType) -> list[str]:
    own = [n for n, v in vars(module).items() if getattr(v, "__module__", "") == module.__name__]
    return sorted(n for n in own if not n.startswith("_")) or ["no names of its own"]


def _imported(place: str) -> ModuleType:
    path = Path(place)
    if path.suffix == ".py" or path.is_file():
        return _imported_file(path)
    sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(place)
    except ModuleNotFoundError as error:
        if error.name is not None and (place == error.name or place.startswith(f"{error.name}.")):
            raise TargetError(f"there is no module or file {place!r}") from None
        raise TargetError(f"{place} cannot be imported: {error}") from error
    except Exception as error:
        raise TargetError(f"{place} cannot be imported: {_told(error)}") from error
    finally:
        sys.path.remove(str(Path.cwd()))


def _imported_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise TargetError(f"there is no file {path}")
    try:
        return import_file(path)
    except Exception as error:
        raise TargetError(f"{path} cannot be imported: {_told(error)}") from error


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


# --- what is checked without a decorator ---------------------------------------------------------


def _belongs(what: Any, module: ModuleType) -> bool:
    """True if it is of a kind that can be checked and was defined in this module."""
    if isinstance(what, Module):
        return True
    if getattr(what, "__module__", None) != module.__name__:
        return False
    if inspect.isclass(what):
        return issubclass(what, Module | Function)
    return inspect.isfunction(what) and _takes_tensors(what)


def _takes_tensors(function: Callable[..., Any]) -> bool:
    annotations = [p.annotation for p in _required(function)]
    named = [a if isinstance(a, str) else getattr(a, "__name__", "") for a in annotations]
    return bool(named) and all(n.rsplit(".", 1)[-1] == "Tensor" for n in named)


def _required(function: Callable[..., Any]) -> Iterator[inspect.Parameter]:
    """Arguments that a call must give."""
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}:
            continue
        if parameter.default is parameter.empty:
            yield parameter


def _defaults(name: str, what: Any) -> Cases:
    """The cases of something that states none.  Raises TargetError if none can be made up."""
    if inspect.isclass(what) and issubclass(what, Function):
        split = what.setup_context is not Function.setup_context
        return _cases(len(list(_required(what.forward))) - (not split))
    if inspect.isclass(what) and issubclass(what, Module):
        needed = [p.name for p in _required(what)]
        if needed:
            raise TargetError(
                f"needs {', '.join(needed)} to be made: decorate it, as in "
                f"@gradcheck_cases(arr.of(3, 4), make=lambda: {name}(...))"
            )
        what = what()
    if isinstance(what, Module):
        return _cases(len(list(_required(what.forward))), _input_shape(what))
    if not callable(what):
        raise TargetError(f"{name!r} is a {type(what).__name__}: there is nothing to differentiate")
    return _cases(len(list(_required(what))))


def _cases(count: int, shape: tuple[int, ...] = DEFAULT_SHAPE) -> Cases:
    return Cases((Sample(tuple(arr(shape) for _ in range(count)), {}),))


def _input_shape(module: Module) -> tuple[int, ...]:
    """The input shape of the first layer that states its number of inputs."""
    for layer in module.modules():
        if hasattr(layer, "in_features"):
            return (3, layer.in_features)
        if hasattr(layer, "in_channels"):
            return (2, layer.in_channels, *(6,) * (layer.weight.ndim - 2))
        if hasattr(layer, "num_features"):
            return (4, layer.num_features)
    return DEFAULT_SHAPE
