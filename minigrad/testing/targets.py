"""Subjects of a gradient check in a user's file or module, and their default inputs."""

import copy
import importlib
import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from minigrad.autograd import Function
from minigrad.core.files import import_file
from minigrad.engine.grad_mode import no_grad
from minigrad.engine.op import Sample, arr
from minigrad.nn import Module
from minigrad.testing.cases import Cases, Subject, cases_of
from minigrad.testing.frameworks.torch_modules import is_module
from minigrad.testing.samples import as_inputs

DEFAULT_SHAPE = (3, 4)

CONVENTION = """\
What is checked in a file or module:
  - whatever is decorated with minigrad.testing.gradcheck_cases, on the cases
    stated there;
  - subclasses of autograd.Function, on random (3, 4) tensors for all arguments
    without default;
  - functions whose arguments without default are all annotated as Tensor,
    Array or ndarray,
    likewise;
  - nn.Modules and losses: instances, and classes that need no arguments to be
    made; a module's inputs are random tensors shaped for its first layer
    (Linear, convolution, batch norm, embedding), else (3, 4).  What does not
    run on these says so, and how to state others.
Functions, Functions and modules of torch, and functions of JAX, autograd and
MyGrad are recognised by what they name, or --framework says what they are
written for.
FILE.py:NAME or PACKAGE.MODULE:NAME checks that name alone, annotated or not."""

TENSORS = {"Tensor", "Array", "ndarray"}
# Images that a network of convolutions may want, the smallest first.
SIDES = (6, 8, 16, 28, 32, 64)


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
    if isinstance(what, Module) or is_module(what):
        return True
    if getattr(what, "__module__", None) != module.__name__:
        return False
    if inspect.isclass(what):
        return issubclass(what, Module | Function) or _of_torch(what, "Function", "Module")
    return callable(what) and not isinstance(what, type) and _takes_tensors(what)


def _of(what: Any, base: type) -> bool:
    """True for a class derived from this one."""
    return inspect.isclass(what) and issubclass(what, base)


def _of_torch(what: Any, *names: str) -> bool:
    """True for a class derived from one of torch's with these names."""
    return inspect.isclass(what) and any(
        kind.__module__.startswith("torch.") and kind.__name__ in names for kind in what.__mro__
    )


def _takes_tensors(function: Callable[..., Any]) -> bool:
    annotations = [p.annotation for p in _required(function)]
    named = [a if isinstance(a, str) else getattr(a, "__name__", "") for a in annotations]
    return bool(named) and all(_bare(n) in TENSORS for n in named)


def _bare(annotation: str) -> str:
    """The name of a type without its package and parameters."""
    return annotation.partition("[")[0].rpartition(".")[2]


def _required(function: Callable[..., Any]) -> Iterator[inspect.Parameter]:
    """Arguments that a call must give."""
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}:
            continue
        if parameter.default is parameter.empty:
            yield parameter


def _defaults(name: str, what: Any) -> Cases:
    """The cases of something that states none.  Raises TargetError if none can be made up."""
    if _of(what, Function) or _of_torch(what, "Function"):
        split = getattr(what.setup_context, "__module__", "") == what.__module__
        return _cases(len(list(_required(what.forward))) - (not split))
    if _of(what, Module) or _of_torch(what, "Module"):
        needed = [p.name for p in _required(what)]
        if needed:
            raise TargetError(
                f"needs {', '.join(needed)} to be made: decorate it, as in "
                f"@gradcheck_cases(arr.of(3, 4), make=lambda: {name}(...))"
            )
        what = what()
    if isinstance(what, Module):
        return _of_module(name, what)
    if is_module(what):
        return _cases(len(list(_required(what.forward))), *_inputs_of(what))
    if not callable(what):
        raise TargetError(f"{name!r} is a {type(what).__name__}: there is nothing to differentiate")
    return _cases(len(list(_required(what))))


def _cases(count: int, *guesses: arr) -> Cases:
    first = guesses[0] if guesses else arr(DEFAULT_SHAPE)
    return Cases((Sample((first,) * count, {}),))


# --- modules that state no inputs ----------------------------------------------------------------


def _of_module(name: str, module: Module) -> Cases:
    """The first inputs that the module runs on.  Raises TargetError if there is none."""
    count, reason = len(list(_required(module.forward))), ""
    for guess in _inputs_of(module):
        given = as_inputs((guess,) * count, np.random.default_rng(0))
        try:
            with no_grad():
                copy.deepcopy(module).double()(*given)
        except Exception as error:
            reason = reason or _told(error)
        else:
            return _cases(count, guess)
    raise TargetError(
        f"does not run on inputs made up for it ({reason}): state them, as in "
        f"check({name}, arr.of(2, 3)), or decorate a class with @gradcheck_cases(arr.of(2, 3), "
        f"make=...); arr.of(4, integers=10) draws class indices"
    )


def _inputs_of(module: Any) -> list[arr]:
    """What may be given to a module, by the first layer that states its number of inputs."""
    for layer in module.modules():
        if hasattr(layer, "num_embeddings"):
            return [arr((3, 4), integers=layer.num_embeddings)]
        if hasattr(layer, "in_features"):
            return [arr((3, layer.in_features))]
        if hasattr(layer, "in_channels"):
            dims = layer.weight.ndim - 2
            return [arr((2, layer.in_channels, *(side,) * dims)) for side in SIDES]
        if hasattr(layer, "num_features"):
            return [arr((4, layer.num_features)), arr((2, layer.num_features, 6, 6))]
    return [arr(DEFAULT_SHAPE), arr((2, 3, 8, 8))]
