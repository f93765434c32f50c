"""Products of vectors and matrices."""

from minigrad import ops
from minigrad.methods.array import ArrayValue


class LinalgMethods(ArrayValue):
    """torch's linear algebra as methods, one line each."""

    __matmul__ = ops.matmul
    matmul = ops.matmul
    mm = ops.mm
    bmm = ops.bmm
    mv = ops.mv
    dot = ops.dot
    outer = ops.outer
