"""Every operation against torch: values, gradients, dtypes, shapes, special values."""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.engine.op import arr
from minigrad.ops import table
from minigrad.ops.elementwise import arithmetic, binary, comparison, special
from minigrad.ops.nn import activation
from minigrad.testing.operations import LAYOUTS, describe, draw
from tests.support.against_torch import DTYPES, assert_same, compare, outcome
from tests.support.torch_functions import FACTORIZATIONS, TORCH_FUNCTIONS

SAMPLES = [
    pytest.param(name, case, id=f"{name}-{i}")
    for name in TORCH_FUNCTIONS
    if name in table.declared()
    for i, case in enumerate(table.declared()[name].op.samples)
]


@pytest.mark.parametrize(("name", "case"), SAMPLES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_samples(name, case, dtype):
    operation = table.declared()[name]
    rng = np.random.default_rng(1)
    drawn = [draw(a, rng) if isinstance(a, arr) else a for a in case.args]
    arrays = [a for a in drawn if isinstance(a, np.ndarray)]
    arrays = [a.astype(dtype) if a.dtype.kind == "f" else a for a in arrays]

    def on_both(module, *tensors):
        given = iter(tensors)
        args = [next(given) if isinstance(a, np.ndarray) else a for a in drawn]
        function = TORCH_FUNCTIONS[name] if module is torch else operation
        result = function(*args, **case.settings)
        return result[0] if isinstance(result, tuple) else result

    if name in {"digamma", "polygamma"} and dtype == "float64":
        return test_trigamma()  # torch's is good to 1e-9 only
    compare(on_both, *arrays, note=f"{name}{describe(case)}")


def test_trigamma():
    x = mg.tensor([0.5, 1.0, 2.0, -0.5], dtype=mg.float64)
    exact = np.pi**2 * np.array([1 / 2, 1 / 6, 1 / 6, 1 / 2]) + [0, 0, -1, 4]
    np.testing.assert_allclose(mg.polygamma(1, x).numpy(), exact, rtol=1e-13)
    for n in (1, 2, 3):  # the functional equation, from poles to the far ends
        x = mg.tensor([0.2, 3.7, 40.0, -3.3, -41.6], dtype=mg.float64)
        step = (-1.0) ** n * float(np.prod(np.arange(1, n + 1))) * x ** (-n - 1)
        ahead, here = mg.polygamma(n, x + 1), mg.polygamma(n, x)
        np.testing.assert_allclose((here + step).numpy(), ahead.numpy(), rtol=1e-11)


def test_every_operation_is_compared():
    compared_elsewhere = {"binary_cross_entropy", "log_sigmoid", "nll_loss", "nll_loss_backward"}
    compared_elsewhere |= {"matrix_rank", "activation_backward", *FACTORIZATIONS}
    assert set(table.declared()) - set(TORCH_FUNCTIONS) <= compared_elsewhere


# --- special values -------------------------------------------------------------------------

SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 2.5, -2.5, 0.5, 1e-30, -1e30])


def of_tensors(*families, count):
    """Names of the families' operations of so many tensors that torch has under the same name."""
    return [
        name
        for family in families
        for name, call in table.declared_in(family).items()
        if len(call.op.tensors) == count and hasattr(torch, name) and name in dir(mg)
    ]


UNARY = of_tensors(arithmetic, special, activation, comparison, count=1)
BINARY = of_tensors(arithmetic, binary, comparison, count=2)
INTEGERS = {name for name in UNARY + BINARY if name.startswith("bitwise")}
UNARY = [name for name in UNARY if name not in INTEGERS | {"clamp", "polygamma"}]
BINARY = [name for name in BINARY if name not in INTEGERS]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", UNARY)
def test_special_values_of_one(name, dtype):
    # At poles torch's trigamma is finite, and logit's slope at -0.0 has the sign of no limit.
    smooth = name not in {"digamma", "logit"}
    compare(lambda m, x: getattr(m, name)(x), SPECIAL.astype(dtype), gradients=smooth)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", BINARY)
def test_special_values_of_two(name, dtype):
    left, right = (a.ravel() for a in np.meshgrid(SPECIAL[:10], SPECIAL[:10]))
    differentiable = name not in {"floor_divide"}
    compare(
        lambda m, x, y: getattr(m, name)(x, y),
        left.astype(dtype),
        right.astype(dtype),
        gradients=differentiable,
    )


@pytest.mark.parametrize("low_high", [(-1.0, 1.0), (None, 0.5), (0.5, None), (1.0, -1.0)])
def test_special_values_of_clamp(low_high):
    compare(lambda m, x: m.clamp(x, *low_high), SPECIAL)


def test_infinite_cotangents_stay_where_they_belong():
    def function(m, x, y):
        return (m.maximum(x, y) * m.tensor([float("inf"), 1.0])).sum() + m.clamp(x, 0.0, 1.0).sum()

    compare(function, np.array([1.0, 2.0]), np.array([3.0, 2.0]))


@pytest.mark.parametrize("name", ["sum", "mean", "var", "std", "amax", "amin", "logsumexp"])
def test_special_values_in_reductions(name):
    rows = np.array(
        [
            [1.0, np.nan, 2.0],
            [np.inf, 1.0, 0.0],
            [-np.inf, -np.inf, -np.inf],
            [3.0, 3.0, 3.0],
            [1e30, 1.0, -1e30],
        ]
    )
    compare(lambda m, x: getattr(m, name)(x, dim=1), rows, gradients=name != "logsumexp")
    if name != "logsumexp":  # torch has no gradient at -inf there either, but other nans
        compare(lambda m, x: getattr(m, name)(x, dim=1), rows[3:])


def test_norms_at_the_origin():
    for p in (2, 1, float("inf"), 3):
        compare(lambda m, x, p=p: x.norm(p, dim=1), np.array([[0.0, 0.0], [3.0, -4.0]]))
    compare(lambda m, x: x.norm(), np.zeros((2, 2)))
    compare(lambda m, x: x.std(), np.full(3, 2.0))


# --- dtypes ---------------------------------------------------------------------------------

KINDS = ["tensor", "zero-d", "bool", "int", "float"]
SCALARS = {"bool": True, "int": 2, "float": 2.0}
PROMOTING = {
    "add": lambda m, a, b: a + b,
    "sub": lambda m, a, b: a - b,
    "mul": lambda m, a, b: a * b,
    "div": lambda m, a, b: a / b,
    "pow": lambda m, a, b: a**b,
    "floordiv": lambda m, a, b: a // b,
    "mod": lambda m, a, b: a % b,
    "eq": lambda m, a, b: a == b,
    "lt": lambda m, a, b: a < b,
    "where": lambda m, a, b: m.where(m.tensor([True, False]), a, b),
}


def operand(module, dtype, kind):
    if kind in SCALARS:
        return SCALARS[kind]
    return module.tensor(2 if kind == "zero-d" else [1, 2]).to(getattr(module, dtype))


@pytest.mark.parametrize("name", PROMOTING)
@pytest.mark.parametrize("right_kind", KINDS)
def test_promotion(name, right_kind):
    function = PROMOTING[name]
    for left_kind in ("tensor", "zero-d"):
        for left in DTYPES:
            for right in DTYPES if right_kind in ("tensor", "zero-d") else ["float32"]:
                ours, theirs = (
                    outcome(m, function, operand(m, left, left_kind), operand(m, right, right_kind))
                    for m in (mg, torch)
                )
                note = f"{name}: {left_kind} {left} with {right_kind} {right}"
                if "bool" in {left, right, right_kind} and name in {
                    "sub",
                    "pow",
                    "floordiv",
                    "mod",
                }:
                    continue  # torch refuses some of these: test_bool_arithmetic
                if isinstance(theirs, type):
                    assert isinstance(ours, type), f"{note}: {ours} instead of {theirs}"
                else:
                    assert isinstance(ours, mg.Tensor), f"{note}: {ours}"
                    assert_same(ours, theirs, note)


def test_bool_arithmetic():
    b, i = mg.tensor([True, False]), mg.tensor([3, 2])
    with pytest.raises(RuntimeError, match="Subtraction"):
        _ = b - b
    with pytest.raises(RuntimeError, match="Negation"):
        -b  # noqa: B018
    assert (i - b).tolist() == [2, 2]
    assert (b + b).dtype is mg.bool
    assert (b / b.logical_not()).dtype is mg.float32


@pytest.mark.parametrize("left", DTYPES)
def test_promotion_of_maximum_and_cat(left):
    for right in DTYPES:
        for function in (lambda m, a, b: m.maximum(a, b), lambda m, a, b: m.cat([a, b])):
            ours, theirs = (
                outcome(m, function, operand(m, left, "tensor"), operand(m, right, "tensor"))
                for m in (mg, torch)
            )
            assert_same(ours, theirs, f"{left}, {right}")


@pytest.mark.parametrize(
    "name",
    [
        "exp",
        "sqrt",
        "sigmoid",
        "tanh",
        "sum",
        "cumsum",
        "mean",
        "neg",
        "abs",
        "argmax",
        "amax",
        "any",
        "square",
        "var",
        "relu",
        "floor",
        "softmax",
        "sign",
        "log",
        "all",
        "reciprocal",
    ],
)
@pytest.mark.parametrize("dtype", DTYPES)
def test_result_dtype_of_one(name, dtype):
    if dtype == "float16" and name in {"sigmoid", "softmax"}:
        pytest.skip("half precision is for storage: kernels compute in float32 and float64")

    def function(m):
        x = m.tensor([1, 0, 1]).to(getattr(m, dtype))
        return getattr(m, name)(x, dim=0) if name in {"cumsum", "softmax"} else getattr(m, name)(x)

    ours, theirs = outcome(mg, function), outcome(torch, function)
    if isinstance(theirs, type):
        assert dtype == "bool" or isinstance(ours, type), f"{ours} instead of {theirs}"
    else:
        assert isinstance(ours, mg.Tensor), f"{ours} instead of {theirs}"
        assert_same(ours, theirs)


def test_gradients_come_in_the_dtype_of_their_argument():
    compare(lambda m, a, b: a * b, np.ones(3, np.float32), np.full((2, 3), 2.0))
    compare(lambda m, a, b: a.double() + b, np.ones(3, np.float32), np.full((2, 3), 2.0))
    compare(lambda m, a, i: a * i, np.ones(3, np.float32), np.arange(3))
    x = mg.ones(3, requires_grad=True)
    assert not x.to(mg.int64).requires_grad


# --- drawn shapes ---------------------------------------------------------------------------

quick = settings(max_examples=40)
shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)


def numbers(shape, seed=0):
    return np.random.default_rng(seed).uniform(0.3, 2.0, shape)


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


COMPOSED = {
    "addcmul": lambda m, x, y: m.addcmul(x, x, y, value=0.5),
    "addcdiv": lambda m, x, y: m.addcdiv(x, x, y, value=0.5),
    "lerp": lambda m, x, y: m.lerp(x, y, 0.3),
    "lerp by tensor": lambda m, x, y: m.lerp(x, y, x * 0.1),
    "add alpha": lambda m, x, y: m.add(x, y, alpha=3) - m.sub(x, y, alpha=0.5),
    "outer": lambda m, x, y: m.outer(x[0], y[1]),
    "dot": lambda m, x, y: m.dot(x[0], y[1]),
    "mm": lambda m, x, y: m.mm(x, y.t()) + m.mv(x, y[0])[:, None],
    "bmm": lambda m, x, y: m.bmm(x[None], y.t()[None]),
    "max": lambda m, x, y: (m.max(x), *m.max(x, 1), m.max(x, y), *m.max(x, 0, keepdim=True)),
    "min": lambda m, x, y: (m.min(x), *m.min(x, 1), m.min(x, y), *m.min(x, 0, keepdim=True)),
    "fields": lambda m, x, y: (x.max(1).values, x.min(0).indices),
    "flatten": lambda m, x, y: (m.flatten(x), x[None].flatten(1), x.unflatten(1, (3, -1)), x.t()),
    "narrow": lambda m, x, y: (m.narrow(x, 1, 1, 2), m.select(x, 0, 1), *m.unbind(x, 1)),
    "split": lambda m, x, y: (*m.split(x, 2), *m.split(x, [1, 3, 2], dim=1), *m.chunk(x, 4, dim=1)),
    "cat": lambda m, x, y: (m.cat([x, y, x], 1), m.stack([x, y], -1), m.cat([x, y[:0]])),
    "gather": lambda m, x, y: m.gather(x, 1, m.tensor([[0, 5], [1, 1], [2, 0]])),
    "scatter_add": lambda m, x, y: x.scatter_add(1, m.tensor([[0, 0], [1, 5]]), y[:2, :2]),
    "index_select": lambda m, x, y: m.index_select(x, 1, m.tensor([0, 0, 5])),
    "masked_fill": lambda m, x, y: x.masked_fill(x > y, 7.0),
    "where": lambda m, x, y: (m.where(x > y, x, y), m.where(x > 1, x, 0.0), m.where(x > 1, 2, y)),
    "norm": lambda m, x, y: (x.norm(), x.norm(1, dim=1), x.norm(3), x.norm(float("inf"), dim=0)),
    "reversed": lambda m, x, y: (2 - x, 2 / x, 2**x, 7 // x.detach(), 7 % x.detach()),
    "powers": lambda m, x, y: (x**0, x**1, x**2, x**3, x**-1, x**0.5, x**y, 2.0**x, x**2.0),
    "views": lambda m, x, y: (x.view(-1), x.view(2, -1), x.reshape(6, 3).mT, x.T, x.swapaxes(0, 1)),
    "expand": lambda m, x, y: (
        x[:, None].expand(3, 2, 6),
        x.expand(2, -1, -1),
        x.expand_as(x[None]),
    ),
    "squeeze": lambda m, x, y: (
        x[None].squeeze(),
        x[None].squeeze(0),
        x.squeeze(0),
        x.unsqueeze(-1),
    ),
    "cumsum": lambda m, x, y: (m.cumsum(x, 0), x.cumsum(dim=-1)),
    "bool": lambda m, x, y: (
        x > y,
        (x > y) & (x < 2),
        ~(x > y),
        (x > y) | (x < 2),
        (x > y) ^ (x < 2),
    ),
    "softmax": lambda m, x, y: (m.softmax(x, 1), m.log_softmax(y, 0), m.logsumexp(x, 1)),
    "permute": lambda m, x, y: (x.permute(1, 0), m.permute(x, (1, 0)), x[None].permute(2, 0, 1)),
    "tri": lambda m, x, y: (m.tril(x), m.triu(x, 1), x.tril(-1), m.flip(x, (0, 1)), x.flip(1)),
    "iterate": lambda m, x, y: [row * i for i, row in enumerate(x)],
    "keywords": lambda m, x, y: (
        m.sum(input=x, dim=1),
        m.mul(input=x, other=y),
        x.var(dim=0, correction=0),
        m.transpose(x, dim0=0, dim1=1),
        m.clamp(x, min=0.5),
        x.std(1, keepdim=True),
    ),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", COMPOSED)
def test_composed(name, dtype):
    compare(COMPOSED[name], *(numbers((3, 6), seed).astype(dtype) for seed in (0, 1)))


IN_PLACE = {
    "arithmetic": lambda m, x, y: (x * 1).add_(y).mul_(2).sub_(y, alpha=2).div_(y),
    "mul by self's gradient": lambda m, x, y: (x * 1).mul_(y),
    "pow": lambda m, x, y: (x * 1).pow_(3),
    "functions": lambda m, x, y: [
        getattr(x * 1, f"{name}_")()
        for name in [
            "exp",
            "log",
            "sqrt",
            "rsqrt",
            "reciprocal",
            "square",
            "sin",
            "cos",
            "neg",
            "abs",
            "relu",
            "sigmoid",
            "tanh",
            "floor",
            "ceil",
            "round",
        ]
    ],
    "clamp": lambda m, x, y: (x * 1).clamp_(0.5, 1.0).relu_(),
    "addcmul": lambda m, x, y: (x * 1).addcmul_(x, y, value=2.0).addcdiv_(x, y).lerp_(y, 0.5),
    "fill": lambda m, x, y: (x * 1).fill_(3.0) + y,
    "zero then add": lambda m, x, y: (x * 1).zero_().add_(y),
    "copy": lambda m, x, y: (x * 1).copy_(y[0]),
    "masked": lambda m, x, y: (x * 1).masked_fill_(y > 1, 0.0),
    "promoting": lambda m, x, y: (x * 1).add_(m.tensor([1, 2, 3, 4, 5, 6])),
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place(name):
    compare(IN_PLACE[name], numbers((3, 6)), numbers((3, 6), 1))


def _loop(m, x, y):
    out = m.zeros(3, 6, dtype=m.float64)
    for i in range(3):
        out[i] += x[i] * y[i]
        out[i, 0] = 2 * out[i, 1]
    return out


def _through_views(m, x, y):
    out = x * 1
    out[0].mul_(y[0])
    out[:, 1:3] += y[:, 1:3]
    out.view(-1)[4:8].mul_(y[0, :4])
    out.t()[5] *= 3
    out[0, 1:4][1:] -= x[0, :2]
    return out * y


def _view_goes_on(m, x, y):
    out = x * 1
    row = out[1]
    row.mul_(y[0])
    row.add_(1)
    return out, row * 2


def _gets_a_history(m, x, y):
    out = m.zeros(3, 6, dtype=m.float64)
    out[1] = x[0] * y[0]
    out[m.tensor([0, 2])] = y[1]
    out[out == 0] = 3.0
    return out


@pytest.mark.parametrize("function", [_loop, _through_views, _view_goes_on, _gets_a_history])
def test_assignment(function):
    compare(function, numbers((3, 6)), numbers((3, 6), 1))
