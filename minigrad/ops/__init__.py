"""All operations, and the table of them."""

from types import ModuleType
from typing import Any

from minigrad.op import Op, Operation
from minigrad.ops import (
    activation,
    compare,
    conv,
    dims,
    elementwise,
    index,
    inplace,
    linalg,
    loss,
    normalisation,
    pairs,
    pool,
    random,
    reduce,
    shape,
    special,
    window,
)
from minigrad.ops import (
    softmax as softmax_family,  # the name softmax is for the operation
)
from minigrad.ops.activation import gelu, leaky_relu, relu, sigmoid, tanh
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
    bmm,
    cat,
    chunk,
    dot,
    equal,
    filled_where,
    flatten,
    gather_along,
    index_select,
    lerp,
    max,
    min,
    mm,
    mv,
    narrow,
    norm,
    outer,
    scaled_add,
    scaled_sub,
    scatter_add_along,
    select,
    split,
    stack,
    t,
    unbind,
    unflatten,
)
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
from minigrad.ops.index import Index, as_index, assign, getitem, index_put, nonzero, one_hot
from minigrad.ops.linalg import affine, matmul
from minigrad.ops.loss import binary_cross_entropy, log_sigmoid, nll_loss
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
from minigrad.ops.reduce import (
    all,
    amax,
    amin,
    any,
    argmax,
    argmin,
    bincount,
    cumsum,
    logsumexp,
    mean,
    std,
    sum,
    var,
)
from minigrad.ops.shape import (
    cast,
    clone,
    contiguous,
    expand,
    flip,
    pad_constant,
    permute,
    reshape,
    squeeze,
    sum_to_size,
    transpose,
    tril,
    triu,
    unsqueeze,
    view,
)
from minigrad.ops.softmax import cross_entropy, log_softmax, softmax
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

FAMILIES = (
    elementwise, special, pairs, activation, compare, reduce, shape, index, linalg, conv, pool,
    loss, normalisation, softmax_family, random, window,
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
