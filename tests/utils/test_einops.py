"""einops takes tensors: its functions and layers agree with those on torch's tensors."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch

import minigrad as mg

einops = pytest.importorskip("einops", reason="einops is not installed: minigrad[test] has it")
from einops.layers import minigrad as layers  # noqa: E402  once einops is there
from einops.layers import torch as their_layers  # noqa: E402

IMAGES = np.random.default_rng(0).normal(size=(2, 4, 6, 3))


def both(function):
    """What a function of a tensor gives here and in torch, and the input's gradients."""
    results = []
    for m in (mg, torch):
        x = m.tensor(IMAGES.copy(), requires_grad=True)
        out = function(m, x)
        (out * out).sum().backward()
        results.append((out.detach().numpy(), x.grad.numpy()))
    (mine, my_grad), (theirs, their_grad) = results
    np.testing.assert_allclose(mine, theirs, rtol=1e-12)
    np.testing.assert_allclose(my_grad, their_grad, rtol=1e-12)
    return mine


@pytest.mark.parametrize(
    ("pattern", "lengths"),
    [
        ("b h w c -> b c h w", {}),
        ("b h w c -> (b h) (w c)", {}),
        ("b (h a) (w k) c -> b h w (a k c)", {"a": 2, "k": 3}),
        ("b ... -> ... b", {}),
        ("b h w c -> b 1 h w c 1", {}),
    ],
)
def test_rearrange(pattern, lengths):
    both(lambda m, x: einops.rearrange(x, pattern, **lengths))
    both(lambda m, x: (layers if m is mg else their_layers).Rearrange(pattern, **lengths)(x))


@pytest.mark.parametrize("reduction", ["mean", "sum", "min", "max", "prod"])
def test_reduce(reduction):
    both(lambda m, x: einops.reduce(x, "b (h a) w c -> b h c", reduction, a=2))
    both(lambda m, x: (layers if m is mg else their_layers).Reduce("b h w c -> b c", reduction)(x))


@pytest.mark.parametrize("reduction", ["any", "all"])
def test_reduce_of_bools(reduction):
    bits = IMAGES > 0
    mine, theirs = (einops.reduce(m.tensor(bits), "b h w c -> b c", reduction) for m in (mg, torch))
    np.testing.assert_array_equal(mine.numpy(), theirs.numpy())


def test_repeat():
    both(lambda m, x: einops.repeat(x, "b h w c -> b (h 2) (w k) c", k=3))
    both(lambda m, x: einops.repeat(x, "b h w c -> n b h w c", n=2))


def test_einsum():
    both(lambda m, x: einops.einsum(x, x, "b h w c, b h w d -> b c d"))


def test_a_list_is_stacked():
    both(lambda m, x: einops.rearrange([x, 2 * x], "n b h w c -> b n (h w) c"))


def test_pack_and_unpack():
    def packed(m, x):
        out, shapes = einops.pack([x, x[:, 0]], "b * c")
        first, second = einops.unpack(out, shapes, "b * c")
        assert tuple(first.shape) == (2, 4, 6, 3)
        return out * second.sum()

    assert both(packed).shape == (2, 30, 3)


def test_shapes_and_arrays():
    x = mg.tensor(IMAGES)
    assert einops.parse_shape(x, "b _ w c") == {"b": 2, "w": 6, "c": 3}
    assert isinstance(einops.asnumpy(x), np.ndarray)


def test_parameters_are_tensors():
    weight = mg.nn.Parameter(mg.ones(2, 3))
    assert einops.rearrange(weight, "a b -> b a").shape == (3, 2)


def test_a_wrong_pattern_says_so():
    with pytest.raises(einops.EinopsError, match="Shape mismatch"):
        einops.rearrange(mg.ones(2, 3), "(a b) c -> a b c", a=4)


@pytest.mark.parametrize("bias", [None, "d"])
def test_mixing_layers(bias):
    options = {"weight_shape": "c d", "bias_shape": bias, "c": 3, "d": 5}
    theirs = their_layers.EinMix("b h w c -> b (h w) d", **options)
    mine = layers.EinMix("b h w c -> b (h w) d", **options)
    assert list(mine.state_dict()) == list(theirs.state_dict())
    mine.load_state_dict({k: mg.tensor(v.numpy()) for k, v in theirs.state_dict().items()})
    x = IMAGES.astype("float32")
    np.testing.assert_allclose(
        mine(mg.tensor(x)).detach().numpy(), theirs(torch.tensor(x)).detach().numpy(), 1e-4, 1e-6
    )


def test_layers_are_modules():
    model = mg.nn.Sequential(
        mg.nn.Conv2d(1, 2, 3), layers.Rearrange("b c h w -> b (c h w)"), mg.nn.Linear(8, 1)
    )
    assert model(mg.ones(3, 1, 4, 4)).shape == (3, 1)
    assert "Rearrange('b c h w -> b (c h w)')" in repr(model)
    again = pickle.loads(pickle.dumps(layers.Reduce("a b -> a", "sum")))
    assert again(mg.ones(2, 3)).tolist() == [3.0, 3.0]


@pytest.mark.parametrize(
    "first", ["import einops, minigrad as mg", "import minigrad as mg, einops"]
)
def test_either_may_be_imported_first(first):
    script = f"{first}\nprint(tuple(einops.rearrange(mg.ones(2, 3), 'a b -> b a').shape))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=300
    )
    assert done.stdout == "(3, 2)\n"
