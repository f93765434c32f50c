"""Views and rearrangements."""

from typing import Any

from minigrad import ops
from minigrad.tensor.methods.array import sizes
from minigrad.tensor.methods.casts import CastMethods


class ShapeMethods(CastMethods):
    """torch's views and rearrangements as methods."""

    @property
    def T(self) -> Any:  # noqa: N802
        """The dimensions in reverse order."""
        return ops.permute(self, dims=tuple(range(self.ndim))[::-1])

    @property
    def mT(self) -> Any:  # noqa: N802
        """Each matrix (..., m, n) transposed."""
        return ops.adjoint(self)

    mH = mT  # noqa: N815  the elements are real

    @property
    def H(self) -> Any:  # noqa: N802
        """A matrix transposed.  Raises RuntimeError for other than 2 dimensions, or none."""
        if self.ndim not in (0, 2):
            raise RuntimeError(f"H is for matrices, got a tensor of shape {list(self.shape)}")
        return ops.adjoint(self)

    @property
    def real(self) -> Any:
        return self

    @property
    def imag(self) -> Any:
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes")

    def conj(self) -> Any:
        return self

    resolve_conj = resolve_neg = conj

    # --- views ---

    def reshape(self, *shape: Any) -> Any:
        """The same elements in another shape; one size may be -1."""
        return ops.reshape(self, shape=sizes(shape, "reshape"))

    def view(self, *shape: Any) -> Any:
        """The same memory in another shape.  Raises RuntimeError where that needs a copy."""
        return ops.view(self, shape=sizes(shape, "view"))

    def permute(self, *dims: Any) -> Any:
        """A view with the dimensions in another order."""
        return ops.permute(self, dims=sizes(dims))

    def expand(self, *shape: Any) -> Any:
        """A view with dimensions of size 1 repeated; -1 keeps a size."""
        return ops.expand(self, shape=sizes(shape))

    broadcast_to = expand

    def unfold(self, dimension: int, size: int, step: int) -> Any:
        """A view of every window of `size` along a dimension: (..., count, ..., size)."""
        return ops.unfold(self, dim=dimension, size=size, step=step)

    def ravel(self) -> Any:
        """The elements as a vector."""
        return ops.flatten(self)

    def view_as(self, other: Any) -> Any:
        return self.view(other.shape)

    def reshape_as(self, other: Any) -> Any:
        return self.reshape(other.shape)

    def expand_as(self, other: Any) -> Any:
        return self.expand(other.shape)

    def positive(self) -> Any:
        return self

    transpose = swapaxes = swapdims = ops.transpose
    t = ops.t
    adjoint = ops.adjoint
    movedim = moveaxis = ops.movedim
    flatten = ops.flatten
    unflatten = ops.unflatten
    squeeze = ops.squeeze
    unsqueeze = ops.unsqueeze
    unbind = ops.unbind
    split = split_with_sizes = ops.split
    chunk = ops.chunk
    tensor_split = ops.tensor_split
    hsplit = ops.hsplit
    vsplit = ops.vsplit
    dsplit = ops.dsplit
    narrow = ops.narrow
    select = ops.select
    diagonal = ops.diagonal
    as_strided = ops.as_strided

    # --- copies ---

    def flip(self, *dims: Any) -> Any:
        """The elements in reverse order along `dims`."""
        return ops.flip(self, dims=sizes(dims))

    def repeat(self, *repeats: Any) -> Any:
        """The tensor laid out so many times in each dimension."""
        return ops.repeat(self, sizes(repeats, "repeat"))

    def tile(self, *dims: Any) -> Any:
        """The tensor laid out so many times; counts that are missing in front are 1."""
        return ops.tile(self, sizes(dims))

    def sum_to_size(self, *shape: Any) -> Any:
        """Sums that undo a broadcast from `shape`."""
        return ops.sum_to_size(self, shape=sizes(shape))

    fliplr = ops.fliplr
    flipud = ops.flipud
    roll = ops.roll
    rot90 = ops.rot90
    repeat_interleave = ops.repeat_interleave
    tril = ops.tril
    triu = ops.triu
    diag = ops.diag
    diag_embed = ops.diag_embed
    diagflat = ops.diagflat
    diagonal_scatter = ops.diagonal_scatter
    select_scatter = ops.select_scatter
    slice_scatter = ops.slice_scatter
