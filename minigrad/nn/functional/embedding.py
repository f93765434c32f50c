"""Rows of a table, looked up by number."""

from typing import Any

import numpy as np

from minigrad import ops
from minigrad.nn.functional.checks import require_tensor


def embedding(
    input: Any,
    weight: Any,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Any:
    """The rows of weight (V, D) that the integers of input (...) number: (..., D).

    The row padding_idx gets no gradient.  With max_norm rows of a larger norm_type-norm are first
    scaled down to it, in place.  Raises IndexError for a number that is no row, RuntimeError for an
    input that is not integer.

    PyTorch differs: scale_grad_by_freq and sparse gradients are refused with NotImplementedError.
    """
    require_tensor("embedding", input=input, weight=weight)
    if scale_grad_by_freq or sparse:
        refused = "scale_grad_by_freq" if scale_grad_by_freq else "sparse"
        raise NotImplementedError(f"embedding: {refused}=True is not supported")
    numbers = input.array
    if numbers.dtype.kind not in "iu":
        raise RuntimeError(f"Expected tensor for argument 'indices' to have an integer dtype, but "
                           f"got {input.dtype}")  # fmt: skip
    rows = weight.shape[0]
    if numbers.size and not 0 <= numbers.min() <= numbers.max() < rows:
        raise IndexError(
            f"index out of range in embedding: rows are 0 to {rows - 1}, got {numbers.min()} to "
            f"{numbers.max()}"
        )
    if max_norm is not None:
        _limit(weight, numbers, max_norm, norm_type)
    found = ops.index_select(weight, 0, ops.reshape(input, shape=(numbers.size,)))
    found = ops.reshape(found, shape=(*numbers.shape, weight.shape[1]))
    if padding_idx is None:
        return found
    padded = ops.unsqueeze(input == _row_number(padding_idx, rows), dim=-1)
    return ops.where(padded, found.detach(), found)


def _row_number(padding_idx: int, rows: int) -> int:
    if not -rows <= padding_idx < rows:
        raise AssertionError(
            f"Padding_idx must be within num_embeddings: {padding_idx} is no row of {rows}"
        )
    return padding_idx % rows


def _limit(weight: Any, numbers: Any, max_norm: float, norm_type: float) -> None:
    used = np.unique(numbers)
    norms = np.linalg.norm(weight.array[used], ord=norm_type, axis=1)
    large = norms > max_norm
    # The small number is torch's, against division by zero.
    weight.array[used[large]] *= (max_norm / (norms[large] + 1e-7))[:, None]
    weight.touch()
