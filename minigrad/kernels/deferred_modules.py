"""Modules that are executed when one of their names is first read.

`import minigrad` would take a tenth of a second longer if it declared every kernel; most programs
call few.  `from minigrad.kernels.conv import conv2d` gives a deferred module at once, and
`conv2d.forward` executes it; `from minigrad.kernels.conv.plan import Axis` executes `plan`.
"""

import importlib.util
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from threading import RLock
from types import ModuleType
from typing import Any

# What the import system, inspect and warnings ask of every module, be it in use or not.
_KNOWN_BEFORE = frozenset(
    ("__class__", "__file__", "__loader__", "__name__", "__package__", "__path__", "__spec__")
) | {"__warningregistry__"}

# One for all modules: two threads that execute modules which import each other would wait forever.
_executing = RLock()


class DeferredModule(ModuleType):
    """A module that is not executed yet; once it is, it is an ordinary module."""

    def __getattribute__(self, name: str) -> Any:
        if name in _KNOWN_BEFORE:
            return ModuleType.__getattribute__(self, name)
        _execute(self)
        return getattr(self, name)


class _ModuleInExecution(ModuleType):
    """Seen by the thread that executes it; the others wait at their first name."""

    def __getattribute__(self, name: str) -> Any:
        if name not in _KNOWN_BEFORE:
            with _executing:
                pass
        return ModuleType.__getattribute__(self, name)  # it may have become one meanwhile


def _execute(module: ModuleType) -> None:
    with _executing:
        if type(module) is not DeferredModule:  # another thread was first
            return
        spec = module.__spec__
        assert spec is not None
        assert spec.loader is not None
        assert spec.origin is not None
        if _stamp(spec.origin) != spec.loader_state:
            # The disk cache's key was made of the text that stood there before.
            raise ImportError(
                f"{spec.origin} was edited after minigrad was imported; start Python again",
                name=spec.name,
                path=spec.origin,
            )
        _become(_ModuleInExecution, module)
        try:
            spec.loader.exec_module(module)
        except BaseException:
            _become(DeferredModule, module)
            raise
        _become(ModuleType, module)


def _become(kind: type[ModuleType], module: ModuleType) -> None:
    module.__class__ = kind


def _stamp(file: str) -> tuple[int, int]:
    """What changes when a file is edited."""
    status = os.stat(file)
    return status.st_mtime_ns, status.st_size


def defer_modules(package: str, folders: Iterable[str]) -> None:
    """Make every module in these folders of a package one that is executed when it is used."""
    for folder in folders:
        parent = importlib.import_module(f"{package}.{folder}")
        for path in Path(next(iter(parent.__path__))).glob("[!_]*.py"):
            name = f"{parent.__name__}.{path.stem}"
            if name in sys.modules:
                continue
            spec = importlib.util.spec_from_file_location(name, path)
            assert spec is not None
            spec.loader_state = _stamp(str(path))
            module = importlib.util.module_from_spec(spec)
            _become(DeferredModule, module)
            sys.modules[name] = module
            setattr(parent, path.stem, module)
