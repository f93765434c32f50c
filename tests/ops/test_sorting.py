"""Sorting, ranks and counts against torch: drawn arrays with ties and nan, layouts, errors."""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.testing.operations import LAYOUTS
from tests.support.against_torch import (
    DTYPES,
    as_numpy,
    assert_same,
    compare,
    outputs_of,
    same_outcome,
)
from tests.support.rows import distinct, in_layout

NAN, INF = float("nan"), float("inf")

quick = settings(max_examples=25)
shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5)
floats = st.sampled_from(["float32", "float64"])
layouts = st.sampled_from(list(LAYOUTS))
few_values = st.sampled_from([NAN, INF, -INF, -1.0, -0.0, 0.0, 2.0, 3.5])

# --- order ----------------------------------------------------------------------------------

BY_RANK = {
    "sort": lambda m, x, dim: m.sort(x, dim),
    "sort down": lambda m, x, dim: x.sort(dim=dim, descending=True),
    "sort stably": lambda m, x, dim: m.sort(x, stable=True, dim=dim),
    "argsort": lambda m, x, dim: (m.argsort(x, dim), x.argsort(dim, True)),
    "msort": lambda m, x, dim: m.msort(x),
    "topk": lambda m, x, dim: m.topk(x, min(2, size_of(x, dim)), dim),
    "smallest": lambda m, x, dim: x.topk(1, dim, largest=False),
    "topk of none": lambda m, x, dim: x.topk(0, dim),
    "kthvalue": lambda m, x, dim: m.kthvalue(x, 1, dim),
    "kthvalue kept": lambda m, x, dim: x.kthvalue(2, dim=dim, keepdim=True),
}


def size_of(x, dim):
    return x.shape[dim] if x.ndim else 1


@quick
@given(st.data(), shapes, floats, layouts)
@pytest.mark.parametrize("name", BY_RANK)
def test_drawn(name, data, shape, dtype, layout):
    ndim = max(len(shape), 1)
    dim = data.draw(st.integers(-ndim, ndim - 1))
    leaf, view = in_layout(distinct(shape).astype(dtype), layout)
    function = BY_RANK[name]
    same_outcome(lambda m, x: function(m, view(x), dim), leaf, note=f"{shape}, {dim}")


@quick
@given(hnp.arrays("float64", hnp.array_shapes(max_dims=2, max_side=6), elements=few_values),
       st.booleans())  # fmt: skip
def test_order_with_ties_and_nan(array, descending):
    compare(
        lambda m, x: m.sort(x, stable=True, dim=0, descending=descending), array, gradients=False
    )
    ours, theirs = (m.tensor(array) for m in (mg, torch))
    for k in range(array.shape[-1] + 1):
        found = ours.topk(k, largest=descending)
        assert_same(found.values, theirs.topk(k, largest=descending).values)
        chosen = np.take_along_axis(array, as_numpy(found.indices), -1)
        np.testing.assert_array_equal(chosen, as_numpy(found.values))
        if k:
            assert_same(ours.kthvalue(k).values, theirs.kthvalue(k).values)
    for name in ("median", "nanmedian"):
        assert_same(getattr(ours, name)(0).values, getattr(theirs, name)(0).values)
        assert_same(getattr(ours, name)(), getattr(theirs, name)())


@pytest.mark.parametrize("largest", [True, False])
def test_topk_of_many(largest):
    x = distinct((3, 200))
    for k in (1, 5, 24, 25, 26, 200):
        compare(lambda m, x, k=k: m.topk(x, k, largest=largest), x)
        compare(lambda m, x, k=k: m.topk(x, min(k, 3), 0, largest), x)
        compare(lambda m, x, k=k: x.kthvalue(k), x)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", BY_RANK)
def test_result_dtypes(name, dtype):
    array = np.array([3, 0, 1] if dtype != "bool" else [1, 0]).astype(dtype)
    function = BY_RANK[name]
    same_outcome(lambda m, x: function(m, x, 0), array, gradients=False, note=f"{name} of {dtype}")


# --- counts ---------------------------------------------------------------------------------

values = st.sampled_from([-2.0, 0.0, 0.5, 1.0, 3.0])
lines = hnp.arrays("float64", hnp.array_shapes(max_dims=1, min_side=0, max_side=9), elements=values)
grids = hnp.arrays("float64", hnp.array_shapes(max_dims=3, min_side=1, max_side=4), elements=values)


@quick
@given(grids, st.booleans(), st.booleans())
def test_unique(array, inverse, counts):
    for name in ("unique", "unique_consecutive"):
        for dim in (None, 0, -1):
            compare(
                lambda m, x, name=name, dim=dim: getattr(m, name)(
                    x, return_inverse=inverse, return_counts=counts, dim=dim
                ),
                array,
                gradients=False,
            )


def test_unique_of_nan_of_nothing_and_of_a_number():
    for array in (np.array([NAN, 1.0, NAN, 1.0]), np.zeros(0), np.array(3.0), np.zeros((2, 0))):
        compare(
            lambda m, x: (m.unique(x, True, True, True), x.unique_consecutive(True, True)),
            array,
            gradients=False,
        )
    for dtype in DTYPES:
        compare(lambda m, x: x.unique(), np.array([1, 0, 1]).astype(dtype), gradients=False)


@quick
@given(lines, st.integers(1, 5), st.sampled_from([(0, 0), (-1, 2), (0.5, 3), (-5, -3)]))
def test_histograms(array, bins, limits):
    for dtype in ("float32", "float64"):
        x = array.astype(dtype)
        compare(lambda m, x: m.histc(x, bins, *limits), x, gradients=False)
        if limits != (0, 0):
            compare(lambda m, x: m.histogram(x, bins, range=limits), x, gradients=False)
        if x.size:
            compare(lambda m, x: x.histogram(bins), x, gradients=False)
    edges = np.array([-1.0, 0.5, 1.0, 2.0])
    weight = np.arange(array.size) + 0.5
    compare(
        lambda m, x, e, w: (m.histogram(x, e), m.histogram(x, e, weight=w).hist),
        array, edges, weight, gradients=False,
    )  # fmt: skip
    if ((array >= -1) & (array <= 2)).any():
        compare(lambda m, x, e: x.histogram(e, density=True), array, edges, gradients=False)


def boxes(m, x, *args, **options):
    """The counts and edges of torch's result, which is no plain tuple."""
    found = m.histogramdd(x, *args, **options)
    return found.hist, *found.bin_edges


@quick
@given(
    hnp.arrays("float64", st.tuples(st.integers(0, 9), st.just(2)), elements=values),
    st.tuples(st.integers(1, 4), st.integers(1, 3)),
    st.sampled_from([None, (-1.0, 2.0, 0.0, 3.0)]),
)
def test_histograms_of_points(points, bins, limits):
    for dtype in ("float32", "float64"):
        x = points.astype(dtype)
        compare(lambda m, x: boxes(m, x, bins, range=limits), x, gradients=False)
    compare(lambda m, x: boxes(m, x, bins[0]), points[:, None], gradients=False)
    edges = [np.array([-1.0, 0.5, 1.0, 2.0]), np.array([-2.0, 0.0, 5.0])]
    weight = np.arange(len(points)) + 0.5
    compare(lambda m, x, w, *e: boxes(m, x, e, weight=w), points, weight, *edges, gradients=False)
    inside = np.array([[0.0, 0.0], [1.5, 4.0]])
    compare(
        lambda m, x, *e: boxes(m, x, e, density=True),
        np.concatenate([points, inside]), *edges, gradients=False,
    )  # fmt: skip


def test_bincount():
    for dtype in ("int64", "int32", "uint8"):
        x = np.array([3, 1, 1, 7]).astype(dtype)
        compare(lambda m, x: (m.bincount(x), x.bincount(minlength=10)), x, gradients=False)
        for weights in (np.array([0.5, 1.0, 2.0, 4.0]), np.arange(4), np.ones(4, np.float32)):
            compare(
                lambda m, x, w: (m.bincount(x, w), x.bincount(w, 3)), x, weights, gradients=False
            )
    compare(lambda m, x: x.bincount(minlength=2), np.zeros(0, np.int64), gradients=False)


@quick
@given(grids, hnp.arrays("float64", st.integers(0, 6), elements=values), st.booleans())
def test_searchsorted(wanted, sequence, right):
    sequence.sort()
    compare(
        lambda m, s, x: (
            m.searchsorted(s, x, right=right, out_int32=True),
            m.bucketize(x, s, right=right),
            m.searchsorted(s, 0.5, side="right" if right else "left"),
        ),
        sequence, wanted, gradients=False,
    )  # fmt: skip
    rows = np.sort(wanted, axis=-1)
    compare(lambda m, s, x: m.searchsorted(s, x.flip(-1), right=right), rows, wanted,
            gradients=False)  # fmt: skip


def test_searchsorted_by_a_sorter_and_of_nan():
    compare(
        lambda m, s, x: (
            m.searchsorted(s, x, sorter=m.argsort(s)), m.bucketize(2.5, s.sort().values),
        ),
        np.array([3.0, 1.0, 2.0]), np.array([2.0, NAN, 9.0, INF]), gradients=False,
    )  # fmt: skip
    compare(lambda m, s, x: m.searchsorted(s, x), np.array([1, 3, 5]), np.array([[3, 4]]),
            gradients=False)  # fmt: skip


def test_isin():
    x, y = np.array([[1, 2], [3, 1]]), np.array([1, 7])
    compare(
        lambda m, x, y: (m.isin(x, y), m.isin(x, y, invert=True), m.isin(x, 3), m.isin(3, x),
                         m.isin(x, y, assume_unique=False)),
        x, y, gradients=False,
    )  # fmt: skip
    compare(lambda m, x, y: m.isin(x, y), np.array([NAN, 1.0]), np.array([NAN]), gradients=False)


# --- errors ---------------------------------------------------------------------------------

REFUSED = {
    "a dimension too far": lambda m, x: x.sort(2),
    "k too large": lambda m, x: x.topk(3),
    "k negative": lambda m, x: x.topk(-1),
    "topk of bools": lambda m, x: (x > 1).topk(1),
    "rank 0": lambda m, x: x.kthvalue(0),
    "rank too large": lambda m, x: x.kthvalue(3),
    "rank among nothing": lambda m, x: x[:0].kthvalue(1, 0),
    "counts of floats": lambda m, x: x[0].bincount(),
    "counts of rows": lambda m, x: x.long().bincount(),
    "negative counts": lambda m, x: (-x[0]).long().bincount(),
    "negative minlength": lambda m, x: x[0].long().bincount(minlength=-1),
    "weights that do not fit": lambda m, x: x[0].long().bincount(x[0, :1]),
    "no bins": lambda m, x: x.histc(0),
    "bounds exchanged": lambda m, x: x.histc(3, 2, 1),
    "bounds not finite": lambda m, x: (x / 0).histc(3),
    "histogram of integers": lambda m, x: x.long().histc(3),
    "histogram of integers too": lambda m, x: x.long().histogram(3),
    "weights of a histogram": lambda m, x: x.histogram(3, weight=x[0]),
    "edges of a dtype": lambda m, x: x.histogram(m.tensor([1, 2])),
    "one edge": lambda m, x: x.histogram(x[0, :1]),
    "points of integers": lambda m, x: m.histogramdd(x.long(), 2),
    "points that are numbers": lambda m, x: m.histogramdd(x[0], 2),
    "bins for other dimensions": lambda m, x: m.histogramdd(x, [2, 3, 4]),
    "no bins in a dimension": lambda m, x: m.histogramdd(x, [2, 0]),
    "range for other dimensions": lambda m, x: m.histogramdd(x, 2, range=[0.0, 1.0]),
    "bounds of points exchanged": lambda m, x: m.histogramdd(x, 2, range=[1.0, 0.0, 0.0, 1.0]),
    "weights of other points": lambda m, x: m.histogramdd(x, 2, weight=x[0, :1]),
    "weights of a dtype": lambda m, x: m.histogramdd(x, 2, weight=x[0].float()),
    "edges in rows": lambda m, x: m.histogramdd(x, [x, x]),
    "side": lambda m, x: m.searchsorted(x[0], x, side="up"),
    "sides": lambda m, x: m.searchsorted(x[0], x, side="left", right=True),
    "rows that do not fit": lambda m, x: m.searchsorted(x, x[:1]),
    "a number for a sequence": lambda m, x: m.searchsorted(x[0, 0], x),
    "a sorter that does not fit": lambda m, x: m.searchsorted(x[0], x, sorter=x[0, :1].long()),
    "boundaries in rows": lambda m, x: m.bucketize(x, x),
    "no tensor": lambda m, x: m.isin(1, 2),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    with pytest.raises((RuntimeError, IndexError, TypeError)) as theirs:
        outputs_of(REFUSED[name](torch, torch.tensor(x)))
    with pytest.raises((RuntimeError, IndexError, TypeError), match=r"\w+.*\w+") as ours:
        REFUSED[name](mg, mg.tensor(x))
    assert issubclass(theirs.type, ours.type), f"{ours.value!r} instead of {theirs.value!r}"
