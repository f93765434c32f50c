"""Wrong derivatives of every kind that the checker is there for, and what it must say of each."""

import itertools
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.engine.op import arr, sample
from tests.support.planted import FAULTS, Planted, backward_of, planted

_count = itertools.count()
_buffer: list[Any] = []


def as_power(ctx, x):
    ctx.save_for_backward(x)
    return x**3


def exp(x):
    return np.exp(x)


def sin(x):
    return np.sin(x)


def product(a, b):
    return a @ b


def times(a, b):
    return a * b


def plus(a, b):
    return a + b


SQUARE = arr.of(3, 3)
RIGHT = lambda g, out, a, b: a.mT @ g  # noqa: E731  the right rule, beside wrong ones
X = arr.of(3, 4)

# --- functions of one tensor ----------------------------------------------------------------

planted(exp, (lambda g, out, x: g * out * 1.01,), X, cause="a factor of 1.01", kind="factor")(
    "scaled by 1.01"
)
planted(exp, (lambda g, out, x: -g * out,), X, cause="the sign", kind="sign")("sign")
planted(exp, (lambda g, out, x: g * 0.0,), X, cause="zero everywhere", kind="zero")("zero")
planted(exp, (lambda g, out, x: g.detach() * out,), X, cause="gradient of wrong", kind="zero")(
    "cotangent detached"
)
planted(exp, (lambda g, out, x: g * out.detach(),), X, cause="gradient of wrong", kind="zero")(
    "output detached"
)
planted(
    exp, (lambda g, out, x: g * out + 1e-3,), X, cause="0.001 added|not linear", kind="not linear"
)("constant added")
planted(
    exp,
    (lambda g, out, x: g * 0.0 + out,),
    X,
    cause="does not use the cotangent g",
    kind="cotangent ignored",
)("g ignored")
planted(
    exp, (lambda g, out, x: g * g * out,), X, cause="not linear in the cotangent", kind="not linear"
)("g squared")
planted(
    exp,
    (lambda g, out, x: g.abs() * out,),
    X,
    cause="not linear in the cotangent",
    kind="not linear",
)("|g|")
planted(sin, (lambda g, out, x: g * x.sin(),), X, cause="entries", kind="another function")(
    "sine for cosine"
)
planted(lambda x: x**3, (lambda g, out, x: g * 2 * x,), X, cause="wrong power", kind="power")(
    "wrong power"
)
planted(
    sin,
    (lambda g, out, x: g * x.cos() * mg.where(x > 0, 1.01, 1.0),),
    X,
    cause="above about",
    kind="one branch",
)("wrong where x is positive")
planted(
    sin,
    (lambda g, out, x: g * x.cos() * mg.where(x < -1, 0.0, 1.0),),
    arr.of(6, 6),
    cause="below",
    kind="masked out",
)("zero where x is small")
planted(
    exp, (lambda g, out, x: (g * out).float(),), X, cause="dtype minigrad.float32", kind="dtype"
)("dtype")

planted(
    lambda x: np.exp(x) / np.exp(x).sum(1, keepdims=True),
    (lambda g, out, x: g * out * (1 - out),),
    X,
    cause="entries",
    kind="missing sum",
)("softmax's diagonal alone")
planted(
    lambda x: x - x.mean(1, keepdims=True),
    (lambda g, out, x: g,),
    X,
    cause="entries",
    kind="missing term",
)("mean taken for a constant")
planted(
    exp,
    (lambda g, out, x: g * out + 1e-6 * g.abs() * g,),
    X,
    cause="entries|linear",
    kind="not linear",
)("slightly not linear")
# --- two tensors, products ------------------------------------------------------------------

planted(
    product,
    (lambda g, out, a, b: (g @ b.mT).mT, RIGHT),
    SQUARE,
    SQUARE,
    cause="transposed",
    kind="transposed",
)("transposed")
planted(
    product,
    (lambda g, out, a, b: g @ b, RIGHT),
    SQUARE,
    SQUARE,
    cause="argument 0",
    kind="symmetric only",
)("operand not transposed")
planted(
    product,
    (lambda g, out, a, b: a.mT @ g, lambda g, out, a, b: g @ b.mT),
    SQUARE,
    SQUARE,
    cause="gradient of argument 1",
    kind="swapped",
)("rules swapped")
planted(
    times,
    (lambda g, out, a, b: g * b, lambda g, out, a, b: g * b),
    X,
    X,
    cause="gradient of argument 0",
    kind="swapped",
)("the other's rule")
planted(
    product,
    (lambda g, out, a, b: g @ b.mT + mg.tensor(np.eye(3)[0][:, None] * 1e-3) * g, RIGHT),
    SQUARE,
    SQUARE,
    cause="at 0 along dim 0",
    kind="one place",
)("one row")
planted(
    product,
    (lambda g, out, a, b: g @ b.mT, lambda g, out, a, b: a.mT @ g * 0.5),
    X,
    arr.of(4, 2),
    cause="argument 1",
    kind="factor",
)("second argument alone")
planted(
    times,
    (lambda g, out, a, b: g * b, lambda g, out, a, b: g * a.detach()),
    X,
    X,
    cause="gradient of wrong",
    kind="zero",
)("other operand detached")

# --- broadcasting and reductions ------------------------------------------------------------

planted(
    plus,
    (lambda g, out, a, b: g, lambda g, out, a, b: g),
    X,
    arr.of(4),
    cause="missing sum over dim 0",
    kind="shape",
)("cotangent not summed")
planted(
    plus,
    (lambda g, out, a, b: g, lambda g, out, a, b: g[0]),
    X,
    arr.of(4),
    cause="missing sum: at .* only 1 of the 3",
    kind="missing sum",
)("a slice for the sum")
planted(
    plus,
    (lambda g, out, a, b: g, lambda g, out, a, b: g.mean(0)),
    X,
    arr.of(4),
    cause="factor of 0.333333",
    kind="reduction",
)("a mean for the sum")
planted(lambda x: x.sum(0), (lambda g, out, x: g,), X, cause="shape", kind="shape")(
    "sum not expanded"
)
planted(
    lambda x: x.mean(0),
    (lambda g, out, x: g.expand(x.shape),),
    X,
    cause="factor of 3 throughout, and 3 entries are reduced",
    kind="reduction",
)("mean without its divisor")
planted(
    lambda x: x.max(0),
    (lambda g, out, x: (x == x.amax(1, keepdim=True)) * g,),
    arr.of(3, 4, distinct=True),
    cause="entries",
    kind="wrong axis",
)("maximum of the other dim")
planted(
    lambda x: np.cumsum(x, 0),
    (lambda g, out, x: g.cumsum(0),),
    X,
    cause="entries",
    kind="another function",
)("cumulative sum not reversed")

planted(
    lambda x: x.prod(0),
    (lambda g, out, x: (g * out).expand(x.shape),),
    X,
    cause="entries",
    kind="power",
)("product not divided by its factor")
planted(
    lambda x: (x * x).sum(1),
    (lambda g, out, x: 2 * x * g.unsqueeze(1).mean(0),),
    X,
    cause="entries",
    kind="another function",
)("cotangent averaged over rows")

# --- views and indexing ---------------------------------------------------------------------

planted(
    lambda x: x.T.copy(), (lambda g, out, x: g,), SQUARE, cause="transposed", kind="transposed"
)("transpose not undone")
planted(
    lambda x: x[::-1].copy(),
    (lambda g, out, x: g,),
    X,
    cause="reversed along dim 0",
    kind="reversed",
)("flip not undone")
planted(
    lambda x: np.roll(x, 1, 1),
    (lambda g, out, x: g.roll(1, 1),),
    arr.of(2, 5),
    cause="entries",
    kind="another function",
)("roll in the same direction")
planted(
    lambda x: np.roll(x, 1, 1),
    (lambda g, out, x: g,),
    arr.of(2, 5),
    cause="shifted by 1 along dim 1",
    kind="shifted",
)("roll not undone")
planted(
    lambda x: x.reshape(6, 2).copy(),
    (lambda g, out, x: g,),
    X,
    cause="missing reshape",
    kind="shape",
)("reshape not undone")
planted(
    lambda x: x[[0, 0, 1]],
    (lambda g, out, x: mg.cat((g[1:], g[:1] * 0)),),
    arr.of(3, 2),
    cause="at 0 along dim 0|missing sum",
    kind="missing sum",
)("repeated index not added up")


def one_step_off(x, *, shift=0):
    return np.roll(x, shift, 0)


planted(
    one_step_off,
    (lambda g, out, x, shift: g.roll(-1, 0),),
    arr.of(5),
    shift=2,
    cause="shifted",
    kind="shifted",
)("right for one setting only")

# --- how backward behaves -------------------------------------------------------------------


def in_place(ctx, g):
    (x,) = ctx.saved_tensors
    return g.mul_(3 * x**2)


def random_noise(ctx, g):
    (x,) = ctx.saved_tensors
    return g * 3 * x**2 * (1 + 1e-12 * next(_count))


def own_buffer(ctx, g):
    """The same array for every call: what one use is given, the next one overwrites."""
    (x,) = ctx.saved_tensors
    if not _buffer:
        _buffer.append(mg.zeros_like(x))
    _buffer[0].copy_(g.detach() * 3 * x.detach() ** 2)
    return _buffer[0]


def once_only(ctx, g):
    (x,) = ctx.saved_tensors
    return g * (3 * x.detach() ** 2)


def sometimes(ctx, g):
    a, b = ctx.saved_tensors
    both = all(ctx.needs_input_grad)
    return g * b, g * a * (1.0 if both else 2.0)


def of_product(ctx, a, b):
    ctx.save_for_backward(a, b)
    return a * b


def split_in_two(ctx, x):
    ctx.save_for_backward(x)
    ctx.set_materialize_grads(False)
    return x * 2, x * 3


def only_if_both(ctx, g, h):
    return None if g is None or h is None else 2 * g + 3 * h


backward_of(
    as_power, in_place, X, cause="changes the cotangent g in place", kind="cotangent in place"
)("g changed in place")
backward_of(as_power, random_noise, X, cause="not deterministic", kind="not deterministic")(
    "not deterministic"
)
backward_of(as_power, own_buffer, X, cause="not its own", kind="not linear")(
    "gives away its own array"
)
backward_of(as_power, once_only, X, cause="gradient of wrong", kind="zero")("second order only")
backward_of(of_product, sometimes, X, X, cause="no other input wants one", kind="wrong if alone")(
    "wrong if wanted alone"
)
backward_of(split_in_two, only_if_both, X, cause="only output 0 is used", kind="unused output")(
    "unused output forgotten"
)
planted(
    exp,
    (lambda g, out, x: g * out + (g == 0) * 1e-9,),
    X,
    cause="cotangent of zero",
    kind="not linear",
)("not zero at a zero cotangent")
FAULTS["random forward"] = Planted(
    lambda x: x * (1 + 1e-9 * next(_count)),
    sample(X),
    "output 0 differs between two calls",
    "not deterministic",
)
FAULTS["no graph"] = Planted(lambda x: x.detach() * 2, sample(X), "no output depends", "zero")
