"""Trained weights by torchvision's names: where their files are, and what is done with them."""

import copy
import pickle
import re

import numpy as np
import pytest
import torch
from PIL import Image

import minigrad as mg
from minigrad import hub
from minigrad.vision import models, transforms
from minigrad.vision.models import (
    ResNet18_Weights,
    ResNet50_Weights,
    SqueezeNet1_1_Weights,
    VGG16_Weights,
    ViT_B_16_Weights,
    resnet,
)
from minigrad.vision.transforms.presets import ImageClassification

FILE = "squeezenet1_1-b8a52dc0.pth"
PIXELS = (np.arange(40 * 50 * 3).reshape(40, 50, 3) * 7 % 256).astype(np.uint8)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of files, which is a new one."""
    monkeypatch.setattr(hub, "_hub_dir", str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    return tmp_path / "checkpoints"


@pytest.fixture
def stored(folder):
    """Weights in torchvision's file, written by torch."""
    state = models.squeezenet1_1().state_dict()
    torch.save({k: torch.from_numpy(v.numpy()) for k, v in state.items()}, folder / FILE)
    return state


@pytest.mark.parametrize(
    "make",
    [
        lambda: models.squeezenet1_1(weights=SqueezeNet1_1_Weights.DEFAULT),
        lambda: models.squeezenet1_1(SqueezeNet1_1_Weights.IMAGENET1K_V1, False),
        lambda: models.squeezenet1_1(weights="DEFAULT", num_classes=1000),
        lambda: models.squeezenet1_1(weights="SqueezeNet1_1_Weights.IMAGENET1K_V1"),
        lambda: models.squeezenet1_1(weights=True),
        lambda: models.squeezenet1_1(pretrained=True),
        lambda: models.squeezenet1_1(True),
        lambda: models.get_model("squeezenet1_1", weights="DEFAULT"),
    ],
)
def test_a_model_gets_the_weights_of_its_file(make, stored):
    found = make().state_dict()
    assert found.keys() == stored.keys()
    for key, value in stored.items():
        np.testing.assert_array_equal(found[key].numpy(), value.numpy())


@pytest.mark.parametrize("arguments", [(), (None,), (False,), (None, False)])
def test_a_model_without_weights_is_made_as_ever(arguments, folder):
    assert models.squeezenet1_1(*arguments, num_classes=7).num_classes == 7
    assert models.squeezenet1_1(*arguments, weights=None, num_classes=7).num_classes == 7
    assert models.resnet18(10).fc.out_features == 10


def test_a_missing_file_is_named_with_its_folder(folder):
    for name in models.list_models():
        weights = models.get_model_weights(name).DEFAULT
        file = folder / weights.url.rpartition("/")[2]
        words = f"save what is at {weights.url} as {file}, and call this again"
        with pytest.raises(FileNotFoundError, match=re.escape(words)):
            models.get_model(name, weights=weights)


def test_absurd_weights_are_refused(stored):
    with pytest.raises(KeyError, match="ResNet50_Weights has no 'V3'; it has IMAGENET1K_V1, IMAGE"):
        models.resnet50(weights="V3")
    with pytest.raises(TypeError, match=r"expected ResNet50_Weights but received ResNet18_Weights"):
        models.resnet50(weights=ResNet18_Weights.DEFAULT)
    with pytest.raises(ValueError, match="'num_classes' expected value 1000 but got 10 instead"):
        models.squeezenet1_1(weights="DEFAULT", num_classes=10)
    with pytest.raises(ValueError, match="Invalid weight name provided: 'ResNet50_Weights'"):
        models.get_weight("ResNet50_Weights")
    with pytest.raises(ValueError, match=r"The weight enum 'ResNet5_Weights' .* couldn't be found"):
        models.get_weight("ResNet5_Weights.DEFAULT")


def test_members_are_torchvision_s():
    assert ResNet50_Weights.DEFAULT is ResNet50_Weights.IMAGENET1K_V2
    assert list(ResNet50_Weights) == [
        ResNet50_Weights.IMAGENET1K_V1,
        ResNet50_Weights.IMAGENET1K_V2,
    ]
    assert models.get_weight("ResNet50_Weights.IMAGENET1K_V2") is ResNet50_Weights.DEFAULT
    assert models.get_model_weights(models.resnet50) is ResNet50_Weights
    assert resnet.ResNet50_Weights is ResNet50_Weights
    assert repr(ResNet50_Weights.DEFAULT) == "ResNet50_Weights.IMAGENET1K_V2"
    assert ResNet50_Weights.DEFAULT.url.endswith("/models/resnet50-11ad3fa6.pth")
    assert ViT_B_16_Weights.IMAGENET1K_SWAG_E2E_V1.options["image_size"] == 384
    for name in models.list_models():
        for weights in models.get_model_weights(name):
            assert pickle.loads(pickle.dumps(weights)) is weights
            assert copy.deepcopy(weights) is weights


def test_facts_about_weights_are_left_out_with_words():
    with pytest.raises(KeyError, match="no facts about trained weights, and so no 'categories'"):
        ResNet18_Weights.DEFAULT.meta["categories"]
    assert "categories" not in ResNet18_Weights.DEFAULT.meta


@pytest.mark.parametrize(
    ("interpolation", "of_picture", "of_tensor"),
    [
        ("BILINEAR", (280.85622074920684, 226337.731), (273.0817096834071, 221643.589)),
        ("BICUBIC", (274.5492758122273, 222691.398), (274.5667827455327, 222709.028)),
    ],
)
def test_images_are_prepared_as_by_torchvision(interpolation, of_picture, of_tensor):
    """The sums are torchvision 0.28's; uint8 tensors are resized within 1 of 255 of it."""
    mode = transforms.InterpolationMode[interpolation]
    prepare = ImageClassification(crop_size=20, resize_size=24, interpolation=mode)
    planes = mg.from_numpy(PIXELS).permute(2, 0, 1)
    positions = np.arange(1200).reshape(3, 20, 20)
    for image, known, tolerance in (
        (Image.fromarray(PIXELS), of_picture, 1e-6),
        (planes, of_tensor, 0.01),
    ):
        found = prepare(image).double().numpy()
        assert found.shape == (3, 20, 20)
        np.testing.assert_allclose([found.sum(), (found * positions).sum()], known, rtol=tolerance)
    assert prepare(planes[None]).shape == (1, 3, 20, 20)
    assert "cropped to crop_size=[20]" in prepare.describe()


def test_preparations_are_torchvision_s():
    preset = ResNet50_Weights.IMAGENET1K_V2.transforms()
    assert (preset.crop_size, preset.resize_size) == ([224], [232])
    assert VGG16_Weights.IMAGENET1K_FEATURES.transforms().mean == [0.48235, 0.45882, 0.40784]
    assert ResNet50_Weights.DEFAULT.transforms(crop_size=64).crop_size == [64]
    assert repr(preset).splitlines()[1] == "  crop_size=[224]"


def test_files_and_preparations_beside_torchvision_s_own():
    """Where torchvision is installed."""
    torchvision = pytest.importorskip("torchvision", exc_type=ImportError)
    for name in models.list_models():
        theirs, ours = torchvision.models.get_model_weights(name), models.get_model_weights(name)
        assert list(ours.__members__) == list(theirs.__members__)
        assert ours.__name__ == theirs.__name__
        for weights in theirs:
            assert (mine := ours[weights.name]).url == weights.url
            for key in ("crop_size", "resize_size", "mean", "std"):
                assert getattr(mine.transforms(), key) == getattr(weights.transforms(), key)
            assert mine.transforms().interpolation.name == weights.transforms().interpolation.name


def test_transforms_have_torchvision_s_longer_path():
    path = __import__("minigrad.vision.transforms.transforms", fromlist=["Compose"])
    assert path.Compose is transforms.Compose
    assert set(path.__all__) <= set(transforms.__all__)
