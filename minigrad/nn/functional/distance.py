"""Distances and angles between vectors."""

from typing import Any

from minigrad import ops
from minigrad.nn.functional.arguments import require_tensor


def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    """The cosine of the angle between vectors along dim: x1 . x2 / (|x1| |x2|), norms >= eps.

    PyTorch differs: where a norm is below eps its gradient is that of a norm above.
    """
    require_tensor("cosine_similarity", x1=x1, x2=x2)
    norms = [ops.norm(x, dim=dim, keepdim=True).clamp(min=eps) for x in (x1, x2)]
    return ((x1 / norms[0]) * (x2 / norms[1])).sum(dim)


def pairwise_distance(
    x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Any:
    """The p-norm of x1 - x2 + eps along the last dimension: (N, D), (N, D) -> (N,)."""
    require_tensor("pairwise_distance", x1=x1, x2=x2)
    return ops.norm(x1 - x2 + eps, p, dim=-1, keepdim=keepdim)


def normalize(input: Any, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Any:
    """The input divided by its p-norm along dim, or by eps where that is larger."""
    require_tensor("normalize", input=input)
    return input / ops.norm(input, p, dim=dim, keepdim=True).clamp(min=eps)
