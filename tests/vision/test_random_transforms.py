"""Random transforms: ranges, seeds, printing, and policies of several changes."""

import copy
import pickle

import numpy as np
import pytest
from PIL import Image

import minigrad as mg
from minigrad.nn import ModuleList, Sequential
from minigrad.tensor.creation import from_numpy
from minigrad.vision import transforms as T
from minigrad.vision.transforms import functional as F
from tests.support.images import COLOUR, as_kinds
from tests.support.torchvision_transforms import picture

# A transform, and what torchvision prints for it.
TRANSFORMS = [
    (T.ColorJitter(0.2, (0.5, 1.5), 0, 0.1),
     "ColorJitter(brightness=(0.8, 1.2), contrast=(0.5, 1.5), saturation=None, hue=(-0.1, 0.1))"),
    (T.ColorJitter(0.5, 0.5, 0.5, 0.5),
     "ColorJitter(brightness=(0.5, 1.5), contrast=(0.5, 1.5), saturation=(0.5, 1.5), "
     "hue=(-0.5, 0.5))"),
    (T.RandomRotation(30),
     "RandomRotation(degrees=[-30.0, 30.0], interpolation=nearest, expand=False, fill=0)"),
    (T.RandomRotation((-5, 40), center=(1, 2), fill=(1, 2, 3)),
     "RandomRotation(degrees=[-5.0, 40.0], interpolation=nearest, expand=False, center=(1, 2), "
     "fill=(1, 2, 3))"),
    (T.RandomAffine(10), "RandomAffine(degrees=[-10.0, 10.0])"),
    (T.RandomAffine((0, 5), (0.1, 0.2), (0.8, 1.2), (1, 2, 3, 4), fill=3, center=(1, 1)),
     "RandomAffine(degrees=[0.0, 5.0], translate=(0.1, 0.2), scale=(0.8, 1.2), "
     "shear=[1.0, 2.0, 3.0, 4.0], fill=3, center=(1, 1))"),
    (T.RandomPerspective(p=1.0), "RandomPerspective(p=1.0)"),
    (T.ElasticTransform(9.0, 0.5),
     "ElasticTransform(alpha=[9.0, 9.0], sigma=[0.5, 0.5], "
     "interpolation=InterpolationMode.BILINEAR, fill=[0.0])"),
    (T.GaussianBlur((3, 5), 0.7), "GaussianBlur(kernel_size=(3, 5), sigma=(0.7, 0.7))"),
    (T.GaussianBlur(3), "GaussianBlur(kernel_size=(3, 3), sigma=(0.1, 2.0))"),
    (T.RandomInvert(), "RandomInvert(p=0.5)"),
    (T.RandomPosterize(3), "RandomPosterize(bits=3,p=0.5)"),
    (T.RandomSolarize(128, p=0.7), "RandomSolarize(threshold=128,p=0.7)"),
    (T.RandomAdjustSharpness(2), "RandomAdjustSharpness(sharpness_factor=2,p=0.5)"),
    (T.RandomAutocontrast(), "RandomAutocontrast(p=0.5)"),
    (T.RandomEqualize(), "RandomEqualize(p=0.5)"),
    (T.RandomGrayscale(0.5), "RandomGrayscale(p=0.5)"),
    (T.RandomVerticalFlip(), "RandomVerticalFlip(p=0.5)"),
    (T.RandomCrop(4), "RandomCrop(size=(4, 4), padding=None)"),
    (T.RandomResizedCrop(4),
     "RandomResizedCrop(size=(4, 4), scale=(0.08, 1.0), ratio=(0.75, 1.3333), "
     "interpolation=bilinear, antialias=True)"),
    (T.AutoAugment(), "AutoAugment(policy=AutoAugmentPolicy.IMAGENET, fill=None)"),
    (T.AutoAugment(T.AutoAugmentPolicy.CIFAR10, fill=128),
     "AutoAugment(policy=AutoAugmentPolicy.CIFAR10, fill=128)"),
    (T.AutoAugment(T.AutoAugmentPolicy.SVHN, fill=[1, 2, 3]),
     "AutoAugment(policy=AutoAugmentPolicy.SVHN, fill=[1, 2, 3])"),
    (T.RandAugment(),
     "RandAugment(num_ops=2, magnitude=9, num_magnitude_bins=31, "
     "interpolation=InterpolationMode.NEAREST, fill=None)"),
    (T.TrivialAugmentWide(),
     "TrivialAugmentWide(num_magnitude_bins=31, interpolation=InterpolationMode.NEAREST, "
     "fill=None)"),
    (T.AugMix(),
     "AugMix(severity=3, mixture_width=3, chain_depth=-1, alpha=1.0, all_ops=True, "
     "interpolation=InterpolationMode.BILINEAR, fill=None)"),
    (T.AugMix(all_ops=False, chain_depth=2),
     "AugMix(severity=3, mixture_width=3, chain_depth=2, alpha=1.0, all_ops=False, "
     "interpolation=InterpolationMode.BILINEAR, fill=None)"),
    (T.RandomApply([T.RandomInvert()], 0.3),
     "RandomApply(\n    p=0.3\n    RandomInvert(p=0.5)\n)"),
    (T.RandomChoice([T.RandomInvert()]), "RandomChoice(\n    RandomInvert(p=0.5)\n)(p=None)"),
    (T.RandomOrder([T.RandomInvert()]), "RandomOrder(\n    RandomInvert(p=0.5)\n)"),
]  # fmt: skip
IDS = [text.partition("(")[0] for _, text in TRANSFORMS]


def array_of(image):
    return np.asarray(image.detach() if isinstance(image, mg.Tensor) else image)


@pytest.mark.parametrize(("transform", "text"), TRANSFORMS, ids=IDS)
def test_every_kind_of_image_follows_the_seed(transform, text):
    assert repr(transform) == text
    twin = pickle.loads(pickle.dumps(copy.deepcopy(transform)))
    for image in as_kinds(picture(18, 20)).values():
        results = []
        for used in (transform, twin, transform):
            mg.manual_seed(len(results) // 2)
            results.append([array_of(used(image)) for _ in range(8)])
        for one, two in zip(results[0], results[1], strict=True):
            np.testing.assert_array_equal(one, two)
        kind = Image.Image if isinstance(image, Image.Image) else type(image)
        assert isinstance(transform(image), kind)
        different = (not np.array_equal(a, b) for a, b in zip(results[0], results[2], strict=True))
        assert any(different) or text.startswith("GaussianBlur(kernel_size=(3, 5)")


def test_the_factors_of_a_jitter_lie_in_their_ranges():
    mg.manual_seed(0)
    jitter = T.ColorJitter(0.2, (0.5, 1.5), 0, 0.1)
    drawn = [jitter.draw(COLOUR) for _ in range(3000)]
    orders = {tuple(order.tolist()) for order, *_ in drawn}
    assert len(orders) == 24
    columns = list(zip(*drawn, strict=True))[1:]
    for column, bounds in zip(columns, ((0.8, 1.2), (0.5, 1.5), None, (-0.1, 0.1)), strict=True):
        if bounds is None:
            assert set(column) == {None}
            continue
        low, high = bounds
        assert low <= min(column) < low + (high - low) / 100
        assert high - (high - low) / 100 < max(column) <= high
        assert abs(np.mean(column) - (low + high) / 2) < (high - low) / 38  # 5 sigma
    alone = T.ColorJitter(brightness=(1.5, 1.5))(COLOUR)
    np.testing.assert_array_equal(alone, F.adjust_brightness(COLOUR, 1.5))
    assert T.ColorJitter()(COLOUR) is COLOUR


def test_the_parameters_of_maps_lie_in_their_ranges():
    mg.manual_seed(0)
    affine = T.RandomAffine((0, 5), (0.1, 0.2), (0.8, 1.2), (1, 2, 3, 4))
    image = np.zeros((50, 100), np.uint8)
    drawn = [affine.draw(image) for _ in range(500)]
    table = np.array([[a, *shift, scale, *shear] for a, shift, scale, shear in drawn])
    low = np.array([0, -10, -10, 0.8, 1, 3])
    high = np.array([5, 10, 10, 1.2, 2, 4])
    assert np.all((low <= table.min(0)) & (table.min(0) < low + (high - low) / 20))
    assert np.all((high - (high - low) / 20 < table.max(0)) & (table.max(0) <= high))
    assert T.RandomAffine(0).draw(image) == (0.0, (0, 0), 1.0, (0.0, 0.0))
    starts, ends = zip(*(T.RandomPerspective.get_params(100, 50, 0.5) for _ in range(500)),
                       strict=True)  # fmt: skip
    assert starts[0] == [[0, 0], [99, 0], [99, 49], [0, 49]]
    moves = np.abs(np.array(ends) - np.array(starts)).reshape(500, 8)
    assert np.all(moves.min(0) == 0)
    assert np.all(moves.max(0) == [25, 12] * 4)


def test_erased_rectangles():
    mg.manual_seed(0)
    image = mg.ones(3, 40, 50)
    shares, shapes = [], []
    for _ in range(400):
        top, left, rows, columns, value = T.RandomErasing.get_params(
            image, (0.02, 0.33), (0.3, 3.3), [0.0]
        )
        assert 0 <= top <= 40 - rows
        assert 0 <= left <= 50 - columns
        assert value.shape == (1, 1, 1)
        shares.append(rows * columns / 2000)
        shapes.append(rows / columns)
    for values, least, most in ((shares, 0.02, 0.33), (shapes, 0.3, 3.3)):
        assert least * 0.8 < min(values) < least * 2
        assert most * 0.7 < max(values) < most * 1.2
    erased = T.RandomErasing(p=1.0, value=(5, 6, 7))(image)
    assert image.sum() == 6000
    assert sorted(set(erased.flatten().tolist())) == [1, 5, 6, 7]
    noise = T.RandomErasing(p=1.0, value="random")(mg.zeros(3, 40, 50)).numpy()
    assert abs(noise[noise != 0].std() - 1) < 0.2
    assert T.RandomErasing(p=1.0, inplace=True)(image) is image
    assert image.sum() < 6000
    with pytest.raises(ValueError, match=r"3 \(number of input channels\), got \(1, 2\)"):
        T.RandomErasing(p=1.0, value=(1, 2))(image)
    with pytest.warns(UserWarning, match="should be of kind"):
        T.RandomErasing(scale=(0.5, 0.1))


def test_ten_crops_are_five_of_the_image_and_five_of_its_mirror():
    for image in as_kinds(COLOUR).values():
        five, ten = T.FiveCrop((3, 4))(image), T.TenCrop((3, 4))(image)
        assert (len(five), len(ten)) == (5, 10)
        top = T.TenCrop((3, 4), vertical_flip=True)(image)
        for crop, found, other in zip(five, ten, top, strict=False):
            np.testing.assert_array_equal(array_of(crop), array_of(found))
            np.testing.assert_array_equal(array_of(crop), array_of(other))
        mirrored = T.FiveCrop((3, 4))(F.hflip(image))
        np.testing.assert_array_equal(array_of(mirrored[1]), array_of(ten[6]))
        below = T.FiveCrop((3, 4))(F.vflip(image))
        np.testing.assert_array_equal(array_of(below[2]), array_of(top[7]))


def test_whitening_makes_the_covariance_the_identity():
    values = np.random.default_rng(0).normal(size=(500, 12)) @ np.diag(np.arange(1, 13))
    spread, axes = np.linalg.eigh(np.cov(values.T))
    whiten = T.LinearTransformation(from_numpy(axes / np.sqrt(spread)), from_numpy(values.mean(0)))
    white = whiten(from_numpy(values.reshape(500, 3, 2, 2))).numpy()
    assert white.shape == (500, 3, 2, 2)
    np.testing.assert_allclose(np.cov(white.reshape(500, 12).T), np.eye(12), atol=1e-9)
    with pytest.raises(ValueError, match="incompatible shape"):
        whiten(mg.zeros(3, 2, 3))
    with pytest.raises(ValueError, match="should be square"):
        T.LinearTransformation(mg.zeros(3, 2), mg.zeros(3))
    with pytest.raises(ValueError, match="same length"):
        T.LinearTransformation(mg.zeros(3, 3), mg.zeros(2))


def test_policies_have_pairs_of_known_changes():
    for policy in T.AutoAugmentPolicy:
        augment = T.AutoAugment(policy)
        assert len(augment.policies) == 25
        for number, pair in enumerate(augment.policies):
            for sign in (0, 1):
                result = augment.alter(COLOUR, (number, [0.0, 0.0], [sign, sign]))
                assert (result.shape, result.dtype) == (COLOUR.shape, np.uint8)
            untouched = augment.alter(COLOUR, (number, [1.1, 1.1], [0, 0]))
            assert untouched is COLOUR
            assert all(0 <= probability <= 1 for _, probability, _ in pair)
    # Pair 0 for ImageNet: 4 bits less at strength 8 of 0 to 9 (8 - round(8 / 2.25)), then a turn.
    done = T.AutoAugment().alter(COLOUR, (0, [0.0, 0.0], [0, 0]))
    np.testing.assert_array_equal(done, F.rotate(F.posterize(COLOUR, 4), -30.0))
    with pytest.raises(ValueError, match="policy cifar is not recognized"):
        T.AutoAugment("cifar")
    with pytest.raises(ValueError, match=r"between \[1, 10\]. Got 11"):
        T.AugMix(severity=11)
    with pytest.raises(ValueError, match="magnitude < num_magnitude_bins, got 31 and 31"):
        T.RandAugment(magnitude=31)


def test_transforms_are_modules():
    chain = Sequential(T.RandomHorizontalFlip(1.0), T.CenterCrop(4), T.Normalize((0.5,), (0.5,)))
    image = mg.rand(2, 3, 8, 8)
    expected = (image.flip(-1)[..., 2:6, 2:6] - 0.5) / 0.5
    np.testing.assert_allclose(chain(image).numpy(), expected.numpy(), rtol=1e-6)
    several = T.RandomApply(ModuleList([T.RandomInvert(1.0), T.RandomVerticalFlip(1.0)]), p=1.0)
    np.testing.assert_array_equal(several(COLOUR), 255 - COLOUR[::-1])


BAD = [
    (lambda: T.ColorJitter(-1), ValueError, "brightness is a single number, it must be non neg"),
    (lambda: T.ColorJitter(hue=0.6), ValueError, r"hue values should be between \(-0.5, 0.5\)"),
    (lambda: T.ColorJitter(contrast="1"), TypeError, "contrast should be a single number"),
    (lambda: T.RandomRotation(-1), ValueError, "degrees is a single number, it must be positive"),
    (lambda: T.RandomRotation((1, 2, 3)), ValueError, "degrees should be a sequence of length 2"),
    (lambda: T.RandomRotation(1, fill="red"), TypeError, "Fill should be either a sequence"),
    (lambda: T.RandomAffine(1, 3), TypeError, "translate should be a sequence of length 2"),
    (lambda: T.RandomAffine(1, (0, 2)), ValueError, "translation values should be between 0 and 1"),
    (lambda: T.RandomAffine(1, scale=(0, 2)), ValueError, "scale values should be positive"),
    (lambda: T.RandomAffine(1, shear=(1, 2, 3)), ValueError, "sequence of length 2 or 4"),
    (lambda: T.RandomPerspective(p=2), ValueError, r"p in \[0, 1\], got 2"),
    (lambda: T.ElasticTransform(3), TypeError, "alpha should be float or a sequence of floats"),
    (lambda: T.ElasticTransform(sigma=(3.0,)), ValueError, "sigma is a sequence its length"),
    (lambda: T.GaussianBlur(4), ValueError, "odd and positive number, got 4"),
    (lambda: T.GaussianBlur(3, (2, 1)), ValueError, r"of the form \(min, max\), got \(2, 1\)"),
    (lambda: T.GaussianBlur(3, -1), ValueError, "it must be positive, got -1"),
    (lambda: T.RandomErasing(value="noise"), ValueError, "it should be 'random', got 'noise'"),
    (lambda: T.RandomErasing(2), ValueError, "probability should be between 0 and 1, got 2"),
    (lambda: T.RandomErasing(scale=(0.1, 2)), ValueError, "Scale should be between 0 and 1"),
    (lambda: T.RandomErasing(1.0)(COLOUR), TypeError, "should be Tensor Image. Got <class 'numpy"),
]


@pytest.mark.parametrize(("call", "error", "message"), BAD)
def test_bad_arguments_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
