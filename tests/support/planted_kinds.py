"""More wrong derivatives: at least two of each kind that needs the function to be asked again."""

from typing import Any

import numpy as np

import minigrad as mg
from minigrad.engine.op import arr
from tests.support.planted import backward_of, planted, written
from tests.support.planted_derivatives import X, exp, sin

SQUARE = arr.of(4, 4)
_kept: dict[str, Any] = {}


# --- masks ---------------------------------------------------------------------------------------

MASK = "a mask missing"
planted(lambda x: np.maximum(x, 0), (lambda g, out, x: g,), X, cause=MASK, kind="mask missing")(
    "mask of relu forgotten"
)
planted(
    lambda x: np.clip(x, -1, 1) ** 3,
    (lambda g, out, x: g * 3 * x.clamp(-1, 1) ** 2,),
    arr.of(4, 5, away_from=(-1.0, 1.0)),
    cause=MASK,
    kind="mask missing",
)("mask of clamp forgotten")
planted(lambda x: np.tril(x, 0), (lambda g, out, x: g,), SQUARE, cause=MASK, kind="mask missing")(
    "mask of tril forgotten"
)
planted(
    lambda x: np.where(x > 0, x, 0.1 * x),
    (lambda g, out, x: g * (x > 0),),
    X,
    cause="a mask of too much",
    kind="masked out",
)("slope of leaky relu forgotten")
planted(
    lambda x: np.tril(x) + x,
    (lambda g, out, x: (2 * g).tril(),),
    SQUARE,
    cause="a mask of too much",
    kind="masked out",
)("part of a mask too much")

# --- rounded -------------------------------------------------------------------------------------

planted(
    lambda x: np.sin(x.astype(np.float32).astype(x.dtype)),
    (lambda g, out, x: g * x.cos(),),
    X,
    cause="the argument is rounded to float32",
    kind="rounded to float32",
)("argument cast to float32")
planted(
    lambda x: np.exp(x.astype(np.float32)).astype(x.dtype),
    (lambda g, out, x: g * out,),
    X,
    cause="rounded to float32",
    kind="rounded to float32",
)("computed in float32")
planted(
    exp, (lambda g, out, x: (g * out).float().double(),), X, cause="rounded to float32",
    kind="rounded to float32",
)("gradient cast to float32")  # fmt: skip
planted(
    lambda x: np.exp(x).astype(np.float16).astype(x.dtype),
    (lambda g, out, x: g * out,),
    X,
    cause="the function's values are rounded to float16",
    kind="rounded to float16",
)("values cast to float16")
planted(
    exp, (lambda g, out, x: (g * out).half().double(),), X, cause="rounded to float16",
    kind="rounded to float16",
)("gradient cast to float16")  # fmt: skip
planted(
    lambda x: np.exp(np.sin(x).astype(np.float32).astype(x.dtype)) * x,
    (lambda g, out, x: g * (out * x.cos() + out / x),),
    X,
    cause="digits are lost inside",
    kind="noise",
)("part of it in float32")
planted(
    lambda x: x + (1e9 * x**2 + 1e10) - 1e10 - 1e9 * x**2,
    (lambda g, out, x: g,),
    X,
    cause="digits are lost inside",
    kind="noise",
)("digits cancelled")

# --- not finite ----------------------------------------------------------------------------------

BOTH_SIGNS = arr.of(3, 4, low=-1.0, high=3.0)
planted(
    lambda x: np.sqrt(np.maximum(x, 0)),
    (lambda g, out, x: g * 0.5 / out,),
    BOTH_SIGNS,
    cause="the analytic gradient is nan or inf",
    kind="gradient not finite",
)("division by zero")
planted(
    lambda x: np.logaddexp(0, 1000 * x),
    (lambda g, out, x: g * 1000 * (1000 * x).exp() / (1 + (1000 * x).exp()),),
    arr.of(3, 4, away_from=(0.0,)),
    cause="the analytic gradient is nan or inf",
    kind="gradient not finite",
)("overflow")
written(lambda x: (x - 5).log(), X, cause="output 0 is nan at", kind="not finite")(
    "outside of the domain"
)
written(lambda x: mg.cat((x, x[:1] / 0.0)), X, cause="output 0 is -?inf at", kind="not finite")(
    "divided by zero"
)

# --- axes, terms ---------------------------------------------------------------------------------


def softmax(x):
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


AXIS = "the wrong axis: the rule works along dim 0, the function along dim 1"
planted(
    softmax,
    (lambda g, out, x: out * (g - (g * out).sum(0, keepdim=True)),),
    X,
    cause=AXIS,
    kind="wrong axis",
)("softmax along the other axis")
planted(
    lambda x: np.cumsum(x, 1),
    (lambda g, out, x: g.flip(0).cumsum(0).flip(0),),
    X,
    cause=AXIS,
    kind="wrong axis",
)("cumulative sum along the other axis")
planted(
    lambda x: (x * x).sum(1),
    (lambda g, out, x: 2 * x * g.unsqueeze(0),),
    SQUARE,
    cause="the wrong axis: the rule works along dim 1, the function along dim 0|wrong axis",
    kind="wrong axis",
)("spread along the other axis")
planted(
    lambda x: x - x.mean(0),
    (lambda g, out, x: g,),
    arr.of(5, 2),
    cause="through the other entries of the batch",
    kind="missing term",
)("mean of the batch taken for a constant")


def normalized(x):
    return (x - x.mean(0)) / x.std(0)


planted(
    normalized,
    (lambda g, out, x: g / x.std(0, correction=0),),
    arr.of(5, 2),
    cause="through the other entries of the batch",
    kind="missing term",
)("statistics of the batch taken for constants")

# --- asked again ---------------------------------------------------------------------------------


def sine_kept_outside(ctx, x):
    _kept["last"] = x.detach().clone()
    return x.sin()


def cosine_of_the_last(ctx, g):
    return g * _kept["last"].cos()


def sine_kept_once(ctx, x):
    _kept.setdefault(str(x.shape), x.detach().cos())
    return x.sin()


def cosine_of_the_first(ctx, g):
    return g * _kept[str(g.shape)]


OUTSIDE = "kept outside of the call, and overwritten"
backward_of(sine_kept_outside, cosine_of_the_last, arr.of(2, 7), cause=OUTSIDE, kind="stale")(
    "argument kept in a global"
)
backward_of(
    sine_kept_once, cosine_of_the_first, arr.of(2, 9), cause="an earlier call", kind="stale"
)("derivative kept from the first call")


def save(ctx, x):
    ctx.save_for_backward(x)
    return x.sin()


def dropped(ctx, g):
    (x,) = ctx.saved_tensors
    return g * x.cos() * (mg.rand(x.shape) < 0.7)


backward_of(
    save, dropped, arr.of(6, 6), cause="another gradient each time", kind="not deterministic"
)("another mask in backward")


written(
    lambda x: (x.detach().mul_(2), x.sin())[1], X, cause="changed in place", kind="input in place"
)("argument changed by forward")


def change_input(ctx, g):
    (x,) = ctx.saved_tensors
    gradient = g * x.cos()
    x.array.__iadd__(1e-9)
    return gradient


backward_of(save, change_input, X, cause="changed in place", kind="input in place")(
    "argument changed by backward"
)

CUT = "a part is cut off"
written(lambda x: x * x.detach(), X, cause=CUT, kind="detached part")("one factor detached")
written(
    lambda x: x.exp() / x.exp().sum(1, keepdim=True).detach(), X, cause=CUT, kind="detached part"
)("denominator detached")
written(lambda x: (x - x.mean().data) ** 2, X, cause=CUT, kind="detached part")("mean by .data")

planted(
    lambda x, a: (x * (x @ a)).sum(1),
    (
        lambda g, out, x, a: g.unsqueeze(1) * 2 * (x @ a),
        lambda g, out, x, a: (x * g.unsqueeze(1)).mT @ x,
    ),
    arr.of(3, 4),
    SQUARE,
    cause="a forgotten transpose",
    kind="symmetric only",
)("quadratic form")
planted(
    lambda x: np.trace(x @ x),
    (lambda g, out, x: 2 * g * x,),
    SQUARE,
    cause="transposed|a forgotten transpose",
    kind="symmetric only",
)("trace of a square")
planted(
    lambda x: (x * x).sum(),
    (lambda g, out, x: g * 2 * x + 0.25 * g,),
    X,
    cause="added throughout",
    kind="offset",
)("offset")


def leaning(x):
    return np.abs(x)


planted(
    leaning,
    (lambda g, out, x: g * mg.where(x == 0, 1.5, x.sign()),),
    mg.tensor([-1.0, 0.0, 2.0, 0.5], dtype=mg.float64, requires_grad=True),
    cause="not between the slopes of its two sides",
    kind="outside slopes",
)("not a subgradient")
planted(
    sin,
    (lambda g, out, x: g * x.cos() * (1 + 0.01 * (mg.arange(4) == 1)),),
    X,
    cause="all of them at 1 along dim 1",
    kind="one place",
)("one column")
