"""The older name of `func.functional_call`."""

import warnings
from collections.abc import Mapping
from typing import Any

from minigrad.core.public_names import show_public_names
from minigrad.nn.module import Module
from minigrad.nn.utils import replaced_tensors
from minigrad.tensor import Tensor


def functional_call(
    module: Module,
    parameters_and_buffers: Mapping[str, Tensor],
    args: Any = None,
    kwargs: Mapping[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """As `func.functional_call`, after a FutureWarning."""
    warnings.warn(
        "nn.utils.stateless.functional_call is deprecated: use func.functional_call, which takes "
        "the same arguments.",
        FutureWarning,
        stacklevel=2,
    )
    return replaced_tensors.functional_call(
        module, parameters_and_buffers, args, kwargs, tie_weights=tie_weights, strict=strict
    )


__all__ = [
    "functional_call",
]

show_public_names(__name__)
