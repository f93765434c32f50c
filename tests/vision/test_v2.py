"""transforms.v2: samples, users' transforms, mixtures of batches, and the names beside v1's."""

import numpy as np
import pytest
from PIL import Image

import minigrad as mg
from minigrad.tensor.creation import from_numpy
from minigrad.utils.data import DataLoader, default_collate
from minigrad.vision import transforms
from minigrad.vision.datasets import FakeData
from minigrad.vision.transforms import v2
from tests.support.images import COLOUR, GREY, as_kinds
from tests.support.torchvision_transforms import picture, planes_of


def test_the_usual_pipeline():
    pipeline = v2.Compose(
        [
            v2.ToImage(),
            v2.RandomHorizontalFlip(p=1.0),
            v2.ToDtype(mg.float32, scale=True),
            v2.Normalize(mean=[0.5, 0.5, 0.5], std=[0.25, 0.25, 0.25]),
        ]
    )
    expected = (COLOUR[:, ::-1].transpose(2, 0, 1) / 255 - 0.5) / 0.25
    for image in (COLOUR, Image.fromarray(COLOUR)):
        np.testing.assert_allclose(pipeline(image).numpy(), expected, atol=1e-6)
        changed, label = pipeline(image, 7)
        assert label == 7
        np.testing.assert_allclose(changed.numpy(), expected, atol=1e-6)
        sample = pipeline({"image": image, "target": {"boxes": [1, 2], "name": "cat"}})
        assert sample["target"] == {"boxes": [1, 2], "name": "cat"}
        np.testing.assert_allclose(sample["image"].numpy(), expected, atol=1e-6)
    assert v2.ToDtype(mg.int64)(mg.tensor([[1.5]])).tolist() == [[1]]


def test_the_names_of_v1_are_the_same_transforms():
    for name in transforms.__all__:
        if name not in ("Lambda", "batch_form", "functional", "v2"):
            assert getattr(v2, name) is getattr(transforms, name)
    for name in transforms.functional.__all__:
        if name in v2.functional.__all__:
            assert getattr(v2.functional, name) is getattr(transforms.functional, name)


def test_all_pictures_of_a_sample_are_altered_alike():
    numbered = np.arange(400, dtype=np.int32).reshape(20, 20)
    pictures = [Image.fromarray(numbered), Image.fromarray(numbered + 1000)]
    for _ in range(5):
        image, mask = v2.RandomCrop(4)(*pictures)
        np.testing.assert_array_equal(np.asarray(image) + 1000, np.asarray(mask))
    # Of arrays and Tensors the first is the image, and the others are targets.
    image, target = v2.RandomCrop(4)(from_numpy(numbered), from_numpy(numbered))
    assert (image.shape, target.shape) == ((4, 4), (20, 20))
    pipeline = v2.RandomApply([v2.CenterCrop(4), v2.RandomChoice([v2.RandomInvert(1.0)])], p=1.0)
    image, label = pipeline(COLOUR, 3)
    assert (image.shape, label) == ((4, 4, 3), 3)
    assert v2.RandomApply([v2.CenterCrop(4)], p=0.0)(COLOUR, 3) == (COLOUR, 3)
    assert v2.RandomOrder([v2.CenterCrop(4), v2.RGB()])(GREY, 3)[0].shape == (4, 4, 3)
    with pytest.raises(TypeError, match="an image should be"):
        v2.RandomCrop(4)(1, "two")


def test_a_user_s_transform_draws_once_for_a_sample():
    class Darker(v2.Transform):
        def check_inputs(self, flat_inputs):
            if 13 in flat_inputs:
                raise ValueError("unlucky")

        def make_params(self, flat_inputs):
            assert all(isinstance(image, Image.Image) for image in flat_inputs)
            return {"factor": float(mg.rand(1)), "images": len(flat_inputs)}

        def transform(self, inpt, params):
            return v2.functional.adjust_brightness(inpt, params["factor"] / params["images"])

    image = Image.fromarray(COLOUR)
    one, (two, label) = Darker()((image, (image, 3)))
    np.testing.assert_array_equal(np.asarray(one), np.asarray(two))
    assert label == 3
    assert np.asarray(one).mean() < COLOUR.mean()
    with pytest.raises(ValueError, match="unlucky"):
        Darker()(image, 13)
    with pytest.raises(NotImplementedError, match="Transform does not say how"):
        v2.Transform()(image)


def test_lambda_may_be_for_some_types():
    assert v2.Lambda(lambda x: x + 1, int)(1, 2.0, "a") == (2, 2.0, "a")
    assert v2.Lambda(abs)({"a": -1}) == {"a": 1}
    assert repr(v2.Lambda(abs, int)) == "Lambda(abs, types=['int'])"
    with pytest.raises(TypeError, match="Argument lambd should be callable, got 'int'"):
        v2.Lambda(3)


# --- MixUp and CutMix ---


def batch(count=6, classes=4):
    images = mg.arange(count, dtype=mg.float64).reshape(count, 1, 1, 1).expand(count, 3, 8, 10)
    return images, mg.arange(count) % classes


@pytest.mark.parametrize("mixture", [v2.MixUp, v2.CutMix])
def test_a_label_has_the_share_of_the_image(mixture):
    mg.manual_seed(0)
    images, labels = batch()
    one_hot = np.eye(4)[labels.numpy()]
    shares = []
    for _ in range(300):
        mixed, soft = mixture(num_classes=4)(images, labels)
        assert mixed.dtype == mg.float64
        assert soft.shape == (6, 4)
        kept = 1 - (mixed - images).numpy()[1:].mean((1, 2, 3)) / -1  # the one before is 1 less
        share = kept[0]
        np.testing.assert_allclose(kept, share, atol=1e-9)
        expected = share * one_hot + (1 - share) * np.roll(one_hot, 1, 0)
        np.testing.assert_allclose(soft.numpy(), expected, atol=1e-6)
        if mixture is v2.CutMix:
            assert set(mixed[3].flatten().tolist()) <= {2.0, 3.0}
        shares.append(share)
    assert min(shares) < (0.1 if mixture is v2.MixUp else 0.6)  # a rectangle may be cut off
    assert max(shares) > 0.95
    assert np.all(np.array(shares) >= -1e-9)
    if mixture is v2.MixUp:
        assert abs(np.mean(shares) - 0.5) < 0.085  # 5 sigma of the even distribution
        strong = [v2.MixUp(alpha=50.0, num_classes=4)(images, labels)[1].max() for _ in range(50)]
        assert max(float(value) for value in strong) < 0.75


def test_mixtures_take_soft_labels_dicts_and_collated_samples():
    images, labels = batch()
    soft = mg.nn.functional.one_hot(labels, 4).float()
    sample = v2.CutMix()({"image": images, "labels": soft, "id": [1, 2]})
    assert sample["labels"].shape == (6, 4)
    assert sample["id"] == [1, 2]
    found = v2.MixUp(labels_getter=lambda sample: sample[0])((soft, images))
    assert [part.shape for part in found] == [(6, 4), (6, 3, 8, 10)]
    mixture = v2.MixUp(num_classes=10)
    data = FakeData(8, (3, 6, 6), transform=v2.ToTensor())
    loader = DataLoader(data, 4, collate_fn=lambda samples: mixture(*default_collate(samples)))
    assert [tuple(part.shape) for part in next(iter(loader))] == [(4, 3, 6, 6), (4, 10)]
    assert repr(mixture) == "MixUp(alpha=1.0, num_classes=10)"


IMAGES, LABELS = batch()
BAD_BATCHES = [
    (lambda: v2.MixUp()(IMAGES, LABELS), "num_classes must be passed"),
    (lambda: v2.MixUp(num_classes=4)(IMAGES, [1, 2]), "labels must be a tensor, but got"),
    (lambda: v2.MixUp(num_classes=4)(IMAGES, LABELS[:2]), "does not match the batch size.*6 != 2"),
    (lambda: v2.MixUp(num_classes=4)(IMAGES[0], LABELS), "with 4 dims, but got 3"),
    (lambda: v2.CutMix(num_classes=4)(IMAGES, mg.ones(6, 3)), "must match num_classes: 3 != 4"),
    (lambda: v2.CutMix(num_classes=4)(IMAGES, mg.ones(6, 3, 1)), "index based with shape"),
    (lambda: v2.CutMix(num_classes=4)({"a": IMAGES}), "Could not infer where the labels are"),
    (lambda: v2.CutMix(num_classes=4)({"labels": LABELS}), "expects a batch of images, got none"),
    (lambda: v2.CutMix(num_classes=4)(Image.fromarray(GREY), LABELS), "does not support PIL"),
    (lambda: v2.MixUp(num_classes=4)(IMAGES.to(mg.uint8), LABELS), "floating-point images"),
    (lambda: v2.MixUp(labels_getter="second"), "should either be 'default' or a callable"),
    (lambda: v2.MixUp(alpha=0), "alpha should be positive, got 0"),
]


@pytest.mark.parametrize(("call", "message"), BAD_BATCHES)
def test_batches_that_cannot_be_mixed_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# --- the other transforms of v2 ---


def test_grey_becomes_colour_and_channels_change_places():
    for image in as_kinds(GREY).values():
        colour = planes_of(v2.RGB()(image))
        assert colour.shape[-3:] == (3, *GREY.shape)
        assert np.all(colour == colour[..., :1, :, :])
    assert v2.RGB()(COLOUR) is COLOUR
    for image in as_kinds(COLOUR).values():
        turned = v2.functional.permute_channels(image, [2, 0, 1])
        np.testing.assert_array_equal(
            planes_of(turned), np.take(planes_of(image), [2, 0, 1], axis=-3)
        )
    mg.manual_seed(0)
    orders = {tuple(v2.RandomChannelPermutation().draw(COLOUR)) for _ in range(100)}
    assert len(orders) == 6
    with pytest.raises(ValueError, match="does not match number of channels"):
        v2.functional.permute_channels(COLOUR, [0, 1])


def test_noise_has_its_mean_and_deviation():
    mg.manual_seed(0)
    grey = mg.full((3, 100, 100), 0.5)
    noise = v2.GaussianNoise(0.05, 0.1)(grey).numpy() - 0.5
    assert abs(noise.mean() - 0.05) < 0.003
    assert abs(noise.std() - 0.1) < 0.003
    pixels = v2.GaussianNoise(sigma=0.2)(np.full((100, 100), 128, np.uint8))
    assert abs(pixels.std() / 255 - 0.2) < 0.01
    assert v2.GaussianNoise(sigma=9.0)(grey).numpy().max() == 1
    assert v2.GaussianNoise(sigma=9.0, clip=False)(grey).numpy().max() > 9
    for image, message in ((Image.fromarray(GREY), "PIL images"), (grey.to(mg.int32), "got dtype")):
        with pytest.raises(ValueError, match=message):
            v2.GaussianNoise()(image)
    with pytest.raises(ValueError, match="shouldn't be negative"):
        v2.GaussianNoise(sigma=-1)(grey)


def test_jpeg_loses_more_at_a_lower_quality():
    image = picture(24, 32)
    for kind in as_kinds(image).values():
        losses = []
        for quality in (100, 50, 5):
            found = v2.JPEG(quality)(kind)
            assert type(found) is type(kind)
            losses.append(np.abs(planes_of(found).astype(float) - planes_of(kind)).mean())
        assert losses[0] < losses[1] < losses[2] < 60
    with pytest.raises(ValueError, match="integer from 1 to 100, got 0"):
        v2.JPEG(0)
    with pytest.raises(TypeError, match="Only uint8 image tensors"):
        v2.JPEG(9)(mg.ones(3, 4, 4))


def test_random_sizes():
    mg.manual_seed(0)
    image = np.zeros((20, 40), np.uint8)
    drawn = {v2.RandomResize(5, 9)(image).shape for _ in range(60)}
    assert drawn == {(n, 2 * n) for n in (5, 6, 7, 8)}
    assert {v2.RandomShortestSize([5, 10])(image).shape for _ in range(40)} == {(5, 10), (10, 20)}
    assert v2.RandomShortestSize(10, max_size=16)(image).shape == (8, 16)
    shapes = np.array([v2.ScaleJitter((10, 10), (0.5, 2.0))(image).shape for _ in range(60)])
    assert shapes.min(0).tolist() == [2, 5]
    assert 18 <= shapes.max(0)[1] <= 20
    out = [v2.RandomZoomOut(fill=7, side_range=(1.0, 3.0), p=1.0)(image) for _ in range(40)]
    assert all(20 <= zoomed.shape[0] <= 60 and (zoomed == 0).sum() == 800 for zoomed in out)
    assert len({int(np.flatnonzero(zoomed == 0)[0]) for zoomed in out}) > 10
    with pytest.raises(ValueError, match="Invalid side range"):
        v2.RandomZoomOut(side_range=(0.5, 1.0))


def test_photometric_distortion_follows_the_seed():
    distort = v2.RandomPhotometricDistort()
    results = []
    for seed in (0, 0, 1):
        mg.manual_seed(seed)
        results.append([distort(COLOUR).tolist() for _ in range(5)])
    assert results[0] == results[1] != results[2]
    assert v2.RandomPhotometricDistort(p=0.0)(COLOUR) is COLOUR


def test_functions_have_their_new_names():
    F = v2.functional
    assert F.get_size(COLOUR) == [6, 9]
    assert F.get_num_channels(Image.fromarray(COLOUR)) == 3
    assert F.horizontal_flip(GREY).tolist() == GREY[:, ::-1].tolist()
    assert F.vertical_flip(GREY).tolist() == GREY[::-1].tolist()
    assert F.to_image(GREY).shape == (1, 7, 5)
    assert F.to_image(mg.ones(2, 3)).shape == (1, 2, 3)
    assert float(F.to_dtype(F.to_image(np.full((1, 1), 255, np.uint8)), scale=True)) == 1
    with pytest.raises(TypeError, match="put ToImage before it"):
        v2.ToDtype(mg.float32)(COLOUR)
    with pytest.raises(ValueError, match="dtype must be a dtype, got <class 'dict'>"):
        v2.ToDtype({"others": None})
    assert v2.ToPureTensor()(1, 2) == (1, 2)
    assert v2.Identity()(COLOUR) is COLOUR
