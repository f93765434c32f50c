"""Encoders, decoders and Transformer compared with torch."""

import warnings

import numpy as np
import pytest
import torch

import minigrad as mg
from minigrad import nn
from tests.support.attention import compare, drawn
from tests.support.torch_twin import TOLERANCE, assert_close, assert_same_structure, copy_state

OPTIONS = {
    "plain": {},
    "gelu, batch first": {"activation": "gelu", "batch_first": True},
    "norm first": {"norm_first": True, "layer_norm_eps": 1e-3},
    "without bias": {"bias": False, "batch_first": True, "norm_first": True},
}
N, S, T = 3, 6, 4
pytestmark = pytest.mark.filterwarnings("ignore:enable_nested_tensor:UserWarning")


def pair(make, dtype="float64"):
    torch.manual_seed(0)
    theirs = make(torch).to(getattr(torch, dtype))
    ours = make(mg).to(getattr(mg, dtype))
    assert_same_structure(ours, theirs)
    copy_state(ours, theirs)
    return ours, theirs


def sequence(length, options, seed=0, dtype="float64"):
    shape = (N, length, 8) if options.get("batch_first") else (length, N, 8)
    return drawn(*shape, seed=seed, dtype=dtype)


def layer(kind, options):
    return lambda lib: getattr(lib.nn, kind)(8, 2, 12, 0.0, **options)


def stack(kind, options, count=2, norm=True, **given):
    def make(lib):
        one = layer(f"{kind}Layer", options)(lib)
        return getattr(lib.nn, kind)(one, count, lib.nn.LayerNorm(8) if norm else None, **given)

    return make


def padded(lib, length):
    return lib.arange(length)[None, :] >= lib.tensor([length, length - 1, length - 2])[:, None]


def causal(lib, size, dtype):
    return lib.nn.Transformer.generate_square_subsequent_mask(size).to(dtype)


MASKS = {
    "none": lambda lib, dtype: {},
    "causal": lambda lib, dtype: {"src_mask": causal(lib, S, dtype), "is_causal": True},
    "padding": lambda lib, dtype: {"src_key_padding_mask": padded(lib, S)},
    "both": lambda lib, dtype: {
        "src_mask": causal(lib, S, dtype) < 0, "src_key_padding_mask": padded(lib, S),
    },
}  # fmt: skip


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("masks", MASKS)
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_encoder_layer_matches_torch(options, masks, dtype):
    options = OPTIONS[options]
    modules = pair(layer("TransformerEncoderLayer", options), dtype)
    compare(
        lambda lib, module, x: module(x, **MASKS[masks](lib, x.dtype)),
        [sequence(S, options, dtype=dtype)], TOLERANCE[dtype], modules,
    )  # fmt: skip


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_decoder_layer_matches_torch(options, dtype):
    options = OPTIONS[options]
    modules = pair(layer("TransformerDecoderLayer", options), dtype)
    arrays = [sequence(T, options, dtype=dtype), sequence(S, options, 1, dtype)]

    def call(lib, module, x, memory):
        return module(
            x, memory, tgt_mask=causal(lib, T, x.dtype) < 0, tgt_key_padding_mask=padded(lib, T),
            memory_key_padding_mask=padded(lib, S),
        )  # fmt: skip

    compare(call, arrays, TOLERANCE[dtype], modules)
    compare(lambda _, module, *leaves: module(*leaves), arrays, TOLERANCE[dtype], modules)


@pytest.mark.parametrize("options", OPTIONS)
def test_stacks_match_torch(options):
    options = OPTIONS[options]
    x, memory = sequence(T, options), sequence(S, options, 1)
    for norm in (False, True):
        modules = pair(stack("TransformerEncoder", options, norm=norm))
        for is_causal in (None, True):
            compare(
                lambda lib, module, x, c=is_causal: module(
                    x, causal(lib, S, x.dtype), is_causal=c
                ), [memory], 1e-9, modules,
            )  # fmt: skip
        modules = pair(stack("TransformerDecoder", options, norm=norm))
        compare(
            lambda lib, module, x, memory: module(
                x, memory, causal(lib, T, x.dtype), memory_key_padding_mask=padded(lib, S)
            ), [x, memory], 1e-9, modules,
        )  # fmt: skip


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_transformer_matches_torch(options, dtype):
    options = OPTIONS[options]
    modules = pair(lambda lib: lib.nn.Transformer(8, 2, 2, 1, 12, 0.0, **options), dtype)
    arrays = [sequence(S, options, dtype=dtype), sequence(T, options, 1, dtype)]

    def call(lib, module, x, y):
        masks = {"src_key_padding_mask": padded(lib, S), "tgt_key_padding_mask": padded(lib, T)}
        masks["tgt_mask"] = causal(lib, T, x.dtype) < 0
        return module(x, y, **masks, memory_key_padding_mask=padded(lib, S))

    compare(call, arrays, TOLERANCE[dtype], modules)


def test_second_derivatives_match_torch():
    modules = pair(lambda lib: lib.nn.Transformer(8, 2, 1, 1, 12, 0.0, "gelu"))

    def call(lib, module, x, y):
        with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
            return module(x, y, tgt_mask=causal(lib, 3, x.dtype))

    compare(call, [drawn(4, 2, 8), drawn(3, 2, 8, seed=1)], 1e-9, modules, second=True)


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("order", ["at the end", "at the beginning"])
def test_padding_in_evaluation_matches_torch(norm, nested, order):
    """torch leaves padding out, if it is at the end, and gives zeros there."""
    make = stack(
        "TransformerEncoder", {"batch_first": True}, norm=norm, enable_nested_tensor=nested
    )
    ours, theirs = pair(make)
    x, found = sequence(S, {"batch_first": True}), []
    for lib, module in ((mg, ours.eval()), (torch, theirs.eval())):
        padding = padded(lib, S) if order == "at the end" else padded(lib, S).flip(1)
        with lib.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's of nested tensors
            found.append(module(lib.tensor(x), src_key_padding_mask=padding))
    assert_close(*found, 1e-9)


WARNED = {
    "sequences first": {},
    "norm first": {"batch_first": True, "norm_first": True},
    "another activation": {"batch_first": True, "activation": torch.tanh},
    "without bias": {"batch_first": True, "bias": False},
}


@pytest.mark.filterwarnings("default:enable_nested_tensor:UserWarning")
@pytest.mark.parametrize("name", WARNED)
def test_an_encoder_that_computes_padding_warns_as_in_torch(name):
    messages = []
    for lib in (torch, mg):
        options = dict(WARNED[name])
        if "activation" in options:
            options["activation"] = lib.tanh
        with pytest.warns(UserWarning, match="use_nested_tensor is False because") as caught:
            stack("TransformerEncoder", options)(lib)
        messages.append(str(caught[0].message))
    assert messages[0] == messages[1]


def test_activations():
    for given, expected in (("relu", 1), ("gelu", 2), (mg.nn.GELU(), 2), (mg.tanh, 0)):
        made = nn.TransformerEncoderLayer(8, 2, 12, activation=given)
        assert made.activation_relu_or_gelu == expected
    for kind in ("TransformerEncoderLayer", "TransformerDecoderLayer"):
        for lib in (torch, mg):
            with pytest.raises(RuntimeError, match="activation should be relu/gelu, not elu"):
                getattr(lib.nn, kind)(8, 2, activation="elu")


def test_copies_start_from_the_same_weights():
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 12), 2)
    first, second = (dict(layer.named_parameters()) for layer in encoder.layers)
    for name, parameter in first.items():
        assert parameter is not second[name]
        np.testing.assert_array_equal(parameter.detach().numpy(), second[name].detach().numpy())


def test_mask_of_later_positions():
    for dtype in (None, "float64"):
        masks = [
            lib.nn.Transformer.generate_square_subsequent_mask(
                4, dtype=dtype and getattr(lib, dtype)
            )
            for lib in (mg, torch)
        ]
        np.testing.assert_array_equal(masks[0].numpy(), masks[1].numpy())
        assert str(masks[0].dtype).split(".")[1] == str(masks[1].dtype).split(".")[1]


def test_custom_stacks_are_used():
    encoder, decoder = nn.Identity(), nn.Identity()
    model = nn.Transformer(8, 2, custom_encoder=encoder, custom_decoder=decoder)
    assert model.encoder is encoder
    assert model.decoder is decoder
    assert not list(model.parameters())


REFUSED = {
    "batches": lambda lib: lib.nn.Transformer(8, 2, 1, 1)(lib.zeros(4, 2, 8), lib.zeros(3, 3, 8)),
    "batches first": lambda lib: lib.nn.Transformer(8, 2, 1, 1, batch_first=True)(
        lib.zeros(2, 4, 8), lib.zeros(3, 3, 8)
    ),
    "features": lambda lib: lib.nn.Transformer(8, 2, 1, 1)(lib.zeros(4, 2, 6), lib.zeros(3, 2, 6)),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_bad_arguments_are_refused_as_in_torch(name):
    with pytest.raises(RuntimeError) as theirs:
        REFUSED[name](torch)
    with pytest.raises(RuntimeError) as ours:
        REFUSED[name](mg)
    assert str(ours.value) == str(theirs.value)
