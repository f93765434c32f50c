"""`CompiledModule`: a module whose calls are recorded and replayed, and that is else the module."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

from minigrad.compiler.compiled import CompiledFunction
from minigrad.compiler.options import Options
from minigrad.nn.module import Module

_OWN = ("_orig_mod", "compiled", "training")


def compile_forward(module: Any, make: Callable[[Any], Any]) -> None:
    """Put what `make` gives of a module's forward in its place."""
    own = module.__dict__.get("forward")
    forward = own._function if isinstance(own, CompiledFunction) else module.forward
    made = make(forward)
    if isinstance(made, CompiledFunction):
        made.name = made.options.name or type(module).__name__
        module.__dict__["forward"] = made
    elif isinstance(own, CompiledFunction):
        del module.__dict__["forward"]


class CompiledModule(Module):
    """A module that replays its forward; parameters, state and attributes are the module's own.

    PyTorch differs: names of parameters and keys of state_dict have no "_orig_mod." before them.
    """

    compiled: CompiledFunction

    def __init__(self, module: Module, options: Options) -> None:
        super().__init__()
        self._orig_mod = module
        self.__dict__["training"] = module.training
        self.__dict__["compiled"] = CompiledFunction(
            module.__call__, options, module, name=type(module).__name__
        )

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes."""
        return self.compiled(*args, **kwargs)

    def explain(self) -> str:
        """What is replayed, and what is not and why; see `CompiledFunction.explain`."""
        text: str = self.compiled.explain()
        return text

    # --- the module itself ---

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            if "_modules" not in self.__dict__:
                raise
            return getattr(self._modules["_orig_mod"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _OWN or "_orig_mod" not in self.__dict__.get("_modules", ()):
            super().__setattr__(name, value)
        else:
            setattr(self._orig_mod, name, value)

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """The module's state."""
        return self._orig_mod.state_dict(*args, **kwargs)

    def load_state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """Load the module's state."""
        return self._orig_mod.load_state_dict(*args, **kwargs)

    def named_parameters(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """The module's parameters under its own names."""
        found: Iterator[Any] = self._orig_mod.named_parameters(*args, **kwargs)
        return found

    def named_buffers(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """The module's buffers under its own names."""
        found: Iterator[Any] = self._orig_mod.named_buffers(*args, **kwargs)
        return found

    def __deepcopy__(self, memo: dict[int, Any]) -> "CompiledModule":
        """A copy of the module, of which nothing is recorded yet."""
        return CompiledModule(deepcopy(self._orig_mod, memo), self.compiled.options)

    def __reduce__(self) -> tuple[Any, ...]:
        return CompiledModule, (self._orig_mod, self.compiled.options)

    def __repr__(self) -> str:
        return f"CompiledModule({self._orig_mod!r})"
