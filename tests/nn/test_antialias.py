"""Interpolation with antialiasing, and gradients divided by counts, compared with torch."""

import numpy as np
import pytest
import torch

import minigrad as mg

IMAGES = np.random.default_rng(0).normal(size=(2, 3, 9, 13))


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize(
    "options",
    [
        {"size": (4, 5)},
        {"size": (20, 6)},
        {"scale_factor": 0.4},
        {"scale_factor": (0.3, 1.7)},
        {"scale_factor": 0.4, "recompute_scale_factor": True},
        {"size": (4, 5), "align_corners": True},
        {"size": (1, 1), "align_corners": True},
    ],
)
def test_antialiased_images_are_torchs(mode, options):
    results = []
    for m in (mg, torch):
        x = m.tensor(IMAGES, requires_grad=True)
        out = m.nn.functional.interpolate(x, mode=mode, antialias=True, **options)
        (out * out).sum().backward()
        results.append((out.detach().numpy(), x.grad.numpy()))
    for mine, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-12)


def test_gradients_of_embeddings_are_divided_by_counts():
    index, counts = [[1, 2, 1], [0, 1, 3]], np.array([[1.0], [3.0], [1.0], [1.0]])
    rows = IMAGES[0, 0, :4]
    weight = mg.tensor(rows, requires_grad=True)
    out = mg.nn.functional.embedding(mg.tensor(index), weight, scale_grad_by_freq=True)
    (grad,) = mg.autograd.grad((out**3).sum(), weight, create_graph=True)
    np.testing.assert_allclose(grad.detach().numpy(), 3 * rows**2, rtol=1e-12)
    (grad**2).sum().backward()  # through the gradient, and through the rows: divided twice
    np.testing.assert_allclose(weight.grad.numpy(), 36 * rows**3 / counts, rtol=1e-12)


def test_gradients_of_bags_are_divided_by_counts():
    layer = mg.nn.EmbeddingBag(3, 1, mode="sum", scale_grad_by_freq=True)
    out = layer(mg.tensor([1, 2, 1, 2, 2]), mg.tensor([0, 3]))
    (out * mg.tensor([[1.0], [2.0]])).sum().backward()
    np.testing.assert_allclose(layer.weight.grad.numpy().ravel(), [0, (1 + 1) / 2, 5 / 3])
