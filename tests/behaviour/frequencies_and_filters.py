"""Gradients divided by how often an index occurs, and interpolation with antialiasing."""

import pytest


def gradient(torch, layer, *inputs):
    layer.weight.grad = None
    out = layer(*inputs)
    (out * torch.arange(1.0, 1 + out.numel()).reshape(out.shape)).sum().backward()
    return layer.weight.grad


def check_gradients_are_divided_by_counts(torch):
    layer = torch.nn.Embedding(4, 1, padding_idx=0, scale_grad_by_freq=True)
    grad = gradient(torch, layer, torch.tensor([[1, 2, 1], [0, 1, 3]]))
    assert torch.allclose(grad.flatten(), torch.tensor([0.0, (1 + 3 + 5) / 3, 2.0, 6.0]))


def check_the_value_does_not_depend_on_counts(torch):
    weight = torch.arange(6.0).reshape(3, 2)
    out = torch.nn.functional.embedding(torch.tensor([2, 2]), weight, scale_grad_by_freq=True)
    assert torch.equal(out, weight[[2, 2]])


def check_the_largest_of_bags_have_no_scaled_gradient(torch):
    layer = torch.nn.EmbeddingBag(3, 1, mode="max", scale_grad_by_freq=True)
    with pytest.raises(ValueError, match="max mode does not support scaling the gradient"):
        layer(torch.tensor([1, 2, 1]), torch.tensor([0, 2]))


def check_antialiasing_is_for_images(torch):
    interpolate = torch.nn.functional.interpolate
    for mode, shape in (("nearest", (1, 1, 4, 4)), ("linear", (1, 1, 4))):
        with pytest.raises(ValueError, match="Anti-alias option is restricted to bilinear"):
            interpolate(torch.ones(shape), size=2, mode=mode, antialias=True)


def check_a_smaller_image_averages_what_it_leaves_out(torch):
    x = torch.zeros(1, 1, 1, 8)
    x[..., 5] = 1.0
    interpolate = torch.nn.functional.interpolate
    plain = interpolate(x, size=(1, 2), mode="bilinear")
    smooth = interpolate(x, size=(1, 2), mode="bilinear", antialias=True)
    assert plain[..., 1] > smooth[..., 1] > 0
    assert torch.allclose(interpolate(torch.ones(1, 1, 7, 5), size=3, mode="bicubic",
                                      antialias=True), torch.ones(1, 1, 3, 3))  # fmt: skip
