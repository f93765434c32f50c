"""torch's second names: at the top level, of NumPy, in special; and what is refused in words."""

import math

import numpy as np
import pytest
import torch

import minigrad as mg
from minigrad import aliases
from minigrad.nn import functional as F
from tests.support.against_torch import compare, same_outcome

RNG = np.random.default_rng(0)
DTYPES = ["float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool"]


def torchs_name(dtype):
    return str(dtype).partition(".")[2]


# --- types ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", DTYPES)
def test_how_types_meet_is_torchs(first):
    for second in DTYPES:
        for function in ("promote_types", "can_cast"):
            mine, its = (
                getattr(m, function)(getattr(m, first), getattr(m, second)) for m in (mg, torch)
            )
            assert str(mine).replace("minigrad", "torch") == str(its), (function, first, second)
        for shapes in (((2,), ()), ((), (2,)), ((2,), (2,))):
            mine, its = (
                m.result_type(
                    *(
                        m.zeros(s, dtype=getattr(m, d))
                        for s, d in zip(shapes, (first, second), strict=True)
                    )
                )
                for m in (mg, torch)
            )
            assert torchs_name(mine) == torchs_name(its), (shapes, first, second)
    for number in (True, 1, 1.5):
        mine, its = (
            m.result_type(m.zeros(2, dtype=getattr(m, first)), number) for m in (mg, torch)
        )
        assert torchs_name(mine) == torchs_name(its)


@pytest.mark.parametrize("dtype", DTYPES)
def test_limits_of_types_are_torchs(dtype):
    for kind, limits in (
        ("finfo", ["bits", "eps", "max", "min", "tiny", "smallest_normal", "resolution", "dtype"]),
        ("iinfo", ["bits", "max", "min", "dtype"]),
    ):
        try:
            its = getattr(torch, kind)(getattr(torch, dtype))
        except TypeError:
            with pytest.raises(TypeError):
                getattr(mg, kind)(getattr(mg, dtype))
            continue
        mine = getattr(mg, kind)(getattr(mg, dtype))
        for limit in limits:
            assert getattr(mine, limit) == getattr(its, limit), (dtype, limit)
    assert mg.finfo().dtype == "float32"


def test_constants_and_predicates_are_torchs():
    for name in ("e", "pi", "inf"):
        assert getattr(mg, name) == getattr(torch, name)
    assert math.isnan(mg.nan)
    assert mg.newaxis is None
    x = mg.ones(2, 3)
    assert x.shape == mg.Size([2, 3])
    assert mg.is_tensor(x)
    assert not mg.is_tensor([1.0])
    assert mg.numel(x) == 6
    assert mg.is_floating_point(x)
    assert not mg.is_complex(x)
    assert mg.real(x) is x
    assert mg.is_nonzero(mg.tensor(2))
    assert mg.get_default_device() == mg.device("cpu")
    mg.set_default_device("cpu")
    with pytest.raises(RuntimeError, match="CPU only"):
        mg.set_default_device("cuda")
    mg.use_deterministic_algorithms(True)
    assert mg.are_deterministic_algorithms_enabled()


# --- twins ----------------------------------------------------------------------------------------

IN_PLACE = sorted(
    name
    for name, function in vars(aliases).items()
    if name.endswith("_") and getattr(mg.Tensor, name, None) is function
)
MORE = {
    "gcd_": ([4, 6], [6, 4]),
    "lcm_": ([4, 6], [6, 4]),
    "ldexp_": ([0.5, 2.0], [1, 2]),
    "xlogy_": ([0.5, 2.0], [1.0, 2.0]),
    "fill_": ([0.5, 2.0], 3.0),
    "clamp_": ([0.5, 2.0], 1.0),
    "clip_": ([0.5, 2.0], 1.0),
    "clamp_min_": ([0.5, 2.0], 1.0),
    "clamp_max_": ([0.5, 2.0], 1.0),
    "acosh_": ([1.5, 2.0],),
    "arccosh_": ([1.5, 2.0],),
    "addmv_": ([1.0, 2.0], [[1.0, 2.0], [3.0, 4.0]], [1.0, 2.0]),
    "index_put_": ([1.0, 2.0], None, 5.0),
    "as_strided_": ([1.0, 2.0], (2, 2), (1, 0)),
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_functions_in_place_are_torchs(name):
    arguments = MORE.get(name, ([0.25, 0.75],))

    def changed(m):
        x, *rest = (m.tensor(a) if isinstance(a, list) else a for a in arguments)
        if name == "index_put_":
            rest = [(m.tensor([1]),), m.tensor(5.0)]
        result = getattr(m, name)(x, *rest)
        assert result is x
        return x

    mine, its = changed(mg), changed(torch)
    np.testing.assert_allclose(mine.numpy(), its.numpy(), rtol=1e-6)


def test_there_are_many_of_them():
    assert len(IN_PLACE) >= 60


@pytest.mark.parametrize(
    "call",
    [
        lambda m, x: m.conv1d(x, x[:, :, :2]),
        lambda m, x: m.conv_transpose1d(x, x[:3, :, :2]),
        lambda m, x: m.conv2d(x[None], x[:, :, :2][None]),
        lambda m, x: m.conv_tbc(x, m.permute(x, (0, 2, 1))[:2], x[0, 0, :3], 1),
        lambda m, x: m.avg_pool1d(x, 2),
        lambda m, x: m.max_pool1d(x, 2),
        lambda m, x: m.adaptive_avg_pool1d(x, 2),
        lambda m, x: m.adaptive_max_pool1d(x, 2),
        lambda m, x: m.layer_norm(x, (5,)),
        lambda m, x: m.group_norm(x, 3),
        lambda m, x: m.rms_norm(x, (5,)),
        lambda m, x: m.celu(x),
        lambda m, x: m.selu(x),
        lambda m, x: m.hardshrink(x),
        lambda m, x: x.hardshrink(0.3),
        lambda m, x: m.threshold(x, 0.1, 2.0),
        lambda m, x: m.prelu(x, x[0, :, 0]),
        lambda m, x: m.dropout(x, 0.5, False),
        lambda m, x: m.alpha_dropout(x, 0.5, False),
        lambda m, x: m.pairwise_distance(x, x.flip(0)),
        lambda m, x: m.cosine_similarity(x, x.flip(0)),
        lambda m, x: m.channel_shuffle(x[None], 3),
        lambda m, x: m.pdist(x[0]),
        lambda m, x: m.nn.functional.max_pool1d_with_indices(x, 2),
        lambda m, x: m.nn.functional.adaptive_max_pool1d_with_indices(x, 2),
        lambda m, x: m.nn.functional.mse_loss(x, x.flip(0), weight=x * x),
        lambda m, x: m.nn.functional.l1_loss(x, x.flip(0), reduction="sum", weight=x * x),
    ],
)
def test_functions_of_layers_at_the_top_level_are_torchs(call):
    compare(call, RNG.normal(size=(3, 3, 5)))


def test_softmax_in_another_type_is_torchs():
    x = RNG.normal(size=(3, 4))
    compare(lambda m, x: m.softmax(x, 1, dtype=m.float32), x, gradients=False)
    compare(lambda m, x: x.log_softmax(-1, dtype=m.float32), x, gradients=False)


# --- special --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("entr", ([0.2, 1.0, 3.0],)),
        ("ndtr", ([-30.0, -2.0, 0.0, 0.5, 9.0],)),
        ("i1", ([-3.0, 0.0, 0.5, 20.0],)),
        ("i0", ([-3.0, 0.0, 0.5, 20.0],)),
        ("expit", ([-3.0, 0.5],)),
        ("psi", ([0.3, 2.5],)),
        ("gammaln", ([0.3, 2.5],)),
        ("xlog1py", ([0.0, 2.0, 0.0], [0.5, 2.0, 3.0])),
        ("xlogy", ([0.5, 2.0], [0.5, 2.0])),
        ("logit", ([0.2, 0.5],)),
        ("erfinv", ([0.2, -0.5],)),
    ],
)
def test_special_functions_are_torchs(name, arguments):
    # torch's trigamma is good to 1e-9 only
    arrays = map(np.array, arguments)
    compare(lambda m, *x: getattr(m.special, name)(*x), *arrays, gradients=name != "psi")


def test_special_functions_at_their_edges_are_torchs():
    edges = np.array([0.0, -1.0, np.inf, -np.inf, np.nan])
    for name in ("entr", "ndtr"):
        compare(lambda m, x, name=name: getattr(m.special, name)(x), edges, gradients=False)
    for x in (0.0, np.nan, 1.0):
        compare(
            lambda m, y, x=x: m.special.xlog1py(m.tensor(x, dtype=m.float64), y),
            np.array([-1.0, -2.0, np.inf, np.nan, 0.0]),
            gradients=False,
        )
    compare(lambda m, x: m.special.multigammaln(x, 2), np.array([1.5, 3.0]))
    compare(lambda m, x: m.special.softmax(x, 0), np.array([1.5, 3.0]))


# --- NumPy's names, and refusals ------------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        lambda m, x: m.sum(x, axis=0, keepdims=True),
        lambda m, x: x.mean(axis=1),
        lambda m, x: m.max(x, axis=1, keepdims=True),
        lambda m, x: x.std(axis=0),
        lambda m, x: m.cat([x, x], axis=1),
        lambda m, x: m.stack([x, x], axis=1),
        lambda m, x: x.sort(axis=0),
        lambda m, x: x.softmax(axis=0),
        lambda m, x: x.unsqueeze(axis=0),
        lambda m, x: m.sum(x, dim=0, axis=0),
        lambda m, x: m.max(x, dim=0, axis=0),
        lambda m, x: m.max(x, nonsense=0),
        lambda m, x: x @ 2.0,
        lambda m, x: m.mm(x, 3),
        lambda m, x: m.mm(3, mat2=x),
        lambda m, x: m.linalg.solve(x, 3),
        lambda m, x: m.kron(x, [1]),
        lambda m, x: m.outer(x[0], None),
        lambda m, x: m.sort(3),
        lambda m, x: m.flatten(3),
        lambda m, x: m.einsum("ij,jk->ik", x, 2.0),
    ],
)
def test_numpys_names_are_taken_and_what_is_no_tensor_is_refused(call):
    same_outcome(call, RNG.normal(size=(3, 3)))


def test_refusals_are_in_words():
    x = mg.ones(2, 2)
    with pytest.raises(
        TypeError, match=r"mm\(\): argument 'mat2' \(position 2\) must be Tensor, not int"
    ):
        mg.mm(x, 3)
    with pytest.raises(TypeError, match=r"max\(\): argument 'out' must be tuple of Tensors"):
        mg.max(x, 0, out=x)
    assert mg.sum(x, out=None).item() == 4
    with pytest.raises(ValueError, match="same size"):
        F.mse_loss(x, x, weight=mg.ones(3))


# --- functions of modules, data ------------------------------------------------------------------


def test_modules_stacked_run_as_one():
    models = [mg.nn.Linear(3, 2) for _ in range(4)]
    parameters, buffers = mg.func.stack_module_state(models)
    x = mg.randn(5, 3)
    assert not buffers
    assert parameters["weight"].requires_grad
    together = mg.vmap(lambda p: mg.func.functional_call(models[0], p, (x,)))(parameters)
    for out, model in zip(together, models, strict=True):
        np.testing.assert_allclose(out.detach().numpy(), model(x).detach().numpy(), rtol=1e-6)
    with pytest.raises(RuntimeError, match="at least one"):
        mg.func.stack_module_state([])
    with pytest.raises(RuntimeError, match="same class"):
        mg.func.stack_module_state([models[0], mg.nn.Identity()])
    with pytest.raises(RuntimeError, match="training/eval"):
        mg.func.stack_module_state([models[0], mg.nn.Linear(3, 2).eval()])


def test_batch_norms_give_up_their_statistics():
    pair = [m.nn.Sequential(m.nn.Linear(3, 3), m.nn.BatchNorm1d(3)) for m in (mg, torch)]
    for m, model in zip((mg, torch), pair, strict=True):
        assert m.func.replace_all_batch_norm_modules_(model) is model
    assert list(pair[0].state_dict()) == list(pair[1].state_dict())
    norm = pair[0][1].eval()
    assert abs(norm(mg.randn(50, 3) + 5).mean().item()) < 1e-5


def test_linearize_gives_the_derivative_along_tangents():
    x, t = mg.tensor([0.3, 2.0]), mg.tensor([1.0, -1.0])
    out, along = mg.func.linearize(mg.sin, x)
    np.testing.assert_allclose(out, np.sin([0.3, 2.0]), rtol=1e-6)
    np.testing.assert_allclose(along(t), np.cos([0.3, 2.0]) * [1, -1], rtol=1e-6)


def test_weights_fused_by_numbers_are_torchs():
    arrays = [RNG.normal(size=(4, 3, 2)), *(RNG.random(4) for _ in range(5))]

    def fused(m, w, b, mean, var, gain, shift):
        return m.nn.utils.fuse_conv_bn_weights(w, b, mean, var, 1e-5, gain, shift)

    for mine, its in zip(
        fused(mg, *map(mg.tensor, arrays)), fused(torch, *map(torch.tensor, arrays)), strict=True
    ):
        np.testing.assert_allclose(mine.detach().numpy(), its.detach().numpy(), rtol=1e-12)
    linear = [arrays[0][:, :, 0], *arrays[1:]]
    mine, its = (
        m.nn.utils.fuse_linear_bn_weights(*a[:4], 1e-5, *a[4:])
        for m, a in ((mg, [*map(mg.tensor, linear)]), (torch, [*map(torch.tensor, linear)]))
    )
    np.testing.assert_allclose(mine[1].detach().numpy(), its[1].detach().numpy(), rtol=1e-12)


def test_datasets_side_by_side():
    numbers, names = [1, 2, 3], ["a", "b", "c"]
    stack = mg.utils.data.StackDataset
    assert stack(numbers, names)[1] == torch.utils.data.StackDataset(numbers, names)[1]
    assert stack(x=numbers, y=names)[2] == {"x": 3, "y": "c"}
    assert len(stack(numbers)) == 3
    for bad in ((), (numbers, names[:2])):
        with pytest.raises(ValueError, match=r"StackDataset|Size mismatch"):
            stack(*bad)
