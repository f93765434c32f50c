"""Reductions, scans, sorting and counting."""

from minigrad import ops
from minigrad.tensor.methods.array import ArrayValue
from minigrad.tensor.methods.signatures import (
    Extremum,
    Middle,
    along,
    cumulation,
    method,
    reduction,
    summation,
)


class ReductionMethods(ArrayValue):
    """torch's reductions, scans, sorting and counting as methods, one line each."""

    sum = summation(ops.sum)
    mean = summation(ops.mean)
    prod = summation(ops.prod)
    var = method(ops.var)
    std = method(ops.std)
    amax = reduction(ops.amax)
    amin = reduction(ops.amin)
    aminmax = ops.aminmax
    max: Extremum = ops.max
    min: Extremum = ops.min
    argmax = reduction(ops.argmax)
    argmin = reduction(ops.argmin)
    median: Middle = ops.median
    nanmedian: Middle = ops.nanmedian
    mode = ops.mode
    quantile = method(ops.quantile)
    nanquantile = method(ops.nanquantile)
    nansum = summation(ops.nansum)
    nanmean = method(ops.nanmean)
    logsumexp = reduction(ops.logsumexp)
    norm = method(ops.norm)
    dist = method(ops.dist)
    renorm = method(ops.renorm)
    cov = method(ops.cov)
    corrcoef = method(ops.corrcoef)
    all = reduction(ops.all)
    any = reduction(ops.any)
    count_nonzero = method(ops.count_nonzero)

    # --- scans ---

    cumsum = cumulation(ops.cumsum)
    cumprod = cumulation(ops.cumprod)
    cummax = ops.cummax
    cummin = ops.cummin
    logcumsumexp = along(ops.logcumsumexp)
    diff = method(ops.diff)

    # --- order ---

    sort = ops.sort
    argsort = method(ops.argsort)
    msort = method(ops.msort)
    topk = ops.topk
    kthvalue = ops.kthvalue

    # --- counts ---

    unique = ops.unique
    unique_consecutive = ops.unique_consecutive
    bincount = ops.bincount
    histc = ops.histc
    histogram = ops.histogram
