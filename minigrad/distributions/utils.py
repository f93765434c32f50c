"""Parameters of distributions: broadcasting, probabilities and logits, lazy attributes."""

from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar, overload

from minigrad.core import dtypes
from minigrad.core.types import DeviceLike, DTypeLike
from minigrad.engine.grad_mode import enable_grad
from minigrad.ops.shape.join import broadcast_tensors
from minigrad.random import randn
from minigrad.tensor import Tensor
from minigrad.tensor.creation import tensor
from minigrad.tensor.triangle_indices import tril_indices
from minigrad.tensor.typeinfo import finfo

Number = float | Tensor
T = TypeVar("T")


def broadcast_all(*values: Number) -> list[Tensor]:
    """The values as tensors of one shape; numbers take the dtype of the first tensor.

    Raises ValueError for anything but tensors and numbers.
    """
    for value in values:
        if not isinstance(value, Tensor | int | float):
            raise ValueError(
                f"Input arguments must all be instances of numbers.Number or torch.Tensor, "
                f"got {type(value).__name__}"
            )
    dtype = next((v.dtype for v in values if isinstance(v, Tensor)), dtypes.get_default_dtype())
    tensors = [v if isinstance(v, Tensor) else tensor(v, dtype=dtype) for v in values]
    return list(broadcast_tensors(*tensors))


def clamp_probs(probs: Tensor) -> Tensor:
    """Probabilities, away from 0 and 1 by the dtype's epsilon: their logits are finite."""
    eps = finfo(probs.dtype).eps
    return probs.clamp(min=eps, max=1 - eps)


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """Probabilities from log odds (binary) or from log probabilities up to a constant."""
    return logits.sigmoid() if is_binary else logits.softmax(-1)


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """Log odds (binary) or log probabilities; 0 and 1 give finite numbers."""
    clamped = clamp_probs(probs)
    return clamped.log() - (-clamped).log1p() if is_binary else clamped.log()


class lazy_property(Generic[T]):  # noqa: N801  torch's name
    """An attribute that is computed when it is first read, with a graph, and then stored."""

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self.compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> "lazy_property[T]": ...
    @overload
    def __get__(self, instance: object, owner: type | None = None) -> T: ...
    def __get__(self, instance: object | None, owner: type | None = None) -> "lazy_property[T] | T":
        if instance is None:
            return self
        with enable_grad():
            value = self.compute(instance)
        vars(instance)[self.name] = value
        return value


def sum_rightmost(value: Tensor, dims: int) -> Tensor:
    """The sum over the last `dims` dimensions."""
    return value.sum(tuple(range(-dims, 0))) if dims else value


_sum_rightmost = sum_rightmost  # the name that distributions outside torch import


def _standard_normal(shape: Iterable[int], dtype: DTypeLike, device: DeviceLike) -> Tensor:
    """Normal numbers, under the name that distributions outside torch import."""
    return randn(tuple(shape), dtype=dtype, device=device)


def tril_matrix_to_vec(mat: Tensor, diag: int = 0) -> Tensor:
    """The lower triangle of (..., D, D) matrices row by row, up to diagonal `diag`."""
    n = mat.shape[-1]
    if not -n < diag < n:
        raise ValueError(f"diag ({diag}) provided is outside [{1 - n}, {n - 1}].")
    rows, columns = tril_indices(n, n, diag).unbind(0)
    return mat[..., rows, columns]


def vec_to_tril_matrix(vec: Tensor, diag: int = 0) -> Tensor:
    """The (..., D, D) matrices whose lower triangle holds these numbers; 0 elsewhere."""
    n = round(
        (
            -(1 + 2 * diag)
            + ((1 + 2 * diag) ** 2 + 8 * vec.shape[-1] + 4 * abs(diag) * (diag + 1)) ** 0.5
        )
        / 2
    )
    rows, columns = tril_indices(n, n, diag).unbind(0)
    if rows.numel() != vec.shape[-1]:
        raise ValueError(
            f"The size of last dimension is {vec.shape[-1]} which cannot be expressed as the "
            f"lower triangular part of a square D x D matrix."
        )
    flat = vec.new_zeros((*vec.shape[:-1], n * n))
    at = (rows * n + columns).expand(vec.shape)
    return flat.scatter(-1, at, vec).reshape(*vec.shape[:-1], n, n)
