"""Reductions and scans."""

from minigrad import ops
from minigrad.methods.array import ArrayValue


class ReductionMethods(ArrayValue):
    """torch's reductions and scans as methods, one line each."""

    sum = ops.sum
    mean = ops.mean
    var = ops.var
    std = ops.std
    amax = ops.amax
    amin = ops.amin
    max = ops.max
    min = ops.min
    argmax = ops.argmax
    argmin = ops.argmin
    all = ops.all
    any = ops.any
    norm = ops.norm
    cumsum = ops.cumsum
    logsumexp = ops.logsumexp
    bincount = ops.bincount
