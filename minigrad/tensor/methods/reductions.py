"""Reductions, scans, sorting and counting."""

from minigrad import ops
from minigrad.tensor.methods.array import ArrayValue


class ReductionMethods(ArrayValue):
    """torch's reductions, scans, sorting and counting as methods, one line each."""

    sum = ops.sum
    mean = ops.mean
    prod = ops.prod
    var = ops.var
    std = ops.std
    amax = ops.amax
    amin = ops.amin
    aminmax = ops.aminmax
    max = ops.max
    min = ops.min
    argmax = ops.argmax
    argmin = ops.argmin
    median = ops.median
    nanmedian = ops.nanmedian
    mode = ops.mode
    quantile = ops.quantile
    nanquantile = ops.nanquantile
    nansum = ops.nansum
    nanmean = ops.nanmean
    logsumexp = ops.logsumexp
    norm = ops.norm
    dist = ops.dist
    renorm = ops.renorm
    cov = ops.cov
    corrcoef = ops.corrcoef
    all = ops.all
    any = ops.any
    count_nonzero = ops.count_nonzero

    # --- scans ---

    cumsum = ops.cumsum
    cumprod = ops.cumprod
    cummax = ops.cummax
    cummin = ops.cummin
    logcumsumexp = ops.logcumsumexp
    diff = ops.diff

    # --- order ---

    sort = ops.sort
    argsort = ops.argsort
    msort = ops.msort
    topk = ops.topk
    kthvalue = ops.kthvalue

    # --- counts ---

    unique = ops.unique
    unique_consecutive = ops.unique_consecutive
    bincount = ops.bincount
    histc = ops.histc
    histogram = ops.histogram
