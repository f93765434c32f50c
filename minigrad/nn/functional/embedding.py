"""Rows of a table, looked up by number."""

from typing import Any

import numpy as np

from minigrad import ops
from minigrad.nn.functional.arguments import require_tensor


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
    weight.bump_version()


def embedding_bag(
    input: Any,
    weight: Any,
    offsets: Any = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Any = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Any:
    """The sum, mean or max of the rows of weight (V, D) that each bag of integers numbers: (B, D).

    input: (B, L), a bag in each row; or (L,) with offsets (B,), where each bag begins, and with
    include_last_offset also where the last one ends.  per_sample_weights, shaped as input, multiply
    the rows of sums.  The row padding_idx does not count; an empty bag gives 0.
    Raises ValueError for shapes that do not fit, RuntimeError for offsets that do not, IndexError
    and NotImplementedError as embedding does.
    """
    require_tensor("embedding_bag", input=input, weight=weight)
    sizes = _bag_sizes(input, offsets, include_last_offset)
    if mode not in ("sum", "mean", "max"):
        raise ValueError(f"mode has to be one of sum, mean or max, got {mode!r}")
    if per_sample_weights is not None:
        _require_shares(per_sample_weights, input, mode)
    numbers = input.reshape(-1)
    rows = embedding(numbers, weight, None, max_norm, norm_type, scale_grad_by_freq, sparse)
    counted = np.ones(numbers.numel(), bool)
    if padding_idx is not None:
        counted = numbers.array != _row_number(padding_idx, weight.shape[0])
    if per_sample_weights is not None:
        rows = rows * per_sample_weights.reshape(-1, 1)
    places = np.flatnonzero(counted)
    bags = np.repeat(np.arange(len(sizes)), sizes)[places]
    kept = ops.index_select(rows, 0, rows.new_tensor(places, dtype=int))
    start = rows.new_zeros(len(sizes), weight.shape[1])
    index = rows.new_tensor(bags, dtype=int)
    if mode == "max":
        return ops.index_reduce(start, 0, index, kept, "amax", include_self=False)
    sums = ops.index_add(start, 0, index, kept)
    if mode == "sum":
        return sums
    counts = np.maximum(np.bincount(bags, minlength=len(sizes)), 1)
    return sums / rows.new_tensor(counts[:, None])


def _require_shares(per_sample_weights: Any, input: Any, mode: str) -> None:
    if mode != "sum":
        raise NotImplementedError(
            f"embedding_bag: per_sample_weights is only supported for mode='sum', got {mode!r}"
        )
    if per_sample_weights.shape != input.shape:
        raise ValueError(
            f"embedding_bag: per_sample_weights must have the shape of input, "
            f"{list(input.shape)}, got {list(per_sample_weights.shape)}"
        )


def _bag_sizes(input: Any, offsets: Any, include_last_offset: bool) -> Any:
    """How many numbers each bag has."""
    if input.ndim == 2:
        if offsets is not None:
            raise ValueError("if input is 2D, then offsets has to be None")
        return np.full(input.shape[0], input.shape[1])
    if input.ndim != 1:
        raise ValueError(f"input has to be 1D or 2D Tensor, but got shape {list(input.shape)}")
    if offsets is None or offsets.ndim != 1:
        raise ValueError("offsets has to be a 1D Tensor where input is one")
    ends = [] if include_last_offset or not offsets.numel() else [input.numel()]
    edges = np.asarray([*offsets.array, *ends], np.int64)
    sizes = np.diff(edges)
    whole = edges.size == 0 or (edges[0] == 0 and edges[-1] == input.numel())
    if not whole or (sizes < 0).any():
        raise RuntimeError(
            f"offsets has to begin with 0, rise, and (with include_last_offset) end with "
            f"{input.numel()}, the size of input; got {offsets.tolist()}"
        )
    return sizes
