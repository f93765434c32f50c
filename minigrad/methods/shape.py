"""Views and rearrangements."""

from typing import Any

from minigrad import ops
from minigrad.methods.array import ArrayValue, sizes


class ShapeMethods(ArrayValue):
    """torch's views and rearrangements as methods."""

    @property
    def T(self) -> Any:  # noqa: N802
        """The dimensions in reverse order."""
        return ops.permute(self, dims=tuple(range(self.ndim))[::-1])

    @property
    def mT(self) -> Any:  # noqa: N802
        """Each matrix (..., m, n) transposed."""
        return ops.transpose(self, dim0=-2, dim1=-1)

    def reshape(self, *shape: Any) -> Any:
        """The same elements in another shape; one size may be -1."""
        return ops.reshape(self, shape=sizes(shape))

    def view(self, *shape: Any) -> Any:
        """The same memory in another shape.  Raises RuntimeError where that needs a copy."""
        return ops.view(self, shape=sizes(shape))

    def permute(self, *dims: Any) -> Any:
        """A view with the dimensions in another order."""
        return ops.permute(self, dims=sizes(dims))

    def expand(self, *shape: Any) -> Any:
        """A view with dimensions of size 1 repeated; -1 keeps a size."""
        return ops.expand(self, shape=sizes(shape))

    def flip(self, *dims: Any) -> Any:
        """The elements in reverse order along `dims`."""
        return ops.flip(self, dims=sizes(dims))

    def sum_to_size(self, *shape: Any) -> Any:
        """Sums that undo a broadcast from `shape`."""
        return ops.sum_to_size(self, shape=sizes(shape))

    def view_as(self, other: Any) -> Any:
        return self.view(other.shape)

    def reshape_as(self, other: Any) -> Any:
        return self.reshape(other.shape)

    def expand_as(self, other: Any) -> Any:
        return self.expand(other.shape)

    transpose = swapaxes = ops.transpose
    t = ops.t
    flatten = ops.flatten
    unflatten = ops.unflatten
    squeeze = ops.squeeze
    unsqueeze = ops.unsqueeze
    unbind = ops.unbind
    split = ops.split
    chunk = ops.chunk
    narrow = ops.narrow
    select = ops.select
    tril = ops.tril
    triu = ops.triu
    clone = ops.clone
    contiguous = ops.contiguous
