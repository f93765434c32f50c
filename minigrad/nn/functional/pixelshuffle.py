"""Pixels and channels rearranged."""

from minigrad import ops
from minigrad.engine.op import labelled
from minigrad.nn.functional.arguments import require_tensor
from minigrad.tensor import Tensor


@labelled("PixelShuffleBackward0")
def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """(..., C r r, H, W) -> (..., C, H r, W r) (Shi et al. 2016, arXiv:1609.05158).

    Raises RuntimeError if the channels are not a multiple of r^2.
    """
    require_tensor("pixel_shuffle", input=input)
    r = upscale_factor
    if input.ndim < 3 or r < 1 or input.shape[-3] % (r * r):
        raise RuntimeError(
            f"pixel_shuffle expects its input's 'channel' dimension to be divisible by the square "
            f"of upscale_factor, but got {list(input.shape)} and upscale_factor={r}"
        )
    *batch, channels, height, width = input.shape
    split = ops.reshape(input, shape=(*batch, channels // (r * r), r, r, height, width))
    n = len(batch)
    order = (*range(n), n, n + 3, n + 1, n + 4, n + 2)
    moved = ops.permute(split, dims=order)
    return ops.reshape(moved, shape=(*batch, channels // (r * r), height * r, width * r))


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """(..., C, H r, W r) -> (..., C r r, H, W): the inverse of pixel_shuffle.

    Raises RuntimeError if height or width are not multiples of r.
    """
    require_tensor("pixel_unshuffle", input=input)
    r = downscale_factor
    if input.ndim < 3 or r < 1 or input.shape[-1] % r or input.shape[-2] % r:
        raise RuntimeError(
            f"pixel_unshuffle expects height and width to be divisible by downscale_factor, but "
            f"got {list(input.shape)} and downscale_factor={r}"
        )
    *batch, channels, height, width = input.shape
    split = ops.reshape(input, shape=(*batch, channels, height // r, r, width // r, r))
    n = len(batch)
    order = (*range(n), n, n + 2, n + 4, n + 1, n + 3)
    moved = ops.permute(split, dims=order)
    return ops.reshape(moved, shape=(*batch, channels * r * r, height // r, width // r))


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """(N, groups * C, ...) with the channels of the groups interleaved.

    Zhang et al. 2018, ShuffleNet, arXiv:1707.01083.  Raises RuntimeError if the groups do not
    divide the channels.
    """
    require_tensor("channel_shuffle", input=input)
    if input.ndim < 3 or groups < 1 or input.shape[1] % groups:
        raise RuntimeError(
            f"channel_shuffle expects the channels to be divisible by groups, but got "
            f"{list(input.shape)} and groups={groups}"
        )
    split = ops.unflatten(input, 1, (groups, input.shape[1] // groups))
    return ops.flatten(ops.transpose(split, dim0=1, dim1=2), 1, 2)
