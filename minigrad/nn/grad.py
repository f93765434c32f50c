"""Gradients of convolutions on their own, under the names of torch.nn.grad."""

from collections.abc import Callable, Sequence

from minigrad.autograd import grad
from minigrad.core.public_names import show_public_names
from minigrad.engine.grad_mode import enable_grad, is_grad_enabled
from minigrad.nn import functional
from minigrad.tensor import Tensor
from minigrad.tensor.creation import zeros

__all__ = [
    "conv1d_input",
    "conv1d_weight",
    "conv2d_input",
    "conv2d_weight",
    "conv3d_input",
    "conv3d_weight",
]

Sizes = int | Sequence[int]


def _gradient(
    output_for: Callable[[Tensor], Tensor], size: Sequence[int], grad_output: Tensor, other: Tensor
) -> Tensor:
    """The gradient of a convolution in the operand of this size, itself differentiable.

    A convolution is linear in either operand, so that zeros do for the one that is not known.
    """
    is_recorded = is_grad_enabled() and (grad_output.requires_grad or other.requires_grad)
    with enable_grad():
        operand = zeros(*size, dtype=grad_output.dtype, requires_grad=True)
        output = output_for(operand)
    (found,) = grad([output], [operand], [grad_output], create_graph=is_recorded)
    assert isinstance(found, Tensor)
    return found


def conv1d_input(
    input_size: Sequence[int], weight: Tensor, grad_output: Tensor, stride: Sizes = 1,
    padding: Sizes = 0, dilation: Sizes = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """The gradient of `conv1d` in its input, whose size is given, from that of its output."""
    return _gradient(
        lambda x: functional.conv1d(x, weight, None, stride, padding, dilation, groups),
        input_size, grad_output, weight,
    )  # fmt: skip


def conv1d_weight(
    input: Tensor, weight_size: Sequence[int], grad_output: Tensor, stride: Sizes = 1,
    padding: Sizes = 0, dilation: Sizes = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """The gradient of `conv1d` in its weight, whose size is given, from that of its output."""
    return _gradient(
        lambda w: functional.conv1d(input, w, None, stride, padding, dilation, groups),
        weight_size, grad_output, input,
    )  # fmt: skip


def conv2d_input(
    input_size: Sequence[int], weight: Tensor, grad_output: Tensor, stride: Sizes = 1,
    padding: Sizes = 0, dilation: Sizes = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """The gradient of `conv2d` in its input, whose size is given, from that of its output."""
    return _gradient(
        lambda x: functional.conv2d(x, weight, None, stride, padding, dilation, groups),
        input_size, grad_output, weight,
    )  # fmt: skip


def conv2d_weight(
    input: Tensor, weight_size: Sequence[int], grad_output: Tensor, stride: Sizes = 1,
    padding: Sizes = 0, dilation: Sizes = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """The gradient of `conv2d` in its weight, whose size is given, from that of its output."""
    return _gradient(
        lambda w: functional.conv2d(input, w, None, stride, padding, dilation, groups),
        weight_size, grad_output, input,
    )  # fmt: skip


def conv3d_input(
    input_size: Sequence[int], weight: Tensor, grad_output: Tensor, stride: Sizes = 1,
    padding: Sizes = 0, dilation: Sizes = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """The gradient of `conv3d` in its input, whose size is given, from that of its output."""
    return _gradient(
        lambda x: functional.conv3d(x, weight, None, stride, padding, dilation, groups),
        input_size, grad_output, weight,
    )  # fmt: skip


def conv3d_weight(
    input: Tensor, weight_size: Sequence[int], grad_output: Tensor, stride: Sizes = 1,
    padding: Sizes = 0, dilation: Sizes = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """The gradient of `conv3d` in its weight, whose size is given, from that of its output."""
    return _gradient(
        lambda w: functional.conv3d(input, w, None, stride, padding, dilation, groups),
        weight_size, grad_output, input,
    )  # fmt: skip


show_public_names(__name__)
