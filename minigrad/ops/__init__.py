"""All operations, and the table of them."""

from types import ModuleType
from typing import Any

from minigrad.op import Op, Operation
from minigrad.ops import (
    activation,
    compare,
    conv,
    counting,
    ctc,
    determinants,
    diagonals,
    dims,
    elementwise,
    extremes,
    factorizations,
    gathers,
    index,
    inplace,
    layer_normalisation,
    linalg,
    loss,
    masks,
    normalisation,
    norms,
    numbers,
    pairs,
    pool,
    random,
    rectifiers,
    reduce,
    scan,
    shape,
    sorting,
    special,
    statistics,
    systems,
    views,
    window,
)
from minigrad.ops import (
    lu as lu_family,  # the names lu and softmax are for the operations
)
from minigrad.ops import (
    softmax as softmax_family,
)
from minigrad.ops.activation import gelu, leaky_relu, relu, sigmoid, tanh
from minigrad.ops.axes import (
    adjoint,
    atleast_1d,
    atleast_2d,
    atleast_3d,
    flatten,
    fliplr,
    flipud,
    movedim,
    rot90,
    t,
    unflatten,
)
from minigrad.ops.compare import (
    bitwise_and,
    bitwise_not,
    bitwise_or,
    bitwise_xor,
    eq,
    ge,
    gt,
    isfinite,
    isinf,
    isnan,
    le,
    logical_and,
    logical_not,
    logical_or,
    lt,
    ne,
)
from minigrad.ops.compose import (
    addcdiv,
    addcmul,
    allclose,
    equal,
    lerp,
    log_softmax_in,
    norm,
    scaled_add,
    scaled_sub,
    softmax_in,
)
from minigrad.ops.counting import (
    bincount,
    bucketize,
    histc,
    histogram,
    histogramdd,
    isin,
    searchsorted,
    unique,
    unique_consecutive,
)
from minigrad.ops.covariance import corrcoef, cov, gradient
from minigrad.ops.decompositions import (
    cholesky,
    cholesky_ex,
    cholesky_inverse,
    cholesky_solve,
    eigh,
    eigvalsh,
    inv_ex,
    logdet,
    lstsq,
    pinverse,
    qr,
    slogdet,
    solve,
    solve_triangular,
    svd,
    svd_with_v,
    svdvals,
)
from minigrad.ops.determinants import det
from minigrad.ops.diagonals import diag, diag_embed, diagflat, diagonal, diagonal_scatter
from minigrad.ops.einsum import einsum
from minigrad.ops.elementwise import (
    abs,
    add,
    ceil,
    cos,
    div,
    erf,
    exp,
    floor,
    floor_divide,
    log,
    maximum,
    minimum,
    mul,
    neg,
    or_not_implemented,
    pow,
    reciprocal,
    remainder,
    rsqrt,
    sign,
    sin,
    sqrt,
    square,
    sub,
    swapped,
    where,
)
from minigrad.ops.equations import solve_ex, tensorinv, tensorsolve
from minigrad.ops.extremes import amax, amin, aminmax, argmax, argmin, max, min
from minigrad.ops.grids import powers, unravel_index, vander
from minigrad.ops.index import Index, as_index, assign, getitem, index_put
from minigrad.ops.join import (
    block_diag,
    broadcast_shapes,
    broadcast_tensors,
    cartesian_prod,
    cat,
    column_stack,
    combinations,
    dstack,
    hstack,
    meshgrid,
    repeat,
    repeat_interleave,
    stack,
    tile,
    vstack,
)
from minigrad.ops.lapack import LinAlgError
from minigrad.ops.linalg import affine, matmul
from minigrad.ops.lookup import (
    gather,
    index_add,
    index_copy,
    index_fill,
    index_put_at,
    index_reduce,
    index_select,
    put,
    scatter,
    scatter_add,
    scatter_reduce,
    take,
    take_along_dim,
)
from minigrad.ops.loss import binary_cross_entropy, log_sigmoid, nll_loss, smooth_abs
from minigrad.ops.lu import lu, lu_factor, lu_factor_ex, lu_solve
from minigrad.ops.masks import (
    argwhere,
    filled_where,
    masked_scatter,
    masked_select,
    nonzero,
    nonzero_static,
    one_hot,
    where_or_nonzero,
)
from minigrad.ops.matrixfunctions import cond, matrix_exp, matrix_power
from minigrad.ops.norms import matrix_norm, renorm, vector_norm
from minigrad.ops.norms import norm as linalg_norm
from minigrad.ops.numbers import (
    clamp_max,
    clamp_min,
    deg2rad,
    entr,
    frexp,
    gcd,
    heaviside,
    i0,
    i1,
    isneginf,
    isposinf,
    isreal,
    lcm,
    ldexp,
    mvlgamma,
    ndtr,
    nextafter,
    positive,
    rad2deg,
    rsub,
    signbit,
    xlog1py,
)
from minigrad.ops.pairs import (
    atan2,
    bitwise_left_shift,
    bitwise_right_shift,
    clamp,
    copysign,
    float_power,
    fmax,
    fmin,
    fmod,
    hypot,
    isclose,
    logaddexp,
    logaddexp2,
    logical_xor,
    quotient,
    xlogy,
)
from minigrad.ops.pieces import (
    chunk,
    dsplit,
    hsplit,
    narrow,
    select,
    select_scatter,
    slice_scatter,
    split,
    tensor_split,
    unbind,
    vsplit,
)
from minigrad.ops.products import (
    addbmm,
    addmm,
    addmv,
    addr,
    baddbmm,
    bmm,
    cdist,
    chain_matmul,
    cross,
    cross_of_first,
    dist,
    dot,
    inner,
    kron,
    mm,
    multi_dot,
    mv,
    outer,
    pdist,
    refused,
    tensordot,
    trace,
    vdot,
    vecdot,
)
from minigrad.ops.random import bernoulli, binomial, multinomial, poisson
from minigrad.ops.rectifiers import hardshrink
from minigrad.ops.reduce import (
    all,
    any,
    count_nonzero,
    logsumexp,
    mean,
    nanmean,
    nansum,
    prod,
    sum,
)
from minigrad.ops.scan import (
    cummax,
    cummin,
    cumprod,
    cumsum,
    cumulative_trapezoid,
    diff,
    logcumsumexp,
    trapezoid,
)
from minigrad.ops.shape import cast, clone, flip, pad_constant, roll, tril, triu
from minigrad.ops.softmax import cross_entropy, log_softmax, softmax
from minigrad.ops.sorting import argsort, kthvalue, mode, msort, sort, topk
from minigrad.ops.special import (
    acos,
    acosh,
    asin,
    asinh,
    atan,
    atanh,
    cosh,
    digamma,
    erfc,
    erfinv,
    exp2,
    expm1,
    frac,
    lgamma,
    log1p,
    log2,
    log10,
    logit,
    nan_to_num,
    polygamma,
    round,
    sinc,
    sinh,
    tan,
    trunc,
)
from minigrad.ops.statistics import (
    median,
    nanmedian,
    nanquantile,
    quantile,
    std,
    std_mean,
    var,
    var_mean,
)
from minigrad.ops.systems import inv, matrix_rank, pinv
from minigrad.ops.views import (
    contiguous,
    expand,
    permute,
    reshape,
    squeeze,
    sum_to_size,
    transpose,
    unfold,
    unsqueeze,
    view,
)
from minigrad.ops.window import as_strided

FAMILIES = (
    elementwise, special, numbers, pairs, activation, rectifiers, compare, reduce, extremes, scan,
    sorting, statistics, counting, shape, views, diagonals, index, masks, gathers,
    linalg, conv, pool,
    loss, ctc, normalisation, layer_normalisation, softmax_family, random, window, norms, systems,
    factorizations, lu_family, determinants,
)  # fmt: skip


def table() -> dict[str, Op]:
    """Every declared operation by name."""
    return {name: call.op for name, call in declared().items()}


def declared() -> dict[str, Operation]:
    """Every declared operation, as it is called."""
    found: dict[str, Operation] = {}
    for family in FAMILIES:
        found.update(_declared_in(family))
    return found


def _declared_in(family: ModuleType) -> dict[str, Any]:
    return {
        call.op.name: call
        for call in vars(family).values()
        if isinstance(getattr(call, "op", None), Op) and call.__module__ == family.__name__
    }
