"""Transposed convolution: the adjoint of convolution in its input."""

from typing import Any

from minigrad import ops
from minigrad.nn.functional.checks import IntOrSequence, Pair, alone, batched, pair, require_tensor
from minigrad.nn.functional.convolution import require_bias, require_one_dtype
from minigrad.ops.nn import conv


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
        (1, alone(stride, "stride")), (0, alone(padding, "padding", least=0)),
        (0, alone(output_padding, "output_padding", least=0)), groups,
        (1, alone(dilation, "dilation")),
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
