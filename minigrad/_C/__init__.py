"""Names of torch._C that others use: of classes with `__torch_function__`, of an error."""

from minigrad.core.public_names import show_public_names
from minigrad.engine.overrides import DisableTorchFunctionSubclass
from minigrad.engine.overrides import disabled_torch_function_impl as _disabled_torch_function_impl
from minigrad.ops.linalg.lapack import LinAlgError as _LinAlgError

DisableTorchFunction = DisableTorchFunctionSubclass

__all__ = [
    "DisableTorchFunction", "DisableTorchFunctionSubclass", "_LinAlgError",
    "_disabled_torch_function_impl",
]  # fmt: skip

show_public_names(__name__)
