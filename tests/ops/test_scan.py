"""Scans, differences and areas against torch: drawn shapes and layouts, special values, errors."""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.kernels.reduction import scan as kernels
from minigrad.ops.reduction import scan
from minigrad.testing import gradcheck, gradgradcheck
from minigrad.testing.operations import LAYOUTS
from tests.support.against_torch import DTYPES, compare, same_outcome
from tests.support.rows import ROWS, distinct, in_layout

NAN, INF = float("nan"), float("inf")

quick = settings(max_examples=25)
shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)

SCANS = {
    name: lambda m, x, dim, name=name: getattr(m, name)(x, dim)
    for name in ("cumsum", "cumprod", "cummax", "cummin", "logcumsumexp")
}
STEPS = {
    "diff": lambda m, x, dim: m.diff(x, dim=dim),
    "second diff": lambda m, x, dim: x.diff(2, dim),
    "diff with neighbours": lambda m, x, dim: m.diff(x, dim=dim, prepend=x, append=x * 2),
    "trapezoid": lambda m, x, dim: m.trapezoid(x, dim=dim),
    "trapezoid of width": lambda m, x, dim: m.trapezoid(x, dx=0.5, dim=dim),
    "cumulative_trapezoid": lambda m, x, dim: m.cumulative_trapezoid(x, dim=dim),
    "places of their own": lambda m, x, dim: m.trapezoid(x, x * x, dim=dim),
    "cumulative places": lambda m, x, dim: m.cumulative_trapezoid(x * 2, x, dim=dim),
}


@quick
@given(st.data(), shapes, st.sampled_from(["float32", "float64"]), st.sampled_from(list(LAYOUTS)))
@pytest.mark.parametrize("name", [*SCANS, *STEPS])
def test_drawn(name, data, shape, dtype, layout):
    ndim = max(len(shape), 1)
    dim = data.draw(st.integers(-ndim, ndim - 1) | st.just(ndim))
    if name in STEPS and dim == ndim and len(shape) > 0:
        return  # torch names the dimension wrongly, or takes it for another
    if name not in {"cumsum", "cumprod", "logcumsumexp"} and 0 in shape:
        shape = tuple(size + 1 for size in shape)  # of nothing torch makes no graph
    leaf, view = in_layout(distinct(shape).astype(dtype), layout)
    function = (SCANS | STEPS)[name]
    same_outcome(lambda m, x: function(m, view(x), dim), leaf, note=f"{shape}, {dim}")


# torch's gradients of these come from inf - inf or 0 * inf, ours do not.
ROUGH = {
    "cumprod": {"inf", "-inf", "both", "nan", "nans", "nothing but nan"},
    "logcumsumexp": {"inf", "-inf", "both", "nan", "nans", "nothing but nan"},
}


# torch takes the ends of the whole sum away again, so that inf - inf is nan.
ENDS = {("trapezoid", "inf"), ("trapezoid", "-inf"), ("trapezoid of width", "inf"),
        ("trapezoid of width", "-inf")}  # fmt: skip
SPECIAL = [(n, r) for n in [*SCANS, *STEPS] for r in ROWS if (n, r) not in ENDS]


@pytest.mark.parametrize(("name", "row"), SPECIAL)
def test_special_values(name, row):
    function, array = (SCANS | STEPS)[name], np.array(ROWS[row])
    compare(lambda m, x: function(m, x, 0), array, gradients=row not in ROUGH.get(name, ()))


def test_running_products_of_zeros_to_the_second_order():
    array = np.array([[1.5, 0.0, 2.0, 3.0], [0.0, -1.0, 0.0, 2.0], [1.0, 2.0, 3.0, 0.0]])
    for dim in (0, 1):
        compare(lambda m, x, dim=dim: x.cumprod(dim), array)
        assert gradcheck(lambda x, dim=dim: x.cumprod(dim), mg.tensor(array, requires_grad=True))
        assert gradgradcheck(
            lambda x, dim=dim: x.cumprod(dim), mg.tensor(array, requires_grad=True)
        )


def test_running_logarithms_far_apart():
    x = np.array([-800.0, 700.0, 0.0, 705.0, -1e5, 3.0])
    compare(lambda m, x: m.logcumsumexp(x, 0), x)
    compare(lambda m, x: x.logcumsumexp(0), -np.abs(x))
    assert mg.trapezoid(mg.tensor([INF, 1.0])).item() == INF
    out = mg.tensor([-INF, -INF, 1.0], dtype=mg.float64, requires_grad=True)
    out.logcumsumexp(0).sum().backward()
    assert out.grad.isfinite().all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_recurrence_is_its_definition(dtype):
    rng = np.random.default_rng(0)
    factor, addend = rng.uniform(-1, 1, (2, 3, 5, 4)).astype(dtype)
    for axis in range(3):
        h = kernels.recurrence(factor, addend, axis)
        f, a, out = (np.moveaxis(x, axis, 0) for x in (factor, addend, h))
        np.testing.assert_array_equal(out[0], a[0])
        for k in range(1, len(a)):
            np.testing.assert_allclose(out[k], f[k] * out[k - 1] + a[k], rtol=1e-5)
    large = rng.uniform(0, 1, (64, 700)).astype(dtype)
    np.testing.assert_array_equal(  # one thread or several
        kernels.recurrence(large, large, 1)[:3], kernels.recurrence(large[:3], large[:3], 1)
    )
    assert scan.recurrence(mg.ones(0, 2), mg.ones(0, 2), dim=0).shape == (0, 2)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [*SCANS, "diff", "trapezoid"])
def test_result_dtypes(name, dtype):
    if dtype == "float16" and name == "logcumsumexp":
        return  # rounded once here, after every step in torch
    if dtype == "bool" and name == "trapezoid":
        return  # torch cannot subtract the ends
    function, array = (SCANS | STEPS)[name], np.array([1, 0, 1, 1, 3]).astype(dtype)
    same_outcome(lambda m, x: function(m, x, 0), array, gradients=False, note=f"{name}, {dtype}")


ARGUMENTS = {
    "methods": lambda m, x: (x.cumsum(0), x.cumprod(dim=1), x.cummax(-1), x.cummin(0), x.diff()),
    "fields": lambda m, x: (x.cummax(1).values, m.cummin(x, 1).indices),
    "in place": lambda m, x: (x * 1).cumsum_(1).cumprod_(0),
    "as integers": lambda m, x: (
        x.detach().cumsum(0, dtype=m.int32),
        m.cumprod(x.detach(), 1, dtype=m.int64),
    ),
    "diff not at all": lambda m, x: m.diff(x, n=0),
    "diff too often": lambda m, x: m.diff(x, n=7, dim=0),
    "diff of bools": lambda m, x: (x > 0.8).diff(),
    "parts of other sizes": lambda m, x: m.diff(x, prepend=x[:, :1], append=x),
    "places along a dimension": lambda m, x: m.trapezoid(x, x[:, 0], dim=0),
    "trapz": lambda m, x: m.trapz(x, dx=3),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_arguments(name):
    compare(ARGUMENTS[name], distinct((3, 4)))


REFUSED = {
    "no dimension": lambda m, x: x.cumsum(),
    "a dimension too far": lambda m, x: x.cumprod(2),
    "a dimension before the first": lambda m, x: x.cummax(-3),
    "logarithms of integers": lambda m, x: m.tensor([1, 2]).logcumsumexp(0),
    "diff of a number": lambda m, x: x.sum().diff(),
    "a negative order": lambda m, x: x.diff(-1),
    "areas of a number": lambda m, x: m.trapezoid(x.sum()),
    "places and a width": lambda m, x: m.trapezoid(x, x, dx=2),
    "places that do not fit": lambda m, x: m.trapezoid(x, m.ones(7)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    with pytest.raises((RuntimeError, IndexError, TypeError)) as theirs:
        REFUSED[name](torch, torch.tensor(x))
    with pytest.raises((RuntimeError, IndexError, TypeError), match=r"\w+.*\w+") as ours:
        REFUSED[name](mg, mg.tensor(x))
    assert issubclass(theirs.type, ours.type), f"{ours.value!r} instead of {theirs.value!r}"
