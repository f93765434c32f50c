"""Dropout: random zeros during training.

Srivastava et al. 2014, Dropout: a simple way to prevent neural networks from overfitting.
"""

import numpy as np

from minigrad.core.types import Shape
from minigrad.nn.functional.arguments import require_floating, require_tensor
from minigrad.ops.inplace import in_place
from minigrad.ops.nn import random
from minigrad.tensor import Tensor

_dropout_ = in_place(random.dropout)


def _apply_dropout(input: Tensor, p: float, inplace: bool, shape: Shape) -> Tensor:
    mask = random.draw_mask(shape, p)
    if mask.shape != input.shape:
        mask = np.broadcast_to(mask, input.shape).copy()
    scale = 1.0 / (1.0 - p) if p < 1 else 0.0
    return (_dropout_ if inplace else random.dropout)(input, mask=mask, scale=scale)


def require_probability(p: float) -> None:
    """Raise ValueError unless p is in [0, 1]."""
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """While training, zero each element with probability p and divide the others by 1 - p.

    Raises ValueError unless p is in [0, 1].
    """
    require_probability(p)
    if not training or p == 0:
        return input
    require_tensor("dropout", input=input)
    require_floating("dropout", input)
    return _apply_dropout(input, p, inplace, input.shape)


def dropout1d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """While training, zero whole channels of (N, C, L) or (C, L) with probability p.

    The others are divided by 1 - p.  Raises ValueError unless p is in [0, 1], RuntimeError for
    inputs of other dimensions.
    """
    return _drop_channels("dropout1d", 1, input, p, training, inplace)


def dropout2d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """While training, zero whole channels of (N, C, H, W) or (C, H, W) with probability p.

    The others are divided by 1 - p.  Raises ValueError unless p is in [0, 1], RuntimeError for
    inputs of other dimensions.
    """
    return _drop_channels("dropout2d", 2, input, p, training, inplace)


def dropout3d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """While training, zero whole channels of (N, C, D, H, W) or (C, D, H, W) with probability p.

    The others are divided by 1 - p.  Raises ValueError unless p is in [0, 1], RuntimeError for
    inputs of other dimensions.
    """
    return _drop_channels("dropout3d", 3, input, p, training, inplace)


def _drop_channels(
    name: str, dimensions: int, input: Tensor, p: float, training: bool, inplace: bool
) -> Tensor:
    """Dropout of whole channels of inputs with this number of spatial dimensions."""
    require_probability(p)
    require_tensor(name, input=input)
    if input.ndim not in (dimensions + 1, dimensions + 2):
        raise RuntimeError(
            f"{name}: Expected {dimensions + 1}D or {dimensions + 2}D input, but received an input "
            f"of shape {list(input.shape)}"
        )
    if not training or p == 0:
        return input
    require_floating(name, input)
    shape = (*input.shape[: input.ndim - dimensions], *[1] * dimensions)
    return _apply_dropout(input, p, inplace, shape)


# --- dropout for SELU ----------------------------------------------------------------------------

# The limit of SELU at minus infinity, to which dropped elements are set.
_SELU_LIMIT = -1.7580993408473766


def _apply_alpha_dropout(input: Tensor, p: float, inplace: bool, shape: Shape) -> Tensor:
    """Set elements to SELU's lower limit, then scale and shift to mean 0 and deviation 1."""
    kept = random.draw_mask(shape, p)
    scale = 1 / np.sqrt((1 - p) * (1 + p * _SELU_LIMIT**2)) if p < 1 else 0.0
    factor = input.new_tensor(kept * scale)
    addend = input.new_tensor((np.where(kept, 0.0, _SELU_LIMIT) - p * _SELU_LIMIT) * scale)
    return input.mul_(factor).add_(addend) if inplace else input * factor + addend


def alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """While training, set elements to SELU's lower limit with probability p.

    All are then scaled and shifted: an input of mean 0 and deviation 1 keeps both.
    Klambauer et al. 2017, arXiv:1706.02515.  Raises ValueError unless p is in [0, 1].
    """
    require_probability(p)
    if not training or p == 0:
        return input
    require_tensor("alpha_dropout", input=input)
    require_floating("alpha_dropout", input)
    return _apply_alpha_dropout(input, p, inplace, input.shape)


def feature_alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """alpha_dropout of whole channels of (N, C, ...).

    Raises ValueError unless p is in [0, 1], RuntimeError for fewer than 2 dimensions.
    """
    require_probability(p)
    if not training or p == 0:
        return input
    require_tensor("feature_alpha_dropout", input=input)
    if input.ndim < 2:
        raise RuntimeError(
            f"Feature dropout requires at least 2 dimensions in the input, got shape "
            f"{list(input.shape)}"
        )
    require_floating("feature_alpha_dropout", input)
    return _apply_alpha_dropout(input, p, inplace, (*input.shape[:2], *[1] * (input.ndim - 2)))
