"""Modules of torch's, as functions of their parameters and inputs."""

import copy
import sys
from collections.abc import Callable
from typing import Any

from minigrad.core.types import Array


def is_module(what: Any) -> bool:
    """True for an instance of torch.nn.Module; torch is not imported to tell."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(what, torch.nn.Module)


def is_module_class(what: Any) -> bool:
    """True for a class of torch's modules."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(what, type) and issubclass(what, torch.nn.Module)


def module_as_function(module: Any, training: bool) -> tuple[Callable[..., Any], dict[str, Array]]:
    """A module as a function of its parameters, then its inputs; and the parameters' values."""
    made = copy.deepcopy(module).double().train(training)
    state = {name: b.detach().clone() for name, b in made.named_buffers()}
    values = {n: p.detach().numpy() for n, p in made.named_parameters() if p.requires_grad}

    def function(*given: Any) -> Any:
        parameters = dict(zip(values, given[: len(values)], strict=True))
        buffers = {name: buffer.clone() for name, buffer in state.items()}
        return sys.modules["torch"].func.functional_call(
            made, (parameters, buffers), given[len(values) :]
        )

    return function, values
