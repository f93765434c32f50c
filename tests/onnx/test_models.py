"""The models of the package, exported with a batch of any size: onnxruntime agrees to 1e-5.

MINIGRAD_ONNX_MODELS=all exports the large ones of `LARGE` too, which takes minutes.
"""

import os

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.text.models import GPT, CharLSTM
from minigrad.vision import models
from tests.support.torchvision_models import fill

pytest.importorskip("onnxruntime")

SMALL = {
    "mobilenet_v3_small": 32, "resnet18": 32, "squeezenet1_1": 32, "efficientnet_b0": 32,
}  # fmt: skip
LARGE = {
    "alexnet": 64, "convnext_tiny": 32, "densenet121": 32, "mobilenet_v2": 32, "resnet50": 32,
    "swin_t": 64, "vgg11_bn": 32, "vit_b_32": 64,
}  # fmt: skip
TRIED = SMALL | (LARGE if os.environ.get("MINIGRAD_ONNX_MODELS") == "all" else {})


def agree(model, example, other, axes):
    """Export for an example, and run the file and the model on other sizes."""
    program = mg.onnx.export(
        model, (example,), input_names=["x"], dynamic_axes={"x": axes}, verify=True
    )
    model.eval()
    with mg.no_grad():
        expected = model(other).numpy()
    (found,) = program(other)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * max(1, abs(expected).max()))
    return program


@pytest.mark.parametrize("name", TRIED)
def test_networks_for_images(name):
    size = TRIED[name]
    options = {"image_size": size} if name.startswith("vit") else {}
    model = models.get_model(name, num_classes=10, **options)
    fill(model, lambda array: mg.tensor(array.astype(np.float32)))
    rng = np.random.default_rng(0)
    one, three = (mg.tensor(rng.normal(size=(n, 3, size, size)).astype("float32")) for n in (1, 3))
    agree(model, one, three, {0: "batch"})


SMALLER = {
    "LinearClassifier": (lambda: models.LinearClassifier(28 * 28, 10), (1, 28, 28)),
    "MLP": (lambda: models.MLP(28 * 28, [20], 10), (1, 28, 28)),
    "LeNet5": (models.LeNet5, (1, 28, 28)),
    "DigitsCNN": (models.DigitsCNN, (1, 8, 8)),
    "LectureCNN": (models.LectureCNN, (1, 28, 28)),
    "VisionTransformer": (
        lambda: models.VisionTransformer(16, 4, 2, 2, 8, 16, num_classes=3), (3, 16, 16)
    ),
    "SwinTransformer": (
        lambda: models.SwinTransformer([2, 2], 8, [2, 2], [2, 4], [3, 3], num_classes=3),
        (3, 20, 20),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SMALLER)
def test_smaller_networks(name):
    build, shape = SMALLER[name]
    mg.manual_seed(0)
    agree(build(), mg.randn(2, *shape), mg.randn(5, *shape), [0])


@pytest.mark.parametrize("length", [5, 12])
def test_language_models(length):
    """An example as long as GPT allows is tried with shorter ones."""
    mg.manual_seed(0)
    tokens = mg.randint(0, 11, (1, length))
    axes = {0: "batch", 1: "length"}
    for model in (GPT(11, block_size=12, n_layer=2, n_embd=16), CharLSTM(11, 8)):
        program = agree(model, tokens, mg.randint(0, 11, (3, 9)), axes)
        assert [axis for tensor in program.graph.outputs for axis in tensor.shape] == [
            "batch", "length", 11,
        ]  # fmt: skip


def test_tied_weights_are_held_once():
    model = GPT(50, block_size=8, n_layer=1, n_embd=16)
    program = mg.onnx.export(model, (mg.zeros(1, 4, dtype=mg.int64),))
    held = program.graph.initializers
    assert sum(array.shape == (50, 16) for array in held.values()) == 1
    parameters = {name: p.array for name, p in model.named_parameters()}
    names = parameters.keys() & held.keys()
    assert "transformer.wte.weight" in names
    assert all(np.shares_memory(held[name], parameters[name]) for name in names)


RECURRENT = {
    "two layers, two ways": lambda: nn.LSTM(3, 4, 2, bidirectional=True),
    "batch first": lambda: nn.GRU(3, 4, batch_first=True),
    "no bias": lambda: nn.LSTM(3, 4, bias=False),
    "relu": lambda: nn.RNN(3, 4, nonlinearity="relu"),
    "gru of two ways": lambda: nn.GRU(3, 4, bidirectional=True, bias=False),
}


@pytest.mark.parametrize("name", RECURRENT)
def test_recurrent_layers_with_states(name):
    mg.manual_seed(0)
    layer = RECURRENT[name]()
    x = mg.randn(5, 2, 3)
    states = mg.randn(
        layer.num_layers * (1 + layer.bidirectional), 5 if layer.batch_first else 2, 4
    )
    given = (states, states * 2) if isinstance(layer, nn.LSTM) else states
    mg.onnx.export(layer, (x, given), verify=True)
    axes = {"x": {0: "n" if layer.batch_first else "t", 1: "t" if layer.batch_first else "n"}}
    program = mg.onnx.export(layer, (x,), input_names=["x"], dynamic_axes=axes, verify=True)
    other = mg.randn(7, 3, 3)
    with mg.no_grad():
        expected = layer(other)[0].numpy()
    np.testing.assert_allclose(program(other)[0], expected, atol=1e-5)


def test_attention_with_masks():
    mg.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    x = mg.randn(2, 5, 8)
    causal = nn.Transformer.generate_square_subsequent_mask(5)
    padding = mg.tensor([[False] * 5, [False, False, True, True, True]])
    mg.onnx.export(layer, (x,), kwargs={"src_mask": causal, "is_causal": True}, verify=True)
    mg.onnx.export(layer, (x,), kwargs={"src_key_padding_mask": padding}, verify=True)
    attend = nn.functional.scaled_dot_product_attention
    q = mg.randn(1, 2, 3, 4)
    nowhere = mg.tensor([[True, False, True], [False, False, False], [True, True, True]])
    for mask in (nowhere, mg.where(nowhere, 0.5, -float("inf"))):
        mg.onnx.export(attend, (q, q, q, mask), verify=True)
