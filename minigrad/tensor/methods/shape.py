"""Views and rearrangements."""

from collections.abc import Sequence

from minigrad import ops
from minigrad.core import dtypes
from minigrad.core.dtypes import dtype as Dtype
from minigrad.core.warn import warn_caller
from minigrad.engine.graph import Value
from minigrad.tensor.methods.array import ArrayValue, named_sizes, sizes, sizes_or_named
from minigrad.tensor.methods.casts import CastMethods
from minigrad.tensor.methods.signatures import (
    along,
    along_any,
    between,
    method,
    tensor_part,
    tensor_property,
    triangle,
    tuple_method,
)
from minigrad.tensor.methods.storage import reinterpreted


def _transposed(x: Value) -> Value:
    if x.array.ndim > 1 and not x._needs_check:  # most of all, with no call to spare
        return ops.transpose(x, dim0=-2, dim1=-1)
    return ops.matrix_transpose(x)


class ShapeMethods(CastMethods):
    """torch's views and rearrangements as methods."""

    @tensor_property
    def T(self) -> Value:  # noqa: N802
        """The dimensions in reverse order.  Warns, as torch does, unless there are 2 or none."""
        if self.ndim not in (0, 2):
            warn_caller(
                "The use of `x.T` on tensors of dimension other than 2 to reverse their shape is "
                "deprecated: use `x.mT` to transpose batches of matrices, or "
                "`x.permute(*torch.arange(x.ndim - 1, -1, -1))` to reverse the dimensions."
            )
        return ops.permute(self, dims=tuple(range(self.ndim))[::-1])

    @tensor_property
    def mT(self) -> Value:  # noqa: N802
        """Each matrix (..., m, n) transposed."""
        return _transposed(self)

    @tensor_property
    def mH(self) -> Value:  # noqa: N802
        """Each matrix (..., m, n) transposed, and complex conjugated."""
        return ops.adjoint(self)

    @tensor_property
    def H(self) -> Value:  # noqa: N802
        """A matrix transposed, and complex conjugated.

        Raises RuntimeError for other than 2 dimensions, or none.
        """
        if self.ndim not in (0, 2):
            raise RuntimeError(f"H is for matrices, got a tensor of shape {list(self.shape)}")
        return ops.adjoint(self)

    real = tensor_part(ops.real)
    imag = tensor_part(ops.imag)

    @method
    def cfloat(self) -> Value:
        """The elements as complex64."""
        return self._cast(dtypes.complex64)

    @method
    def cdouble(self) -> Value:
        """The elements as complex128."""
        return self._cast(dtypes.complex128)

    conj = method(ops.conj)
    conj_physical = method(ops.conj_physical)
    resolve_conj = method(ops.resolve_conj)
    resolve_neg = method(ops.resolve_neg)

    # --- views ---

    @method
    def reshape(self, *given: int | Sequence[int], shape: Sequence[int] | None = None) -> Value:
        """The same elements in another shape; one size may be -1."""
        return ops.reshape(
            self, shape=sizes(given, "reshape") if shape is None else named_sizes(given, shape)
        )

    @method
    def view(
        self,
        *shape: int | Sequence[int] | Dtype,
        size: Sequence[int] | None = None,
        dtype: Dtype | None = None,
    ) -> Value:
        """The same memory in another shape, or as elements of another dtype, outside the graph.

        Raises RuntimeError where another shape needs a copy, or elements do not fit.
        """
        wanted = shape[0] if len(shape) == 1 else dtype
        if isinstance(wanted, Dtype):
            return reinterpreted(self, wanted)
        return ops.view(
            self, shape=sizes(shape, "view") if size is None else named_sizes(shape, size)
        )

    @method
    def permute(self, *order: int | Sequence[int], dims: Sequence[int] | None = None) -> Value:
        """A view with the dimensions in another order."""
        return ops.permute(self, dims=sizes(order) if dims is None else named_sizes(order, dims))

    @method
    def expand(self, *shape: int | Sequence[int], size: Sequence[int] | None = None) -> Value:
        """A view with dimensions of size 1 repeated; -1 keeps a size."""
        return ops.expand(self, shape=sizes(shape) if size is None else named_sizes(shape, size))

    broadcast_to = expand

    @method
    def unfold(self, dimension: int, size: int, step: int) -> Value:
        """A view of every window of `size` along a dimension: (..., count, ..., size)."""
        return ops.unfold(self, dim=dimension, size=size, step=step)

    @method
    def ravel(self) -> Value:
        """The elements as a vector."""
        return ops.flatten(self)

    @method
    def view_as(self, other: ArrayValue) -> Value:
        """A view with the shape of `other`."""
        return ops.view(self, shape=other.shape)

    @method
    def reshape_as(self, other: ArrayValue) -> Value:
        """The elements in the shape of `other`."""
        return ops.reshape(self, shape=other.shape)

    @method
    def expand_as(self, other: ArrayValue) -> Value:
        """A view with the shape of `other`, by broadcasting."""
        return ops.expand(self, shape=other.shape)

    @method
    def positive(self) -> Value:
        return self

    @method
    def swapaxes(self, axis0: int, axis1: int) -> Value:
        """The dimensions `axis0` and `axis1` exchanged, a view; NumPy's name of `transpose`."""
        return ops.transpose(self, axis0, axis1)

    transpose = swapdims = between(ops.transpose)
    t = method(ops.t)
    adjoint = method(ops.adjoint)
    movedim = moveaxis = method(ops.movedim)
    flatten = method(ops.flatten)
    unflatten = method(ops.unflatten)
    squeeze = along_any(ops.squeeze)
    unsqueeze = along(ops.unsqueeze)
    unbind = tuple_method(ops.unbind)

    @tuple_method
    def split(self, split_size: int | Sequence[int], dim: int = 0) -> tuple[Value, ...]:
        """Views of `split_size` positions each (the last may have fewer), or of listed sizes."""
        return ops.split(self, split_size, dim)

    @tuple_method
    def split_with_sizes(self, split_sizes: Sequence[int], dim: int = 0) -> tuple[Value, ...]:
        """Views of the listed sizes."""
        return ops.split(self, split_sizes, dim)

    chunk = tuple_method(ops.chunk)
    tensor_split = tuple_method(ops.tensor_split)
    hsplit = tuple_method(ops.hsplit)
    vsplit = tuple_method(ops.vsplit)
    dsplit = tuple_method(ops.dsplit)
    narrow = method(ops.narrow)
    narrow_copy = ops.narrow_copy
    unsafe_chunk = ops.unsafe_chunk
    unsafe_split = ops.unsafe_split
    unsafe_split_with_sizes = ops.unsafe_split_with_sizes
    select = method(ops.select)
    diagonal = ops.diagonal
    as_strided = method(ops.as_strided)
    as_strided_scatter = method(ops.scatter_by_strides)

    # --- copies ---

    @method
    def flip(self, /, *dims: int | Sequence[int], **named: Sequence[int]) -> Value:
        """The elements in reverse order along `dims`, one by one or as one sequence."""
        return ops.flip(self, dims=sizes_or_named("flip", dims, named))

    @method
    def repeat(self, *counts: int | Sequence[int], repeats: Sequence[int] | None = None) -> Value:
        """The tensor laid out so many times in each dimension."""
        return ops.repeat(
            self, sizes(counts, "repeat") if repeats is None else named_sizes(counts, repeats)
        )

    @method
    def tile(self, *counts: int | Sequence[int], dims: Sequence[int] | None = None) -> Value:
        """The tensor laid out so many times; counts that are missing in front are 1."""
        return ops.tile(self, sizes(counts) if dims is None else named_sizes(counts, dims))

    @method
    def sum_to_size(self, *shape: int | Sequence[int], size: Sequence[int] | None = None) -> Value:
        """Sums that undo a broadcast from `shape`."""
        return ops.sum_to_size(
            self, shape=sizes(shape) if size is None else named_sizes(shape, size)
        )

    fliplr = method(ops.fliplr)
    flipud = method(ops.flipud)
    roll = ops.roll
    rot90 = method(ops.rot90)
    repeat_interleave = method(ops.repeat_interleave)
    tril = triangle(ops.tril)
    triu = triangle(ops.triu)
    diag = method(ops.diag)
    diag_embed = method(ops.diag_embed)
    diagflat = method(ops.diagflat)
    diagonal_scatter = ops.diagonal_scatter
    select_scatter = method(ops.select_scatter)
    slice_scatter = method(ops.slice_scatter)
