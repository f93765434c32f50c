"""Operations composed of others: what they compute is theirs, their derivatives are not."""

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.ops import elementwise, index, linalg, reduce, shape
from minigrad.ops.dims import infer_shape, wrap_dim

# --- arithmetic -----------------------------------------------------------------------------


def scaled_add(input: Any, other: Any, *, alpha: float = 1) -> Any:
    """input + alpha * other."""
    return elementwise.add(input, other if alpha == 1 else other * alpha)


def scaled_sub(input: Any, other: Any, *, alpha: float = 1) -> Any:
    """input - alpha * other."""
    return elementwise.sub(input, other if alpha == 1 else other * alpha)


def addcmul(input: Any, tensor1: Any, tensor2: Any, *, value: float = 1) -> Any:
    """input + value * tensor1 * tensor2."""
    return input + (tensor1 * tensor2 if value == 1 else value * tensor1 * tensor2)


def addcdiv(input: Any, tensor1: Any, tensor2: Any, *, value: float = 1) -> Any:
    """input + value * tensor1 / tensor2."""
    return input + value * (tensor1 / tensor2)


def lerp(input: Any, end: Any, weight: Any) -> Any:
    """input + weight * (end - input)."""
    return input + weight * (end - input)


def filled_where(input: Any, mask: Any, value: Any) -> Any:
    """A copy of input with `value` where the mask is True."""
    return index.masked_fill(input, mask=mask.array, value=float(value))


# --- comparisons ----------------------------------------------------------------------------


def equal(input: Any, other: Any) -> bool:
    """Whether both have the same shape and the same elements."""
    return bool(np.array_equal(input.array, other.array))


def allclose(
    input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> bool:
    """Whether |input - other| <= atol + rtol * |other| everywhere."""
    return bool(np.allclose(input.array, other.array, rtol, atol, equal_nan))


# --- products -------------------------------------------------------------------------------


def _require_dims(name: str, **operands: tuple[Any, int]) -> None:
    for argument, (value, ndim) in operands.items():
        if value.ndim != ndim:
            raise RuntimeError(
                f"{name}: {argument} must be {ndim}-dimensional, got a tensor of shape "
                f"{list(value.shape)}"
            )


def mm(input: Any, mat2: Any) -> Any:
    """(m, k) and (k, n) -> (m, n)."""
    _require_dims("mm", self=(input, 2), mat2=(mat2, 2))
    return linalg.matmul(input, mat2)


def bmm(input: Any, mat2: Any) -> Any:
    """(b, m, k) and (b, k, n) -> (b, m, n)."""
    _require_dims("bmm", batch1=(input, 3), batch2=(mat2, 3))
    if input.shape[0] != mat2.shape[0]:
        raise RuntimeError(
            f"bmm: batch sizes must be equal, got {input.shape[0]} and {mat2.shape[0]}"
        )
    return linalg.matmul(input, mat2)


def mv(input: Any, vec: Any) -> Any:
    """(m, k) and (k,) -> (m,)."""
    _require_dims("mv", input=(input, 2), vec=(vec, 1))
    return linalg.matmul(input, vec)


def dot(input: Any, other: Any) -> Any:
    """The sum of products of two vectors of the same size."""
    _require_dims("dot", self=(input, 1), tensor=(other, 1))
    return linalg.matmul(input, other)


def outer(input: Any, vec2: Any) -> Any:
    """(m,) and (n,) -> (m, n)."""
    _require_dims("outer", input=(input, 1), vec2=(vec2, 1))
    return input.unsqueeze(1) * vec2


# --- reductions -----------------------------------------------------------------------------


class Extreme(NamedTuple):
    """What `max` and `min` over one dimension give."""

    values: Any
    indices: Any

    def __repr__(self) -> str:
        return f"minigrad.return_types.extreme(\nvalues={self.values},\nindices={self.indices})"


def _extreme(name: str, input: Any, dim: Any, keepdim: bool) -> Any:
    whole, place, pair = {
        "max": (reduce.amax, reduce.argmax, elementwise.maximum),
        "min": (reduce.amin, reduce.argmin, elementwise.minimum),
    }[name]
    if dim is None:
        return whole(input)
    if hasattr(dim, "array"):
        return pair(input, dim)
    indices = place(input, dim=dim, keepdim=True)
    values = index.gather(input, dim=dim, index=indices.array.reshape(indices.shape))
    if keepdim or input.ndim == 0:
        return Extreme(values, indices)
    return Extreme(values.squeeze(dim), indices.squeeze(dim))


def max(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The largest element; with dim, (values, indices) along it; with a tensor, `maximum`."""
    return _extreme("max", input, dim, keepdim)


def min(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The smallest element; with dim, (values, indices) along it; with a tensor, `minimum`."""
    return _extreme("min", input, dim, keepdim)


def norm(input: Any, p: Any = 2, dim: Any = None, keepdim: bool = False) -> Any:
    """The p-norm of the elements over `dim`: (sum |x|^p)^(1/p); p may be inf, -inf or "fro"."""
    if p in (2, "fro"):
        return reduce.euclidean_norm(input, dim=dim, keepdim=keepdim)
    if p == float("inf"):
        return reduce.amax(input.abs(), dim=dim, keepdim=keepdim)
    if p == float("-inf"):
        return reduce.amin(input.abs(), dim=dim, keepdim=keepdim)
    if p == 0:
        return reduce.sum((input != 0).to(input.dtype), dim=dim, keepdim=keepdim)
    if p == 1:
        return reduce.sum(input.abs(), dim=dim, keepdim=keepdim)
    total = reduce.sum(input.abs() ** p, dim=dim, keepdim=keepdim)
    origin = total == 0  # where the root has no derivative, and torch takes 0
    root = elementwise.where(origin, 1.0, total) ** (1.0 / p)
    return elementwise.where(origin, 0.0, root)


# --- shape ----------------------------------------------------------------------------------


def t(input: Any) -> Any:
    """A matrix transposed; fewer dimensions stay as they are."""
    if input.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.ndim}D")
    return shape.transpose(input, dim0=0, dim1=1) if input.ndim == 2 else input


def flatten(input: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """The dimensions start_dim ... end_dim made one."""
    first, last = wrap_dim(start_dim, input.ndim), wrap_dim(end_dim, input.ndim)
    if first > last:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if input.ndim == 0:
        return input.reshape(1)
    if first == last:
        return input
    size = int(np.prod(input.shape[first : last + 1]))
    return input.reshape(*input.shape[:first], size, *input.shape[last + 1 :])


def unflatten(input: Any, dim: int, sizes: Sequence[int]) -> Any:
    """One dimension made several, of `sizes`."""
    axis = wrap_dim(dim, input.ndim)
    size = input.shape[axis]
    found = infer_shape(tuple(sizes), size, (size,))
    return input.reshape(*input.shape[:axis], *found, *input.shape[axis + 1 :])


def narrow(input: Any, dim: int, start: int, length: int) -> Any:
    """A view of `length` places of `dim`, from `start` on."""
    axis = wrap_dim(dim, input.ndim)
    size = input.shape[axis]
    first = start + size if start < 0 else start
    if length < 0 or not 0 <= first <= size - length:
        raise RuntimeError(
            f"narrow(): start ({start}) and length ({length}) exceed dimension size ({size})"
        )
    places = (slice(None),) * axis + (slice(first, first + length),)
    return index.getitem(input, index=index.Index(places))


def select(input: Any, dim: int, index: int) -> Any:
    """A view of one place of `dim`, without that dimension."""
    axis = wrap_dim(dim, input.ndim)
    return input[(slice(None),) * axis + (index,)]


def unbind(input: Any, dim: int = 0) -> tuple[Any, ...]:
    """Views of every place of `dim`, without that dimension."""
    return tuple(select(input, dim, i) for i in range(input.shape[wrap_dim(dim, input.ndim)]))


def split(input: Any, split_size_or_sections: int | Sequence[int], dim: int = 0) -> Any:
    """Views of `split_size` places each (the last may have fewer), or of the sizes listed."""
    size = input.shape[wrap_dim(dim, input.ndim)]
    if isinstance(split_size_or_sections, int):
        step = split_size_or_sections
        if step <= 0 and size:
            raise RuntimeError(f"split expects split_size be positive, but got split_size={step}")
        starts = range(0, size, step) if size else (0,)
        sections = [size - a if a + step > size else step for a in starts]
    else:
        sections = list(split_size_or_sections)
        if sum(sections) != size:
            raise RuntimeError(
                f"split_with_sizes expects split_sizes to sum exactly to {size} (input tensor's "
                f"size at dimension {dim}), but got split_sizes={sections}"
            )
    ends = itertools.accumulate(sections)
    return tuple(narrow(input, dim, end - n, n) for end, n in zip(ends, sections, strict=True))


def chunk(input: Any, chunks: int, dim: int = 0) -> Any:
    """At most `chunks` views of equal size along `dim`; the last may be smaller."""
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    size = input.shape[wrap_dim(dim, input.ndim)]
    return split(input, -(-size // chunks) if size else 1, dim)


def cat(tensors: Sequence[Any], dim: int = 0) -> Any:
    """The tensors joined along `dim`, in which alone they may differ in size."""
    if len(tensors) == 0:
        raise RuntimeError("cat(): expected a non-empty list of Tensors")
    first = tensors[0]
    if any(t.dtype != first.dtype for t in tensors):
        from_all = elementwise.common_dtype(*tensors)
        tensors = [t.to(from_all) for t in tensors]
    return shape.concatenate(*tensors, dim=dim)


def stack(tensors: Sequence[Any], dim: int = 0) -> Any:
    """Tensors of one shape joined along a new dimension."""
    if len(tensors) == 0:
        raise RuntimeError("stack expects a non-empty TensorList")
    for i, each in enumerate(tensors):
        if each.shape != tensors[0].shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(tensors[0].shape)} at "
                f"entry 0 and {list(each.shape)} at entry {i}"
            )
    return cat([each.unsqueeze(dim) for each in tensors], dim)


# --- indexing -------------------------------------------------------------------------------


def gather_along(input: Any, dim: int, index: Any) -> Any:
    """out[i][j] = input[index[i][j]][j] for dim=0, input[i][index[i][j]] for dim=1, and so on."""
    return _gather(input, dim=dim, index=index.array)


def scatter_add_along(input: Any, dim: int, index: Any, src: Any) -> Any:
    """A copy of input with src added at the places that `gather` would read."""
    return _scatter_add(input, src, dim=dim, index=index.array)


_gather, _scatter_add = index.gather, index.scatter_add


def index_select(input: Any, dim: int, index: Any) -> Any:
    """The places of `dim` that a 1-d tensor of integers lists."""
    if index.ndim > 1:
        raise IndexError(f"index_select(): Index is supposed to be a vector, got {index.ndim}D")
    return input[(slice(None),) * wrap_dim(dim, input.ndim) + (index.reshape(-1),)]
