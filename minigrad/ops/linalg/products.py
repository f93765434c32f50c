"""Products of vectors, matrices and batches of them, under torch's names."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.engine.complex_form import refuse_complex
from minigrad.engine.graph import V, Value
from minigrad.engine.half_precision import in_float32
from minigrad.engine.op import composed, require_tensors
from minigrad.kernels.simd.math import FLOATS
from minigrad.ops.dims import wrap_dim
from minigrad.ops.linalg.distances import distance_by_product
from minigrad.ops.linalg.einsum import Labelled, contract
from minigrad.ops.linalg.matmul import SHORT, matmul, short_dot
from minigrad.ops.linalg.norms import vector_norm
from minigrad.ops.shape.diagonal import diagonal

# --- vectors and matrices -------------------------------------------------------------------


def _require_dims(name: str, **operands: tuple[Value, int]) -> None:
    for argument, (value, ndim) in operands.items():
        if value.ndim != ndim:
            raise RuntimeError(
                f"{name}: {argument} must be {ndim}-dimensional, got a tensor of shape "
                f"{list(value.shape)}"
            )


@composed
def mm(input: V, mat2: V) -> V:
    """(m, k) and (k, n) -> (m, n)."""
    _require_dims("mm", self=(input, 2), mat2=(mat2, 2))
    return matmul(input, mat2)


@composed
def bmm(input: V, mat2: V) -> V:
    """(b, m, k) and (b, k, n) -> (b, m, n)."""
    _require_dims("bmm", batch1=(input, 3), batch2=(mat2, 3))
    if input.shape[0] != mat2.shape[0]:
        raise RuntimeError(
            f"bmm: batch sizes must be equal, got {input.shape[0]} and {mat2.shape[0]}"
        )
    return matmul(input, mat2)


@composed(node="MvBackward0")
def mv(input: V, vec: V) -> V:
    """(m, k) and (k,) -> (m,)."""
    _require_dims("mv", input=(input, 2), vec=(vec, 1))
    return matmul(input, vec)


@composed(node="DotBackward0")
def dot(input: V, tensor: V) -> V:
    """The sum of products of two vectors of the same size."""
    _require_dims("dot", self=(input, 1), tensor=(tensor, 1))
    x, y = input.array, tensor.array
    if x.shape == y.shape and x.size <= SHORT and x.dtype == y.dtype and x.dtype in FLOATS:
        product: V = short_dot(input, tensor)
        return product
    return matmul(input, tensor)


@composed(node="VdotBackward0")
def vdot(input: V, other: V) -> V:
    """The sum of products of two vectors, the first of which is conjugated if it is complex."""
    return dot(input.conj() if input._is_complex else input, other)


@composed
def inner(input: V, other: V) -> V:
    """Sums of products over the last dimensions: (..., k), (*, k) -> (..., *); a 0-d one scales."""
    if input.ndim == 0 or other.ndim == 0:
        return input * other
    if input.shape[-1] != other.shape[-1]:
        raise RuntimeError(
            f"inner() the last dimension must match on both input tensors but got shapes "
            f"{list(input.shape)} and {list(other.shape)}"
        )
    return tensordot(input, other, ([-1], [-1]))


@composed
def outer(input: V, vec2: V) -> V:
    """(m,) and (n,) -> (m, n)."""
    _require_dims("outer", input=(input, 1), vec2=(vec2, 1))
    return input.unsqueeze(1) * vec2


@composed
def vecdot(x: V, y: V, *, dim: int = -1) -> V:
    """Sums of products along `dim`, of conj(x) and y if they are complex; the rest broadcasts."""
    return ((x.conj() if x._is_complex else x) * y).sum(dim=dim)


@composed(node="LinalgCrossBackward0")
def cross(input: V, other: V, *, dim: int = -1) -> V:
    """The cross product of vectors of three along `dim`; the other dimensions broadcast."""
    if input.ndim != other.ndim:
        raise RuntimeError(
            f"linalg.cross: inputs must have the same number of dimensions, got shapes "
            f"{list(input.shape)} and {list(other.shape)}"
        )
    axis = wrap_dim(dim, input.ndim)
    if input.shape[axis] != 3 or other.shape[axis] != 3:
        raise RuntimeError(
            f"linalg.cross: inputs dimension {dim} must have length 3. Got {input.shape[axis]} and "
            f"{other.shape[axis]}"
        )

    def permuted(x: V, first: int, second: int, third: int) -> V:
        index = x.new_tensor([first, second, third], dtype=int)
        return x[(slice(None),) * axis + (index,)]

    positive = permuted(input, 1, 2, 0) * permuted(other, 2, 0, 1)
    return positive - permuted(input, 2, 0, 1) * permuted(other, 1, 2, 0)


@composed
def cross_of_first(input: V, other: V, dim: int | None = None) -> V:
    """`torch.cross`: along `dim`, or else along the first dimension of size 3."""
    if dim is None:
        threes = [i for i, size in enumerate(input.shape) if size == 3]
        if not threes:
            raise RuntimeError(f"no dimension of size 3 in input, of shape {list(input.shape)}")
        dim = threes[0]
    return cross(input, other, dim=dim)


@composed(node="TraceBackward0")
def trace(input: V) -> V:
    """The sum of the diagonal of a matrix."""
    if input.ndim != 2:
        raise RuntimeError(
            f"trace: expected a matrix, but got a tensor of shape {list(input.shape)}"
        )
    return diagonal(input).sum()


@composed
def kron(input: V, other: V) -> V:
    """The Kronecker product: sizes multiply, and the tensor of fewer dimensions gets ones before.

    (m, n) and (p, q) -> (m * p, n * q).
    """
    ndim = max(input.ndim, other.ndim)
    left = (1,) * (ndim - input.ndim) + tuple(input.shape)
    right = (1,) * (ndim - other.ndim) + tuple(other.shape)
    coarse = [size for each in left for size in (each, 1)]
    fine = [size for each in right for size in (1, each)]
    product = input.reshape(coarse) * other.reshape(fine)
    return product.reshape([a * b for a, b in zip(left, right, strict=True)])


@composed
def tensordot(a: V, b: V, dims: Any = 2) -> V:
    """Sums of products over pairs of dimensions.

    dims: how many of the last dimensions of `a` meet the first of `b`, or two lists of dimensions.
    Raises RuntimeError if they do not match.
    """
    if hasattr(dims, "array"):
        dims = dims.tolist()
    if isinstance(dims, int):
        if not 0 <= dims <= min(a.ndim, b.ndim):
            raise RuntimeError(
                f"tensordot expects 0 <= dims <= ndim of both operands, but got dims={dims} for "
                f"shapes {list(a.shape)} and {list(b.shape)}"
            )
        dims = range(a.ndim - dims, a.ndim), range(dims)
    of_a, of_b = ([each] if isinstance(each, int) else list(each) for each in dims)
    if len(of_a) != len(of_b):
        raise RuntimeError(
            f"both dimension lists should have the same length, got {of_a} and {of_b}"
        )
    of_a, of_b = [wrap_dim(d, a.ndim) for d in of_a], [wrap_dim(d, b.ndim) for d in of_b]
    if len(set(of_a)) < len(of_a) or len(set(of_b)) < len(of_b):
        raise RuntimeError(f"a dimension appears more than once in dims={(of_a, of_b)}")
    for i, j in zip(of_a, of_b, strict=True):
        if a.shape[i] != b.shape[j] and 1 not in (a.shape[i], b.shape[j]):
            raise RuntimeError(
                f"contracted dimensions need to match, but first has size {a.shape[i]} in dim {i} "
                f"and second has size {b.shape[j]} in dim {j}"
            )
    names = {j: i for i, j in zip(of_a, of_b, strict=True)}
    left = tuple(range(a.ndim))
    right = tuple(names.get(j, a.ndim + j) for j in range(b.ndim))
    kept = [i for i in left if i not in of_a] + [a.ndim + j for j in range(b.ndim) if j not in of_b]
    return contract([Labelled(a, left), Labelled(b, right)], tuple(kept))


# --- a product added to a tensor ------------------------------------------------------------


def _old_forms(factors: str) -> tuple[str, ...]:
    """Deprecated forms of the function and of the method, with both factors or with beta alone."""
    first, second = factors.split()
    return (
        f"beta input alpha {first} {second}",
        f"beta input {first} {second}",
        f"input beta alpha {first} {second}",
        f"input beta {first} {second}",
    )


def _added(name: str, input: V, product: V, beta: float, alpha: float) -> V:
    """beta * input + alpha * product; with beta = 0 a nan of the input is ignored.

    For integers, beta and alpha are rounded towards 0.
    """
    try:
        start = input.expand(product.shape)
    except RuntimeError:
        raise RuntimeError(
            f"{name}: the input of shape {list(input.shape)} does not broadcast to the product's "
            f"shape {list(product.shape)}"
        ) from None
    if input.dtype != product.dtype:
        raise RuntimeError(
            f"{name}: expected operands of the same dtype, but got {input.dtype} and "
            f"{product.dtype}"
        )
    if input.array.dtype.kind in "iub":
        whole = bool if input.array.dtype == bool else int
        beta, alpha = whole(beta), whole(alpha)
    scaled = product if alpha == 1 else product * alpha
    if beta == 0:
        return scaled
    return (start if beta == 1 else start * beta) + scaled


@composed(node="AddmmBackward0", old_forms=_old_forms("mat1 mat2"))
def addmm(input: V, mat1: V, mat2: V, *, beta: float = 1, alpha: float = 1) -> V:
    """beta * input + alpha * mat1 @ mat2: (m, k), (k, n) and input that broadcasts to (m, n)."""
    _require_dims("addmm", mat1=(mat1, 2), mat2=(mat2, 2))
    return _added("addmm", input, matmul(mat1, mat2), beta, alpha)


@composed(node="AddmvBackward0", old_forms=_old_forms("mat vec"))
def addmv(input: V, mat: V, vec: V, *, beta: float = 1, alpha: float = 1) -> V:
    """beta * input + alpha * mat @ vec: (m, k), (k,) and input that broadcasts to (m,)."""
    _require_dims("addmv", mat=(mat, 2), vec=(vec, 1))
    return _added("addmv", input, matmul(mat, vec), beta, alpha)


@composed(node="AddrBackward0", old_forms=_old_forms("vec1 vec2"))
def addr(input: V, vec1: V, vec2: V, *, beta: float = 1, alpha: float = 1) -> V:
    """beta * input + alpha * outer(vec1, vec2): (m,), (n,) and input that broadcasts to (m, n)."""
    _require_dims("addr", vec1=(vec1, 1), vec2=(vec2, 1))
    if input.array.dtype.kind in "iub" and any(isinstance(s, float) for s in (alpha, beta)):
        raise RuntimeError(
            f"For integral input tensors, argument beta and alpha must not be floating point "
            f"numbers: addr got beta={beta}, alpha={alpha}"
        )
    return _added("addr", input, outer(vec1, vec2), beta, alpha)


@composed(node="BaddbmmBackward0", old_forms=_old_forms("batch1 batch2"))
def baddbmm(input: V, batch1: V, batch2: V, *, beta: float = 1, alpha: float = 1) -> V:
    """beta * input + alpha * bmm(batch1, batch2), input broadcasting to (b, m, n)."""
    return _added("baddbmm", input, bmm(batch1, batch2), beta, alpha)


@composed(node="AddbmmBackward0", old_forms=_old_forms("batch1 batch2"))
def addbmm(input: V, batch1: V, batch2: V, *, beta: float = 1, alpha: float = 1) -> V:
    """beta * input + alpha * the sum over the batch of batch1 @ batch2: one product, (m, b * k)."""
    _require_dims("addbmm", batch1=(batch1, 3), batch2=(batch2, 3))
    if batch1.shape[0] != batch2.shape[0] or batch1.shape[2] != batch2.shape[1]:
        raise RuntimeError(
            f"addbmm: cannot multiply batches of shapes {list(batch1.shape)} and "
            f"{list(batch2.shape)}"
        )
    return _added("addbmm", input, tensordot(batch1, batch2, ([0, 2], [0, 1])), beta, alpha)


# --- chains ---------------------------------------------------------------------------------


@composed
def multi_dot(tensors: Sequence[V]) -> V:
    """The product of two or more matrices, in the order that takes the fewest multiplications.

    The first and the last may be vectors, a row and a column.
    """
    if len(tensors) < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {len(tensors)}")
    ends = (tensors[0], tensors[-1])
    if any(t.ndim not in (1, 2) for t in ends) or any(t.ndim != 2 for t in tensors[1:-1]):
        raise RuntimeError(
            f"multi_dot(): expected matrices, of which the first and last may be vectors, but got "
            f"shapes {[list(t.shape) for t in tensors]}"
        )
    chain = list(tensors)
    if ends[0].ndim == 1:
        chain[0] = ends[0].unsqueeze(0)
    if ends[1].ndim == 1:
        chain[-1] = ends[1].unsqueeze(1)
    product = _multiplied(chain, _best_splits([t.shape for t in chain]), 0, len(chain) - 1)
    if ends[0].ndim == 1:
        product = product.squeeze(0)
    return product.squeeze(-1) if ends[1].ndim == 1 else product


@composed
def chain_matmul(*matrices: V) -> V:
    """The product of matrices in the cheapest order; of one, the matrix itself."""
    _require_dims("chain_matmul", **{f"matrix {i}": (m, 2) for i, m in enumerate(matrices)})
    return matrices[0] if len(matrices) == 1 else multi_dot(matrices)


def _best_splits(shapes: list[tuple[int, ...]]) -> dict[tuple[int, int], int]:
    """The index at which to split each range of matrices (Cormen et al., Matrix-chain)."""
    sizes = [shape[0] for shape in shapes] + [shapes[-1][1]]
    cost = {(i, i): 0 for i in range(len(shapes))}
    splits = {}
    for length in range(1, len(shapes)):
        for i in range(len(shapes) - length):
            j = i + length
            cost[i, j], splits[i, j] = min(
                (cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k)
                for k in range(i, j)
            )
    return splits


def _multiplied(chain: list[V], splits: dict[tuple[int, int], int], i: int, j: int) -> V:
    if i == j:
        return chain[i]
    k = splits[i, j]
    return matmul(_multiplied(chain, splits, i, k), _multiplied(chain, splits, k + 1, j))


# --- distances ------------------------------------------------------------------------------

_COMPUTE_MODES = (
    "use_mm_for_euclid_dist_if_necessary",
    "use_mm_for_euclid_dist",
    "donot_use_mm_for_euclid_dist",
)
# From so many rows on, torch takes Euclidean distances by way of a matrix product.
_MANY_ROWS = 25


@composed(node="CdistBackward0")
@in_float32
def cdist(x1: V, x2: V, p: float = 2.0, compute_mode: str | None = _COMPUTE_MODES[0]) -> V:
    """The p-norm distances between rows: (..., P, M), (..., R, M) -> (..., P, R).

    compute_mode: whether |x|² + |y|² - 2 x·y is used for p = 2, which is faster and less exact.
    """
    refuse_complex("cdist", x1, x2)
    for name, x in (("X1", x1), ("X2", x2)):
        if x.ndim < 2:
            raise RuntimeError(
                f"cdist only supports at least 2D tensors, {name} got shape {list(x.shape)}"
            )
    if x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(
            f"X1 and X2 must have the same number of columns. X1: {x1.shape[-1]} X2: {x2.shape[-1]}"
        )
    if p < 0:
        raise RuntimeError(f"cdist only supports non-negative p values, got {p}")
    mode = _COMPUTE_MODES[0] if compute_mode is None else compute_mode
    if mode not in _COMPUTE_MODES:
        raise ValueError(f"{mode} is not a valid value for compute_mode: one of {_COMPUTE_MODES}")
    above_limit = max(x1.shape[-2], x2.shape[-2]) > _MANY_ROWS
    if p == 2 and (mode == _COMPUTE_MODES[1] or (mode == _COMPUTE_MODES[0] and above_limit)):
        return distance_by_product(x1, x2)
    return vector_norm(x1.unsqueeze(-2) - x2.unsqueeze(-3), p, -1)


@composed(node="PdistBackward0")
@in_float32
def pdist(input: V, p: float = 2.0) -> V:
    """The p-norm distances between all pairs of rows (i < j): (N, M) -> (N * (N - 1) / 2,)."""
    _require_dims("pdist", input=(input, 2))
    refuse_complex("pdist", input)
    first, second = (input.new_tensor(i, dtype=int) for i in np.triu_indices(input.shape[0], 1))
    return vector_norm(input[first] - input[second], p, -1)


@composed(node="DistBackward0")
def dist(input: V, other: V, p: float = 2.0) -> V:
    """The p-norm of input - other, which broadcast."""
    require_tensors("dist", input=input, other=other)
    return vector_norm(input - other, p)
