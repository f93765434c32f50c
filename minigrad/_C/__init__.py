"""Names of torch._C that classes with `__torch_function__` use."""

from minigrad.core.public_names import show_public_names
from minigrad.engine.overrides import DisableTorchFunctionSubclass
from minigrad.engine.overrides import disabled_torch_function_impl as _disabled_torch_function_impl

DisableTorchFunction = DisableTorchFunctionSubclass

__all__ = ["DisableTorchFunction", "DisableTorchFunctionSubclass", "_disabled_torch_function_impl"]

show_public_names(__name__)
