"""What minigrad offers: its public modules, the names in them, and where each is described."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple

import minigrad

PACKAGE = minigrad.__name__
# Parts of the package that are no interface: CONTRIBUTING.md and the architecture describe them.
INNER = {
    "aliases", "bench", "cli", "core", "engine", "kernels", "ops", "tensor", "types",
    "_C", "_dynamo", "_inductor", "__main__", "functional", "storage",
}  # fmt: skip
# Paths at which old code finds names that are described elsewhere.
OLD_PATHS = ("minigrad.nn.modules.", "minigrad.vision.transforms.transforms")


class Name(NamedTuple):
    """A public name: its path, the object, and the path under which that is described."""

    path: str
    value: Any
    described_at: str

    @property
    def kind(self) -> str:
        """The object's kind, in the words of Sphinx's Python domain."""
        if inspect.isclass(self.value):
            return "exception" if issubclass(self.value, BaseException) else "class"
        return "function" if callable(self.value) and hasattr(self.value, "__name__") else "data"

    @property
    def home(self) -> str:
        """The module that defines it."""
        return str(getattr(self.value, "__module__", None) or PACKAGE)


@cache
def modules() -> dict[str, ModuleType]:
    """The public modules by name, minigrad itself first."""
    found = {PACKAGE: minigrad}
    for info in pkgutil.walk_packages(minigrad.__path__, f"{PACKAGE}."):
        parts = info.name.split(".")
        inner = parts[1] in INNER or any(part.startswith("_") for part in parts[1:])
        if inner or info.name.startswith(OLD_PATHS):
            continue
        try:
            module = importlib.import_module(info.name)
        except ModuleNotFoundError as error:
            if (error.name or "").startswith(PACKAGE):
                raise
            continue  # it serves a package that is not installed
        if hasattr(module, "__all__"):
            found[info.name] = module
    return dict(sorted(found.items(), key=lambda item: (_rank(item[0]), item[0])))


def _rank(name: str) -> int:
    """What a reader asks for first is where a thing with several names is described."""
    order = ("", "nn", "nn.functional", "optim", "optim.lr_scheduler", "autograd", "utils.data")
    short = name.removeprefix(PACKAGE).removeprefix(".")
    return order.index(short) if short in order else len(order)


@cache
def names() -> dict[str, list[Name]]:
    """The public names of each module, those that are modules left out."""
    described: dict[int, str] = {}
    found: dict[str, list[Name]] = {}
    for module_name, module in modules().items():
        found[module_name] = []
        for short in sorted(module.__all__, key=str.lower):
            value = getattr(module, short)
            if inspect.ismodule(value):
                continue
            path = f"{module_name}.{short}"
            has_text = inspect.isclass(value) or hasattr(value, "__code__")
            at = described.setdefault(id(value), path) if has_text else path
            found[module_name].append(Name(path, value, at))
    return found


def tensor_methods() -> Iterator[Name]:
    """The public methods and attributes of Tensor."""
    described = {id(name.value): name.described_at for group in names().values() for name in group}
    for short in sorted(dir(minigrad.Tensor), key=str.lower):
        if not short.startswith("_"):
            value = inspect.getattr_static(minigrad.Tensor, short)
            path = f"{PACKAGE}.Tensor.{short}"
            at = described.get(id(value), path)
            yield Name(path, value, at)


def members(owner: type) -> Iterator[tuple[str, Any]]:
    """The public methods and properties that a class defines itself, and that have a text."""
    for short, value in vars(owner).items():
        function = value.__func__ if isinstance(value, classmethod | staticmethod) else value
        # A function of another place, kept as an attribute, is described there.
        is_own = getattr(function, "__qualname__", "").startswith(f"{owner.__qualname__}.")
        is_member = (inspect.isfunction(function) and is_own) or isinstance(value, property)
        if not short.startswith("_") and is_member and inspect.getdoc(function):
            yield short, value
