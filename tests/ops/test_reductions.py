"""Reductions against torch: drawn shapes, dims and layouts, special values, dtypes, errors."""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.testing import gradcheck, gradgradcheck
from minigrad.testing.operations import LAYOUTS
from tests.support.against_torch import DTYPES, as_numpy, assert_same, compare, same_outcome
from tests.support.rows import ROWS, distinct, in_layout

NAN, INF = float("nan"), float("inf")

# --- drawn shapes, dimensions and layouts ---------------------------------------------------

quick = settings(max_examples=25)
shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)

OVER_DIMS = {
    name: lambda m, x, dim, keepdim, name=name: getattr(m, name)(x, dim=dim, keepdim=keepdim)
    for name in ("sum", "mean", "nansum", "nanmean", "amax", "amin", "all", "any", "var", "std",
                 "var_mean", "std_mean")
} | {
    "logsumexp": lambda m, x, dim, keepdim: m.logsumexp(
        x, tuple(range(x.ndim)) if dim is None else dim, keepdim
    ),
    "var with a correction": lambda m, x, dim, keepdim: x.var(dim, correction=0, keepdim=keepdim),
    "biased std": lambda m, x, dim, keepdim: x.std(
        tuple(range(x.ndim)) if dim is None else dim, False, keepdim
    ),
    "count_nonzero": lambda m, x, dim, keepdim: m.count_nonzero(x > 1, dim=dim),
    "norm": lambda m, x, dim, keepdim: x.norm(2, dim, keepdim),
    "1-norm": lambda m, x, dim, keepdim: m.norm(x, 1, dim, keepdim),
    "3-norm": lambda m, x, dim, keepdim: m.norm(x, 3, dim, keepdim),
    "largest of absolutes": lambda m, x, dim, keepdim: m.norm(x, INF, dim, keepdim),
}  # fmt: skip
OVER_ONE = {
    name: lambda m, x, dim, keepdim, name=name: getattr(m, name)(
        x, *(() if dim is None else (dim, keepdim))
    )
    for name in ("prod", "max", "min", "median", "nanmedian")
} | {
    "argmax": lambda m, x, dim, keepdim: m.argmax(x, dim, keepdim),
    "argmin": lambda m, x, dim, keepdim: x.argmin(dim=dim, keepdim=keepdim),
    "aminmax": lambda m, x, dim, keepdim: m.aminmax(x, dim=dim, keepdim=keepdim),
    "quantile": lambda m, x, dim, keepdim: m.quantile(x, 0.3, dim, keepdim),
    "quantiles": lambda m, x, dim, keepdim: x.quantile(
        m.tensor([0.9, 0.0, 0.5]).to(x.dtype), dim, keepdim
    ),
    "nanquantile": lambda m, x, dim, keepdim: x.nanquantile(0.7, dim, keepdim),
    "mode": lambda m, x, dim, keepdim: m.mode(x, -1 if dim is None else dim, keepdim),
}  # fmt: skip


@st.composite
def places(draw, shape, several):
    """A dimension, several of them, or None; now and then one that does not exist."""
    ndim = len(shape)
    one = st.integers(-max(ndim, 1), max(ndim, 1) - 1)
    if several and ndim:
        subset = st.sets(st.integers(0, ndim - 1), min_size=1).map(tuple)
        return draw(st.one_of(st.none(), one, subset))
    return draw(st.one_of(st.none(), one, st.just(ndim + 1)))


@pytest.mark.filterwarnings("ignore:.*degrees of freedom")
@quick
@given(st.data(), shapes, st.sampled_from(["float32", "float64"]), st.sampled_from(list(LAYOUTS)),
       st.booleans())  # fmt: skip
@pytest.mark.parametrize("name", [*OVER_DIMS, *OVER_ONE])
def test_drawn(name, data, shape, dtype, layout, keepdim):
    function = (OVER_DIMS | OVER_ONE)[name]
    dim = data.draw(places(shape, name in OVER_DIMS))
    leaf, view = in_layout(distinct(shape).astype(dtype), layout)
    same_outcome(lambda m, x: function(m, view(x), dim, keepdim), leaf, note=f"{shape}, {dim}")


# --- values that are special ----------------------------------------------------------------

# torch's gradients of these come from inf - inf, 0 / 0 or comparisons with nan; ours are nan, or 0
# in the norm, elsewhere.
ROUGH = {("logsumexp", "both"), ("logsumexp", "inf"), ("logsumexp", "nothing but nan"),
         ("nanmean", "nothing but nan"), ("largest of absolutes", "nan"),
         ("largest of absolutes", "nans"), ("largest of absolutes", "nothing but nan")}  # fmt: skip
# Which of several equal elements is chosen is nobody's promise.
TIED = {"median", "nanmedian", "mode", "quantile", "quantiles", "nanquantile"}
TIES = {"ties", "all the same", "zeros", "nans", "nothing but nan"}
# torch's mean beside a variance is nan where mean() is infinite; its mode may be a nan among many.
OTHERS = {"var_mean": {"inf", "-inf"}, "std_mean": {"inf", "-inf"}, "mode": {"nans"}}


SPECIAL = [
    (name, row)
    for name in [*OVER_DIMS, *OVER_ONE]
    for row in ROWS
    if row not in OTHERS.get(name, ())
]


@pytest.mark.parametrize(("name", "row"), SPECIAL)
@pytest.mark.parametrize("dim", [None, 0])
def test_special_values(name, row, dim):
    function = (OVER_DIMS | OVER_ONE)[name]
    array = np.array(ROWS[row])
    smooth = (name, row) not in ROUGH
    if name in TIED and dim is not None and row in TIES:
        return assert_values_stand_there(function, name, array)
    compare(lambda m, x: function(m, x, dim, False), array, gradients=smooth)
    return None


def assert_values_stand_there(function, name, array):
    ours, theirs = (function(m, m.tensor(array), 0, False) for m in (mg, torch))
    if "quantile" in name:
        return assert_same(ours, theirs)
    assert_same(ours.values, theirs.values)
    np.testing.assert_equal(array[ours.indices.item()], ours.values.item())
    return None


def test_infinite_means_and_frequent_numbers():
    for name in ("var_mean", "std_mean"):
        spread, mean = getattr(mg, name)(mg.tensor([1.0, INF, 2.0]))
        assert (spread.isnan().item(), mean.item()) == (True, INF)
    assert mg.tensor([NAN, 3.0, NAN, 3.0, 1.0]).mode().values.item() == 3.0


def test_ties_share_the_gradient_or_do_not():
    rows = np.array([[1.0, 2.0, 2.0], [3.0, 3.0, 3.0]])
    compare(lambda m, x: (x.amax(1), x.amin(0), x.max(), x.min(), x.median(), x.nanmedian()), rows)
    compare(lambda m, x: m.aminmax(x, dim=1), rows)
    compare(lambda m, x: (x.max(1).values, x.min(1)[0]), rows)


@pytest.mark.parametrize("dim", [None, 0, 1])
def test_products_of_zeros_to_the_second_order(dim):
    def function(x):
        return x.prod() if dim is None else x.prod(dim)

    array = np.array([[1.5, 0.0, 2.0], [0.0, -1.0, 0.0], [1.0, 2.0, 3.0]])
    compare(lambda m, x: function(x), array)
    assert gradcheck(function, mg.tensor(array, requires_grad=True))
    assert gradgradcheck(function, mg.tensor(array, requires_grad=True))


def test_the_quantile_has_a_slope_in_q():
    x = distinct((3, 5))
    compare(lambda m, x, q: m.quantile(x, q, dim=1), x, np.array([0.3, 0.55]))
    compare(lambda m, x, q: m.nanquantile(x, q, dim=0), x, np.array([0.3, 0.55]))
    for interpolation in ("linear", "lower", "higher", "midpoint", "nearest"):
        for q in (0.0, 0.3, 0.5, 0.625, 1.0):
            compare(lambda m, x, q=q, how=interpolation: x.quantile(q, 1, interpolation=how), x)


def test_long_lines_keep_their_precision():
    x = np.random.default_rng(0).standard_normal((3, 5000)).astype(np.float32) + 100
    wide = x.astype(np.float64)
    for ours, exact in (
        (mg.tensor(x).mean(1), wide.mean(1)),
        (mg.tensor(x).var(1), wide.var(1, ddof=1)),
        (mg.tensor(x).cumsum(1), wide.cumsum(1)),
    ):
        np.testing.assert_allclose(as_numpy(ours), exact, 1e-5)


# --- dtypes ---------------------------------------------------------------------------------

OF_ANY_DTYPE = {
    "sum": lambda m, x: m.sum(x),
    "sum along": lambda m, x: m.sum(x, 0, True),
    "sum as int32": lambda m, x: x.sum(dtype=m.int32),
    "sum as float64": lambda m, x: m.sum(x, dim=0, dtype=m.float64),
    "mean": lambda m, x: x.mean(),
    "mean as float32": lambda m, x: x.mean(0, dtype=m.float32),
    "prod": lambda m, x: x.prod(),
    "prod as float64": lambda m, x: x.prod(0, dtype=m.float64),
    "nansum": lambda m, x: m.nansum(x),
    "nanmean": lambda m, x: m.nanmean(x),
    "var": lambda m, x: x.var(),
    "amax": lambda m, x: x.amax(),
    "max": lambda m, x: (x.max(), *x.max(0)),
    "aminmax": lambda m, x: m.aminmax(x),
    "argmax": lambda m, x: x.argmax(),
    "median": lambda m, x: (x.median(), x.median(0).values),
    "mode": lambda m, x: x.mode().values,
    "quantile": lambda m, x: x.quantile(0.5),
    "all": lambda m, x: (x.all(), x.any(0)),
    "count_nonzero": lambda m, x: x.count_nonzero(),
    "norm": lambda m, x: x.norm(),
    "logsumexp": lambda m, x: x.logsumexp(0),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", OF_ANY_DTYPE)
def test_result_dtypes(name, dtype):
    array = np.array([1, 0, 1, 1, 3]).astype(dtype)
    same_outcome(OF_ANY_DTYPE[name], array, gradients=False, note=f"{name} of {dtype}")


def test_gradients_of_a_reduction_in_another_dtype():
    x = distinct((3, 4)).astype(np.float32)
    for name in ("sum", "mean", "prod", "nansum"):
        compare(lambda m, x, name=name: getattr(x, name)(dtype=m.float64), x)
    for name in ("cumsum", "cumprod"):
        compare(lambda m, x, name=name: getattr(m, name)(x, 1, dtype=m.float64), x)


# --- arguments and errors -------------------------------------------------------------------

ARGUMENTS = {
    "unbiased": lambda m, x: (x.var(False), x.std(unbiased=False), x.var(1, False, True)),
    "correction": lambda m, x: (m.var(x, 0, correction=2), m.std(x, dim=(0, 1), correction=0.5)),
    "correction too large": lambda m, x: x.var(0, correction=3),
    "means beside": lambda m, x: (m.var_mean(x, 0), m.std_mean(x, (0, 1), keepdim=True)),
    "max of two": lambda m, x: (m.max(x, x.flip(0)), x.min(x.flip(0))),
    "max by keyword": lambda m, x: m.max(input=x, dim=1, keepdim=True),
    "values and indices": lambda m, x: (x.max(1).values, x.median(1).indices, x.mode(0).values),
    "fields": lambda m, x: (m.aminmax(x, dim=0).min, m.aminmax(x).max),
    "empty list of dims": lambda m, x: (x.sum([]), x.amax(()), x.mean(())),
    "fro": lambda m, x: (x.norm("fro"), m.norm(x, p="fro", dim=(0, 1)), m.norm(x, dtype=m.float64)),
    "nuc": lambda m, x: x.norm("nuc"),
    "odd norms": lambda m, x: (x.norm(0), x.norm(-INF, 1), x.norm(0.5, 0), x.norm(-1.0)),
    "dist": lambda m, x: (m.dist(x, x.flip(0)), x.dist(x.flip(1), 1)),
    "of a number": lambda m, x: (x.sum().max(0), x.sum().median(-1), x.sum().prod(0)),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:.*degrees of freedom")
@pytest.mark.parametrize("name", ARGUMENTS)
def test_arguments(name):
    compare(ARGUMENTS[name], distinct((3, 4)))


REFUSED = {
    "mean of integers": lambda m, x: m.tensor([1, 2]).mean(),
    "median of bools": lambda m, x: (x > 1).median(),
    "a dimension too far": lambda m, x: x.sum(2),
    "a dimension before the first": lambda m, x: x.amax((0, -3)),
    "a dimension of a number": lambda m, x: x.sum().argmax(1),
    "twice the same": lambda m, x: x.sum((0, -2)),
    "a name for a dimension": lambda m, x: x.sum("rows"),
    "several for one": lambda m, x: x.prod((0, 1)),
    "no elements": lambda m, x: x[:0].amax(),
    "no elements, max": lambda m, x: x[:0].max(),
    "no elements, argmax": lambda m, x: x[:0].argmin(),
    "no elements, aminmax": lambda m, x: m.aminmax(x[:0]),
    "nothing along": lambda m, x: x[:0].min(0),
    "nothing along, argmax": lambda m, x: x[:0].argmax(0),
    "nothing along, amin": lambda m, x: x[:0].amin((0, 1)),
    "nothing along, median": lambda m, x: x[:0].median(0),
    "nothing along, mode": lambda m, x: x[:0].mode(0),
    "nothing, quantile": lambda m, x: x[:0].quantile(0.5),
    "nothing, norm": lambda m, x: x[:0].norm(INF),
    "q": lambda m, x: x.quantile(1.5),
    "q nan": lambda m, x: x.nanquantile(NAN),
    "q of another dtype": lambda m, x: x.quantile(m.tensor([0.5])),
    "q in rows": lambda m, x: x.quantile(x),
    "interpolation": lambda m, x: x.quantile(0.5, interpolation="cubic"),
    "quantile of integers": lambda m, x: m.tensor([1, 2]).quantile(0.5),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    with pytest.raises((RuntimeError, IndexError, TypeError)) as theirs:
        REFUSED[name](torch, torch.tensor(x))
    with pytest.raises((RuntimeError, IndexError, TypeError), match=r"\w+.*\w+") as ours:
        REFUSED[name](mg, mg.tensor(x))
    assert issubclass(theirs.type, ours.type), f"{ours.value!r} instead of {theirs.value!r}"


def test_errors_say_what_was_given():
    x = mg.zeros(0, 3)
    with pytest.raises(IndexError, match=r"max\(\): Expected reduction dim 0 .* \[0, 3\]"):
        x.max(0)
    with pytest.raises(RuntimeError, match=r"amax\(\): .* \[0, 3\]"):
        x.amax()
    with pytest.raises(IndexError, match=r"\[-2, 1\], but got 5"):
        x.sum(5)
