"""Broadcasting, reductions, products and indices on drawn shapes, against torch."""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.testing.operations import LAYOUTS
from tests.support.against_torch import compare, numbers, outcome

quick = settings(max_examples=40)
shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)


def in_layout(array, layout):
    """The array's numbers in another memory layout, and both libraries' way to them."""
    chosen = LAYOUTS[layout]
    return chosen.leaf(array), lambda tensor: chosen.view(tensor, array.shape)


@quick
@given(
    hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, min_side=0, max_side=3),
    st.sampled_from(["add", "sub", "mul", "div", "pow", "maximum", "remainder"]),
)
def test_broadcasting(drawn, name):
    left, right = (numbers(shape, seed) for seed, shape in enumerate(drawn.input_shapes))
    compare(lambda m, a, b: getattr(m, name)(a, b), left, right)


def test_predicates():
    x = mg.tensor([1.0, float("nan")])
    assert mg.equal(x[:1], x[:1].clone())
    assert not mg.equal(x, x)
    assert not mg.equal(x, x[:1])
    assert mg.allclose(x, x + 1e-9, equal_nan=True)
    assert not mg.allclose(x[:1], x[:1] + 1e-3)


@quick
@pytest.mark.filterwarnings("ignore:var:UserWarning")
@given(shapes, st.data())
def test_reductions(shape, data):
    name = data.draw(st.sampled_from(["sum", "mean", "var", "logsumexp", "amax", "all"]))
    dims = st.integers(-len(shape), len(shape) - 1) if shape else st.just(0)
    dim = data.draw(
        st.one_of(
            dims,
            st.lists(dims, min_size=1, max_size=2, unique_by=lambda d: d % max(len(shape), 1)).map(
                tuple
            ),
        )
    )
    keepdim = data.draw(st.booleans())
    if name == "all" and not isinstance(dim, int):
        dim = dim[0]

    def function(m, x):
        return getattr(m, name)(x if name != "all" else x > 1, dim=dim, keepdim=keepdim)

    array = numbers(shape)
    theirs = outcome(torch, function, torch.tensor(array))
    if isinstance(theirs, type):
        assert isinstance(outcome(mg, function, mg.tensor(array)), type)
    elif np.isnan(theirs.numpy()).any() or array.size == 0:
        compare(function, array, gradients=False)
    else:
        compare(function, array)


@quick
@given(
    hnp.mutually_broadcastable_shapes(
        signature="(m,k),(k,n)->(m,n)", max_dims=2, min_side=0, max_side=3
    ),
    st.sampled_from(sorted(LAYOUTS)),
)
def test_matmul(drawn, layout):
    a, b = (numbers(shape, seed) for seed, shape in enumerate(drawn.input_shapes))
    (left, see_left), (right, see_right) = in_layout(a, "contiguous"), in_layout(b, "contiguous")
    if layout != "strided":
        compare(lambda m, x, y: see_left(x) @ see_right(y), left, right)
    else:
        compare(lambda m, x, y: x.mT.contiguous().mT @ y.mT.contiguous().mT, a, b)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((3,), (3,)),
        ((3,), (3, 2)),
        ((2, 3), (3,)),
        ((4, 2, 3), (3,)),
        ((3,), (4, 3, 2)),
        ((0,), (0,)),
        ((2, 0), (0,)),
    ],
)
def test_matmul_of_vectors(left, right):
    compare(lambda m, a, b: a @ b, numbers(left), numbers(right, 1))


@settings(max_examples=80)
@given(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4), st.data())
def test_indexing(shape, data):
    basic = hnp.basic_indices(shape, allow_newaxis=True).filter(
        lambda index: all(
            not isinstance(i, slice) or i.step is None or i.step > 0
            for i in (index if isinstance(index, tuple) else (index,))
        )
    )
    index = data.draw(st.one_of(basic, hnp.integer_array_indices(shape)))

    def function(m, x):
        parts = index if isinstance(index, tuple) else (index,)
        return x[tuple(m.tensor(p) if isinstance(p, np.ndarray) else p for p in parts)]

    compare(function, numbers(shape))

    def assigned(m, x):
        out = x * 1
        parts = index if isinstance(index, tuple) else (index,)
        out[tuple(m.tensor(p) if isinstance(p, np.ndarray) else p for p in parts)] = 5.0
        return out

    compare(assigned, numbers(shape))


MIXED = [
    lambda m, x: x[0, :, m.tensor([0, 1])],
    lambda m, x: x[:, 0, m.tensor([0, 1])],
    lambda m, x: x[m.tensor([0, 1]), :, 0],
    lambda m, x: x[m.tensor([0, 1]), :, m.tensor([1, 1])],
    lambda m, x: x[m.tensor([[0], [1]]), m.tensor([0, 2])],
    lambda m, x: x[..., m.tensor([True, False, True, True])],
    lambda m, x: x[1, m.tensor([True, False, True])],
    lambda m, x: x[m.tensor([[True, False, True], [False, False, True]])],
    lambda m, x: x[None, 1, ..., None, m.tensor([1, 1, 0])],
    lambda m, x: x[[0, 1], [2, 0]],
    lambda m, x: x[x > 1],
    lambda m, x: x[m.tensor(1)],
    lambda m, x: x[-1, :, 1:],
]


@pytest.mark.parametrize("i", range(len(MIXED)))
def test_mixed_indices(i):
    compare(MIXED[i], numbers((2, 3, 4)))
