"""Choosing elements by place."""

from typing import Any

from minigrad import ops
from minigrad.methods.array import ArrayValue


class IndexMethods(ArrayValue):
    """`x[...]` and torch's gathering functions; `inplace` has what changes elements."""

    def __getitem__(self, index: Any) -> Any:
        return ops.getitem(self, index=ops.as_index(index))

    gather = ops.gather_along
    scatter_add = ops.scatter_add_along
    index_select = ops.index_select
    nonzero = ops.nonzero
