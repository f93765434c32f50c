"""`x[...]` and `x[...] = v` against torch: values, gradients, dtypes, drawn indices."""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.testing.operations import LAYOUTS
from tests.support.against_torch import compare

pytestmark = [
    pytest.mark.filterwarnings(f"ignore:{start}")  # what torch would rather have us not do
    for start in ("Using a non-tuple sequence", "The given NumPy array", "indexing with")
]

LONG = np.array([[0, 2, 0], [1, 1, 0]])


def long(m, *numbers):
    return m.tensor(numbers, dtype=m.int64)


INDICES = {
    "int": lambda m, x: 1,
    "negative": lambda m, x: (-1, -2),
    "all ints": lambda m, x: (0, 1, 2),
    "slice": lambda m, x: slice(1, None),
    "steps": lambda m, x: (slice(None, None, 2), slice(0, 3, 2)),
    "beyond": lambda m, x: (slice(1, 99), slice(-99, 2)),
    "backwards bounds": lambda m, x: slice(2, 1),
    "tensor bounds": lambda m, x: slice(m.tensor(0), m.tensor(2)),
    "None": lambda m, x: (None, slice(None), None, 1),
    "Ellipsis": lambda m, x: (Ellipsis, 0),
    "Ellipsis of nothing": lambda m, x: (0, 1, Ellipsis, 2),
    "Ellipsis and None": lambda m, x: (None, Ellipsis, None, slice(0, 2)),
    "nothing": lambda m, x: (),
    "list": lambda m, x: [1, 0, 1],
    "empty list": lambda m, x: [],
    "bool list": lambda m, x: [True, False],
    "list of slices": lambda m, x: [slice(None), 0],
    "nested lists": lambda m, x: [[0, 1], [1, 0]],
    "lists": lambda m, x: ([0, 1], slice(None), [2, 3]),
    "list of tensors": lambda m, x: [m.tensor(0), m.tensor(1)],
    "range": lambda m, x: range(2),
    "NumPy array": lambda m, x: np.array([1, 0]),
    "NumPy mask": lambda m, x: np.array([True, False]),
    "NumPy int": lambda m, x: (np.int64(1), slice(None), np.array([0, 3])),
    "0-d tensor": lambda m, x: m.tensor(1),
    "tensor": lambda m, x: long(m, 1, 0, 1, 1),
    "int32": lambda m, x: long(m, 1, 0).to(m.int32),
    "matrix": lambda m, x: m.tensor([[0, 1], [1, 1]]),
    "no places": lambda m, x: long(m),
    "tensors": lambda m, x: (long(m, 0, 1, 1), long(m, 2, 0, -1)),
    "broadcast tensors": lambda m, x: (m.tensor([[0], [1]]), long(m, 0, 2, 1)),
    "apart": lambda m, x: (long(m, 0, 1), slice(None), long(m, 3, 0)),
    "int and tensor": lambda m, x: (1, slice(None), long(m, 3, 0)),
    "tensor and int": lambda m, x: (long(m, 1, 0), slice(None), 2),
    "slice, int, tensor": lambda m, x: (slice(None), 1, long(m, 0, 0)),
    "0-d and tensor": lambda m, x: (m.tensor(1), slice(None), long(m, 0, 2)),
    "everything": lambda m, x: (None, 0, Ellipsis, None, long(m, 1, 3), None),
    "mask": lambda m, x: x > 2,
    "mask of rows": lambda m, x: m.tensor([[True, False, True], [False, True, True]]),
    "mask of one dim": lambda m, x: m.tensor([False, True]),
    "mask behind": lambda m, x: (Ellipsis, m.tensor([True, False, True, True])),
    "mask and int": lambda m, x: (m.tensor([True, True]), 1),
    "mask and tensor": lambda m, x: (m.tensor([True, True]), long(m, 0, 2)),
    "mask between": lambda m, x: (1, m.tensor([True, False, True]), slice(1, 3)),
    "empty mask": lambda m, x: x > 99,
    "True": lambda m, x: True,
    "False": lambda m, x: False,
    "0-d mask": lambda m, x: m.tensor(True),
    "None, True, int": lambda m, x: (None, True, 0),
    "True and tensor": lambda m, x: (True, long(m, 0, 1)),
    "0-d mask off": lambda m, x: m.tensor(False),
}


def cube(dtype="float64"):
    return (np.arange(24).reshape(2, 3, 4) * 5 % 7).astype(dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "bool"])
@pytest.mark.parametrize("name", INDICES)
def test_reading(name, dtype):
    compare(lambda m, x: x[INDICES[name](m, x)], cube(dtype), note=name)


@pytest.mark.parametrize("layout", ["strided", "broadcast"])
@pytest.mark.parametrize("name", INDICES)
def test_reading_other_layouts(name, layout):
    chosen = LAYOUTS[layout]

    def function(m, leaf):
        x = chosen.view(leaf, (2, 3, 4))
        return x[INDICES[name](m, x)]

    compare(function, np.array(chosen.leaf(cube()), order="C"), note=name)


VALUES = {
    "number": lambda place, y: 7,
    "0-d": lambda place, y: y.sum(),
    "one": lambda place, y: y[0, 0, :1].reshape((1,) * min(place.ndim, 1)),
    "fitting": lambda place, y: place * 0 + y[0, 0, 0],
    "leading one": lambda place, y: (place * 0 + y[0, 0, 0])[None],
}


# They name positions repeatedly; torch gives a gradient to all values for one: see
# test_repeated_indices.py.
REPEATED = {"list", "tensor", "matrix", "slice, int, tensor"}


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("name", INDICES)
def test_writing(name, value):
    def function(m, x, y):
        out = x * 1
        index = INDICES[name](m, x)
        if "False" in name or "off" in name:  # where torch writes nothing it records nothing
            y = y.detach()
        out[index] = VALUES[value](out.detach()[index], y)
        return out

    compare(function, cube(), cube() + 1, gradients=name not in REPEATED, note=name)


@pytest.mark.parametrize("dtype", ["float32", "int64", "uint8", "bool"])
def test_values_are_cast_to_the_dtype_of_the_tensor(dtype):
    def function(m, x):
        out = x.clone()
        out[0] = 2.5
        out[1, 0] = m.tensor([1.5, 0.0, 3.9, 1.0])
        out[1, 1] = m.tensor(True)
        return out

    compare(function, cube(dtype), gradients=False)


@settings(max_examples=150)
@given(st.data())
def test_drawn_indices(data):
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=4))
    parts = []
    dims = data.draw(st.integers(0, len(shape)))
    for size in shape[:dims]:
        kinds = [st.slices(size).filter(lambda s: s.step is None or 0 < s.step < 100)]
        if size:
            kinds.append(st.integers(-size, size - 1))
            places = st.lists(st.integers(-size, size - 1), min_size=2, max_size=2)
            kinds.append(places.map(np.array))
        parts.append(data.draw(st.one_of(kinds)))
        if data.draw(st.booleans()):
            parts.append(None)
    if data.draw(st.booleans()):
        parts.append(Ellipsis)
    array = np.random.default_rng(0).normal(size=shape)

    def index(m):
        return tuple(m.tensor(p) if isinstance(p, np.ndarray) else p for p in parts)

    def written(m, x):
        out = x * 1
        out[index(m)] = 3.0
        return out

    compare(lambda m, x: x[index(m)], array)
    compare(written, array)


def test_an_index_changed_later_does_not_change_the_gradient():
    x = mg.zeros(4, requires_grad=True)
    for read in (
        lambda i: x[i],
        lambda i: x.gather(0, i),
        lambda i: x.index_select(0, i),
        x.take,
        lambda i: x.index_fill(0, i, 1.0),
    ):
        x.grad = None
        places = mg.tensor([1, 2])
        out = read(places)
        places.fill_(0)
        out.sum().backward()
        assert x.grad[0] == (0 if out.shape == (2,) else 1)


def test_uint8_is_a_mask_as_in_torch():
    x = mg.arange(3)
    with pytest.warns(UserWarning, match="use a dtype torch.bool"):
        assert x[mg.tensor([1, 0, 1], dtype=mg.uint8)].tolist() == [0, 2]
