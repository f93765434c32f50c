"""Convolution and transposed convolution in one and two dimensions."""

from minigrad import ops
from minigrad.kernels.conv.conv2d import conv_output_size
from minigrad.nn.functional.arguments import (
    IntOrSequence,
    Pair,
    batched,
    pair,
    require_countable,
    require_tensor,
    single_int,
)
from minigrad.ops.nn import conv
from minigrad.tensor import Tensor


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: IntOrSequence = 1,
    padding: IntOrSequence | str = 0,
    dilation: IntOrSequence = 1,
    groups: int = 1,
) -> Tensor:
    """(N, C, L) or (C, L), (F, C/groups, K), (F,) -> (N, F, L') or (F, L').

    L' = (L + 2 padding - dilation (K - 1) - 1) // stride + 1; padding may be "valid" or "same".
    Raises RuntimeError as conv2d does.
    """
    signals, single = batched("conv1d", input, 1)
    require_convolution("conv1d", signals, weight, bias, groups, 1)
    strides = (1, single_int(stride, "stride"))
    paddings = padding if isinstance(padding, str) else (0, single_int(padding, "padding", least=0))
    out = _convolve(
        ops.unsqueeze(signals, dim=2), ops.unsqueeze(weight, dim=2), bias,
        strides, paddings, (1, single_int(dilation, "dilation")), groups,
    ).squeeze(2)  # fmt: skip
    return out.squeeze(0) if single else out


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: IntOrSequence = 1,
    padding: IntOrSequence | str = 0,
    dilation: IntOrSequence = 1,
    groups: int = 1,
) -> Tensor:
    """(N, C, H, W) or (C, H, W), (F, C/groups, K, L), (F,) -> (N, F, H', W') or (F, H', W').

    H' = (H + 2 padding - dilation (K - 1) - 1) // stride + 1.  padding may be "valid", which is
    0, or "same", which keeps H and W at stride 1.  Raises RuntimeError, with the shapes, if
    channels, groups, dtypes or sizes do not match.
    """
    images, single = batched("conv2d", input, 2)
    require_convolution("conv2d", images, weight, bias, groups, 2)
    out = _convolve(images, weight, bias, stride, padding, dilation, groups)
    return out.squeeze(0) if single else out


def _convolve(
    images: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: IntOrSequence,
    padding: IntOrSequence | str,
    dilation: IntOrSequence,
    groups: int,
) -> Tensor:
    strides, dilations = pair(stride, "stride"), pair(dilation, "dilation")
    paddings = padding_sides(padding, weight.array.shape[2:], strides, dilations)
    _require_fitting_kernel(images, weight, paddings, strides, dilations)
    return conv.conv2d(
        images, weight, bias, stride=strides, padding=paddings, dilation=dilations, groups=groups
    )


def padding_sides(
    padding: IntOrSequence | str, kernel_size: Pair, stride: Pair, dilation: Pair
) -> tuple[Pair, Pair]:
    """((top, bottom), (left, right)); "same" puts the larger half of an odd number after.

    Raises ValueError for other strings, RuntimeError for "same" with strides.
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
    name: str, input: Tensor, weight: Tensor, bias: Tensor | None, groups: int, dimensions: int
) -> None:
    """Raise RuntimeError unless channels, groups and dtypes match: weight (F, C/groups, ...)."""
    require_tensor(name, input=input, weight=weight)
    if weight.ndim != dimensions + 2:
        taps = ", ".join("KL"[:dimensions])
        raise RuntimeError(
            f"{name} expects a weight (F, C/groups, {taps}), got shape {list(weight.shape)}"
        )
    filters, per_group, *_ = weight.array.shape
    channels = input.array.shape[1]
    if not isinstance(groups, int) or groups < 1 or filters % groups:
        raise RuntimeError(
            f"{name} expects groups to divide the {filters} output channels of weight, got "
            f"groups={groups}"
        )
    if channels != per_group * groups:
        raise RuntimeError(
            f"Given groups={groups}, weight of size {list(weight.shape)}, expected input"
            f"{list(input.shape)} to have {per_group * groups} channels, but got {channels} "
            f"channels instead"
        )
    require_bias(weight, bias, filters)
    require_one_dtype(name, input, weight, bias)


def require_bias(weight: Tensor, bias: Tensor | None, filters: int) -> None:
    """Raise RuntimeError unless the bias is None or has one element for each filter."""
    if bias is not None and bias.array.shape != (filters,):
        raise RuntimeError(
            f"Given weight of size {list(weight.shape)}, expected bias to be 1-dimensional with "
            f"{filters} elements, but got bias of size {list(bias.shape)} instead"
        )


def require_one_dtype(name: str, input: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    """Raise RuntimeError unless input, weight and bias have one dtype, not bool."""
    dtype = input.array.dtype
    if weight.array.dtype != dtype or (bias is not None and bias.array.dtype != dtype):
        others = [weight] if bias is None else [weight, bias]
        raise RuntimeError(
            f"{name}: input, weight and bias should have the same dtype, got {input.dtype} and "
            + ", ".join(str(other.dtype) for other in others)
        )
    if dtype.kind == "b":
        raise RuntimeError(f"{name} is not implemented for {input.dtype}")


def _require_fitting_kernel(
    input: Tensor, weight: Tensor, paddings: tuple[Pair, Pair], stride: Pair, dilation: Pair
) -> None:
    """Raise RuntimeError if the result would have no elements, or more than 64 bits count."""
    outputs = []
    images, taps = input.array.shape, weight.array.shape
    for i in (0, 1):
        size, kernel = images[2 + i], taps[2 + i]
        outputs.append(conv_output_size(size, kernel, stride[i], *paddings[i], dilation[i]))
        if outputs[i] < 1 or kernel < 1:
            padded = " x ".join(str(images[2 + j] + sum(paddings[j])) for j in (0, 1))
            reach = " x ".join(str(dilation[j] * (taps[2 + j] - 1) + 1) for j in (0, 1))
            raise RuntimeError(
                f"Calculated padded input size per channel: ({padded}). Kernel size: ({reach}). "
                f"Kernel size can't be greater than actual input size"
            )
        require_countable("conv2d", [size + sum(paddings[i])])
    require_countable("conv2d", [images[0], taps[0], *outputs])


def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor | None, pad: int = 0) -> Tensor:
    """conv1d with time as the first dimension: (T, N, C), (K, C, F), (F,) -> (T', N, F)."""
    signals, filters = input.permute(1, 2, 0), weight.permute(2, 1, 0)
    return conv1d(signals, filters, bias, padding=pad).permute(2, 0, 1)


def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: IntOrSequence = 1,
    padding: IntOrSequence = 0,
    output_padding: IntOrSequence = 0,
    groups: int = 1,
    dilation: IntOrSequence = 1,
) -> Tensor:
    """(N, C, L) or (C, L), (C, F/groups, K), (F,) -> (N, F, L') or (F, L').

    L' = (L - 1) stride - 2 padding + dilation (K - 1) + output_padding + 1.  Raises RuntimeError as
    conv_transpose2d does.
    """
    signals, single = batched("conv_transpose1d", input, 1)
    _require_conv_transpose("conv_transpose1d", signals, weight, bias, groups, 1)
    out = _convolve_transposed(
        ops.unsqueeze(signals, dim=2), ops.unsqueeze(weight, dim=2), bias,
        (1, single_int(stride, "stride")), (0, single_int(padding, "padding", least=0)),
        (0, single_int(output_padding, "output_padding", least=0)), groups,
        (1, single_int(dilation, "dilation")),
    ).squeeze(2)  # fmt: skip
    return out.squeeze(0) if single else out


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: IntOrSequence = 1,
    padding: IntOrSequence = 0,
    output_padding: IntOrSequence = 0,
    groups: int = 1,
    dilation: IntOrSequence = 1,
) -> Tensor:
    """(N, C, H, W) or (C, H, W), (C, F/groups, K, L), (F,) -> (N, F, H', W') or (F, H', W').

    H' = (H - 1) stride - 2 padding + dilation (K - 1) + output_padding + 1.  Raises RuntimeError if
    channels, groups or dtypes do not match, or output_padding is not less than stride or dilation.
    """
    images, single = batched("conv_transpose2d", input, 2)
    _require_conv_transpose("conv_transpose2d", images, weight, bias, groups, 2)
    out = _convolve_transposed(
        images, weight, bias, pair(stride, "stride"), pair(padding, "padding", least=0),
        pair(output_padding, "output_padding", least=0), groups, pair(dilation, "dilation"),
    )  # fmt: skip
    return out.squeeze(0) if single else out


def _convolve_transposed(
    input: Tensor, weight: Tensor, bias: Tensor | None, stride: Pair, padding: Pair,
    output_padding: Pair, groups: int, dilation: Pair,
) -> Tensor:  # fmt: skip
    # Output padding restores outputs that padding cuts off at the end; the rest of it is zeros.
    restored = [min(padding[i], output_padding[i]) for i in (0, 1)]
    zeros = [output_padding[i] - restored[i] for i in (0, 1)]
    sizes = []
    for i in (0, 1):
        if output_padding[i] >= max(stride[i], dilation[i]):
            raise RuntimeError(
                f"output padding must be smaller than either stride or dilation, but got "
                f"output_padding={output_padding}, stride={stride} and dilation={dilation}"
            )
        full = (input.shape[2 + i] - 1) * stride[i] + dilation[i] * (weight.shape[2 + i] - 1) + 1
        require_countable("conv_transpose2d", [full + output_padding[i]])
        sizes.append(full - 2 * padding[i] + restored[i])
        if sizes[i] + zeros[i] < 1:
            raise RuntimeError(
                f"Given input of size {list(input.shape)} and weight of size {list(weight.shape)}, "
                f"calculated output size {sizes[i] + zeros[i]} is too small"
            )
    shape = (input.shape[0], weight.shape[1] * groups, *sizes)
    require_countable("conv_transpose2d", [*shape[:2], *(sizes[i] + zeros[i] for i in (0, 1))])
    out = conv.conv2d_input_grad(
        input, weight, shape=shape, stride=stride,
        padding=tuple((padding[i], padding[i] - restored[i]) for i in (0, 1)), dilation=dilation,
        groups=groups,
    )  # fmt: skip
    if any(zeros):
        added = ((0, 0), (0, 0), (0, zeros[0]), (0, zeros[1]))
        out = ops.pad_constant(out, padding=added, value=0.0)
    return out if bias is None else out + bias.reshape(-1, 1, 1)


def _require_conv_transpose(
    name: str, input: Tensor, weight: Tensor, bias: Tensor | None, groups: int, dimensions: int
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
