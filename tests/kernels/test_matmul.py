"""The matrix product against float64 NumPy, over shapes, layouts, dtypes and numbers of threads."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.kernels.compiler import kernel
from minigrad.kernels.matmul import gemm, gemm_nt
from minigrad.kernels.matmul import matmul as module
from minigrad.kernels.matmul.matmul import matmul
from tests.support.exact_matmul import check

FLOATS = (np.float32, np.float64)
# Around the tails of every register tile, vector and panel, and past the depth of one block.
SIZES = st.sampled_from([1, 2, 3, 5, 6, 7, 12, 13, 16, 17, 31, 33, 48, 67, 101, 257, 300])
# Leading axes of operands: of a few matrices, and of enough for a stack.
BATCHES = [((), (4,)), ((3,), ()), ((3,), (3,)), ((2, 1), (5,)), ((2, 3), (2, 3))]
STACKS = [((9,), ()), ((), (17,)), ((11,), (11,)), ((3, 1), (5,))]
LAYOUTS = ("plain", "transposed", "every second", "reversed", "broadcast")


@pytest.fixture(autouse=True)
def _no_product_by_numpy(monkeypatch):
    monkeypatch.setattr(module, "SMALL", 0)


def laid_out(rng, shape, dtype, layout):
    """Random numbers in an array of this shape, whose memory has the given layout."""
    *batch, m, n = shape
    if layout == "transposed":
        return rng.standard_normal((*batch, n, m)).astype(dtype).swapaxes(-1, -2)
    if layout == "every second":
        return rng.standard_normal((*batch, 2 * m, 3 * n)).astype(dtype)[..., ::2, 1::3]
    if layout == "reversed":
        return rng.standard_normal(shape).astype(dtype)[..., ::-1, ::-1]
    if layout == "broadcast":
        return np.broadcast_to(rng.standard_normal((*batch, m, 1)).astype(dtype), shape)
    return rng.standard_normal(shape).astype(dtype)


@settings(deadline=None, max_examples=100)
@given(
    SIZES, SIZES, SIZES, st.sampled_from(FLOATS), st.booleans(),
    st.sampled_from(LAYOUTS), st.sampled_from(LAYOUTS), st.integers(0, 99),
)  # fmt: skip
def test_product_of_matrices(m, k, n, dtype, biased, layout_a, layout_b, seed):
    rng = np.random.default_rng(seed)
    a, b = laid_out(rng, (m, k), dtype, layout_a), laid_out(rng, (k, n), dtype, layout_b)
    check(a, b, rng.standard_normal(n).astype(dtype) if biased else None)


@settings(deadline=None, max_examples=100)
@given(
    st.integers(gemm_nt.INNER_ROWS, 50), st.integers(0, 200),
    st.integers(gemm_nt.INNER_COLUMNS, 40),
    st.sampled_from(FLOATS), st.booleans(), st.tuples(st.integers(0, 9), st.integers(0, 9)),
    st.integers(0, 99),
)  # fmt: skip
def test_inner_products_of_rows(m, k, n, dtype, biased, gaps, seed):
    """Rows of any length, also shorter than `fits` allows, with gaps between them in memory."""
    rng = np.random.default_rng(seed)
    a, w = (
        rng.standard_normal((rows, k + gap)).astype(dtype)[:, :k]
        for rows, gap in zip((m, n), gaps, strict=True)
    )
    bias = rng.standard_normal(n).astype(dtype) if biased else None
    check(a, w.T, bias, gemm_nt.inner_products)


@pytest.mark.parametrize(
    ("m", "k", "n", "dtype"),
    [
        *((*sizes, t) for sizes in [(10, 512, 5), (100, 784, 4), (9, 777, 90)] for t in FLOATS),
        (700, 64, 4, np.float32),  # narrower than a panel, whatever the vectors' width
    ],
)
def test_contiguous_rows_are_not_packed(m, k, n, dtype, monkeypatch):
    def fits(a, b):
        return gemm_nt.fits((a.shape, a.strides), (b.shape, b.strides), a.itemsize)

    rng = np.random.default_rng(0)
    a, w = (rng.standard_normal((rows, k)).astype(dtype) for rows in (m, n))
    assert fits(a, w.T)
    monkeypatch.setattr(module, "Gemm", None)
    check(a, w.T, rng.standard_normal(n).astype(dtype))
    assert not fits(np.asfortranarray(a), w.T)
    assert not fits(a, np.ascontiguousarray(w.T))


@settings(deadline=None, max_examples=100)
@given(
    st.sampled_from([*BATCHES, *STACKS]),
    st.integers(1, 20), st.integers(1, 20), st.integers(1, 40), st.sampled_from(FLOATS),
    st.sampled_from(LAYOUTS), st.sampled_from(LAYOUTS),
)  # fmt: skip
def test_stacks_of_matrices_broadcast(batches, m, k, n, dtype, layout_a, layout_b):
    rng = np.random.default_rng(m * k + n)
    a = laid_out(rng, (*batches[0], m, k), dtype, layout_a)
    b = laid_out(rng, (*batches[1], k, n), dtype, layout_b)
    check(a, b, rng.standard_normal(n).astype(dtype))


@pytest.mark.parametrize("batches", STACKS)
def test_small_matrices_are_not_packed(batches, monkeypatch):
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((*batches[0], 8, 8)), rng.standard_normal((*batches[1], 8, 8))
    monkeypatch.setattr(module, "Gemm", None)
    check(a, b, rng.standard_normal(8))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(("m", "k", "n"), [(0, 3, 4), (3, 0, 4), (3, 4, 0), (0, 0, 0), (2, 0, 0)])
def test_empty_sizes(m, k, n, dtype):
    bias = np.arange(n, dtype=dtype)
    out = matmul(np.ones((m, k), dtype), np.ones((k, n), dtype), bias)
    np.testing.assert_array_equal(out, np.broadcast_to(bias if k == 0 else k + bias, (m, n)))
    assert matmul(np.ones((0, 2, 3), dtype), np.ones((3, 2), dtype)).shape == (0, 2, 2)


@pytest.mark.parametrize("shape", [(1, 700, 5000), (2, 700, 5000), (150, 3, 4100), (40, 9, 4112)])
def test_wider_than_one_pass_of_packing(shape):
    rng = np.random.default_rng(0)
    check(rng.standard_normal(shape[:2]), rng.standard_normal(shape[1:]))


def test_more_matrices_than_one_pass_of_packing():
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal((70, 130, 130)).astype(np.float32) for _ in range(2))
    check(a, b)


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8, np.bool_])
def test_other_dtypes_are_exact(dtype):
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 2, (5, 7)).astype(dtype), rng.integers(0, 2, (7, 3)).astype(dtype)
    out = matmul(a, b)
    assert out.dtype == dtype
    np.testing.assert_array_equal(out, (a.astype(int) @ b.astype(int)).astype(dtype))


def test_small_products_agree_with_numpy(monkeypatch):
    rng = np.random.default_rng(0)
    a, b, bias = rng.standard_normal((16, 32)), rng.standard_normal((32, 32)), np.ones(32)
    compiled = matmul(a, b, bias)
    monkeypatch.setattr(module, "SMALL", 1 << 40)
    np.testing.assert_allclose(matmul(a, b, bias), compiled, rtol=1e-12, atol=1e-12)


def test_unaligned_fields_of_records():
    records = np.zeros((30, 40), [("flag", np.uint8), ("value", np.float32)])
    records["value"] = np.random.default_rng(0).standard_normal((30, 40))
    check(records["value"], np.ones((40, 20), np.float32))


def test_infinities_and_nans_stay_in_their_rows_and_columns():
    a, b = np.ones((50, 20)), np.ones((20, 35))
    a[3, 4], b[7, 34] = np.nan, np.inf
    out = matmul(a, b)
    assert np.all(np.isnan(out[3]))
    assert np.all(np.isinf(np.delete(out[:, 34], 3)))
    assert np.all(np.delete(np.delete(out, 3, 0), 34, 1) == 20)


def test_memory_beyond_the_result_is_untouched():
    """Tiles extend beyond the result; memory around it must not be written."""
    for m, n in [(7, 17), (5, 3), (13, 33)]:
        a, b = np.ones((m, 300)), np.ones((300, n))
        guarded = np.full(m * n + 64, -1.0)
        packed = gemm.Gemm((a.shape, a.strides), (b.shape, b.strides), a.dtype)
        packed.fill(guarded[32:-32].reshape(m, n), a, b, None)
        assert np.all(guarded[32:-32] == 300)
        assert np.all(guarded[:32] == -1)
        assert np.all(guarded[-32:] == -1)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(
    "shape", [(300, 520, 200), (5, 3000, 400), (600, 700, 1), (1, 700, 600), (101, 784, 102)]
)
def test_bit_identical_for_any_number_of_threads(shape, order):
    rng = np.random.default_rng(0)
    a = rng.standard_normal(shape[:2]).astype(np.float32)
    b = np.asarray(rng.standard_normal(shape[1:]), np.float32, order=order)
    before, results = kernel.get_num_threads(), []
    try:
        for threads in {1, before}:
            kernel.set_num_threads(threads)
            results.append(matmul(a, b).tobytes())
    finally:
        kernel.set_num_threads(before)
    assert len(set(results)) == 1
