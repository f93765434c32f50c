"""Operations on lists of tensors, one tensor after another, under the names of torch's `_foreach`.

Optimizers that users write call them: `_foreach_add_(params, grads, alpha=-lr)`.  The result is a
tuple of new tensors, or with `_` at the end of the name a list of the same ones.  Other arguments
are a number or a tensor for all, or a list with one for each tensor.
"""

from collections.abc import Callable, Sequence
from typing import Any

from minigrad.tensor import Tensor

Tensors = Sequence[Tensor]
Results = tuple[Tensor, ...]
OnLists = Callable[..., Results]
OnListsInPlace = Callable[..., list[Tensor]]


def _checked(tensors: Tensors) -> Tensors:
    if not isinstance(tensors, list | tuple):
        raise TypeError(f"expected a list or tuple of tensors, got {type(tensors).__name__}")
    if not tensors:
        raise RuntimeError("Tensor list must have at least one tensor.")
    return tensors


def _per_tensor(tensors: Tensors, other: Any) -> Sequence[Any]:
    """`other` for each tensor.  Raises RuntimeError if it is a list of another length."""
    if not isinstance(other, list | tuple):
        return [other] * len(tensors)
    if len(other) != len(tensors):
        what = "Tensor lists" if isinstance(other[:1], Tensor) else "Lists"
        raise RuntimeError(
            f"{what} must have the same number of tensors, got {len(tensors)} and {len(other)}"
        )
    return other


def _named(function: Callable[..., Any], name: str) -> Any:
    function.__name__ = function.__qualname__ = f"_foreach_{name}"
    function.__doc__ = f"`Tensor.{name}` of each tensor, with the arguments that belong to it."
    return function


def _pair(name: str) -> tuple[OnLists, OnListsInPlace]:
    """The function of lists for the method `name`, and the one in place."""

    def results(tensors: Tensors, *others: Any, **settings: Any) -> Results:
        rows = [_per_tensor(_checked(tensors), other) for other in others]
        return tuple(
            getattr(t, name)(*row, **settings) for t, *row in zip(tensors, *rows, strict=True)
        )

    def in_place(tensors: Tensors, *others: Any, **settings: Any) -> list[Tensor]:
        rows = [_per_tensor(_checked(tensors), other) for other in others]
        for t, *row in zip(_checked(tensors), *rows, strict=True):
            getattr(t, f"{name}_")(*row, **settings)
        return list(tensors)

    return _named(results, name), _named(in_place, f"{name}_")


def _scaled_pair(name: str) -> tuple[OnLists, OnListsInPlace]:
    """As `_pair`, for methods of two tensors with a `value` that scales them."""

    def rows(tensors: Tensors, first: Tensors, second: Tensors, value: Any) -> Any:
        values = value.tolist() if isinstance(value, Tensor) and value.ndim else value
        columns = [_per_tensor(_checked(tensors), column) for column in (first, second, values)]
        return zip(tensors, *columns, strict=True)

    def results(tensors: Tensors, tensor1: Tensors, tensor2: Tensors, value: Any = 1) -> Results:
        return tuple(
            getattr(t, name)(a, b, value=v) for t, a, b, v in rows(tensors, tensor1, tensor2, value)
        )

    def in_place(
        tensors: Tensors, tensor1: Tensors, tensor2: Tensors, value: Any = 1
    ) -> list[Tensor]:
        for t, a, b, v in rows(tensors, tensor1, tensor2, value):
            getattr(t, f"{name}_")(a, b, value=v)
        return list(tensors)

    return _named(results, name), _named(in_place, f"{name}_")


_foreach_abs, _foreach_abs_ = _pair("abs")
_foreach_neg, _foreach_neg_ = _pair("neg")
_foreach_sign, _foreach_sign_ = _pair("sign")
_foreach_sqrt, _foreach_sqrt_ = _pair("sqrt")
_foreach_rsqrt, _foreach_rsqrt_ = _pair("rsqrt")
_foreach_reciprocal, _foreach_reciprocal_ = _pair("reciprocal")
_foreach_exp, _foreach_exp_ = _pair("exp")
_foreach_expm1, _foreach_expm1_ = _pair("expm1")
_foreach_log, _foreach_log_ = _pair("log")
_foreach_log1p, _foreach_log1p_ = _pair("log1p")
_foreach_log2, _foreach_log2_ = _pair("log2")
_foreach_log10, _foreach_log10_ = _pair("log10")
_foreach_sin, _foreach_sin_ = _pair("sin")
_foreach_cos, _foreach_cos_ = _pair("cos")
_foreach_tan, _foreach_tan_ = _pair("tan")
_foreach_tanh, _foreach_tanh_ = _pair("tanh")
_foreach_sigmoid, _foreach_sigmoid_ = _pair("sigmoid")
_foreach_erf, _foreach_erf_ = _pair("erf")
_foreach_floor, _foreach_floor_ = _pair("floor")
_foreach_ceil, _foreach_ceil_ = _pair("ceil")
_foreach_round, _foreach_round_ = _pair("round")
_foreach_trunc, _foreach_trunc_ = _pair("trunc")
_foreach_frac, _foreach_frac_ = _pair("frac")

_foreach_add, _foreach_add_ = _pair("add")
_foreach_sub, _foreach_sub_ = _pair("sub")
_foreach_mul, _foreach_mul_ = _pair("mul")
_foreach_div, _foreach_div_ = _pair("div")
_foreach_lerp, _foreach_lerp_ = _pair("lerp")
_foreach_clamp_min, _foreach_clamp_min_ = _pair("clamp_min")
_foreach_clamp_max, _foreach_clamp_max_ = _pair("clamp_max")
_foreach_maximum, _foreach_maximum_ = _foreach_clamp_min, _foreach_clamp_min_
_foreach_minimum, _foreach_minimum_ = _foreach_clamp_max, _foreach_clamp_max_
_foreach_addcmul, _foreach_addcmul_ = _scaled_pair("addcmul")
_foreach_addcdiv, _foreach_addcdiv_ = _scaled_pair("addcdiv")
_pow_of_lists, _foreach_pow_ = _pair("pow")
_foreach_norm = _pair("norm")[0]
_foreach_max = _pair("max")[0]
_foreach_zero_ = _pair("zero")[1]
_foreach_copy_ = _pair("copy")[1]


def _foreach_pow(self: Tensors | float, exponent: Any) -> Results:
    """Powers: of each tensor, or of one number with each tensor as its exponent."""
    if isinstance(self, int | float):
        return tuple(self**e for e in _checked(exponent))
    return _pow_of_lists(self, exponent)
