"""Functions of layers in the form of torch's kernels: numbers name reductions and modes.

`torch.kl_div(input, target, 1)` is `F.kl_div(input, target, reduction="mean")`.
"""

from collections.abc import Callable, Sequence
from typing import Any

from minigrad import ops
from minigrad.engine.op import composed
from minigrad.nn import functional as F
from minigrad.tensor import Tensor

_REDUCTIONS = ("none", "mean", "sum")
_SAMPLING = ("bilinear", "nearest", "bicubic")
_BORDERS = ("zeros", "border", "reflection")


def _named(kind: str, names: Sequence[str], number: int) -> str:
    """The name of a numbered choice.  Raises ValueError for another number."""
    if not 0 <= number < len(names):
        raise ValueError(f"{kind} must be 0 ... {len(names) - 1} for {names}, got {number}")
    return names[number]


def _reduced(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A loss whose `reduction` is a number: 0 for "none", 1 for "mean", 2 for "sum"."""

    def call(*args: Any, reduction: int = 1, **settings: Any) -> Tensor:
        name = _named("reduction", _REDUCTIONS, reduction)
        return function(*args, reduction=name, **settings)

    call.__name__ = call.__qualname__ = function.__name__
    call.__doc__ = f"`functional.{function.__name__}` with a number for the reduction."
    return call


_cosine, _hinge = _reduced(F.cosine_embedding_loss), _reduced(F.hinge_embedding_loss)
_ranking, _kl = _reduced(F.margin_ranking_loss), _reduced(F.kl_div)
_logits, _poisson = _reduced(F.binary_cross_entropy_with_logits), _reduced(F.poisson_nll_loss)
_triplet, _ctc = _reduced(F.triplet_margin_loss), _reduced(F.ctc_loss)


def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int = 1
) -> Tensor:
    """`functional.cosine_embedding_loss`; reduction: 0, 1 or 2."""
    return _cosine(input1, input2, target, margin=margin, reduction=reduction)


def hinge_embedding_loss(
    input: Tensor, target: Tensor, margin: float = 1.0, reduction: int = 1
) -> Tensor:
    """`functional.hinge_embedding_loss`; reduction: 0, 1 or 2."""
    return _hinge(input, target, margin=margin, reduction=reduction)


def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int = 1
) -> Tensor:
    """`functional.margin_ranking_loss`; reduction: 0, 1 or 2."""
    return _ranking(input1, input2, target, margin=margin, reduction=reduction)


def kl_div(
    input: Tensor, target: Tensor, reduction: int = 1, *, log_target: bool = False
) -> Tensor:
    """`functional.kl_div`; reduction: 0, 1 or 2."""
    return _kl(input, target, reduction=reduction, log_target=log_target)


def binary_cross_entropy_with_logits(
    input: Tensor, target: Tensor, weight: Tensor | None = None, pos_weight: Tensor | None = None,
    reduction: int = 1,
) -> Tensor:  # fmt: skip
    """`functional.binary_cross_entropy_with_logits`; reduction: 0, 1 or 2."""
    return _logits(input, target, weight=weight, pos_weight=pos_weight, reduction=reduction)


def poisson_nll_loss(
    input: Tensor, target: Tensor, log_input: bool, full: bool, eps: float, reduction: int
) -> Tensor:
    """`functional.poisson_nll_loss`; reduction: 0, 1 or 2."""
    return _poisson(input, target, log_input=log_input, full=full, eps=eps, reduction=reduction)


def triplet_margin_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0, p: float = 2.0,
    eps: float = 1e-6, swap: bool = False, reduction: int = 1,
) -> Tensor:  # fmt: skip
    """`functional.triplet_margin_loss`; reduction: 0, 1 or 2."""
    return _triplet(
        anchor, positive, negative, margin=margin, p=p, eps=eps, swap=swap, reduction=reduction
    )


def ctc_loss(
    log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any, blank: int = 0,
    reduction: int = 1, zero_infinity: bool = False,
) -> Tensor:  # fmt: skip
    """`functional.ctc_loss`; reduction: 0, 1 or 2."""
    return _ctc(
        log_probs, targets, input_lengths, target_lengths, blank=blank, reduction=reduction,
        zero_infinity=zero_infinity,
    )  # fmt: skip


# --- layers ---------------------------------------------------------------------------------------


def embedding(
    weight: Tensor, indices: Tensor, padding_idx: int = -1, scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:  # fmt: skip
    """`functional.embedding` with the weight in front; padding_idx=-1: there is none."""
    padding = None if padding_idx < 0 else padding_idx
    return F.embedding(
        indices, weight, padding, scale_grad_by_freq=scale_grad_by_freq, sparse=sparse
    )


def batch_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None,
    running_var: Tensor | None, training: bool, momentum: float, eps: float, cudnn_enabled: bool,
) -> Tensor:  # fmt: skip
    """`functional.batch_norm`; cudnn_enabled is of another device."""
    return F.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)


def instance_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None,
    running_var: Tensor | None, use_input_stats: bool, momentum: float, eps: float,
    cudnn_enabled: bool,
) -> Tensor:  # fmt: skip
    """`functional.instance_norm`; cudnn_enabled is of another device."""
    return F.instance_norm(
        input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps
    )


def convolution(
    input: Tensor, weight: Tensor, bias: Tensor | None, stride: Sequence[int],
    padding: Sequence[int], dilation: Sequence[int], transposed: bool,
    output_padding: Sequence[int], groups: int,
) -> Tensor:  # fmt: skip
    """A convolution, or a transposed one, of as many dimensions as the weight says."""
    dims = weight.ndim - 2
    if dims not in (1, 2, 3):
        raise RuntimeError(f"convolution: weight must have 3, 4 or 5 dimensions, got {weight.ndim}")
    if not transposed:
        plain = (F.conv1d, F.conv2d, F.conv3d)[dims - 1]
        return plain(input, weight, bias, tuple(stride), tuple(padding), tuple(dilation), groups)
    turned = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[dims - 1]
    return turned(
        input, weight, bias, tuple(stride), tuple(padding), tuple(output_padding), groups,
        tuple(dilation),
    )  # fmt: skip


def constant_pad_nd(input: Tensor, pad: Sequence[int], value: float = 0) -> Tensor:
    """`functional.pad` with a constant."""
    return F.pad(input, pad, value=value)


def grid_sampler(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    """`functional.grid_sample`; modes: 0, 1, 2 for bilinear, nearest, bicubic; likewise borders."""
    return F.grid_sample(
        input, grid, mode=_named("interpolation_mode", _SAMPLING, interpolation_mode),
        padding_mode=_named("padding_mode", _BORDERS, padding_mode), align_corners=align_corners,
    )  # fmt: skip


grid_sampler_2d = grid_sampler_3d = grid_sampler


def affine_grid_generator(theta: Tensor, size: Sequence[int], align_corners: bool) -> Tensor:
    """`functional.affine_grid`."""
    return F.affine_grid(theta, size, align_corners)


def max_pool1d_with_indices(
    input: Tensor, kernel_size: int, stride: int | None = None, padding: int = 0,
    dilation: int = 1, ceil_mode: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """`functional.max_pool1d` and the positions of the largest."""
    found: tuple[Tensor, Tensor] = F.max_pool1d(
        input, kernel_size, stride, padding, dilation, ceil_mode, return_indices=True
    )
    return found


def feature_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """`functional.dropout1d`, 2d and 3d: whole channels are 0."""
    scale: Tensor = F.dropout(input.new_ones(*input.shape[:2], *[1] * (input.ndim - 2)), p, train)
    return input * scale


def dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """`functional.dropout` in place."""
    return F.dropout(input, p, train, inplace=True)


def alpha_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """`functional.alpha_dropout` in place."""
    return F.alpha_dropout(input, p, train, inplace=True)


def feature_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """`feature_dropout` in place."""
    return input.copy_(feature_dropout(input, p, train))


@composed
def frobenius_norm(input: Tensor, dim: int | Sequence[int] = (), keepdim: bool = False) -> Tensor:
    """The root of the sum of squares over dimensions, by default all."""
    found: Tensor = ops.vector_norm(input, 2, dim=dim or None, keepdim=keepdim)
    return found


@composed
def nuclear_norm(input: Tensor, dim: Sequence[int] = (-2, -1), keepdim: bool = False) -> Tensor:
    """The sum of singular values of the matrices that two dimensions span."""
    found: Tensor = ops.matrix_norm(input, "nuc", dim=(dim[0], dim[1]), keepdim=keepdim)
    return found


def norm_except_dim(v: Tensor, pow: int = 2, dim: int = 0) -> Tensor:
    """The norm over all dimensions but one, which stays; over all, for dim=-1."""
    if dim == -1:
        return v.norm(pow)
    kept = [1] * v.ndim
    kept[dim] = v.shape[dim]
    return v.movedim(dim, 0).reshape(v.shape[dim], -1).norm(pow, 1).view(kept)


def native_channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """`functional.channel_shuffle`."""
    return F.channel_shuffle(input, groups)


def native_dropout(input: Tensor, p: float, train: bool | None) -> tuple[Tensor, Tensor]:
    """The result of dropout, and where elements were kept."""
    kept = F.dropout(ops.clone(input.detach()) * 0 + 1, p, train is not False) != 0
    scale = 0.0 if p == 1 else 1.0 / (1.0 - p)
    return input * kept * (scale if train is not False else 1.0), kept
