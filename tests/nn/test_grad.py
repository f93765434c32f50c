"""nn.grad: gradients of convolutions on their own, compared with torch, also of second order."""

import numpy as np
import pytest
import torch

import minigrad as mg
from minigrad.nn import grad
from tests.support.torch_twin import assert_close

SPATIAL = (7, 6, 5)
OPTIONS = [
    {},
    {"stride": 2, "padding": 1},
    {"dilation": 2, "padding": 2},
    {"groups": 2, "stride": 3},
]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_gradients_of_convolutions_match_torch(dims, options):
    rng = np.random.default_rng(dims)
    groups = options.get("groups", 1)
    x = rng.normal(size=(2, 4, *SPATIAL[:dims]))
    w = rng.normal(size=(6, 4 // groups, *(3,) * dims))
    convolve = getattr(torch.nn.functional, f"conv{dims}d")
    dy = rng.normal(size=convolve(torch.tensor(x), torch.tensor(w), **options).shape)
    found = []
    for library, space in ((mg, grad), (torch, torch.nn.grad)):
        a, b, c = (library.tensor(v, requires_grad=True) for v in (x, w, dy))
        dx = getattr(space, f"conv{dims}d_input")(x.shape, b, c, **options)
        dw = getattr(space, f"conv{dims}d_weight")(a, w.shape, c, **options)
        (dx.square().sum() + dw.square().sum()).backward()
        found.append((dx, dw, a.grad, b.grad, c.grad))
    for ours, theirs in zip(*found, strict=True):
        assert_close(ours, theirs, 1e-9)


def test_without_a_graph_they_are_plain_tensors():
    dy = mg.ones(1, 1, 3)
    assert not grad.conv1d_input((1, 1, 5), mg.ones(1, 1, 3), dy).requires_grad
    w = mg.ones(1, 1, 3, requires_grad=True)
    with mg.no_grad():
        found = grad.conv1d_input((1, 1, 5), w, dy)
    assert not found.requires_grad
    assert found.tolist() == [[[1.0, 2.0, 3.0, 2.0, 1.0]]]
