"""Distances and angles between vectors."""

from minigrad import ops
from minigrad.engine.complex_form import refuse_complex
from minigrad.engine.half_precision import in_float32
from minigrad.engine.op import composed
from minigrad.nn.functional.arguments import require_tensor
from minigrad.ops.elementwise.arithmetic import common_dtype
from minigrad.tensor import Tensor


@in_float32
def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """x1 . x2 / (max(|x1|, eps) max(|x2|, eps)) along dim, counted after x1 and x2 are broadcast.

    PyTorch differs: where a norm is below eps, its gradient is that of a norm above eps.
    """
    require_tensor("cosine_similarity", x1=x1, x2=x2)
    refuse_complex("cosine_similarity", x1, x2)
    if x1.shape != x2.shape:
        shape = ops.broadcast_shapes(x1.shape, x2.shape)
        x1, x2 = (ops.expand(x, shape=shape) for x in (x1, x2))
    if x1.dtype != x2.dtype:
        dtype = common_dtype(x1, x2)
        x1, x2 = x1.to(dtype), x2.to(dtype)
    norms = [ops.norm(x, dim=dim, keepdim=True).clamp(min=eps) for x in (x1, x2)]
    return ((x1 / norms[0]) * (x2 / norms[1])).sum(dim)


@in_float32
def pairwise_distance(
    x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Tensor:
    """The p-norm of x1 - x2 + eps along the last dimension: (N, D), (N, D) -> (N,)."""
    require_tensor("pairwise_distance", x1=x1, x2=x2)
    return ops.norm(x1 - x2 + eps, p, dim=-1, keepdim=keepdim)


@composed
@in_float32
def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    """input / max(p-norm of input along dim, eps)."""
    require_tensor("normalize", input=input)
    return input / ops.norm(input, p, dim=dim, keepdim=True).clamp(min=eps)
