"""The methods of a tensor that operations and their rules use, with their types.

Operations stand below `minigrad.Tensor`, which has these methods.  Annotations cost nothing when
the program runs: a call of `x.reshape(...)` finds the method of the tensor.
"""

from collections.abc import Callable
from typing import Any, Protocol, Self, TypeVar, overload

from minigrad.core import dtypes
from minigrad.core.dtypes import dtype as Dtype
from minigrad.core.types import Array, Size

T = TypeVar("T")
_new = tuple.__new__


class Method(Protocol):
    """A method whose result has the type of the tensor that it belongs to."""

    @overload
    def __get__(self, instance: None, owner: Any) -> Any: ...
    @overload
    def __get__(self, instance: T, owner: Any) -> Callable[..., T]: ...


class TensorInterface:
    """An array and what operations use of a tensor around it."""

    array: Array

    __add__: Method
    __radd__: Method
    __sub__: Method
    __rsub__: Method
    __mul__: Method
    __rmul__: Method
    __truediv__: Method
    __rtruediv__: Method
    __floordiv__: Method
    __pow__: Method
    __matmul__: Method
    __neg__: Method
    __lt__: Method
    __le__: Method
    __gt__: Method
    __ge__: Method
    __and__: Method
    __or__: Method
    __invert__: Method
    __getitem__: Method
    abs: Callable[..., Self]
    all: Callable[..., Self]
    amax: Callable[..., Self]
    any: Callable[..., Self]
    clamp: Callable[..., Self]
    clone: Callable[..., Self]
    conj: Callable[..., Self]
    cos: Callable[..., Self]
    cumprod: Callable[..., Self]
    cumsum: Callable[..., Self]
    diagonal: Callable[..., Self]
    eq: Callable[..., Self]
    expand: Callable[..., Self]
    flip: Callable[..., Self]
    float: Callable[..., Self]
    floor: Callable[..., Self]
    gather: Callable[..., Self]
    masked_fill: Callable[..., Self]
    log: Callable[..., Self]
    mean: Callable[..., Self]
    narrow: Callable[..., Self]
    ne: Callable[..., Self]
    new_empty: Callable[..., Self]
    new_full: Callable[..., Self]
    new_ones: Callable[..., Self]
    new_tensor: Callable[..., Self]
    new_zeros: Callable[..., Self]
    permute: Callable[..., Self]
    reshape: Callable[..., Self]
    rsqrt: Callable[..., Self]
    sign: Callable[..., Self]
    sin: Callable[..., Self]
    sqrt: Callable[..., Self]
    squeeze: Callable[..., Self]
    sum: Callable[..., Self]
    sum_to_size: Callable[..., Self]
    to: Callable[..., Self]
    transpose: Callable[..., Self]
    tril: Callable[..., Self]
    triu: Callable[..., Self]
    unsqueeze: Callable[..., Self]
    item: Callable[[], Any]
    tolist: Callable[[], Any]
    numel: Callable[[], int]
    is_floating_point: Callable[[], bool]

    @property
    def mH(self) -> Self:  # noqa: N802  torch's name
        """Each matrix (..., m, n) transposed and conjugated, as `minigrad.Tensor` has it."""
        raise NotImplementedError

    @property
    def mT(self) -> Self:  # noqa: N802  torch's name
        """Each matrix (..., m, n) transposed, as `minigrad.Tensor` has it."""
        raise NotImplementedError

    @property
    def shape(self) -> Size:
        """The sizes of the dimensions."""
        return _new(Size, self.array.shape)

    @property
    def dtype(self) -> Dtype:
        """The type of the elements."""
        return dtypes.of_numpy(self.array.dtype)

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self.array.ndim
