"""Errors of indexing, in torch's words."""

import re
from typing import Any

import numpy as np

from minigrad.core.types import Shape


def index_error(error: IndexError, items: Any, shape: Shape) -> IndexError:
    """NumPy's error about an index of a tensor of this shape, in torch's words."""
    text = str(error)
    if text.startswith("too many indices"):
        if not shape:
            return IndexError(
                "invalid index of a 0-dim tensor. Use `tensor.item()` to convert it to a number"
            )
        return IndexError(f"too many indices for tensor of dimension {len(shape)}")
    mask = re.search(r"along (?:axis|dimension) (\d+); size of (?:axis|dimension) is (\d+)", text)
    if mask is not None:
        masks = [x for x in items if isinstance(x, np.ndarray) and x.dtype == bool]
        given = list(masks[0].shape) if masks else "given"
        return IndexError(
            f"The shape of the mask {given} at index {mask[1]} does not match the shape of the "
            f"indexed tensor {list(shape)} at index {mask[1]}"
        )
    return IndexError(
        f"{text.replace('for axis', 'for dimension')} (tensor of shape {list(shape)})"
    )
