"""Embeddings: rows of a weight matrix looked up by index."""

import numpy as np

from minigrad import ops
from minigrad.core.types import Array
from minigrad.engine.grad_mode import ignore_fp_errors
from minigrad.engine.half_precision import in_float32
from minigrad.nn.functional.arguments import require_tensor
from minigrad.ops.indexing.embedding import embedding as rows_of
from minigrad.ops.indexing.embedding import require_rows
from minigrad.ops.indexing.index_select import index_array
from minigrad.tensor import Tensor


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """weight[input]: indices (...) and a weight (V, D) -> (..., D).

    The row padding_idx gets no gradient.  With max_norm, rows of a larger norm_type-norm are first
    scaled down to it, in place.  Raises IndexError for an index out of range, RuntimeError for an
    input that is not integer.

    scale_grad_by_freq=True: each row's gradient is divided by the number of its index in input.

    PyTorch differs: sparse=True raises NotImplementedError.
    """
    require_tensor("embedding", input=input, weight=weight)
    if sparse:
        raise NotImplementedError("embedding: sparse=True is not supported")
    if weight.ndim != 2:
        raise RuntimeError(f"embedding: 'weight' must be 2-D, got shape {list(weight.shape)}")
    indices = input.array
    if indices.dtype.kind not in "iu":
        raise RuntimeError(f"Expected tensor for argument 'indices' to have an integer dtype, but "
                           f"got {input.dtype}; input.long() has one")  # fmt: skip
    if padding_idx is not None:
        padding_idx = _row_index(padding_idx, weight.array.shape[0])
    indices = index_array("embedding", input, weight)
    if max_norm is not None:
        ignore_fp_errors(_limit_norms, weight.array, indices, max_norm, norm_type)
        weight.bump_version()
    return rows_of(weight, index=indices, padding_idx=padding_idx, by_frequency=scale_grad_by_freq)


def _row_index(padding_idx: int, rows: int) -> int:
    if not -rows <= padding_idx < rows:
        raise AssertionError(
            f"Padding_idx must be within num_embeddings: {padding_idx} is no row of {rows}"
        )
    return padding_idx % rows


def _limit_norms(weight: Array, indices: Array, max_norm: float, norm_type: float) -> None:
    require_rows(indices, weight.shape[0])
    used = np.unique(indices)
    norms = np.linalg.norm(weight[used], ord=norm_type, axis=1)
    large = norms > max_norm
    # torch's guard against division by zero.
    weight[used[large]] *= (max_norm / (norms[large] + 1e-7))[:, None]


@in_float32
def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """The sum, mean or max of weight[indices] over each bag of indices: weight (V, D) -> (B, D).

    input: (B, L), a bag in each row; or (L,) with offsets (B,), the position of each bag's first
    index.  include_last_offset=True: offsets (B + 1,) end with the last bag's end.
    per_sample_weights, shaped as input, multiply the rows (mode "sum" only).  The row padding_idx
    does not count; an empty bag gives 0.
    Raises ValueError for shapes that do not fit, and for scale_grad_by_freq in mode "max",
    RuntimeError for offsets that do not fit, IndexError and NotImplementedError as embedding does.

    PyTorch differs: with scale_grad_by_freq it divides by the counts of other indices.
    """
    require_tensor("embedding_bag", input=input, weight=weight)
    if weight.ndim != 2:
        raise ValueError(f"weight has to be a 2D Tensor, but got Tensor of dimension {weight.ndim}")
    sizes = _bag_sizes(input, offsets, include_last_offset)
    if mode not in ("sum", "mean", "max"):
        raise ValueError(f"mode has to be one of sum, mean or max, got {mode!r}")
    if mode == "max" and scale_grad_by_freq:
        raise ValueError("max mode does not support scaling the gradient by the frequency")
    if per_sample_weights is not None:
        _require_sample_weights(per_sample_weights, input, mode)
    indices = input.reshape(-1)
    rows = embedding(indices, weight, None, max_norm, norm_type, scale_grad_by_freq, sparse)
    counted = np.ones(indices.numel(), bool)
    if padding_idx is not None:
        counted = indices.array != _row_index(padding_idx, weight.shape[0])
    if per_sample_weights is not None:
        rows = rows * per_sample_weights.reshape(-1, 1)
    positions = np.flatnonzero(counted)
    bags = np.repeat(np.arange(len(sizes)), sizes)[positions]
    kept = ops.index_select(rows, 0, rows.new_tensor(positions, dtype=int))
    start = rows.new_zeros(len(sizes), weight.shape[1])
    index = rows.new_tensor(bags, dtype=int)
    if mode == "max":
        return ops.index_reduce(start, 0, index, kept, "amax", include_self=False)
    sums = ops.index_add(start, 0, index, kept)
    if mode == "sum":
        return sums
    counts = np.maximum(np.bincount(bags, minlength=len(sizes)), 1)
    return sums / rows.new_tensor(counts[:, None])


def _require_sample_weights(per_sample_weights: Tensor, input: Tensor, mode: str) -> None:
    if mode != "sum":
        raise NotImplementedError(
            f"embedding_bag: per_sample_weights is only supported for mode='sum', got {mode!r}"
        )
    if per_sample_weights.shape != input.shape:
        raise ValueError(
            f"embedding_bag: per_sample_weights must have the shape of input, "
            f"{list(input.shape)}, got {list(per_sample_weights.shape)}"
        )


def _bag_sizes(input: Tensor, offsets: Tensor | None, include_last_offset: bool) -> Array:
    """The number of indices in each bag."""
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
