"""MultiheadAttention compared with torch: state, results, weights, gradients, refusals."""

import math
import re

import numpy as np
import pytest
import torch

import minigrad as mg
from minigrad import nn
from tests.support.attention import compare, drawn
from tests.support.torch_twin import TOLERANCE, assert_close, assert_same_structure, copy_state

# Options, and sizes of key and value.
LAYERS = {
    "plain": ({}, (6, 6)),
    "without bias": ({"bias": False}, (6, 6)),
    "batch first": ({"batch_first": True}, (6, 6)),
    "other keys": ({"kdim": 4, "vdim": 5}, (4, 5)),
    "other values": ({"vdim": 5, "batch_first": True}, (6, 5)),
    "biases of keys": ({"add_bias_kv": True}, (6, 6)),
    "zeros": ({"add_zero_attn": True, "bias": False}, (6, 6)),
    "both": ({"add_bias_kv": True, "add_zero_attn": True, "kdim": 4, "vdim": 5}, (4, 5)),
}
L, S, N = 5, 7, 3
MASKS = {
    "none": {},
    "padding": {"key_padding_mask": (N, S)},
    "attention": {"attn_mask": (L, S)},
    "of heads": {"attn_mask": (N * 2, L, S)},
    "both": {"attn_mask": (L, S), "key_padding_mask": (N, S)},
}
CALLS = {
    "averaged": {},
    "by heads": {"average_attn_weights": False},
    "without weights": {"need_weights": False},
}


def pair(options, dtype="float64"):
    torch.manual_seed(1)
    theirs = torch.nn.MultiheadAttention(6, 2, **options).to(getattr(torch, dtype))
    ours = nn.MultiheadAttention(6, 2, **options).to(getattr(mg, dtype))
    with torch.no_grad():  # biases start at 0
        for parameter in theirs.parameters():
            parameter.normal_()
    assert_same_structure(ours, theirs)
    copy_state(ours, theirs)
    return ours, theirs


def inputs(sizes, batch_first, dtype, batch=(N,)):
    shapes = [(L, *batch, 6), *((S, *batch, size) for size in sizes)]
    if batch_first and batch:
        shapes = [(b, a, c) for a, b, c in shapes]
    return [drawn(*shape, dtype=dtype, seed=i) for i, shape in enumerate(shapes)]


def drawn_masks(shapes, kind, dtype):
    """Masks that leave the last key open."""
    found = {}
    for seed, (name, shape) in enumerate(shapes.items()):
        closed = np.random.default_rng(seed).random(shape) < 0.4
        closed[..., -1] = False
        found[name] = closed if kind == "bool" else np.where(closed, -math.inf, 0.5).astype(dtype)
    return found


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("masks", MASKS)
@pytest.mark.parametrize("kind", ["bool", "float"])
def test_layer_matches_torch(layer, masks, kind):
    options, sizes = LAYERS[layer]
    for dtype in TOLERANCE:
        modules = pair(options, dtype)
        given = drawn_masks(MASKS[masks], kind, dtype)
        arrays = inputs(sizes, options.get("batch_first"), dtype)
        for call in CALLS.values():

            def run(library, module, *leaves, given=given, call=call):
                own = {name: library.tensor(mask) for name, mask in given.items()}
                return module(*leaves, **own, **call)

            compare(run, arrays, TOLERANCE[dtype], modules)


@pytest.mark.parametrize("layer", LAYERS)
def test_second_derivatives_match_torch(layer):
    options, sizes = LAYERS[layer]
    modules, arrays = pair(options), inputs(sizes, options.get("batch_first"), "float64")
    compare(lambda _, module, *leaves: module(*leaves), arrays, 1e-9, modules, second=True)
    no_weights = {"need_weights": False}

    def call(library, module, *leaves):
        with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
            return module(*leaves, **no_weights)

    compare(call, arrays, 1e-9, modules, second=True)


@pytest.mark.parametrize("layer", LAYERS)
def test_one_sequence_matches_torch(layer):
    options, sizes = LAYERS[layer]
    modules, arrays = pair(options), inputs(sizes, False, "float64", ())
    shapes = {"attn_mask": (2, L, S), "key_padding_mask": (S,)}
    for masks in ({}, drawn_masks(shapes, "bool", "float64")):
        for call in CALLS.values():

            def run(library, module, *leaves, masks=masks, call=call):
                own = {name: library.tensor(mask) for name, mask in masks.items()}
                return module(*leaves, **own, **call)

            compare(run, arrays, 1e-9, modules)


@pytest.mark.parametrize("batch_first", [False, True])
def test_self_attention_matches_torch(batch_first):
    """One product projects a tensor that is query, key and value; two if it is key and value."""
    modules = pair({"batch_first": batch_first})
    x, memory = drawn(4, 4, 6), drawn(4, 4, 6, seed=1)

    def causal(library, module, x, memory):
        mask = library.nn.Transformer.generate_square_subsequent_mask(4).to(x.dtype)
        options = {"attn_mask": mask, "is_causal": True}
        first, _ = module(x, x, x, need_weights=False, **options)
        second, weights = module(first, memory, memory, **options)
        return second, weights, module(x[0], x[0], x[0])[0]

    compare(causal, [x, memory], 1e-9, modules)


def test_closed_rows_match_torch():
    """nan with weights, as softmax gives; zeros without."""
    ours, theirs = pair({})
    x, mask = drawn(3, 2, 6), np.zeros((3, 3), bool)
    mask[1] = True
    for need_weights in (False, True):
        found = [
            module(*[library.tensor(x)] * 3, attn_mask=library.tensor(mask),
                   need_weights=need_weights)[0]
            for library, module in ((mg, ours), (torch, theirs))
        ]  # fmt: skip
        assert_close(*found, 1e-9)
        assert bool(found[0].isnan().any()) == need_weights


def test_static_keys_and_values_match_torch():
    rng = np.random.default_rng(0)
    x, static = rng.normal(size=(5, 3, 6)), rng.normal(size=(6, 4, 3))
    weight, out = rng.normal(size=(18, 6)), rng.normal(size=(6, 6))
    found = []
    for library in (mg, torch):
        q, given, w, o = map(library.tensor, (x, static, weight, out))
        found.append(
            library.nn.functional.multi_head_attention_forward(
                q,
                q,
                q,
                6,
                2,
                w,
                None,
                None,
                None,
                False,
                0.0,
                o,
                None,
                static_k=given,
                static_v=given * 2,
            )
        )
    for ours, theirs in zip(*found, strict=True):
        assert_close(ours, theirs, 1e-9)


def test_dropout_in_training_only():
    layer = nn.MultiheadAttention(8, 2, dropout=1.0)
    x = mg.randn(4, 2, 8)
    for need_weights in (False, True):
        layer.train()
        dropped, weights = layer(x, x, x, need_weights=need_weights)
        assert not dropped.any()
        assert weights is None or not weights.any()
        layer.eval()
        assert layer(x, x, x, need_weights=need_weights)[0].any()


def test_fresh_weights_are_drawn_from_torchs_range():
    layer = nn.MultiheadAttention(64, 2, add_bias_kv=True)
    bound = math.sqrt(6 / (4 * 64))
    assert 0.95 * bound < float(layer.in_proj_weight.abs().max()) <= bound
    assert not layer.in_proj_bias.any()
    assert not layer.out_proj.bias.any()
    assert 0.08 < float(layer.bias_k.std()) < 0.18


def both(function, *shapes, **options):
    return lambda lib: function(lib, *(lib.zeros(shape) for shape in shapes), **options)


def layer_of(lib, *args, mask=None, padding=None, dtype=None, **options):
    masks = {
        name: lib.zeros(shape, dtype=dtype and getattr(lib, dtype))
        for name, shape in (("attn_mask", mask), ("key_padding_mask", padding))
        if shape is not None
    }
    return lib.nn.MultiheadAttention(6, 2)(*args, **masks, **options)


Q, K = (5, 3, 6), (7, 3, 6)
REFUSED = {
    "no features": lambda lib: lib.nn.MultiheadAttention(0, 2),
    "no heads": lambda lib: lib.nn.MultiheadAttention(6, 0),
    "heads that do not divide": lambda lib: lib.nn.MultiheadAttention(6, 4),
    "a query of one dimension": both(layer_of, (6,), K, K),
    "keys of a batch": both(layer_of, (5, 6), K, K),
    "one key sequence": both(layer_of, Q, (7, 6), (7, 6)),
    "features": both(layer_of, (5, 3, 4), K, K),
    "keys unlike values": both(layer_of, Q, K, (8, 3, 6)),
    "padding of a sequence": both(layer_of, Q, K, K, padding=(7,)),
    "padding of a batch": both(layer_of, (5, 6), (7, 6), (7, 6), padding=(1, 7)),
    "padding of another batch": both(layer_of, Q, K, K, padding=(4, 7)),
    "padding of another length": both(layer_of, Q, K, K, padding=(3, 8)),
    "a mask of one dimension": both(layer_of, Q, K, K, mask=(7,)),
    "a mask of another size": both(layer_of, Q, K, K, mask=(5, 8)),
    "masks of other heads": both(layer_of, Q, K, K, mask=(3, 5, 7)),
    "masks of one sequence": both(layer_of, (5, 6), (7, 6), (7, 6), mask=(3, 5, 7)),
    "a mask of integers": both(layer_of, Q, K, K, mask=(5, 7), dtype="int64"),
    "is_causal without a mask": both(layer_of, Q, Q, Q, is_causal=True),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_arguments_are_refused_as_in_torch(name):
    with pytest.raises(Exception) as theirs:  # noqa: PT011  whatever torch raises
        REFUSED[name](torch)
    with pytest.raises(type(theirs.value)) as ours:
        REFUSED[name](mg)
    words = [
        " ".join(re.sub(r"(torch|minigrad)\.Size\(\[(.*?)\]\)", r"(\2)", str(e.value)).split())
        for e in (ours, theirs)
    ]
    assert words[0][:40] == words[1][:40]


def test_masks_of_two_types_give_torchs_warning():
    for lib in (torch, mg):
        x = lib.zeros(3, 2, 6)
        mask, padding = lib.zeros(3, 3), lib.zeros(2, 3, dtype=lib.bool)
        with pytest.warns(UserWarning, match="mismatched key_padding_mask and attn_mask"):
            lib.nn.MultiheadAttention(6, 2)(x, x, x, key_padding_mask=padding, attn_mask=mask)
