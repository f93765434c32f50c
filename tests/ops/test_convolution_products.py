"""Convolutions that are products of matrices: filters of one pixel, and of the whole image."""

import numpy as np
import pytest
import torch

import minigrad
from minigrad.kernels.compiler import kernel as build
from minigrad.nn import functional as F

CASES = {  # images, filters, bias, stride
    "filters of the whole image": ((3, 5, 4, 6), (7, 5, 4, 6), True, 1),
    "one pixel": ((3, 5, 1, 1), (7, 5, 1, 1), True, 2),
    "no images": ((0, 5, 4, 4), (7, 5, 4, 4), True, 1),
    "filters of a pixel": ((2, 24, 16, 33), (40, 24, 1, 1), False, 1),
    "few filters of a pixel": ((2, 24, 1, 600), (5, 24, 1, 1), True, 1),
}


def _results(library, function, arrays, stride):
    tensors = [library.tensor(each, requires_grad=True) for each in arrays]
    out = function(*tensors, stride=stride)
    out.backward(library.cos(out.detach()))
    return [out.detach().numpy(), *(each.grad.numpy() for each in tensors)]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_agrees_with_pytorch_and_has_the_same_bits_for_any_number_of_threads(case):
    images, filters, has_bias, stride = case
    rng = np.random.default_rng(0)
    shapes = [images, filters, filters[:1]][: 3 if has_bias else 2]
    before, found = build.get_num_threads(), []
    for dtype, tolerance in ((np.float64, 1e-9), (np.float32, 1e-4)):
        arrays = [rng.standard_normal(shape).astype(dtype) for shape in shapes]
        expected = _results(torch, torch.nn.functional.conv2d, arrays, stride)
        for threads in {1, before}:
            build.set_num_threads(threads)
            found.append(_results(minigrad, F.conv2d, arrays, stride))
        build.set_num_threads(before)
        for mine, other in zip(found[-1], expected, strict=True):
            assert (mine.dtype, mine.shape) == (other.dtype, other.shape)
            np.testing.assert_allclose(mine, other, rtol=tolerance, atol=tolerance)
        for mine, other in zip(found[-1], found[-len({1, before})], strict=True):
            assert mine.tobytes() == other.tobytes()
