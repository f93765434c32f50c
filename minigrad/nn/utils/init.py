"""Modules made without drawing initial values."""

import inspect
from typing import Any, TypeVar

from minigrad.core.device import require_cpu
from minigrad.nn.module import Module
from minigrad.ops.generator import default_generator

M = TypeVar("M", bound=Module)


def skip_init(module_cls: type[M], *args: Any, **kwargs: Any) -> M:
    """`module_cls(*args, **kwargs)` with parameters and buffers of arbitrary values.

    The stream of random numbers stays where it was.  Raises RuntimeError for what is not a class
    of modules, or one that takes no `device`.
    """
    if not (isinstance(module_cls, type) and issubclass(module_cls, Module)):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    require_cpu(kwargs.get("device"))
    state = default_generator.get_state()
    try:
        return module_cls(*args, **kwargs).to_empty(device="cpu")
    finally:
        default_generator.set_state(state)
