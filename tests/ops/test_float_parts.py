"""The lesser elementwise functions against torch: drawn numbers, special values, dtypes, names."""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.ops import synonyms
from minigrad.testing.operations import LAYOUTS
from tests.support.against_torch import DTYPES, compare, same_outcome
from tests.support.rows import in_layout

NAN, INF = float("nan"), float("inf")
SPECIAL = np.array([NAN, INF, -INF, 0.0, -0.0, 1.0, -1.0, 2.5, -0.3, 1e-30, 8.0])

quick = settings(max_examples=25)
numbers = st.floats(-20, 20, width=32) | st.sampled_from(SPECIAL.tolist())

UNARY = {
    name: lambda m, x, name=name: getattr(m, name)(x)
    for name in ("signbit", "positive", "isposinf", "isneginf", "isreal", "deg2rad", "rad2deg",
                 "frexp", "i0")
} | {
    "clamp_min": lambda m, x: m.clamp_min(x, 0.5),
    "clamp_max": lambda m, x: x.clamp_max(max=-0.25),
    "mvlgamma": lambda m, x: m.mvlgamma(x.abs() + 1.6, 3),
    "rsub": lambda m, x: (m.rsub(x, 2.0), m.rsub(x, x * x, alpha=3)),
}  # fmt: skip
BINARY = {
    "heaviside": lambda m, x, y: m.heaviside(x.detach(), y.detach()),
    "nextafter": lambda m, x, y: m.nextafter(x.detach(), y.detach()),
    "ldexp": lambda m, x, y: m.ldexp(x, y.detach().nan_to_num(1, 2, 3).round().clamp(-5, 5)),
    "clamp_min": lambda m, x, y: m.clamp_min(x, y),
    "clamp_max": lambda m, x, y: x.clamp_max(y),
    "fmax": lambda m, x, y: m.fmax(x, y),
    "fmin": lambda m, x, y: x.fmin(y),
}


@quick
@given(st.data(), hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
       st.sampled_from(["float32", "float64"]), st.sampled_from(list(LAYOUTS)))  # fmt: skip
@pytest.mark.parametrize("name", UNARY)
def test_of_one(name, data, shape, dtype, layout):
    array = data.draw(hnp.arrays("float64", shape, elements=numbers)).astype(dtype)
    if name == "i0":
        array = np.where(np.isinf(array), array.dtype.type(3), array)  # torch's I0(inf) is nan
    leaf, view = in_layout(array, layout)
    function = UNARY[name]
    compare(lambda m, x: function(m, view(x)), leaf, gradients=bool(np.isfinite(array).all()))


@quick
@given(st.data(), hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, min_side=0,
       max_side=3), st.sampled_from(["float32", "float64"]))  # fmt: skip
@pytest.mark.parametrize("name", BINARY)
def test_of_two(name, data, drawn, dtype):
    left, right = (
        data.draw(hnp.arrays("float64", shape, elements=numbers)).astype(dtype)
        for shape in drawn.input_shapes
    )
    compare(BINARY[name], left, right)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", [*UNARY, *BINARY])
def test_special_values(name, dtype):
    left, right = (a.ravel().astype(dtype) for a in np.meshgrid(SPECIAL, SPECIAL))
    if name in BINARY:
        compare(BINARY[name], left, right)
    else:
        values = SPECIAL[[0, *range(3, 11)]] if name == "i0" else SPECIAL
        compare(UNARY[name], values.astype(dtype), gradients=name not in {"frexp", "rsub"})


@pytest.mark.parametrize("right", DTYPES)
@pytest.mark.parametrize("left", DTYPES)
@pytest.mark.parametrize("name", ["gcd", "lcm", "heaviside", "logaddexp", "fmax", "ldexp"])
def test_dtypes_of_two(name, left, right):
    if name == "logaddexp" and "float" not in left + right:
        return  # torch cannot, we give floats: below
    if "bool" in (left, right) and name in {"gcd", "lcm"}:
        return  # torch has no kernel for bools
    if name == "ldexp" and right == "bool":
        return  # nor for these
    if name in {"heaviside", "ldexp"} and "float16" in (left, right):
        return  # storage
    function = lambda m, x, y: getattr(m, name)(x, y)  # noqa: E731
    same_outcome(
        function, np.array([4, 0, 6]).astype(left), np.array([6, 1, 4]).astype(right),
        gradients=False, note=f"{name} of {left}, {right}",
    )  # fmt: skip


def test_numbers_beside_tensors():
    assert mg.logaddexp(mg.tensor([1, 2]), mg.tensor([1, 2])).dtype is mg.float32
    compare(lambda m, x: (m.clamp_min(x, 1.5), x.clamp_max(1), m.clamp(x, 2)),
            np.array([1, 2, 3]), gradients=False)  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [n for n in UNARY if n not in {"mvlgamma", "rsub"}])
def test_dtypes_of_one(name, dtype):
    function = UNARY[name]
    if dtype in {"float16", "bool"} and name in {"clamp_min", "clamp_max"}:
        return  # rounded differently; refused in torch
    same_outcome(function, np.array([1, 0, 3]).astype(dtype), gradients=False, note=dtype)


SECOND_NAMES = [
    name
    for name, function in vars(synonyms).items()
    if hasattr(torch, name) and getattr(function, "__name__", name) != name
]


# How those are called that do not go by elements; x is a vector of three.
CALLS = {
    "clip": lambda m, x: m.clip(x, 0.4),
    "trapz": lambda m, x: m.trapz(x, dx=2),
    "concat": lambda m, x: m.concat([x, x]),
    "concatenate": lambda m, x: m.concatenate([x, x]),
    "row_stack": lambda m, x: m.row_stack([x, x]),
    "moveaxis": lambda m, x: m.moveaxis(x[None], 0, 1),
    "swapaxes": lambda m, x: m.swapaxes(x[None], 0, 1),
    "swapdims": lambda m, x: m.swapdims(x[None], 0, 1),
    "inverse": lambda m, x: m.inverse(m.diag(x)),
    "orgqr": lambda m, x: m.orgqr(m.diag(x), x),
    "igamma": lambda m, x: m.igamma(x.detach(), x),  # there is no gradient of the first
    "igammac": lambda m, x: m.igammac(x.detach(), x),
    "broadcast_to": lambda m, x: m.broadcast_to(x, (2, 3)),
    "masked_fill": lambda m, x: m.masked_fill(x, x > 0.4, 2.0),
    "index_put": lambda m, x: m.index_put(x, (m.tensor([1]),), x[:1]),
    "cross": lambda m, x: m.cross(x, x.flip(0), dim=0),
    "svd": lambda m, x: m.svd(m.diag(x)).S,
    "vander": lambda m, x: m.vander(x).detach(),  # torch fails at its own gradient
    "softmax": lambda m, x: m.softmax(x, 0),
    "spmm": lambda m, x: m.spmm(x[None], x[:, None]),
    "dsmm": lambda m, x: m.dsmm(x[None], x[:, None]),
    "log_softmax": lambda m, x: m.log_softmax(x, 0),
}


@pytest.mark.parametrize("name", SECOND_NAMES)
def test_second_names(name):
    ours = getattr(mg, name)
    assert ours is getattr(synonyms, name)
    arrays = [np.array([0.3, 0.9, 0.5]), np.array([0.7, 0.2, 0.5])]
    if name in CALLS:
        compare(CALLS[name], arrays[0])
    elif same_count(name) == 1:
        shift = 1.0 if name == "arccosh" else 0.0
        compare(lambda m, x: getattr(m, name)(x + shift), arrays[0], gradients=name != "sgn")
    else:
        compare(lambda m, x, y: getattr(m, name)(x, y), *arrays)


def same_count(name):
    """How many tensors torch's function takes."""
    try:
        getattr(torch, name)(torch.ones(1))
    except TypeError:
        return 2
    return 1


IN_PLACE = {
    "deg2rad": (), "rad2deg": (), "i0": (), "sgn": (), "sign": (), "negative": (), "absolute": (),
    "erf": (), "heaviside": (0.5,), "ldexp": (2.0,), "clamp_min": (0.3,), "clamp_max": (0.3,),
    "mvlgamma": (1,), "true_divide": (2.0,), "eq": (0.3,), "not_equal": (0.3,), "less": (0.5,),
    "le": (0.3,), "greater": (0.5,), "ge": (0.3,), "logical_and": (1.0,), "logical_or": (0.0,),
    "logical_not": (), "nextafter": (1.0,),
}  # fmt: skip


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place(name):
    takes_tensor = {"heaviside", "ldexp", "nextafter", "logical_and", "logical_or"}

    def function(m, x):
        args = IN_PLACE[name]
        if name in takes_tensor:
            args = [m.tensor(a, dtype=x.dtype) for a in args]
        changed = x.detach().clone() if not smooth else x * 1
        assert getattr(changed, f"{name}_")(*args) is changed
        return changed

    smooth = name in {"deg2rad", "rad2deg", "i0", "negative", "erf", "clamp_min", "mvlgamma"}
    compare(function, np.array([0.3, 0.9, 0.5]))


def test_bits_in_place():
    for name in ("bitwise_and", "bitwise_or", "bitwise_xor", "gcd", "lcm"):
        compare(lambda m, x, y, name=name: getattr(x.clone(), f"{name}_")(y),
                np.array([12, 7, 5]), np.array([10, 3, 4]))  # fmt: skip
    compare(lambda m, x: x.clone().bitwise_not_(), np.array([12, 7]))


REFUSED = {
    "positive of bools": lambda m, x: m.positive(x > 0),
    "gcd of floats": lambda m, x: m.gcd(x, x),
    "frexp of integers": lambda m, x: m.frexp(x.long()),
    "nextafter of integers": lambda m, x: m.nextafter(x.long(), x.long()),
    "p": lambda m, x: m.mvlgamma(x, 0),
    "fmax of words": lambda m, x: m.fmax(x, "one"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    with pytest.raises((RuntimeError, TypeError)) as theirs:
        REFUSED[name](torch, torch.ones(2))
    with pytest.raises((RuntimeError, TypeError)) as ours:
        REFUSED[name](mg, mg.ones(2))
    assert issubclass(theirs.type, ours.type), f"{ours.value!r} instead of {theirs.value!r}"


def test_bessel_far_out_against_its_series():
    """I0 and I1 by the power series in exact steps (Abramowitz & Stegun 9.6.10)."""
    x = mg.tensor([0.1, 5.0, 40.0, 300.0, 700.0], dtype=mg.float64, requires_grad=True)
    mg.i0(x).backward(mg.ones(5, dtype=mg.float64))
    for value, slope, at in zip(mg.i0(x).tolist(), x.grad.tolist(), x.tolist(), strict=True):
        term, total, odd = 1.0, 1.0, at / 2
        other = odd
        for k in range(1, 1500):
            term *= (at / 2) ** 2 / k**2
            odd *= (at / 2) ** 2 / (k * (k + 1))
            total, other = total + term, other + odd
        assert value == pytest.approx(total, rel=1e-12)
        assert slope == pytest.approx(other, rel=1e-12)
