"""Elements chosen by index and by mask."""

from typing import Any, NoReturn

from minigrad import ops
from minigrad.engine.graph import Value
from minigrad.tensor.methods.array import ArrayValue
from minigrad.tensor.methods.signatures import method, unary


class IndexMethods(ArrayValue):
    """`x[...]` and torch's functions of indices and masks that leave the tensor as it is."""

    @method
    def __getitem__(self, index: Any) -> Value:
        return ops.getitem(self, index=ops.as_index(index, self))

    def __delitem__(self, index: Any) -> NoReturn:
        raise TypeError("Tensor does not support deleting items")

    gather = method(ops.gather)
    take = method(ops.take)
    take_along_dim = method(ops.take_along_dim)
    index_select = method(ops.index_select)
    masked_select = method(ops.masked_select)
    nonzero = ops.nonzero
    nonzero_static = method(ops.nonzero_static)
    argwhere = unary(ops.argwhere)

    scatter = method(ops.scatter)
    scatter_add = method(ops.scatter_add)
    scatter_reduce = method(ops.scatter_reduce)
    index_add = method(ops.index_add)
    index_copy = method(ops.index_copy)
    index_reduce = method(ops.index_reduce)
    index_fill = method(ops.index_fill)
    index_put = method(ops.index_put_at)
    put = method(ops.put)
    masked_scatter = method(ops.masked_scatter)
