"""A weight computed before each forward from its parts: the older form of a parametrization."""

from typing import TypeVar

from minigrad.engine.grad_mode import no_grad
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.tensor import Tensor

M = TypeVar("M", bound=Module)


class NormHook:
    """A forward pre-hook that sets the attribute `name` of a module, computed from its parts.

    The parts are parameters and buffers of the module, named with one of `suffixes` each.
    """

    suffixes: tuple[str, ...]
    function: str

    def __init__(self, name: str) -> None:
        self.name = name

    def compute_weight(self, module: Module, is_training: bool) -> Tensor:
        """The weight from the module's parts."""
        raise NotImplementedError(f"{type(self).__name__} does not define compute_weight()")

    def __call__(self, module: Module, inputs: object) -> None:
        setattr(module, self.name, self.compute_weight(module, module.training))

    def register(self, module: M) -> M:
        """Call this hook before each forward.  Raises RuntimeError if one like it is there."""
        if self._find(module) is not None:
            raise RuntimeError(
                f"Cannot register two {self.function} hooks on the same parameter {self.name}"
            )
        module.register_forward_pre_hook(self)
        return module

    def _find(self, module: Module) -> int | None:
        hooks = module._hooks.forward_pre if module._hooks else {}
        for key, hook in hooks.items():
            found = hook.call
            if isinstance(found, type(self)) and found.name == self.name:
                return key
        return None

    def remove(self, module: M) -> M:
        """Make the weight a plain parameter again.  Raises ValueError if it is not computed."""
        key = self._find(module)
        if key is None:
            raise ValueError(f"{self.function} of '{self.name}' not found in {module}")
        assert module._hooks is not None
        found = module._hooks.forward_pre.pop(key).call
        assert isinstance(found, NormHook)
        with no_grad():
            weight = found.compute_weight(module, is_training=False)
        for suffix in ("", *self.suffixes):
            delattr(module, self.name + suffix)
        module.register_parameter(self.name, Parameter(weight.detach()))
        return module
