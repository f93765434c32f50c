"""nn.init: moments of distributions, exact structure, errors compared with torch."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.nn import init

SHAPE = (64, 32, 3, 3)
RANDOM = {
    "uniform_": {"a": -2.0, "b": 3.0},
    "normal_": {"mean": 1.0, "std": 2.0},
    "trunc_normal_": {"mean": 0.5, "std": 2.0, "a": -1.0, "b": 2.0},
    "xavier_uniform_": {"gain": 2.0},
    "xavier_normal_": {},
    "kaiming_uniform_": {"a": math.sqrt(5)},
    "kaiming_normal_": {"mode": "fan_out", "nonlinearity": "relu"},
    "orthogonal_": {"gain": 3.0},
    "sparse_": {"sparsity": 0.3, "std": 2.0},
}


@pytest.mark.parametrize("name", RANDOM)
def test_random_initialisers_have_torchs_distribution(name):
    shape = (200, 100) if name == "sparse_" else SHAPE
    generator = mg.Generator().manual_seed(1)
    target = mg.empty(shape, requires_grad=True)
    assert getattr(init, name)(target, **RANDOM[name], generator=generator) is target
    torch.manual_seed(1)
    theirs = getattr(torch.nn.init, name)(torch.empty(shape), **RANDOM[name]).numpy().ravel()
    ours = target.detach().numpy().ravel()
    spread = theirs.std()
    assert abs(ours.mean() - theirs.mean()) < 0.05 * spread
    assert abs(ours.std() - spread) < 0.03 * spread
    for quantile in (0.001, 0.1, 0.25, 0.75, 0.9, 0.999):
        difference = abs(np.quantile(ours, quantile) - np.quantile(theirs, quantile))
        assert difference < (0.3 if quantile in (0.001, 0.999) else 0.06) * spread
    assert (ours == 0).mean() == (theirs == 0).mean()


@pytest.mark.parametrize("name", RANDOM)
def test_a_generator_decides_the_draw(name):
    draws = []
    for seed in (7, 7, 8):
        generator = mg.Generator().manual_seed(seed)
        target = getattr(init, name)(mg.empty(12, 9), **RANDOM[name], generator=generator)
        draws.append(target.tolist())
    assert draws[0] == draws[1]
    assert draws[0] != draws[2]


@pytest.mark.parametrize(
    ("name", "shape", "options"),
    [
        ("constant_", (2, 3), {"val": 1.5}),
        ("ones_", (2,), {}),
        ("zeros_", (), {}),
        ("eye_", (3, 5), {}),
        ("dirac_", (4, 3, 3), {}),
        ("dirac_", (4, 2, 3, 2), {"groups": 2}),
        ("dirac_", (3, 4, 1, 2, 3), {}),
    ],
)
def test_fixed_initialisers_match_torch(name, shape, options):
    ours = getattr(init, name)(mg.empty(shape), **options)
    theirs = getattr(torch.nn.init, name)(torch.empty(shape), **options)
    assert ours.tolist() == theirs.tolist()


@given(rows=st.integers(1, 9), columns=st.integers(1, 9))
def test_orthogonal_matrices_are_orthogonal(rows, columns):
    q = init.orthogonal_(mg.empty(rows, columns, dtype=mg.float64)).numpy()
    product = q @ q.T if rows <= columns else q.T @ q
    np.testing.assert_allclose(product, np.eye(min(rows, columns)), atol=1e-12)


@given(st.floats(-1, 1), st.floats(0.1, 3), st.floats(-3, 0), st.floats(0.1, 3))
def test_truncation_keeps_its_bounds(mean, std, low, width):
    mean = low + width * (mean + 1) / 2
    values = init.trunc_normal_(mg.empty(200), mean, std, low, low + width).numpy()
    assert values.min() >= np.float32(low)
    assert values.max() <= np.float32(low + width)


@pytest.mark.parametrize(
    ("name", "param"),
    [
        *((name, None) for name in ("linear", "conv1d", "conv2d", "conv3d", "sigmoid", "tanh")),
        *((f"conv_transpose{d}d", None) for d in (1, 2, 3)),
        ("relu", None), ("selu", None), ("leaky_relu", None), ("leaky_relu", 0.3),
    ],
)  # fmt: skip
def test_gains_are_torchs(name, param):
    assert init.calculate_gain(name, param) == torch.nn.init.calculate_gain(name, param)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: init.calculate_gain("swish"), ValueError, "swish"),
        (lambda: init.calculate_gain("leaky_relu", True), ValueError, "not a valid number"),
        (lambda: init.eye_(mg.empty(3)), ValueError, "2 dimensions"),
        (lambda: init.dirac_(mg.empty(3, 3)), ValueError, "3, 4, or 5 dimensions"),
        (lambda: init.dirac_(mg.empty(3, 3, 1), groups=2), ValueError, "divisible by groups"),
        (lambda: init.xavier_normal_(mg.empty(3)), ValueError, "fewer than 2 dimensions"),
        (lambda: init.kaiming_normal_(mg.empty(3, 3), mode="fan"), ValueError, "Mode fan"),
        (lambda: init.orthogonal_(mg.empty(3)), ValueError, "2 or more dimensions"),
        (lambda: init.sparse_(mg.empty(3), 0.5), ValueError, "2 dimensions"),
        (lambda: init.normal_(mg.empty(3), std=-1), RuntimeError, "std >= 0"),
        (lambda: init.uniform_(mg.empty(3), 2, 1), RuntimeError, "from <= to"),
        (lambda: init.trunc_normal_(mg.empty(3), a=1, b=1), ValueError, "a < b"),
    ],
)
def test_bad_input_is_refused_in_words(call, error, says):
    with pytest.raises(error, match=says):
        call()


def test_warnings_are_torchs():
    with pytest.warns(UserWarning, match="zero-element tensors is a no-op"):
        init.kaiming_uniform_(mg.empty(0, 3))
    with pytest.warns(UserWarning, match="more than 2 std"):
        init.trunc_normal_(mg.empty(3), mean=9.0)
