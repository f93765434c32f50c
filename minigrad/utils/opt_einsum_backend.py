"""opt_einsum's backend for tensors: `opt_einsum.contract("ij,jk,kl->il", a, b, c)` takes them.

opt_einsum calls a backend's functions with NumPy's arguments; see `after_import` for when this
module is loaded.  An expression called with backend="minigrad" takes NumPy arrays, too.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from opt_einsum.backends import dispatch
from opt_einsum.parser import convert_to_valid_einsum_chars

from minigrad import ops
from minigrad.tensor import Tensor, creation

NAME = __name__.partition(".")[0]


def transpose(a: Tensor, axes: Sequence[int]) -> Tensor:
    """The tensor with its dimensions in this order."""
    return a.permute(tuple(axes))


def tensordot(x: Tensor, y: Tensor, axes: Any = 2) -> Tensor:
    """Sums of products over pairs of dimensions."""
    result: Tensor = ops.tensordot(x, y, dims=axes)
    return result


def einsum(equation: str, *operands: Tensor) -> Tensor:
    """Sums of products by the letters of dimensions; opt_einsum has further letters."""
    result: Tensor = ops.einsum(convert_to_valid_einsum_chars(equation), *operands)
    return result


def _tensor(operand: Any) -> Tensor:
    return creation.from_numpy(operand) if isinstance(operand, np.ndarray) else operand


def build_expression(_: Any, expr: Any) -> Callable[..., Any]:
    """The expression as a function of NumPy arrays, which tensors compute."""

    def contract(*arrays: Any) -> Any:
        tensors = [_tensor(each) for each in arrays]
        return expr._contract(tensors, backend=NAME).detach().numpy()

    return contract


def evaluate_constants(const_arrays: Sequence[Any], expr: Any) -> Any:
    """The part of an expression that its constants alone decide."""
    tensors = [_tensor(each) for each in const_arrays]
    return expr(*tensors, backend=NAME, evaluate_constants=True)


dispatch._aliases[NAME] = __name__
dispatch.CONVERT_BACKENDS[NAME] = build_expression
dispatch.EVAL_CONSTS_BACKENDS[NAME] = evaluate_constants
