"""Convolution and its adjoints as sums over windows in float64."""

import numpy as np

from minigrad.kernels.conv.conv2d import (
    conv2d,
    conv2d_input_grad,
    conv2d_weight_grad,
    conv_output_size,
)

FLOATS = (np.float32, np.float64)


def tap_indices(size, kernel, stride, pad, dilation):
    """The index in the padded input, for each output and tap along one dimension."""
    count = conv_output_size(size, kernel, stride, pad[0], pad[1], dilation)
    return np.arange(count)[:, None] * stride + np.arange(kernel) * dilation


def windows(x, weight_shape, stride, padding, dilation, groups):
    """(N, C, H, W) -> (N, groups, C / groups, H', K, W', L), in float64."""
    padded = np.pad(x.astype(np.float64), ((0, 0), (0, 0), *padding))
    rows, columns = (
        tap_indices(x.shape[2 + i], weight_shape[2 + i], stride[i], padding[i], dilation[i])
        for i in (0, 1)
    )
    pixels = padded[:, :, rows][..., columns]
    return pixels.reshape(len(x), groups, x.shape[1] // groups, *pixels.shape[2:])


def reference(x, weight, bias, options):
    groups = options[-1]
    pixels = windows(x, weight.shape, *options)
    filters = weight.astype(np.float64).reshape(groups, len(weight) // groups, *weight.shape[1:])
    out = np.einsum("ngcykxl,gfckl->ngfyx", pixels, filters)
    out = out.reshape(len(x), len(weight), *out.shape[3:])
    return out if bias is None else out + bias[:, None, None]


def weight_reference(g, x, weight_shape, options):
    groups = options[-1]
    pixels = windows(x, weight_shape, *options)
    grouped = g.astype(np.float64).reshape(len(g), groups, g.shape[1] // groups, *g.shape[2:])
    return np.einsum("ngcykxl,ngfyx->gfckl", pixels, grouped).reshape(weight_shape)


def close(out, exact, dtype):
    assert out.dtype == dtype
    assert out.shape == exact.shape
    scale = max(1.0, float(np.abs(exact).max(initial=0)))
    np.testing.assert_allclose(out, exact, rtol=0, atol=scale * 64 * np.finfo(dtype).eps)


def check(x, weight, bias, options):
    """Forward and weight gradient against sums; the input gradient as the adjoint of the sum."""
    dtype = x.dtype
    out = conv2d(x, weight, bias, *options)
    exact = reference(x, weight, bias, options)
    close(out, exact, dtype)
    g = np.random.default_rng(1).standard_normal(out.shape).astype(dtype)
    close(
        conv2d_weight_grad(g, x, weight.shape, *options),
        weight_reference(g, x, weight.shape, options),
        dtype,
    )
    gx = conv2d_input_grad(g, weight, x.shape, *options)
    assert (gx.dtype, gx.shape) == (dtype, x.shape)
    for direction in (np.ones(x.shape), np.random.default_rng(2).standard_normal(x.shape)):
        expected = np.sum(reference(direction, weight, None, options) * g)
        # Rounding of a sum grows with the magnitudes in it, not with the sum.
        size = np.sum(np.abs(reference(np.abs(direction), np.abs(weight), None, options) * g))
        actual = np.sum(gx.astype(np.float64) * direction)
        assert abs(actual - expected) <= 16 * np.finfo(dtype).eps * max(size, 1e-30)
