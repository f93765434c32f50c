"""Products with weights."""

from typing import Any

from minigrad import ops
from minigrad.nn.functional.checks import require_tensor


def linear(input: Any, weight: Any, bias: Any = None) -> Any:
    """input @ weight.T + bias: (..., in), (out, in), (out,) -> (..., out).

    Raises RuntimeError if the sizes or dtypes do not match.
    """
    if len(weight.shape) != 2 or not input.shape:
        require_tensor("linear", input=input, weight=weight)
        raise RuntimeError(
            f"linear expects input (..., in_features) and weight (out_features, in_features), got "
            f"{list(input.shape)} and {list(weight.shape)}"
        )
    return ops.affine(input, weight, bias)
