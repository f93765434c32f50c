"""Convolution and transposed convolution in one and two dimensions."""

from typing import Any

from minigrad import ops
from minigrad.core import dtypes
from minigrad.kernels.conv.conv2d import conv_output_size
from minigrad.nn.functional.arguments import (
    IntOrSequence,
    Pair,
    batched,
    pair,
    require_tensor,
    single_int,
)
from minigrad.ops.nn import conv


def conv1d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: IntOrSequence = 1,
    padding: IntOrSequence | str = 0,
    dilation: IntOrSequence = 1,
    groups: int = 1,
) -> Any:
    """(N, C, L) or (C, L), (F, C/groups, K), (F,) -> (N, F, L') or (F, L').

    L' = (L + 2 padding - dilation (K - 1) - 1) // stride + 1; padding may be "valid" or "same".
    Raises RuntimeError as conv2d does.
    """
    signals, single = batched("conv1d", input, 1)
    require_convolution("conv1d", signals, weight, bias, groups, 1)
    rows = {
        "stride": (1, single_int(stride, "stride")),
        "padding": padding
        if isinstance(padding, str)
        else (0, single_int(padding, "padding", least=0)),
        "dilation": (1, single_int(dilation, "dilation")),
    }
    flat = ops.unsqueeze(signals, dim=2), ops.unsqueeze(weight, dim=2)
    out = _convolve(*flat, bias, **rows, groups=groups).squeeze(2)
    return out.squeeze(0) if single else out


def conv2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: IntOrSequence = 1,
    padding: IntOrSequence | str = 0,
    dilation: IntOrSequence = 1,
    groups: int = 1,
) -> Any:
    """(N, C, H, W) or (C, H, W), (F, C/groups, K, L), (F,) -> (N, F, H', W') or (F, H', W').

    H' = (H + 2 padding - dilation (K - 1) - 1) // stride + 1.  padding may be "valid", none, or
    "same", as much as keeps H and W at stride 1.  Raises RuntimeError, with the shapes, if
    channels, groups, dtypes or sizes do not match.
    """
    images, single = batched("conv2d", input, 2)
    require_convolution("conv2d", images, weight, bias, groups, 2)
    out = _convolve(images, weight, bias, stride, padding, dilation, groups)
    return out.squeeze(0) if single else out


def _convolve(
    images: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> Any:
    steps, taps = pair(stride, "stride"), pair(dilation, "dilation")
    pads = sides(padding, (weight.shape[2], weight.shape[3]), steps, taps)
    _require_room(images, weight, pads, steps, taps)
    return conv.conv2d(
        images, weight, bias, stride=steps, padding=pads, dilation=taps, groups=groups
    )


def sides(
    padding: IntOrSequence | str, kernel_size: Pair, stride: Pair, dilation: Pair
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


def require_convolution(
    name: str, input: Any, weight: Any, bias: Any, groups: int, dimensions: int
) -> None:
    """Raise RuntimeError unless channels, groups and dtypes match: weight (F, C/groups, ...)."""
    require_tensor(name, input=input, weight=weight)
    if weight.ndim != dimensions + 2:
        taps = ", ".join("KL"[:dimensions])
        raise RuntimeError(
            f"{name} expects a weight (F, C/groups, {taps}), got shape {list(weight.shape)}"
        )
    filters, channels = weight.shape[0], input.shape[1]
    if not isinstance(groups, int) or groups < 1 or filters % groups:
        raise RuntimeError(
            f"{name} expects groups to divide the {filters} output channels of weight, got "
            f"groups={groups}"
        )
    if channels != weight.shape[1] * groups:
        raise RuntimeError(
            f"Given groups={groups}, weight of size {list(weight.shape)}, expected input"
            f"{list(input.shape)} to have {weight.shape[1] * groups} channels, but got {channels} "
            f"channels instead"
        )
    require_bias(weight, bias, filters)
    require_one_dtype(name, input, weight, bias)


def require_bias(weight: Any, bias: Any, filters: int) -> None:
    """Raise RuntimeError unless there is a number for each filter, or no bias."""
    if bias is not None and bias.shape != (filters,):
        raise RuntimeError(
            f"Given weight of size {list(weight.shape)}, expected bias to be 1-dimensional with "
            f"{filters} elements, but got bias of size {list(bias.shape)} instead"
        )


def require_one_dtype(name: str, input: Any, weight: Any, bias: Any) -> None:
    """Raise RuntimeError unless all are of the same floating dtype."""
    dtype = input.array.dtype
    if weight.array.dtype != dtype or (bias is not None and bias.array.dtype != dtype):
        others = [weight] if bias is None else [weight, bias]
        raise RuntimeError(
            f"{name}: input, weight and bias should have the same dtype, got {input.dtype} and "
            + ", ".join(str(other.dtype) for other in others)
        )
    if dtype.kind != "f":
        raise RuntimeError(f"{name} is for floating tensors, got {dtypes.of_numpy(dtype)}")


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


def conv_tbc(input: Any, weight: Any, bias: Any, pad: int = 0) -> Any:
    """conv1d with time before batch and channels: (T, N, C), (K, C, F), (F,) -> (T', N, F)."""
    signals, filters = input.permute(1, 2, 0), weight.permute(2, 1, 0)
    return conv1d(signals, filters, bias, padding=pad).permute(2, 0, 1)


def conv_transpose1d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: IntOrSequence = 1,
    padding: IntOrSequence = 0,
    output_padding: IntOrSequence = 0,
    groups: int = 1,
    dilation: IntOrSequence = 1,
) -> Any:
    """(N, C, L) or (C, L), (C, F/groups, K), (F,) -> (N, F, L') or (F, L').

    L' = (L - 1) stride - 2 padding + dilation (K - 1) + output_padding + 1.  Raises RuntimeError as
    conv_transpose2d does.
    """
    signals, single = batched("conv_transpose1d", input, 1)
    _require_transposed("conv_transpose1d", signals, weight, bias, groups, 1)
    out = _transposed(
        ops.unsqueeze(signals, dim=2), ops.unsqueeze(weight, dim=2), bias,
        (1, single_int(stride, "stride")), (0, single_int(padding, "padding", least=0)),
        (0, single_int(output_padding, "output_padding", least=0)), groups,
        (1, single_int(dilation, "dilation")),
    ).squeeze(2)  # fmt: skip
    return out.squeeze(0) if single else out


def conv_transpose2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: IntOrSequence = 1,
    padding: IntOrSequence = 0,
    output_padding: IntOrSequence = 0,
    groups: int = 1,
    dilation: IntOrSequence = 1,
) -> Any:
    """(N, C, H, W) or (C, H, W), (C, F/groups, K, L), (F,) -> (N, F, H', W') or (F, H', W').

    H' = (H - 1) stride - 2 padding + dilation (K - 1) + output_padding + 1.  Raises RuntimeError if
    channels, groups or dtypes do not match, or output_padding is not less than stride or dilation.
    """
    images, single = batched("conv_transpose2d", input, 2)
    _require_transposed("conv_transpose2d", images, weight, bias, groups, 2)
    out = _transposed(
        images, weight, bias, pair(stride, "stride"), pair(padding, "padding", least=0),
        pair(output_padding, "output_padding", least=0), groups, pair(dilation, "dilation"),
    )  # fmt: skip
    return out.squeeze(0) if single else out


def _transposed(
    input: Any, weight: Any, bias: Any, stride: Pair, padding: Pair, more: Pair, groups: int,
    dilation: Pair,
) -> Any:  # fmt: skip
    # Output padding takes back what padding cuts off at the end; beyond that it is bare.
    kept = tuple(min(padding[i], more[i]) for i in (0, 1))
    bare = tuple(more[i] - kept[i] for i in (0, 1))
    sizes = []
    for i in (0, 1):
        if more[i] >= max(stride[i], dilation[i]):
            raise RuntimeError(
                f"output padding must be smaller than either stride or dilation, but got "
                f"output_padding={more}, stride={stride} and dilation={dilation}"
            )
        full = (input.shape[2 + i] - 1) * stride[i] + dilation[i] * (weight.shape[2 + i] - 1) + 1
        sizes.append(full - 2 * padding[i] + kept[i])
        if sizes[i] + bare[i] < 1:
            raise RuntimeError(
                f"Given input of size {list(input.shape)} and weight of size {list(weight.shape)}, "
                f"calculated output size {sizes[i] + bare[i]} is too small"
            )
    out = conv.conv2d_input_grad(
        input, weight, shape=(input.shape[0], weight.shape[1] * groups, *sizes), stride=stride,
        padding=tuple((padding[i], padding[i] - kept[i]) for i in (0, 1)), dilation=dilation,
        groups=groups,
    )  # fmt: skip
    if any(bare):
        added = ((0, 0), (0, 0), (0, bare[0]), (0, bare[1]))
        out = ops.pad_constant(out, padding=added, value=0.0)
    return out if bias is None else out + bias.reshape(-1, 1, 1)


def _require_transposed(
    name: str, input: Any, weight: Any, bias: Any, groups: int, dimensions: int
) -> None:
    require_tensor(name, input=input, weight=weight)
    channels = input.shape[1]
    if weight.ndim != dimensions + 2:
        taps = ", ".join("KL"[:dimensions])
        raise RuntimeError(
            f"{name} expects a weight (C, F/groups, {taps}), got shape {list(weight.shape)}"
        )
    if not isinstance(groups, int) or groups < 1 or weight.shape[0] % groups:
        raise RuntimeError(
            f"{name} expects groups to divide the {weight.shape[0]} input channels of weight, got "
            f"groups={groups}"
        )
    if channels != weight.shape[0]:
        raise RuntimeError(
            f"Given transposed=1, weight of size {list(weight.shape)}, expected input"
            f"{list(input.shape)} to have {weight.shape[0]} channels, but got {channels} channels "
            f"instead"
        )
    require_bias(weight, bias, weight.shape[1] * groups)
    require_one_dtype(name, input, weight, bias)
