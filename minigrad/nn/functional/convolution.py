"""Two-dimensional convolution."""

from typing import Any

from minigrad import dtypes
from minigrad.kernels.conv import conv_output_size
from minigrad.nn.functional.checks import IntOrPair, Pair, batched, pair, require_tensor
from minigrad.ops import conv as ops


def conv2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: IntOrPair = 1,
    padding: IntOrPair | str = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
) -> Any:
    """(N, C, H, W) or (C, H, W), (F, C/groups, K, L), (F,) -> (N, F, H', W') or (F, H', W').

    H' = (H + 2 padding - dilation (K - 1) - 1) // stride + 1.  padding may be "valid", none, or
    "same", as much as keeps H and W at stride 1.  Raises RuntimeError, with the shapes, if
    channels, groups, dtypes or sizes do not match.
    """
    require_tensor("conv2d", input=input, weight=weight)
    images, single = batched("conv2d", input)
    steps, taps = pair(stride, "stride"), pair(dilation, "dilation")
    _require_channels(images, weight, bias, groups)
    _require_one_dtype(images, weight, bias)
    pads = sides(padding, (weight.shape[2], weight.shape[3]), steps, taps)
    _require_room(images, weight, pads, steps, taps)
    out = ops.conv2d(images, weight, bias, stride=steps, padding=pads, dilation=taps, groups=groups)
    return out.squeeze(0) if single else out


def sides(
    padding: IntOrPair | str, kernel_size: Pair, stride: Pair, dilation: Pair
) -> tuple[Pair, Pair]:
    """((top, bottom), (left, right)); of an odd number "same" puts the larger half after.

    Raises ValueError for unknown words, RuntimeError for "same" with strides.
    """
    if isinstance(padding, str):
        if padding == "valid":
            return (0, 0), (0, 0)
        if padding != "same":
            raise ValueError(f"Invalid padding string {padding!r}, should be one of same, valid")
        if stride != (1, 1):
            raise RuntimeError("padding='same' is not supported for strided convolutions")
        vertical, horizontal = (dilation[i] * (kernel_size[i] - 1) for i in (0, 1))
        return (
            (vertical // 2, vertical - vertical // 2),
            (horizontal // 2, horizontal - horizontal // 2),
        )
    vertical, horizontal = pair(padding, "padding", least=0)
    return (vertical, vertical), (horizontal, horizontal)


def _require_channels(input: Any, weight: Any, bias: Any, groups: int) -> None:
    filters, channels = weight.shape[0], input.shape[1]
    if weight.ndim != 4:
        raise RuntimeError(
            f"conv2d expects a weight (F, C/groups, K, L), got shape {list(weight.shape)}"
        )
    if not isinstance(groups, int) or groups < 1 or filters % groups:
        raise RuntimeError(
            f"conv2d expects groups to divide the {filters} output channels of weight, got "
            f"groups={groups}"
        )
    if channels != weight.shape[1] * groups:
        raise RuntimeError(
            f"Given groups={groups}, weight of size {list(weight.shape)}, expected input"
            f"{list(input.shape)} to have {weight.shape[1] * groups} channels, but got {channels} "
            f"channels instead"
        )
    if bias is not None and bias.shape != (filters,):
        raise RuntimeError(
            f"Given weight of size {list(weight.shape)}, expected bias to be 1-dimensional with "
            f"{filters} elements, but got bias of size {list(bias.shape)} instead"
        )


def _require_one_dtype(input: Any, weight: Any, bias: Any) -> None:
    dtype = input.array.dtype
    if weight.array.dtype != dtype or (bias is not None and bias.array.dtype != dtype):
        others = [weight] if bias is None else [weight, bias]
        raise RuntimeError(
            f"conv2d: input, weight and bias should have the same dtype, got {input.dtype} and "
            + ", ".join(str(other.dtype) for other in others)
        )
    if dtype.kind != "f":
        raise RuntimeError(f"conv2d is for floating tensors, got {dtypes.of_numpy(dtype)}")


def _require_room(
    input: Any, weight: Any, pads: tuple[Pair, Pair], stride: Pair, dilation: Pair
) -> None:
    for i in (0, 1):
        size, kernel = input.shape[2 + i], weight.shape[2 + i]
        if conv_output_size(size, kernel, stride[i], *pads[i], dilation[i]) < 1 or kernel < 1:
            padded = " x ".join(str(input.shape[2 + j] + sum(pads[j])) for j in (0, 1))
            reach = " x ".join(str(dilation[j] * (weight.shape[2 + j] - 1) + 1) for j in (0, 1))
            raise RuntimeError(
                f"Calculated padded input size per channel: ({padded}). Kernel size: ({reach}). "
                f"Kernel size can't be greater than actual input size"
            )
