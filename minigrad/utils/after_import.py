"""What is done when another package is imported: einops and opt_einsum get a backend for tensors.

einops looks for its backends among the classes that are loaded, opt_einsum in a table of its own.
So ours has to be loaded with theirs, in whichever order a program imports the packages.  einops
gets layers, too.
"""

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from minigrad.kernels.compiler.process import is_enabled

# Modules of other packages, and ours that is loaded after each.
COMPANIONS = {
    "einops._backends": "minigrad.utils.einops_backend",
    "opt_einsum.backends.dispatch": "minigrad.utils.opt_einsum_backend",
}
THEIR_LAYERS, OUR_LAYERS = "einops.layers.minigrad", "minigrad.utils.einops"


class _CompanionFinder(MetaPathFinder):
    """Finds `einops.layers.minigrad`, and loads our companions after the modules of others."""

    _asking = False

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == THEIR_LAYERS:
            return ModuleSpec(THEIR_LAYERS, _LayersLoader())
        if fullname not in COMPANIONS or self._asking:
            return None
        self._asking = True  # the other finders
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self._asking = False
        if spec is not None and spec.loader is not None:
            spec.loader = _CompanionLoader(spec.loader)
        return spec


class _CompanionLoader(Loader):
    """The loader of a module of others, which loads our companion as well."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        importlib.import_module(COMPANIONS[module.__name__])


class _LayersLoader(Loader):
    def exec_module(self, module: ModuleType) -> None:
        ours = importlib.import_module(OUR_LAYERS)
        vars(module).update({name: getattr(ours, name) for name in ours.__all__})
        vars(module)["__all__"] = ours.__all__


def watch_imports() -> None:
    """Register the backends with the other packages, now or when these are imported.

    The switch "einops" of `MINIGRAD_DISABLE` is for all of them.
    """
    if not is_enabled("einops"):
        return
    sys.meta_path.insert(0, _CompanionFinder())
    for theirs, ours in COMPANIONS.items():
        if theirs in sys.modules:
            importlib.import_module(ours)
