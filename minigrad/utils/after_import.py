"""What is done when another package is imported: einops gets a backend for tensors, and layers.

einops looks for its backends among the classes that are loaded, so ours has to be loaded with it,
in whichever order a program imports the two.
"""

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from minigrad.kernels.compiler.process import is_enabled

THEIR_BACKENDS, OUR_BACKEND = "einops._backends", "minigrad.utils.einops_backend"
THEIR_LAYERS, OUR_LAYERS = "einops.layers.minigrad", "minigrad.utils.einops"


class _EinopsFinder(MetaPathFinder):
    """Finds `einops.layers.minigrad`, and loads our backend after those of einops."""

    _asking = False

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == THEIR_LAYERS:
            return ModuleSpec(THEIR_LAYERS, _LayersLoader())
        if fullname != THEIR_BACKENDS or self._asking:
            return None
        self._asking = True  # the other finders
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self._asking = False
        if spec is not None and spec.loader is not None:
            spec.loader = _BackendsLoader(spec.loader)
        return spec


class _BackendsLoader(Loader):
    """The loader of einops' backends, which loads ours as well."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        importlib.import_module(OUR_BACKEND)


class _LayersLoader(Loader):
    def exec_module(self, module: ModuleType) -> None:
        ours = importlib.import_module(OUR_LAYERS)
        vars(module).update({name: getattr(ours, name) for name in ours.__all__})
        vars(module)["__all__"] = ours.__all__


def watch_einops() -> None:
    """Register the backend with einops, now or when it is imported."""
    if not is_enabled("einops"):
        return
    sys.meta_path.insert(0, _EinopsFinder())
    if THEIR_BACKENDS in sys.modules:
        importlib.import_module(OUR_BACKEND)
