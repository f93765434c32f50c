"""Ready-made parametrizations: weight normalization, spectral normalization, orthogonality."""

import numpy as np

from minigrad import ops
from minigrad.core.public_names import show_public_names
from minigrad.core.types import Array
from minigrad.engine.grad_mode import no_grad
from minigrad.engine.graph import wrap
from minigrad.nn import functional as F
from minigrad.nn.conv import ConvTranspose1d, ConvTranspose2d
from minigrad.nn.module import Module
from minigrad.nn.state_dict import StateDict
from minigrad.nn.utils.parametrize import register_parametrization
from minigrad.ops.linalg import lapack
from minigrad.tensor import Tensor, creation

_MAPS = ("matrix_exp", "cayley", "householder")


def _tensor_of(module: Module, name: str) -> Tensor:
    tensor = getattr(module, name, None)
    if not isinstance(tensor, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    return tensor


# --- weight normalization -------------------------------------------------------------------------


class _WeightNorm(Module):
    """weight_g * weight_v / |weight_v|, with norms over all dimensions but `dim`."""

    def __init__(self, dim: int | None) -> None:
        super().__init__()
        self.dim = dim

    def _norm(self, v: Tensor) -> Tensor:
        if self.dim is None or self.dim == -1:
            return ops.norm(v)
        kept = self.dim % v.ndim
        others = tuple(d for d in range(v.ndim) if d != kept)
        return ops.norm(v, dim=others, keepdim=True)

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        return weight_v * (weight_g / self._norm(weight_v))

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """weight_g and weight_v for a weight: its norms and itself."""
        return self._norm(weight), weight


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Weight normalization: w = g v / |v|, with g and v trained in place of w.

    Salimans & Kingma 2016, arXiv:1602.07868.  The norm is taken over all dimensions but `dim`, or
    over all with dim=None.  g and v are `parametrizations.<name>.original0` and `original1`; a
    state with <name>_g and <name>_v, of the older nn.utils.weight_norm, loads too.
    Raises ValueError if the module has no such parameter.
    """
    register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def rename(state: StateDict, prefix: str, *_: object) -> None:
        g, v = f"{prefix}{name}_g", f"{prefix}{name}_v"
        if g in state and v in state:
            state[f"{prefix}parametrizations.{name}.original0"] = state.pop(g)
            state[f"{prefix}parametrizations.{name}.original1"] = state.pop(v)

    module._register_load_state_dict_pre_hook(rename)
    return module


# --- spectral normalization -----------------------------------------------------------------------


def as_matrix(weight: Tensor, dim: int) -> Tensor:
    """A weight as a matrix with a row for each index of `dim`."""
    return ops.flatten(ops.movedim(weight, source=dim, destination=0), start_dim=1)


def random_unit(size: int, like: Tensor, eps: float) -> Tensor:
    """A vector of length 1 in a random direction."""
    return F.normalize(like.new_empty(size).normal_(0, 1), dim=0, eps=eps)


def follow(target: Tensor, matrix: Tensor, source: Tensor, eps: float) -> None:
    """Half an iteration of the power method: target becomes matrix @ source, normalized."""
    with no_grad():
        target.copy_(F.normalize(ops.mv(matrix, source), dim=0, eps=eps))


def largest_singular_value(matrix: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """u matrix v, differentiable by the matrix; later iterations do not change what it has read."""
    return ops.dot(u.clone(), ops.mv(matrix, v.clone()))


def output_dimension(module: Module, dim: int | None) -> int:
    """`dim`, or the dimension of a layer's weight that counts its outputs."""
    if dim is None:
        return 1 if isinstance(module, ConvTranspose1d | ConvTranspose2d) else 0
    return dim


def require_iterations(n_power_iterations: int) -> None:
    """Raise ValueError unless the number of iterations is positive."""
    if n_power_iterations <= 0:
        raise ValueError(
            "Expected n_power_iterations to be positive, but got "
            f"n_power_iterations={n_power_iterations}"
        )


class _SpectralNorm(Module):
    """weight / its largest singular value, estimated by the power method."""

    _u: Tensor
    _v: Tensor

    def __init__(self, weight: Tensor, n_power_iterations: int, dim: int, eps: float) -> None:
        super().__init__()
        if not -weight.ndim <= dim < weight.ndim:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [{-weight.ndim}, "
                f"{weight.ndim - 1}] but got {dim})"
            )
        require_iterations(n_power_iterations)
        self.dim = dim % weight.ndim
        self.eps = eps
        self.n_power_iterations = n_power_iterations
        if weight.ndim > 1:
            matrix = as_matrix(weight.detach(), self.dim)
            self.register_buffer("_u", random_unit(matrix.shape[0], matrix, eps))
            self.register_buffer("_v", random_unit(matrix.shape[1], matrix, eps))
            self._iterate(matrix, 15)

    def _iterate(self, matrix: Tensor, times: int) -> None:
        for _ in range(times):
            follow(self._u, matrix, self._v, self.eps)
            follow(self._v, matrix.T, self._u, self.eps)

    def forward(self, weight: Tensor) -> Tensor:
        if weight.ndim == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training:
            self._iterate(matrix.detach(), self.n_power_iterations)
        return weight / largest_singular_value(matrix, self._u, self._v)

    def right_inverse(self, value: Tensor) -> Tensor:
        """The value: a weight that is normalized already stays as it is."""
        return value


def spectral_norm(
    module: Module,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> Module:
    """Spectral normalization: the weight over its largest singular value.

    Miyato et al. 2018, arXiv:1802.05957.  The singular value is estimated by the power method, with
    `n_power_iterations` more in each call in training mode.  dim counts the outputs: 0, or 1 for
    transposed convolutions.  Raises ValueError if the module has no such tensor.
    """
    weight = _tensor_of(module, name)
    norm = _SpectralNorm(weight, n_power_iterations, output_dimension(module, dim), eps)
    return register_parametrization(module, name, norm)


# --- orthogonality --------------------------------------------------------------------------------


def _householder_product(reflectors: Tensor, tau: Tensor) -> Tensor:
    """The first columns of the product of I - tau_i v_i v_i^T; v_i is column i, with 1 at i."""
    n, k = reflectors.shape[-2:]
    eye = creation.eye(n, k, dtype=reflectors.dtype)
    vectors = reflectors + eye
    product = eye.expand(*reflectors.shape[:-2], n, k)
    for i in reversed(range(k)):
        v = vectors[..., i : i + 1]
        product = product - tau[..., None, i : i + 1] * (v @ (v.mT @ product))
    return product


class _Orthogonal(Module):
    """An orthogonal matrix as a function of a matrix without conditions."""

    base: Tensor | None

    def __init__(self, weight: Tensor, orthogonal_map: str, use_trivialization: bool) -> None:
        super().__init__()
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        self.use_trivialization = use_trivialization
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, X: Tensor) -> Tensor:
        is_wide = X.shape[-2] < X.shape[-1]
        X = X.mT if is_wide else X
        n, k = X.shape[-2:]
        if self.orthogonal_map == "householder":
            A = X.tril(-1)
            tau = 2.0 / (1.0 + (A * A).sum(dim=-2))
            signs = X.detach().diagonal(dim1=-2, dim2=-1).trunc()
            Q = _householder_product(A, tau) * signs.unsqueeze(-2)
        else:
            Q = self._from_skew(X.tril(), n)[..., :k]
        if self.use_trivialization and self.base is not None:
            Q = self.base @ Q
        return Q.mT if is_wide else Q

    def _from_skew(self, lower: Tensor, n: int) -> Tensor:
        """The square orthogonal matrix of lower - lower.T."""
        k = lower.shape[-1]
        if n != k:
            lower = ops.cat([lower, lower.new_zeros(*lower.shape[:-1], n - k)], dim=-1)
        A = lower - lower.mT
        if self.orthogonal_map == "matrix_exp":
            return ops.matrix_exp(A)
        eye = creation.eye(n, dtype=A.dtype)
        return ops.solve(eye - A / 2, eye + A / 2)

    def right_inverse(self, Q: Tensor) -> Tensor:
        """The matrix that gives Q, or the orthogonal matrix nearest to it in the sense of QR."""
        if Q.shape != self.shape:
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of "
                f"shape {Q.shape}."
            )
        is_wide = Q.shape[-2] < Q.shape[-1]
        tall = Q.array.swapaxes(-1, -2) if is_wide else Q.array
        n, k = tall.shape[-2:]
        if not self.use_trivialization:
            if self.orthogonal_map != "householder":
                raise NotImplementedError(
                    "It is not possible to assign to the matrix exponential or the Cayley "
                    "parametrizations when use_trivialization=False."
                )
            A = _reflectors(tall)
            return _wrapped(A.swapaxes(-1, -2) if is_wide else A)
        if n != k:
            more = Q.new_empty(*tall.shape[:-2], n, n - k).normal_().array
            tall = np.concatenate([tall, more], axis=-1)
        self.base = _wrapped(_orthogonalized(tall))
        return _wrapped(np.broadcast_to(-np.eye(*Q.shape[-2:], dtype=Q.array.dtype), Q.shape))


def _wrapped(array: Array) -> Tensor:
    tensor: Tensor = wrap(Tensor, np.array(array))
    return tensor


def _orthogonalized(Q: Array) -> Array:
    """A square matrix that is orthogonal already as it is, another made so."""
    n = Q.shape[-1]
    near = 10.0 * n * np.finfo(Q.dtype).eps
    if np.allclose(Q.swapaxes(-1, -2) @ Q, np.eye(n), atol=near):
        return Q.copy()
    q, r = lapack.qr(Q)
    signs = np.sign(np.diagonal(r, axis1=-2, axis2=-1))
    unique: Array = q * np.where(signs == 0, 1, signs).astype(Q.dtype)[..., None, :]
    return unique


def _reflectors(Q: Array) -> Array:
    """The Householder vectors of Q below the diagonal, and the signs of R's diagonal on it."""
    raw, tau = lapack.qr(Q, mode="raw")
    A = np.array(raw.swapaxes(-1, -2))
    diagonal = np.einsum("...ii->...i", A[..., : A.shape[-1], :])
    diagonal[...] = np.sign(diagonal)
    diagonal[tau == 0.0] *= -1
    return A


def orthogonal(
    module: Module,
    name: str = "weight",
    orthogonal_map: str | None = None,
    *,
    use_trivialization: bool = True,
) -> Module:
    """An orthogonal weight, with orthonormal rows if it is wide, else orthonormal columns.

    orthogonal_map: "matrix_exp" or "cayley" of a skew-symmetric matrix, or "householder"
        reflections; by default the first for square matrices and the last for others.
    use_trivialization: parametrize the change from the present weight, not the weight itself.

    Raises ValueError if the module has no such tensor, or if it has fewer than 2 dimensions.
    """
    weight = _tensor_of(module, name)
    if weight.ndim < 2:
        raise ValueError(
            f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions."
        )
    if orthogonal_map is None:
        orthogonal_map = "matrix_exp" if weight.shape[-2] == weight.shape[-1] else "householder"
    if orthogonal_map not in _MAPS:
        raise ValueError(
            'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". '
            f"Got: {orthogonal_map}"
        )
    made = _Orthogonal(weight, orthogonal_map, use_trivialization)
    return register_parametrization(module, name, made, unsafe=True)


__all__ = [
    "orthogonal",
    "spectral_norm",
    "weight_norm",
]

show_public_names(__name__)
