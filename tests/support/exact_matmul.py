"""Matrix products against float64, within the bound of their rounding errors."""

import numpy as np

from minigrad.kernels.matmul.matmul import matmul


def check(a, b, bias=None, product=matmul):
    out = product(a, b, bias)
    exact = np.matmul(a.astype(np.float64), b.astype(np.float64))
    # The error of a sum of k products is bounded by k eps times the sum of their magnitudes.
    bound = np.matmul(np.abs(a).astype(np.float64), np.abs(b).astype(np.float64))
    if bias is not None:
        exact, bound = exact + bias, bound + np.abs(bias)
    assert out.dtype == a.dtype
    assert out.shape == exact.shape
    eps = np.finfo(a.dtype).eps
    assert np.all(np.abs(out - exact) <= (a.shape[-1] + 2) * eps * bound)
