"""Linear and bilinear maps."""

from minigrad import ops
from minigrad.engine.half_precision import in_float32
from minigrad.nn.functional.arguments import require_tensor
from minigrad.tensor import Tensor


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """input @ weight.T + bias: (..., in), (out, in), (out,) -> (..., out).

    Raises RuntimeError if the sizes or dtypes do not match.
    """
    try:
        misfit = weight.ndim != 2 or input.ndim == 0
    except AttributeError:  # one of them is no tensor
        misfit = True
    if misfit:
        require_tensor("linear", input=input, weight=weight)
        raise RuntimeError(
            f"linear expects input (..., in_features) and weight (out_features, in_features), got "
            f"{list(input.shape)} and {list(weight.shape)}"
        )
    return ops.linear(input, weight, bias)


ops.linear.op.public = linear


@in_float32
def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """input1 @ weight[i] @ input2 + bias[i]: (..., A), (..., B), (out, A, B), (out,) -> (..., out).

    Raises RuntimeError if the sizes do not match.
    """
    require_tensor("bilinear", input1=input1, input2=input2, weight=weight)
    expected = (*input1.shape[:-1], weight.shape[-1])
    if weight.ndim != 3 or input1.shape[-1:] != weight.shape[1:2] or input2.shape != expected:
        raise RuntimeError(
            f"bilinear expects (..., A), (..., B) and a weight (out, A, B), got "
            f"{list(input1.shape)}, {list(input2.shape)} and {list(weight.shape)}"
        )
    out_features, a, b = weight.shape
    columns = ops.reshape(ops.permute(weight, dims=(1, 0, 2)), shape=(a, out_features * b))
    products = ops.reshape(input1 @ columns, shape=(*input1.shape[:-1], out_features, b))
    out = (products * ops.unsqueeze(input2, dim=-2)).sum(-1)
    return out if bias is None else out + bias
