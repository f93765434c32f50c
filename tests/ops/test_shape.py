"""Views, rearrangements and joins against torch: values, gradients, dtypes, layouts, sizes of 0."""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.testing import gradgradcheck
from minigrad.testing.operations import LAYOUTS
from tests.support.against_torch import assert_same, compare, outcome

pytestmark = [
    pytest.mark.filterwarnings(f"ignore:{start}")  # what torch would rather have us not do
    for start in ("Tensor", "The use of `x.T`")
]

DTYPES = ["float64", "float32", "int64", "uint8", "bool"]


# Functions of x (2, 3, 4) and y (3, 4); the results may be one tensor or many.
CASES = {
    "view": lambda m, x, y: (x.view(-1), x.view(4, -1, 2), y.view_as(y.mT.contiguous())),
    "reshape": lambda m, x, y: (m.reshape(x, (6, 4)), x.mT.reshape(-1), y.reshape_as(y.mT)),
    "ravel": lambda m, x, y: (x.ravel(), x.mT.ravel(), y.flatten(), x.flatten(1), x.flatten(0, 1)),
    "unflatten": lambda m, x, y: (x.unflatten(2, (2, -1)), m.unflatten(y, 0, (3, 1))),
    "squeeze": lambda m, x, y: (
        y[None, :, None].squeeze(),
        y[None, :, None].squeeze(0),
        y[None, :, None].squeeze((0, 2)),
        y[None].squeeze(()),
        y[:1].squeeze(-2),
        m.squeeze(x, 1),
    ),
    "unsqueeze": lambda m, x, y: (x.unsqueeze(0), x.unsqueeze(-1), m.unsqueeze(y, 1)),
    "transpose": lambda m, x, y: (
        x.transpose(0, 2),
        m.swapaxes(x, 0, -1),
        m.swapdims(x, 1, 2),
        x.swapdims(0, 1),
        y.t(),
        y.T,
        x.mT,
        x.mH,
        y.H,
        x.adjoint(),
        m.adjoint(y),
    ),
    "permute": lambda m, x, y: (x.permute(2, 0, 1), m.permute(x, (-1, 0, 1))),
    "movedim": lambda m, x, y: (
        m.movedim(x, 0, 2),
        x.movedim((0, 1), (2, 0)),
        m.moveaxis(x, -1, 0),
        x.moveaxis((2, 0), (0, 1)),
    ),
    "expand": lambda m, x, y: (
        y.expand(2, 3, 4),
        y.expand(2, -1, -1),
        m.broadcast_to(y[:1], (3, 4)),
        y[:, :1].expand_as(y),
        y.broadcast_to((1, 3, 4)),
    ),
    "broadcast_tensors": lambda m, x, y: m.broadcast_tensors(x, y, y[0]),
    "cat": lambda m, x, y: (
        m.cat([x, x], 1),
        m.concat((y, y[:0], y), dim=0),
        m.concatenate([x, y[None]], 0),
        m.cat([y.reshape(12)[:0], y]),
    ),
    "stack": lambda m, x, y: (m.stack([y, y], 1), m.stack((y, x[0]), -1), m.stack([x])),
    "hstack": lambda m, x, y: (m.hstack([x, x]), m.hstack([y[0], y[1]]), m.hstack((y[0, 0], y[0]))),
    "vstack": lambda m, x, y: (m.vstack([y, y[0]]), m.row_stack([y[0], y[1]])),
    "dstack": lambda m, x, y: (m.dstack([x, x]), m.dstack([y, y]), m.dstack([y[0], y[1]])),
    "column_stack": lambda m, x, y: (m.column_stack([y[:, 0], y, y[:, 1]]), m.column_stack([x, x])),
    "block_diag": lambda m, x, y: m.block_diag(y, x[0, :2], y[0], y[0, 0]),
    "split": lambda m, x, y: (*x.split(2, 2), *m.split(x, [1, 2], 1), *m.split(x[:0], 2)),
    "split_with_sizes": lambda m, x, y: x.split_with_sizes([3, 0, 1], 2),
    "chunk": lambda m, x, y: (*m.chunk(x, 3, 2), *x[:0].chunk(2), *x.chunk(5, 1)),
    "tensor_split": lambda m, x, y: (
        *m.tensor_split(x, 3, 2),
        *x.tensor_split((1, 1, 9), 2),
        *x.tensor_split((-1,), 1),
        *x.tensor_split(m.tensor([1, 3]), dim=2),
    ),
    "hsplit": lambda m, x, y: (*m.hsplit(x, 3), *y[0].hsplit(2), *x.hsplit((1,))),
    "vsplit": lambda m, x, y: (*m.vsplit(x, 2), *y.vsplit([1])),
    "dsplit": lambda m, x, y: (*m.dsplit(x, 2), *x.dsplit([1, 3])),
    "unbind": lambda m, x, y: (*m.unbind(x), *x.unbind(-1)),
    "narrow": lambda m, x, y: (m.narrow(x, 2, 1, 2), x.narrow(1, -2, 2), x.narrow(0, 2, 0)),
    "select": lambda m, x, y: (m.select(x, 1, 2), x.select(-1, -1)),
    "unfold": lambda m, x, y: (x.unfold(2, 3, 1), x.unfold(2, 2, 2), x.unfold(1, 1, 2)),
    "as_strided": lambda m, x, y: (
        x.as_strided((2, 2), (5, 1), 3),
        m.as_strided(y, (3, 3), (1, 2)),
        y.as_strided((2, 3), (0, 4)),
        x.contiguous().as_strided((), (), 7),
    ),
    "roll": lambda m, x, y: (
        m.roll(x, 1),
        x.roll(5, 2),
        m.roll(x, (1, -1), (0, 2)),
        x.roll(shifts=(1, 1), dims=(0, 0)),
        x[:0].roll(1, 0),
    ),
    "flip": lambda m, x, y: (x.flip(0), x.flip(0, -1), m.flip(x, (1,)), x.flip(()), y.flip([0])),
    "flips": lambda m, x, y: (m.fliplr(x), m.flipud(x), y.fliplr(), y[0].flipud()),
    "rot90": lambda m, x, y: [m.rot90(x, k, (1, 2)) for k in range(-4, 5)] + [y.rot90()],
    "tile": lambda m, x, y: (m.tile(x, (2,)), x.tile(2, 1, 1, 2), y.tile((1, 1)), y.tile(0)),
    "repeat": lambda m, x, y: (
        x.repeat(1, 2, 1),
        y.repeat(2, 1, 3),
        y.repeat((1, 1)),
        y.repeat(0, 2),
    ),
    "repeat_interleave": lambda m, x, y: (
        x.repeat_interleave(2),
        x.repeat_interleave(3, dim=1),
        m.repeat_interleave(y, m.tensor([0, 2, 1]), 0),
        m.repeat_interleave(y, m.tensor([2]), 1, output_size=8),
        m.repeat_interleave(m.tensor([0, 2, 1])),
    ),
    "triangles": lambda m, x, y: (m.tril(x), m.triu(x, 1), x.tril(-1), y.triu(diagonal=-5)),
    "diag": lambda m, x, y: (m.diag(y), y.diag(1), m.diag(y[0], -1), y[0].diag(), y.diag(-9)),
    "diagonal": lambda m, x, y: (
        m.diagonal(x),
        x.diagonal(1, 1, 2),
        x.diagonal(-1, -1, 0),
        m.diagonal(y, offset=2),
        y.diagonal(9),
    ),
    "diag_embed": lambda m, x, y: (m.diag_embed(y), y.diag_embed(1), m.diag_embed(x, -2, 0, 2)),
    "diagflat": lambda m, x, y: (m.diagflat(y), y[0].diagflat(-2), m.diagflat(y[0, 0])),
    "diagonal_scatter": lambda m, x, y: (
        m.diagonal_scatter(y, y[0, :3]),
        x.diagonal_scatter(y.T[:, :2], 0, 0, 1),
    ),
    "select_scatter": lambda m, x, y: (
        m.select_scatter(x, y, 0, 1),
        x.select_scatter(y[:2], 1, -1),
    ),
    "slice_scatter": lambda m, x, y: (
        m.slice_scatter(x, x[:, :2], 1, 0, 4, 2),
        x.slice_scatter(x[:1] * 2, start=1),
    ),
    "meshgrid": lambda m, x, y: (
        *m.meshgrid(y[0], y[:, 0], x[0, 0, 0], indexing="ij"),
        *m.meshgrid([y[0], y[:, 0]], indexing="xy"),
    ),
    "cartesian_prod": lambda m, x, y: (m.cartesian_prod(y[0], y[:, 0]), m.cartesian_prod(y[0])),
    "combinations": lambda m, x, y: (
        m.combinations(y[0]),
        m.combinations(y[0], 3, with_replacement=True),
        m.combinations(y[0], 5),
        m.combinations(y[0], r=0),
    ),
    "atleast": lambda m, x, y: (
        *m.atleast_1d(y[0, 0], y),
        m.atleast_2d(y[0]),
        *m.atleast_2d([y[0, 0], x]),
        m.atleast_3d(y[0]),
        *m.atleast_3d(y, x, y[0, 0]),
    ),
    "zero dimensions": lambda m, x, y: (
        y[0, 0].transpose(0, 0),
        y[0, 0].T,
        y[0, 0].mT,
        y[0, 0].flip(0),
        y[0, 0].roll(1),
        y[0, 0].repeat(3),
        y[0, 0].unfold(0, 1, 1),
        y[0, 0].movedim(0, 0),
        y[0, 0].squeeze(0),
        y[0, 0].repeat_interleave(2),
        y[0, 0].expand(2, 2),
    ),
}

ABOUT_MEMORY = {"view", "as_strided"}  # what they give depends on the layout


def arrays(dtype="float64"):
    numbers = np.arange(36) % 7 + np.linspace(0, 1, 36)
    x, y = numbers[:24].reshape(2, 3, 4), numbers[24:].reshape(3, 4)
    return (x > 3, y > 3) if dtype == "bool" else (x.astype(dtype), y.astype(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CASES)
def test_cases(name, dtype):
    compare(CASES[name], *arrays(dtype), note=name)


@pytest.mark.parametrize("layout", ["strided", "broadcast"])
@pytest.mark.parametrize("name", sorted(set(CASES) - ABOUT_MEMORY))
def test_cases_of_other_layouts(name, layout):
    chosen = LAYOUTS[layout]
    shapes = [a.shape for a in arrays()]

    def function(m, *leaves):
        return CASES[name](m, *map(chosen.view, leaves, shapes))

    compare(function, *(np.array(chosen.leaf(a), order="C") for a in arrays()), note=name)


@pytest.mark.parametrize("name", CASES)
def test_second_derivatives(name):
    def squared(x, y):
        results = CASES[name](mg, x, y)
        results = results if isinstance(results, tuple | list) else [results]
        return sum((r * r).sum() for r in results if r.is_floating_point())

    leaves = [mg.tensor(a, requires_grad=True) for a in arrays()]
    assert gradgradcheck(squared, leaves)


# --- drawn shapes ---------------------------------------------------------------------------

quick = settings(max_examples=60)
shapes = hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=3)


@st.composite
def changes(draw):
    """A shape, and some change of it that torch may or may not allow."""
    shape = draw(shapes)
    dim = draw(st.integers(-len(shape), len(shape) - 1))
    other = draw(st.integers(-len(shape), len(shape) - 1))
    n = draw(st.integers(-1, 4))
    table = {
        "transpose": lambda x: x.transpose(dim, other),
        "movedim": lambda x: x.movedim(dim, other),
        "flatten": lambda x: x.flatten(dim, other),
        "unbind": lambda x: x.unbind(dim),
        "split": lambda x: x.split(n, dim),
        "chunk": lambda x: x.chunk(n, dim),
        "tensor_split": lambda x: x.tensor_split(n, dim),
        "narrow": lambda x: x.narrow(dim, n, 1),
        "select": lambda x: x.select(dim, n),
        "roll": lambda x: x.roll(n, dim),
        "flip": lambda x: x.flip(dim, other),
        "unfold": lambda x: x.unfold(dim, n, 2),
        "repeat_interleave": lambda x: x.repeat_interleave(n, dim),
        "tile": lambda x: x.tile(abs(n)),
        "repeat": lambda x: x.repeat(abs(n), *(1 for _ in x.shape)),
        "diagonal": lambda x: x.diagonal(n, dim, other),
        "diag_embed": lambda x: x.diag_embed(n, dim, other),
        "tril": lambda x: x.tril(n),
        "triu": lambda x: x.triu(n),
        "unsqueeze": lambda x: x.unsqueeze(n),
        "squeeze": lambda x: x.squeeze(dim),
        "rot90": lambda x: x.rot90(n, (dim, other)),
        "expand": lambda x: x.expand(2, *(-1 for _ in x.shape)),
        "reshape": lambda x: x.reshape(n, -1),
        "unflatten": lambda x: x.unflatten(dim, (n, -1)),
    }
    return shape, draw(st.sampled_from(sorted(table))), table


@settings(max_examples=400)
@given(changes(), st.sampled_from(["float64", "float32", "int64"]))
def test_drawn_changes(drawn, dtype):
    shape, name, table = drawn
    array = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    theirs = outcome(torch, lambda m: table[name](m.tensor(array)))
    if isinstance(theirs, type):
        ours = outcome(mg, lambda m: table[name](m.tensor(array)))
        assert ours is theirs, f"{name} of {shape}: {ours} instead of {theirs}"
    else:
        compare(lambda m, x: table[name](x), array, note=f"{name} of {shape}")


@quick
@given(st.data())
def test_drawn_joins(data):
    first = data.draw(shapes)
    dim = data.draw(st.integers(-len(first), len(first) - 1))
    sizes = data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=3))
    parts = []
    for i, size in enumerate(sizes):
        shape = list(first)
        shape[dim] = size
        parts.append(np.random.default_rng(i).normal(size=shape))
    compare(lambda m, *tensors: m.cat(tensors, dim), *parts)
    compare(lambda m, *tensors: m.stack(tensors, dim),
            parts[0], parts[0] + 1)  # fmt: skip


def test_joins_meet_in_a_common_dtype():
    for join in ("cat", "stack", "hstack", "vstack", "dstack", "column_stack"):
        for left in DTYPES:
            for right in DTYPES:
                ours, theirs = (
                    getattr(m, join)([m.ones(2, dtype=getattr(m, left)),
                                      m.ones(2, dtype=getattr(m, right))])
                    for m in (mg, torch)
                )  # fmt: skip
                assert_same(ours, theirs, f"{join} of {left} and {right}")


def test_view_needs_memory_in_its_order():
    x = mg.arange(24).reshape(2, 3, 4)
    assert x.mT.view(2, 12 // 3, 3).tolist() == x.mT.tolist()
    with pytest.raises(RuntimeError, match=r"\[2, 4, 3\] and strides \[12, 1, 4\]"):
        x.mT.view(24)


def test_as_strided_keeps_to_the_memory_of_its_tensor():
    x = mg.arange(12.0).reshape(3, 4)
    assert x.T.as_strided((2, 2), (1, 2)).tolist() == [[0, 2], [1, 3]]
    with pytest.raises(RuntimeError, match="needs 13 elements"):
        x.as_strided((4, 4), (3, 1))
    with pytest.raises(RuntimeError, match="not contiguous"):
        x[:, ::2].as_strided((2,), (1,))
    with pytest.raises(RuntimeError, match="single memory location"):
        x.as_strided((3, 3), (1, 1)).add_(1)


def test_places_of_triangles():
    for name in ("tril_indices", "triu_indices"):
        for row, col, offset in [(2, 3, 0), (3, 2, 1), (3, 3, -1), (0, 2, 0), (2, 2, 9)]:
            ours, theirs = (getattr(m, name)(row, col, offset) for m in (mg, torch))
            assert_same(ours, theirs, name)
        with pytest.raises(RuntimeError, match="non-negative, got -1 and 2"):
            getattr(mg, name)(-1, 2)
    assert mg.tril_indices(2, 2, dtype=mg.int32).dtype is mg.int32


def test_shapes_meet():
    assert mg.broadcast_shapes((2, 1), (3,), 1) == (2, 3)
    with pytest.raises(RuntimeError, match=r"\[2\] and \[3\] do not broadcast"):
        mg.broadcast_shapes((2,), (3,))


def test_gradients_of_values_scattered_by_strides():
    """torch gives the first one where the values were written."""
    x = mg.zeros(3, 3, requires_grad=True)
    values = mg.ones(2, 2, requires_grad=True)
    out = mg.as_strided_scatter(x, values, (2, 2), (1, 2))
    (out * mg.arange(9.0).reshape(3, 3)).sum().backward()
    assert x.grad.tolist() == [[0, 0, 0], [0, 4, 5], [6, 7, 8]]
    assert values.grad.tolist() == [[0, 2], [1, 3]]
    double = mg.rand(3, 3, dtype=mg.float64, requires_grad=True)
    written = mg.rand(2, 2, dtype=mg.float64, requires_grad=True)
    assert mg.autograd.gradcheck(
        lambda x, y: mg.as_strided_scatter(x, y, (2, 2), (1, 2)), (double, written)
    )
