"""Scaled dot-product attention compared with torch: masks, shapes, gradients, refusals."""

import math

import numpy as np
import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

import minigrad as mg
from minigrad.nn import functional as F
from tests.support.attention import compare, drawn
from tests.support.torch_twin import TOLERANCE, assert_close

# Shapes of query, key and value, and other arguments.
CASES = {
    "matrices": ((3, 4), (5, 4), (5, 4), {}),
    "batch": ((2, 3, 4), (2, 5, 4), (2, 5, 4), {}),
    "heads": ((2, 3, 7, 8), (2, 3, 5, 8), (2, 3, 5, 8), {}),
    "wide values": ((2, 2, 3, 4), (2, 2, 5, 4), (2, 2, 5, 7), {}),
    "causal": ((2, 2, 9, 4), (2, 2, 9, 4), (2, 2, 9, 4), {"is_causal": True}),
    "causal with few keys": ((2, 6, 4), (2, 3, 4), (2, 3, 4), {"is_causal": True}),
    "causal with many keys": ((2, 3, 4), (2, 6, 4), (2, 6, 4), {"is_causal": True}),
    "scale": ((2, 3, 4), (2, 5, 4), (2, 5, 4), {"scale": 0.3}),
    "no scale": ((2, 3, 4), (2, 5, 4), (2, 5, 4), {"scale": 0.0}),
    "broadcast": ((2, 1, 3, 4), (1, 3, 5, 4), (3, 5, 4), {}),
    "broadcast values": ((3, 4), (5, 4), (2, 3, 5, 4), {"is_causal": True}),
    "one key": ((2, 3, 4), (2, 1, 4), (2, 1, 4), {}),
    "no keys": ((2, 3, 4), (2, 0, 4), (2, 0, 4), {}),
    "no queries": ((2, 0, 4), (2, 5, 4), (2, 5, 4), {}),
    "no features": ((2, 3, 0), (2, 5, 0), (2, 5, 4), {}),
    "five dimensions": ((2, 1, 2, 3, 4), (2, 2, 1, 5, 4), (2, 2, 2, 5, 4), {}),
    "groups": ((1, 6, 3, 4), (1, 2, 5, 4), (1, 3, 5, 4), {"enable_gqa": True}),
    "groups without a batch": ((6, 3, 4), (2, 3, 4), (2, 3, 4), {"enable_gqa": True}),
    "groups, causal": (
        (2, 4, 6, 4), (2, 2, 6, 4), (2, 2, 6, 4), {"enable_gqa": True, "is_causal": True},
    ),
    "many blocks": ((2, 150, 24), (2, 170, 24), (2, 170, 40), {}),
    "many causal blocks": ((1, 2, 201, 8), (1, 2, 201, 8), (1, 2, 201, 8), {"is_causal": True}),
}  # fmt: skip
MASKS = {
    "of all": (7, 9), "of each key": (9,), "of a row": (1, 9), "of queries": (7, 1),
    "of a batch": (2, 1, 7, 9), "of heads": (3, 7, 9), "of each": (2, 3, 7, 9),
    "of padding": (2, 1, 1, 9), "of one number": (),
}  # fmt: skip
QUERY, KEY, VALUE = (2, 3, 7, 5), (2, 3, 9, 5), (2, 3, 9, 6)


def attend(library, *args, **options):
    """torch's plain implementation, because the others have no second derivative."""
    if library is mg:
        return F.scaled_dot_product_attention(*args, **options)
    with sdpa_kernel(SDPBackend.MATH):
        return torch.nn.functional.scaled_dot_product_attention(*args, **options)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_matches_torch(name, dtype):
    *shapes, options = CASES[name]
    arrays = [drawn(*shape, dtype=dtype, seed=i) for i, shape in enumerate(shapes)]
    # torch's gradients are cut off from the graph where there is nothing to attend to.
    twice = dtype == "float64" and 0 not in (shapes[0][-2], shapes[1][-2])
    for second in (False, True) if twice else (False,):
        compare(
            lambda library, _, *leaves: attend(library, *leaves, **options), arrays,
            TOLERANCE[dtype], second=second,
        )  # fmt: skip


def masked(shape, kind, dtype):
    """A mask in which a whole row and a whole column are closed, where it has them."""
    rng = np.random.default_rng(4)
    is_open = np.array(rng.random(shape) < 0.6)
    if is_open.ndim > 1 and is_open.shape[-2] > 2:
        is_open[..., 2, :] = False
    if is_open.ndim:
        is_open[..., 0] = False
    if kind == "bool":
        return is_open
    return np.where(is_open, rng.normal(size=shape), -math.inf).astype(dtype)


@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize("kind", ["bool", "float", "learned"])
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_masks_match_torch(name, kind, dtype):
    mask = masked(MASKS[name], kind, dtype)
    arrays = [drawn(*shape, dtype=dtype, seed=i) for i, shape in enumerate((QUERY, KEY, VALUE))]

    def call(library, _, q, k, v, *rest):
        m = rest[0] if rest else library.tensor(mask)
        return attend(library, q, k, v, m)

    arrays += [mask] if kind == "learned" else []
    for second in (False, True) if dtype == "float64" else (False,):
        compare(call, arrays, TOLERANCE[dtype], second=second)


def test_masks_of_long_sequences_match_torch():
    arrays = [drawn(2, 2, n, 8, seed=i) for i, n in enumerate((150, 190, 190))]
    for shape in ((150, 190), (2, 1, 1, 190), (1, 2, 150, 1)):
        for kind in ("bool", "float"):
            mask = masked(shape, kind, "float64")
            compare(
                lambda library, _, *leaves, m=mask: attend(library, *leaves, library.tensor(m)),
                arrays, 1e-9,
            )  # fmt: skip


def test_a_query_that_may_look_nowhere_gives_zeros():
    x = mg.randn(2, 3, 4, requires_grad=True)
    mask = mg.ones(3, 3, dtype=mg.bool)
    mask[1] = False
    out = F.scaled_dot_product_attention(x, x, x, mask)
    assert not out[:, 1].any()
    out.sum().backward()
    assert x.grad.isfinite().all()


def test_large_scores_do_not_overflow():
    for dtype in TOLERANCE:
        arrays = [drawn(2, 80, 16, dtype=dtype, seed=i) * 300 for i in range(3)]
        for options in ({}, {"is_causal": True}):
            compare(
                lambda library, _, *leaves, o=options: attend(library, *leaves, **o), arrays,
                TOLERANCE[dtype],
            )  # fmt: skip


def test_float16():
    arrays = [drawn(2, 2, 20, 8, dtype="float16", seed=i) for i in range(3)]
    ours = F.scaled_dot_product_attention(*map(mg.tensor, arrays), is_causal=True)
    theirs = torch.nn.functional.scaled_dot_product_attention(
        *map(torch.tensor, arrays), is_causal=True
    )
    assert ours.dtype == mg.float16
    assert_close(ours, theirs, 4e-3)


def test_strided_operands_match_torch():
    """Heads of one projection, as models write them."""
    packed = drawn(2, 70, 3 * 24)

    def call(library, _, x):
        q, k, v = (part.reshape(2, 70, 3, 8).transpose(1, 2) for part in x.split(24, dim=2))
        out = attend(library, q, k, v, is_causal=True)
        return out.transpose(1, 2).reshape(2, 70, 24)

    compare(call, [packed], 1e-9)
    compare(call, [packed.astype(np.float32)], 1e-4)


def test_dropout_drops_weights():
    mg.manual_seed(0)
    x = mg.randn(4, 60, 8)
    ones = mg.ones(4, 60, 8)
    assert not F.scaled_dot_product_attention(x, x, ones, dropout_p=1.0).any()
    sums = F.scaled_dot_product_attention(x, x, ones, dropout_p=0.5)
    assert abs(float(sums.mean()) - 1) < 0.1
    assert float(sums.std()) > 0.05


def test_results_do_not_depend_on_threads():
    arrays = [drawn(2, 4, 130, 16, dtype="float32", seed=i) for i in range(3)]
    before, found = mg.get_num_threads(), []
    try:
        for threads in (1, 2) if before > 1 else (1,):
            mg.set_num_threads(threads)
            leaves = [mg.tensor(a, requires_grad=True) for a in arrays]
            out = F.scaled_dot_product_attention(*leaves, is_causal=True)
            out.square().sum().backward()
            found.append([out.detach().numpy(), *(leaf.grad.numpy() for leaf in leaves)])
    finally:
        mg.set_num_threads(before)
    for arrays in zip(*found, strict=True):
        for array in arrays[1:]:
            np.testing.assert_array_equal(array, arrays[0])


Q, K = (2, 3, 4), (2, 5, 4)


def called(library, *shapes, mask=None, **options):
    function = library.nn.functional.scaled_dot_product_attention
    return function(*(library.zeros(shape) for shape in shapes), mask, **options)


REFUSED = {
    "vectors": lambda lib: called(lib, (4,), (4,), (4,)),
    "features": lambda lib: called(lib, Q, (2, 5, 3), K),
    "lengths": lambda lib: called(lib, Q, K, (2, 6, 4)),
    "batches": lambda lib: called(lib, Q, (3, 5, 4), (3, 5, 4)),
    "heads": lambda lib: called(lib, (1, 6, 3, 4), (1, 2, 5, 4), (1, 2, 5, 4)),
    "groups": lambda lib: called(
        lib, (1, 6, 3, 4), (1, 4, 5, 4), (1, 4, 5, 4), enable_gqa=True
    ),
    "groups of matrices": lambda lib: called(lib, (3, 4), (5, 4), (5, 4), enable_gqa=True),
    "a mask beside is_causal": lambda lib: called(
        lib, Q, K, K, mask=lib.ones(3, 5), is_causal=True
    ),
    "a mask of integers": lambda lib: called(lib, Q, K, K, mask=lib.ones(3, 5, dtype=lib.int32)),
    "a mask of float64": lambda lib: called(lib, Q, K, K, mask=lib.ones(3, 5, dtype=lib.float64)),
    "a mask of another size": lambda lib: called(lib, Q, K, K, mask=lib.ones(4, 5)),
    "a mask of more dimensions": lambda lib: called(lib, Q, K, K, mask=lib.ones(6, 2, 3, 5)),
    "dropout": lambda lib: called(lib, Q, K, K, dropout_p=2.0),
    "a scale by position": lambda lib: lib.nn.functional.scaled_dot_product_attention(
        lib.zeros(Q), lib.zeros(K), lib.zeros(K), None, 0.0, False, 1.0
    ),
    "integers": lambda lib: lib.nn.functional.scaled_dot_product_attention(
        *[lib.ones(Q, dtype=lib.int64)] * 3
    ),
    "a list": lambda lib: lib.nn.functional.scaled_dot_product_attention(
        [1.0], lib.zeros(K), lib.zeros(K)
    ),
}  # fmt: skip
WORDS = {
    "vectors": "at least 2 dimensional", "groups": "must divide", "dropout": "between 0 and 1",
    "a mask beside is_causal": "Explicit attn_mask should not be set when is_causal=True",
    "a mask of integers": "Expected attn_mask dtype to be bool or float or to match query dtype",
    "a scale by position": "takes from 3 to 6 positional arguments", "a list": "must be Tensor",
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_bad_arguments_are_refused_as_in_torch(name):
    words = WORDS.get(name)
    with pytest.raises(Exception, match=words) as theirs:
        REFUSED[name](torch)
    with pytest.raises(type(theirs.value), match=words):
        REFUSED[name](mg)


def test_mixed_dtypes_are_refused():
    for library in (torch, mg):
        x = library.zeros(2, 3, 4)
        with pytest.raises(RuntimeError, match="to have the same dtype"):
            library.nn.functional.scaled_dot_product_attention(x, x.double(), x)


def test_lengths_that_differ_are_refused_for_heads_too():
    """torch reads beyond the keys."""
    with pytest.raises(RuntimeError, match="key and value of the same length"):
        called(mg, (1, 2, 3, 4), (1, 2, 5, 4), (1, 2, 6, 4))
