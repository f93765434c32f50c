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


def _in_input(convolution: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The function that gives a convolution's gradient in its input."""

    def gradient(
        input_size: Sequence[int], weight: Tensor, grad_output: Tensor, stride: Sizes = 1,
        padding: Sizes = 0, dilation: Sizes = 1, groups: int = 1,
    ) -> Tensor:  # fmt: skip
        return _gradient(
            lambda x: convolution(x, weight, None, stride, padding, dilation, groups),
            input_size, grad_output, weight,
        )  # fmt: skip

    gradient.__name__ = gradient.__qualname__ = f"{convolution.__name__}_input"
    gradient.__doc__ = f"The gradient of `{convolution.__name__}` in its input of `input_size`."
    return gradient


def _in_weight(convolution: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The function that gives a convolution's gradient in its weight."""

    def gradient(
        input: Tensor, weight_size: Sequence[int], grad_output: Tensor, stride: Sizes = 1,
        padding: Sizes = 0, dilation: Sizes = 1, groups: int = 1,
    ) -> Tensor:  # fmt: skip
        return _gradient(
            lambda w: convolution(input, w, None, stride, padding, dilation, groups),
            weight_size, grad_output, input,
        )  # fmt: skip

    gradient.__name__ = gradient.__qualname__ = f"{convolution.__name__}_weight"
    gradient.__doc__ = f"The gradient of `{convolution.__name__}` in its weight of `weight_size`."
    return gradient


conv1d_input, conv1d_weight = _in_input(functional.conv1d), _in_weight(functional.conv1d)
conv2d_input, conv2d_weight = _in_input(functional.conv2d), _in_weight(functional.conv2d)
conv3d_input, conv3d_weight = _in_input(functional.conv3d), _in_weight(functional.conv3d)

show_public_names(__name__)
