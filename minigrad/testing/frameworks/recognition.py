"""The framework that a function was written for, by what it names."""

import importlib
import inspect
from collections.abc import Iterator
from types import CodeType, ModuleType
from typing import Any

# The framework's module, and the module here that adapts its functions.
ADAPTERS = {
    "torch": "torch_adapter",
    "jax": "jax_adapter",
    "autograd": "hips_adapter",
    "mygrad": "mygrad_adapter",
}
NAMES = ("minigrad", *ADAPTERS)


def adapter(name: str) -> Any:
    """The module that adapts functions of this framework.

    Raises ValueError for another name, ImportError if the framework is not installed.
    """
    if name not in ADAPTERS:
        raise ValueError(f"a framework is one of {', '.join(NAMES)}, got {name!r}")
    return importlib.import_module(f"{__package__}.{ADAPTERS[name]}")


def framework_of(what: Any) -> str:
    """The framework of a function, class or module; minigrad for what names none."""
    kinds = what.__mro__ if inspect.isclass(what) else type(what).__mro__
    for kind in kinds:
        root = kind.__module__.partition(".")[0].replace("jaxlib", "jax")
        if root in NAMES:
            return root
    function = inspect.unwrap(what) if callable(what) else what
    code = getattr(function, "__code__", None)
    if code is None:  # a function in C, as torch.abs is
        root = _root(function)
        return root if root in NAMES else "minigrad"
    named = set(_roots(code, function))
    return next((name for name in NAMES if name in named), "minigrad")


def _roots(code: CodeType, function: Any) -> Iterator[str]:
    """The packages of the modules and objects that a function's code names."""
    names = set(_names(code))
    for name in names:
        yield _root(function.__globals__.get(name))
    for cell in function.__closure__ or ():
        try:
            yield _root(cell.cell_contents)
        except ValueError:  # a variable that has no value yet
            continue


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _root(found: Any) -> str:
    if inspect.isclass(found) or callable(found):
        for kind in found.__mro__ if inspect.isclass(found) else ():
            root = str(kind.__module__).partition(".")[0]
            if root in NAMES:
                return root
    name = found.__name__ if isinstance(found, ModuleType) else getattr(found, "__module__", "")
    return str(name or "").partition(".")[0].replace("jaxlib", "jax")
