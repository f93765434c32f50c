"""Models under torchvision's names: keys, shapes, scores and gradients are torchvision's."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.vision import models
from tests.support.torchvision_models import FIGURES, figures, structure

RUN = [name for name, known in FIGURES.items() if known.scores]


@pytest.mark.parametrize("name", FIGURES)
def test_keys_and_shapes_are_torchvision_s(name, monkeypatch):
    for init in ("kaiming_uniform_", "kaiming_normal_", "uniform_", "normal_", "trunc_normal_"):
        monkeypatch.setattr(nn.init, init, lambda tensor, *_, **__: tensor)  # large: save the time
    found = structure(models.get_model(name, weights=None, num_classes=10))
    assert found == (*FIGURES[name][:3], (), 0.0)


@pytest.mark.parametrize("name", RUN)
def test_scores_and_a_gradient_are_torchvision_s(name):
    model = models.get_model(name, num_classes=10)
    found, known = figures(model, mg.from_numpy, 72 if name == "swin_t" else 64), FIGURES[name]
    np.testing.assert_allclose(found.scores, known.scores, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found.gradient, known.gradient, rtol=1e-7)


@pytest.mark.parametrize("size", [None, 10])
def test_a_small_vision_transformer_is_torchvision_s(size):
    known = {
        None: (0.1484083359055867, 0.8331537496951217, 1.4805628603927614),
        10: (0.08387122778688472, 0.22488035959931477, -0.4900077588997638),
    }
    model = models.VisionTransformer(16, 4, 2, 2, 8, 12, num_classes=5, representation_size=size)
    found = figures(model, mg.from_numpy, 16)
    assert found[:3] == ((32, 1661, 1963428296) if size is None else (34, 1761, 1331484349))
    np.testing.assert_allclose(found.scores, known[size], rtol=1e-9)
    with pytest.raises(ValueError, match=r"Expected 16 but got \(8, 16\)"):
        model(mg.zeros(1, 3, 8, 16))
    with pytest.raises(ValueError, match="indivisible by patch size"):
        models.VisionTransformer(16, 5, 2, 2, 8, 12)


def test_models_beside_torchvision_s_own():
    """With copied weights, where torchvision is installed."""
    torchvision = pytest.importorskip("torchvision", exc_type=ImportError)
    for name in models.list_models():
        theirs = getattr(torchvision.models, name)(num_classes=10).state_dict()
        ours = getattr(models, name)(num_classes=10).state_dict()
        assert [(k, tuple(v.shape)) for k, v in ours.items()] == [
            (k, tuple(v.shape)) for k, v in theirs.items()
        ]


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "efficientnet_b0", "densenet121"])
def test_a_training_step_reaches_every_parameter(name):
    mg.manual_seed(0)
    options = {"memory_efficient": True, "drop_rate": 0.1} if name == "densenet121" else {}
    model = models.get_model(name, num_classes=3, **options).train()
    nn.functional.cross_entropy(model(mg.rand(4, 3, 32, 32)), mg.tensor([0, 1, 2, 0])).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def test_models_have_a_list():
    assert models.squeezenet1_1(pretrained=False, progress=False, num_classes=7).num_classes == 7
    assert models.list_models("vgg1?", exclude="*19") == ["vgg11", "vgg13", "vgg16"]
    assert models.get_model_builder("AlexNet") is models.alexnet
    with pytest.raises(ValueError, match=r"Unknown model alexnett; list_models\(\) names alexnet"):
        models.get_model("alexnett")


def test_old_keys_of_densenet_load():
    layer = models.DenseNet(4, (2,), 8).features.denseblock1.denselayer2
    old = {
        key.replace("norm1", "norm.1").replace("conv2", "conv.2"): value + 1
        for key, value in layer.state_dict().items()
    }
    assert "norm.1.weight" in old
    layer.load_state_dict(old)
    assert layer.norm1.weight.eq(2).all()


def test_options_of_mobile_networks():
    narrow = models.mobilenet_v2(width_mult=0.5, num_classes=5)
    assert (narrow.features[0].out_channels, narrow.last_channel) == (16, 1280)
    tail = models.mobilenet_v3_large(reduced_tail=True, dilated=True)
    assert (tail.features[13].out_channels, tail.features[15].out_channels) == (80, 80)
    assert tail.features[15].block[1][0].dilation == (2, 2)
    assert tail.classifier[0].out_features == 640


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: models.SqueezeNet("2_0"), ValueError, "version 2_0: 1_0 or 1_1 expected"),
        (lambda: models.MobileNetV2(inverted_residual_setting=[[1, 2]]), ValueError, "4-element"),
        (lambda: models.MobileNetV3([], 8), ValueError, "should not be empty"),
        (lambda: models.MobileNetV3([3], 8), TypeError, r"List\[InvertedResidualConfig\], got"),
        (lambda: models.EfficientNet([3], 0.1), TypeError, r"List\[MBConvConfig\], got \[3\]"),
        (lambda: models.ConvNeXt([]), ValueError, "should not be empty"),
    ],
)
def test_absurd_settings_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()
