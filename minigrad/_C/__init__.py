"""Names of torch._C that others use: for `__torch_function__`, an error, a log that torch has."""

from minigrad.core.public_names import show_public_names
from minigrad.engine.overrides import DisableTorchFunctionSubclass
from minigrad.engine.overrides import disabled_torch_function_impl as _disabled_torch_function_impl
from minigrad.ops.linalg.lapack import LinAlgError as _LinAlgError


def _log_api_usage_once(event: str) -> None:
    """Do nothing: torch writes into a log which of its parts are used, minigrad has none."""


DisableTorchFunction = DisableTorchFunctionSubclass

__all__ = [
    "DisableTorchFunction", "DisableTorchFunctionSubclass", "_LinAlgError",
    "_disabled_torch_function_impl", "_log_api_usage_once",
]  # fmt: skip

show_public_names(__name__)
