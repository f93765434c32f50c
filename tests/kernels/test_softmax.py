"""Softmax and log-softmax against PyTorch."""

import math
import platform
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from minigrad.kernels.compiler import kernel
from minigrad.kernels.reduction import softmax
from minigrad.kernels.reduction.cross_entropy import cross_entropy
from tests.support.processes import output

Array = np.ndarray[Any, Any]
DTYPES = [np.float32, np.float64]
FORWARD = {"softmax": softmax.softmax, "log_softmax": softmax.log_softmax}
BACKWARD = {"softmax": softmax.softmax_backward, "log_softmax": softmax.log_softmax_backward}


def tolerance(dtype: Any) -> dict[str, Any]:
    return {"rtol": 1e-5, "atol": 2e-6} if dtype == np.float32 else {"rtol": 1e-12, "atol": 1e-13}


@given(
    shape=st.lists(st.integers(0, 9), max_size=4).map(tuple),
    name=st.sampled_from(sorted(FORWARD)),
    dtype=st.sampled_from(DTYPES),
    reverse=st.booleans(),
    data=st.data(),
)
@settings(deadline=None, max_examples=80)
def test_softmax_and_gradient_as_torch(
    shape: tuple[int, ...], name: str, dtype: Any, reverse: bool, data: st.DataObject
) -> None:
    rng = np.random.default_rng(0)
    axis = data.draw(st.integers(-max(len(shape), 1), max(len(shape), 1) - 1))
    x, g = (np.asarray(rng.standard_normal(shape), dtype) for _ in range(2))
    if reverse:
        x, g = x.T[..., ::-1] if shape else x, g.T if shape else g
    reference = torch.tensor(x.copy(), requires_grad=True)
    expected = getattr(F, name)(reference, axis)
    expected.backward(torch.tensor(g.copy()))
    out = FORWARD[name](x, axis)
    assert out.dtype == dtype
    np.testing.assert_allclose(out, expected.detach().numpy(), **tolerance(dtype))
    assert reference.grad is not None
    dx = BACKWARD[name](g, out, axis)
    np.testing.assert_allclose(dx, reference.grad.numpy(), **tolerance(dtype))


@pytest.mark.parametrize("name", FORWARD)
@pytest.mark.parametrize("dtype", DTYPES)
def test_extreme_logits_as_torch(name: str, dtype: Any) -> None:
    inf, nan = math.inf, math.nan
    x = np.array(
        [[-inf, -inf, -inf], [inf, 1, 2], [nan, 0, 1], [0, nan, 1], [1e4, 0, 1e4 - 0.5],
         [-inf, 1, 2], [-1e4, -1e4, -1e4]], dtype)  # fmt: skip
    expected = getattr(F, name)(torch.tensor(x), 1).numpy()
    np.testing.assert_allclose(FORWARD[name](x, 1), expected, **tolerance(dtype))


@pytest.mark.parametrize("value", [1e4, math.inf, math.nan])
@pytest.mark.parametrize("dtype", DTYPES)
def test_one_extreme_logit_at_every_position_as_torch(dtype: Any, value: float) -> None:
    """The largest of a row is found in vectors, and one by one at the row's end."""
    for size in (7, 31, 67, 129):
        x = np.full((size, size), -1e4, dtype)
        np.fill_diagonal(x, value)
        labels = np.arange(size)
        for name, function in FORWARD.items():
            expected = getattr(F, name)(torch.from_numpy(x), 1).numpy()
            np.testing.assert_allclose(function(x, 1), expected, **tolerance(dtype))
        losses, _ = cross_entropy(x, labels, None, -100, 0.0, "none")
        rows, index = torch.from_numpy(x), torch.from_numpy(labels)
        expected = F.cross_entropy(rows, index, reduction="none").numpy()
        np.testing.assert_allclose(losses, expected, **tolerance(dtype))


@pytest.mark.skipif(
    platform.machine().lower() not in {"x86_64", "amd64"},
    reason="Numba compiles for x86 there only",
)
def test_the_largest_is_found_in_vectors(tmp_path: Path) -> None:
    """Compiled for a CPU that has AVX2, and not run; what comes from a cache has no assembly."""
    assembly = output(
        "import numba\n"
        "from minigrad.kernels.reduction import softmax\n"
        "rows = numba.types.Array(numba.types.float32, 2, 'C')\n"
        "compiled = softmax._softmax._compile(True)\n"
        "compiled.compile((numba.types.int64, rows, rows))\n"
        "print(compiled.inspect_asm(compiled.signatures[0]))",
        MINIGRAD_CACHE=str(tmp_path), NUMBA_CPU_NAME="haswell", NUMBA_CPU_FEATURES="+avx2",
    )  # fmt: skip
    assert "\tvmaxps\t" in assembly


@pytest.mark.parametrize("shape", [(257, 131, 1), (5, 3, 3001)])
def test_bit_identical_on_one_thread_and_two(shape: tuple[int, int, int]) -> None:
    x = np.random.default_rng(4).standard_normal(shape).astype(np.float32)
    results, before = [], kernel.get_num_threads()
    try:
        for threads in (1, before):
            kernel.set_num_threads(threads)
            results.append((softmax.softmax(x, 1), softmax.softmax_backward(x, x, 1)))
    finally:
        kernel.set_num_threads(before)
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)
