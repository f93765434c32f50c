"""Dropout: random zeros during training.

Srivastava et al. 2014, Dropout: a simple way to prevent neural networks from overfitting.
"""

from typing import Any

import numpy as np

from minigrad.nn.functional.checks import require_floating, require_tensor
from minigrad.ops.inplace import in_place
from minigrad.ops.random import draw_mask, masked_scale

masked_scale_ = in_place(masked_scale)


def _dropped(input: Any, p: float, inplace: bool, shape: tuple[int, ...]) -> Any:
    mask = draw_mask(shape, p)
    if mask.shape != input.shape:
        mask = np.broadcast_to(mask, input.shape).copy()
    scale = 1.0 / (1.0 - p) if p < 1 else 0.0
    return (masked_scale_ if inplace else masked_scale)(input, mask=mask, scale=scale)


def require_probability(p: float) -> None:
    """Raise ValueError unless p is in [0, 1]."""
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def dropout(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """While training, zero each element with probability p and divide the others by 1 - p.

    Raises ValueError unless p is in [0, 1].
    """
    require_probability(p)
    if not training or p == 0:
        return input
    require_tensor("dropout", input=input)
    require_floating("dropout", input)
    return _dropped(input, p, inplace, input.shape)


def dropout2d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """While training, zero whole channels of (N, C, H, W) or (C, H, W) with probability p.

    The others are divided by 1 - p.  Raises ValueError unless p is in [0, 1], RuntimeError for
    inputs of other dimensions.
    """
    require_probability(p)
    require_tensor("dropout2d", input=input)
    if input.ndim not in (3, 4):
        raise RuntimeError(
            f"dropout2d expects (N, C, H, W) or (C, H, W), got an input of shape "
            f"{list(input.shape)}"
        )
    if not training or p == 0:
        return input
    require_floating("dropout2d", input)
    return _dropped(input, p, inplace, (*input.shape[:-2], 1, 1))
