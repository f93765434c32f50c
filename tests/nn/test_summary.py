"""The table of a model's layers."""

import pytest

import minigrad as mg
from minigrad import nn
from minigrad.vision.models import LectureCNN, resnet18

FROM_THE_PAPER = 1_814_073_344  # multiply-adds of ResNet-18 at 224x224, as torchvision states them


def test_counts_of_a_known_network():
    found = nn.summary(resnet18(), (1, 3, 224, 224))
    assert found.parameters == found.trainable == 11_689_512
    assert abs(found.multiply_adds - FROM_THE_PAPER) < 0.001 * FROM_THE_PAPER
    assert found.parameter_bytes == 4 * found.parameters
    assert found.input_bytes == 4 * 3 * 224 * 224


def test_layers_stand_in_order_with_their_shapes():
    found = nn.summary(LectureCNN(), (2, 1, 28, 28))
    by_path = {layer.path: layer for layer in found.layers}
    assert list(by_path)[:3] == ["", "conv1", "conv2"]
    assert by_path["conv2"].output_shapes == [(2, 64, 24, 24)]
    assert by_path["conv2"].parameters == 32 * 64 * 9 + 64
    assert by_path["conv2"].multiply_adds == 2 * 64 * 24 * 24 * 32 * 9
    assert by_path["fc1"].multiply_adds == 2 * 9216 * 128
    assert by_path[""].parameters == 0
    text = str(found)
    assert "conv2: Conv2d" in text
    assert "[2, 64, 24, 24]" in text
    assert f"{found.parameters:,}" in text


def test_other_layers_and_several_inputs():
    found = nn.summary(nn.Bilinear(3, 4, 5), [(2, 3), (2, 4)])
    assert found.multiply_adds == 2 * 3 * 4 * 5
    transposed = nn.summary(nn.ConvTranspose2d(2, 3, 4, stride=2), (1, 2, 5, 5))
    assert transposed.multiply_adds == 2 * 25 * 3 * 16
    table = nn.summary(nn.Embedding(5, 3), input_data=mg.tensor([[1, 2]]))
    assert table.layers[0].output_shapes == [(1, 2, 3)]


def test_a_shared_layer_is_counted_once_and_run_twice():
    layer = nn.Linear(3, 3)
    found = nn.summary(nn.Sequential(layer, nn.ReLU(), layer), (1, 3))
    assert found.parameters == 12
    assert found.multiply_adds == 18


def test_the_model_is_left_as_it_was():
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Dropout())
    model[1].eval()
    nn.summary(model, (4, 3))
    assert model.training
    assert model[0].training
    assert not model[1].training
    assert int(model[0].num_batches_tracked) == 0
    with pytest.raises(ValueError, match="expected"):
        nn.summary(model, (4, 3, 2, 2))
    assert model.training
    assert model[0]._hooks is None or not model[0]._hooks.forward


def test_frozen_parameters_are_said():
    model = nn.Linear(3, 4)
    model.bias.requires_grad_(False)
    assert "(4 frozen)" in str(nn.summary(model, (1, 3)))
    with pytest.raises(ValueError, match="either input_size or input_data"):
        nn.summary(model)
