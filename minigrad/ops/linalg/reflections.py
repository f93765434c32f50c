"""Products of Householder reflections, H = I - tau v v^T, packed as LAPACK's geqrf packs them.

The i-th reflection's v has zeros above element i, a one there, and what is below the diagonal of
the i-th column.
"""

import numpy as np

from minigrad.core.types import Array
from minigrad.engine.complex_form import refuse_complex
from minigrad.engine.grad_mode import is_grad_enabled
from minigrad.engine.graph import V, wrap_like
from minigrad.engine.op import composed
from minigrad.ops.elementwise.elementary import where
from minigrad.ops.linalg import lapack
from minigrad.ops.linalg.lapack import require_matrices
from minigrad.ops.results import Geqrf
from minigrad.ops.shape.join import cat, stack


@composed
def geqrf(input: V) -> Geqrf[V]:
    """R of a QR factorization, (..., m, n), with the reflections of Q below it, and their tau.

    PyTorch differs: it has a derivative.
    """
    refuse_complex("geqrf", input)
    require_matrices("geqrf", input.array)
    if is_grad_enabled() and input.requires_grad:
        return _recorded_geqrf(input)
    packed, tau = lapack.qr(input.array, mode="raw")
    return Geqrf(wrap_like(input, packed.mT.copy()), wrap_like(input, tau))


def _recorded_geqrf(input: V) -> Geqrf[V]:
    """`geqrf` by recorded operations, one reflection after the other."""
    m, n = input.shape[-2:]
    rest, rows, columns, taus = input, [], [], []
    for _ in range(min(m, n)):
        x = rest[..., 0]
        first, below = x[..., :1], x[..., 1:]
        size = (below * below).sum(dim=-1, keepdim=True)
        flat = size.new_tensor(size.array == 0)  # nothing to reflect: tau is 0
        norm = (where(flat, size + 1, size) + first * first).sqrt()
        diagonal = where(flat, first, where(first.new_tensor(first.array < 0), norm, -norm))
        tau = where(flat, size * 0, (diagonal - first) / where(flat, size + 1, diagonal))
        v = cat([first * 0 + 1, below / where(flat, size + 1, first - diagonal)], dim=-1)
        others = _reflect(v, tau, rest[..., 1:])
        rows.append(cat([diagonal, others[..., 0, :]], dim=-1))
        columns.append(v[..., 1:])
        taus.append(tau)
        rest = others[..., 1:, :]
    return _packed(input, rows, columns, taus, rest)


def _packed(input: V, rows: list[V], columns: list[V], taus: list[V], rest: V) -> Geqrf[V]:
    """The rows of R and the columns below its diagonal as one matrix (..., m, n)."""
    m, n = input.shape[-2:]
    if not taus:
        return Geqrf(input * 1, input.new_zeros((*input.shape[:-2], 0)))
    tau = cat(taus, dim=-1)
    lines = []
    for i in range(m):
        left = [column[..., i - j - 1] for j, column in enumerate(columns[: min(i, n)])]
        line = [stack(left, dim=-1)] if left else []
        lines.append(cat([*line, *rows[i : i + 1]], dim=-1))
    return Geqrf(stack(lines, dim=-2), tau)


def _reflect(v: V, tau: V, other: V) -> V:
    """(I - tau v v^T) other."""
    column = v.unsqueeze(-1)
    return other - tau.unsqueeze(-1) * column @ (column.mT @ other)


def _require_reflections(name: str, input: Array, tau: Array) -> None:
    require_matrices(name, input)
    n = input.shape[-1]
    if tau.ndim != input.ndim - 1 or tau.shape[:-1] != input.shape[:-2]:
        raise RuntimeError(
            f"{name}: Expected tau to have one dimension less than input, and batch dimensions "
            f"equal to input.shape[:-2], got shapes {list(tau.shape)} and {list(input.shape)}"
        )
    if tau.dtype != input.dtype:
        raise RuntimeError(
            f"{name}: tau dtype {tau.dtype} does not match input dtype {input.dtype}"
        )
    if tau.shape[-1] > n:
        raise RuntimeError(
            f"{name}: input.shape[-1] must be greater than or equal to tau.shape[-1], got "
            f"{n} and {tau.shape[-1]}"
        )


def _multiply(input: V, tau: V, other: V, *, transpose: bool) -> V:
    """Q other, or Q^T other, for Q = H_1 H_2 ... of size (m, m)."""
    m, count = input.shape[-2], tau.shape[-1]
    unit = np.eye(m, count, dtype=input.array.dtype)
    below = np.tril(np.ones((m, count), input.array.dtype), -1)
    vectors = input[..., :count] * input.new_tensor(below) + input.new_tensor(unit)
    for i in range(count) if transpose else reversed(range(count)):
        other = _reflect(vectors[..., i], tau[..., i : i + 1], other)
    return other


@composed(node="LinalgHouseholderProductBackward0")
def householder_product(input: V, tau: V) -> V:
    """The first n columns of H_1 H_2 ... of reflections packed in (..., m, n), m >= n.

    tau: (..., k), a factor for each reflection; k <= n.
    """
    refuse_complex("householder_product", input, tau)
    name = "torch.linalg.householder_product"
    _require_reflections(name, input.array, tau.array)
    m, n = input.shape[-2:]
    if m < n:
        raise RuntimeError(
            f"{name}: input.shape[-2] must be greater than or equal to input.shape[-1], got "
            f"{m} and {n}"
        )
    columns = np.broadcast_to(np.eye(m, n, dtype=input.array.dtype), input.shape)
    return _multiply(input, tau, input.new_tensor(columns), transpose=False)


@composed(node="OrmqrBackward0")
def ormqr(input: V, tau: V, other: V, left: bool = True, transpose: bool = False) -> V:
    """Q other, for the square Q = H_1 H_2 ... that geqrf gives; other Q if not `left`.

    With `transpose` Q^T takes the place of Q.
    """
    _require_reflections("ormqr", input.array, tau.array)
    refuse_complex("ormqr", input, tau, other)
    require_matrices("ormqr", input.array, other.array)
    side = -2 if left else -1
    if other.shape[side] != input.shape[-2] or other.shape[:-2] != input.shape[:-2]:
        raise RuntimeError(
            f"torch.ormqr: other.shape[{side}] must be equal to input.shape[-2], and batch "
            f"dimensions of other equal to input.shape[:-2], got shapes {list(other.shape)} and "
            f"{list(input.shape)}"
        )
    if left:
        return _multiply(input, tau, other, transpose=transpose)
    return _multiply(input, tau, other.mT, transpose=not transpose).mT
