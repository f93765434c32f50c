"""Convolution and transposed convolution in one, two and three dimensions."""

from collections.abc import Sequence
from functools import lru_cache

from minigrad import ops
from minigrad.core.types import Shape
from minigrad.kernels.conv import conv2d as kernels
from minigrad.nn.functional.arguments import (
    INTEGERS,
    IntOrSequence,
    Pair,
    batched,
    require_countable,
    require_tensor,
    single_int,
    sizes,
)
from minigrad.ops.nn import conv
from minigrad.ops.nn import conv3d as conv_of_volumes
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


def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: IntOrSequence = 1,
    padding: IntOrSequence | str = 0,
    dilation: IntOrSequence = 1,
    groups: int = 1,
) -> Tensor:
    """(N, C, D, H, W) or (C, D, H, W), (F, C/groups, J, K, L), (F,) -> (N, F, D', H', W') or ...

    D' = (D + 2 padding - dilation (J - 1) - 1) // stride + 1; padding may be "valid" or "same".
    Raises RuntimeError as conv2d does.
    """
    volumes, single = batched("conv3d", input, 3)
    require_convolution("conv3d", volumes, weight, bias, groups, 3)
    out = _convolve(volumes, weight, bias, stride, padding, dilation, groups)
    return out.squeeze(0) if single else out


def _convolve(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: IntOrSequence,
    padding: IntOrSequence | str,
    dilation: IntOrSequence,
    groups: int,
) -> Tensor:
    """Convolution of images or volumes, whichever the weight is for."""
    kernel = weight.array.shape[2:]
    strides = sizes(stride, "stride", len(kernel))
    dilations = sizes(dilation, "dilation", len(kernel))
    paddings = padding_sides(padding, kernel, strides, dilations)
    _require_fitting_kernel(input.array.shape, weight.array.shape, paddings, strides, dilations)
    convolution = conv.conv2d if len(kernel) == 2 else conv_of_volumes.conv3d
    return convolution(
        input, weight, bias, stride=strides, padding=paddings, dilation=dilations, groups=groups
    )


def padding_sides(
    padding: IntOrSequence | str,
    kernel_size: Sequence[int],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
) -> tuple[Pair, ...]:
    """(before, after) of each dimension; "same" puts the larger half of an odd number after.

    Raises ValueError for other strings, RuntimeError for "same" with strides.
    """
    if isinstance(padding, str):
        if padding == "valid":
            return ((0, 0),) * len(stride)
        if padding != "same":
            raise ValueError(f"Invalid padding string {padding!r}, should be one of same, valid")
        if any(step != 1 for step in stride):
            raise RuntimeError("padding='same' is not supported for strided convolutions")
        added = [step * (size - 1) for step, size in zip(dilation, kernel_size, strict=True)]
        return tuple((both // 2, both - both // 2) for both in added)
    return tuple([(side, side) for side in sizes(padding, "padding", len(stride), least=0)])


# The names of a weight's sizes in messages, by the number of dimensions.
_TAPS = {1: "K", 2: "KL", 3: "JKL"}


def require_convolution(
    name: str, input: Tensor, weight: Tensor, bias: Tensor | None, groups: int, dimensions: int
) -> None:
    """Raise RuntimeError unless channels, groups and dtypes match: weight (F, C/groups, ...)."""
    require_tensor(name, input=input, weight=weight)
    if weight.ndim != dimensions + 2:
        taps = ", ".join(_TAPS[dimensions])
        raise RuntimeError(
            f"{name} expects a weight (F, C/groups, {taps}), got shape {list(weight.shape)}"
        )
    filters, per_group, *_ = weight.array.shape
    channels = input.array.shape[1]
    if not isinstance(groups, INTEGERS) or groups < 1 or filters % groups:
        raise RuntimeError(
            f"{name} expects groups to divide the {filters} output channels of weight, got "
            f"groups={groups}"
        )
    if channels != per_group * groups:
        raise RuntimeError(
            f"Given groups={groups}, weight of size {list(weight.shape)}, expected input"
            f"{list(input.shape)} to have {per_group * groups} channels, but got {channels} "
            f"channels instead{_advice(input, per_group * groups)}"
        )
    require_bias(weight, bias, filters)
    require_one_dtype(name, input, weight, bias)


def _advice(input: Tensor, channels: int) -> str:
    """What may be meant where the channels stand elsewhere."""
    shape = input.array.shape
    if shape[-1] == channels != 1:
        last = len(shape) - 1
        order = (0, last, *range(1, last))
        return f"; channels come first: permute{order} moves them there"
    if shape[0] == 1 == channels:
        return "; unsqueeze(1) gives each image of a batch (N, H, W) its channel"
    return ""


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
            + "; input.to(weight.dtype) converts"
        )
    if dtype.kind == "b":
        raise RuntimeError(f"{name} is not implemented for {input.dtype}")


@lru_cache(256)
def _require_fitting_kernel(
    input_shape: Shape,
    weight_shape: Shape,
    paddings: tuple[Pair, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
) -> None:
    """Raise RuntimeError if the result would have no elements, or more than 64 bits count."""
    outputs = []
    dimensions = range(len(stride))
    for i in dimensions:
        size, kernel = input_shape[2 + i], weight_shape[2 + i]
        outputs.append(kernels.conv_output_size(size, kernel, stride[i], *paddings[i], dilation[i]))
        if outputs[i] < 1 or kernel < 1:
            padded = " x ".join(str(input_shape[2 + j] + sum(paddings[j])) for j in dimensions)
            reach = " x ".join(str(dilation[j] * (weight_shape[2 + j] - 1) + 1) for j in dimensions)
            raise RuntimeError(
                f"Calculated padded input size per channel: ({padded}). Kernel size: ({reach}). "
                f"Kernel size can't be greater than actual input size"
            )
        require_countable("convolution", [size + sum(paddings[i])])
    require_countable("convolution", [input_shape[0], weight_shape[0], *outputs])


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
        images, weight, bias, stride, padding, output_padding, groups, dilation
    )
    return out.squeeze(0) if single else out


def conv_transpose3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: IntOrSequence = 1,
    padding: IntOrSequence = 0,
    output_padding: IntOrSequence = 0,
    groups: int = 1,
    dilation: IntOrSequence = 1,
) -> Tensor:
    """(N, C, D, H, W) or (C, D, H, W), (C, F/groups, J, K, L), (F,) -> (N, F, D', H', W') or ...

    D' = (D - 1) stride - 2 padding + dilation (J - 1) + output_padding + 1.  Raises RuntimeError as
    conv_transpose2d does.
    """
    volumes, single = batched("conv_transpose3d", input, 3)
    _require_conv_transpose("conv_transpose3d", volumes, weight, bias, groups, 3)
    out = _convolve_transposed(
        volumes, weight, bias, stride, padding, output_padding, groups, dilation
    )
    return out.squeeze(0) if single else out


def _convolve_transposed(
    input: Tensor, weight: Tensor, bias: Tensor | None, stride: IntOrSequence,
    padding: IntOrSequence, output_padding: IntOrSequence, groups: int, dilation: IntOrSequence,
) -> Tensor:  # fmt: skip
    """Transposed convolution of images or volumes, whichever the weight is for."""
    count = weight.ndim - 2
    strides, dilations = sizes(stride, "stride", count), sizes(dilation, "dilation", count)
    paddings = sizes(padding, "padding", count, least=0)
    added = sizes(output_padding, "output_padding", count, least=0)
    # Output padding restores outputs that padding cuts off at the end; the rest of it is zeros.
    restored = [min(paddings[i], added[i]) for i in range(count)]
    zeros = [added[i] - restored[i] for i in range(count)]
    outputs = []
    for i in range(count):
        if added[i] >= max(strides[i], dilations[i]):
            raise RuntimeError(
                f"output padding must be smaller than either stride or dilation, but got "
                f"output_padding={added}, stride={strides} and dilation={dilations}"
            )
        full = (input.shape[2 + i] - 1) * strides[i] + dilations[i] * (weight.shape[2 + i] - 1) + 1
        require_countable("transposed convolution", [full + added[i]])
        outputs.append(full - 2 * paddings[i] + restored[i])
        if outputs[i] + zeros[i] < 1:
            raise RuntimeError(
                f"Given input of size {list(input.shape)} and weight of size {list(weight.shape)}, "
                f"calculated output size {outputs[i] + zeros[i]} is too small"
            )
    shape = (input.shape[0], weight.shape[1] * groups, *outputs)
    padded = (outputs[i] + zeros[i] for i in range(count))
    require_countable("transposed convolution", [*shape[:2], *padded])
    adjoint = conv.conv2d_input_grad if count == 2 else conv_of_volumes.conv3d_input_grad
    out = adjoint(
        input, weight, shape=shape, stride=strides,
        padding=tuple((paddings[i], paddings[i] - restored[i]) for i in range(count)),
        dilation=dilations, groups=groups,
    )  # fmt: skip
    if any(zeros):
        sides = ((0, 0), (0, 0), *((0, size) for size in zeros))
        out = ops.pad_constant(out, padding=sides, value=0.0)
    return out if bias is None else out + bias.reshape(-1, *[1] * count)


def _require_conv_transpose(
    name: str, input: Tensor, weight: Tensor, bias: Tensor | None, groups: int, dimensions: int
) -> None:
    require_tensor(name, input=input, weight=weight)
    channels = input.shape[1]
    if weight.ndim != dimensions + 2:
        taps = ", ".join(_TAPS[dimensions])
        raise RuntimeError(
            f"{name} expects a weight (C, F/groups, {taps}), got shape {list(weight.shape)}"
        )
    if not isinstance(groups, INTEGERS) or groups < 1 or weight.shape[0] % groups:
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
