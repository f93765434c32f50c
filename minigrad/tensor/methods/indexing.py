"""Choosing elements by place."""

from typing import Any

from minigrad import ops
from minigrad.tensor.methods.array import ArrayValue


class IndexMethods(ArrayValue):
    """`x[...]` and torch's functions of indices and masks; `inplace` has what changes elements."""

    def __getitem__(self, index: Any) -> Any:
        return ops.getitem(self, index=ops.as_index(index, self))

    gather = ops.gather
    take = ops.take
    take_along_dim = ops.take_along_dim
    index_select = ops.index_select
    masked_select = ops.masked_select
    nonzero = ops.nonzero
    nonzero_static = ops.nonzero_static
    argwhere = ops.argwhere

    scatter = ops.scatter
    scatter_add = ops.scatter_add
    scatter_reduce = ops.scatter_reduce
    index_add = ops.index_add
    index_copy = ops.index_copy
    index_reduce = ops.index_reduce
    index_fill = ops.index_fill
    index_put = ops.index_put_at
    put = ops.put
    masked_scatter = ops.masked_scatter
