"""Programs written for torchvision, short and with their import lines changed."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import minigrad as torch
from minigrad import nn, optim
from minigrad.vision import datasets, models, transforms
from minigrad.vision.transforms import InterpolationMode, v2
from minigrad.vision.transforms import functional as TF
from minigrad.vision.utils import make_grid, save_image


@pytest.fixture
def pictures(tmp_path) -> Path:
    """A folder with bright and dark pictures of different sizes."""
    random = np.random.default_rng(0)
    for part in ("train", "val"):
        for name, level in (("bright", 180), ("dark", 40)):
            folder = tmp_path / part / name
            folder.mkdir(parents=True)
            for number in range(4):
                size = (40 + 3 * number, 50 - 2 * number, 3)
                pixels = (level + random.integers(-30, 30, size)).astype(np.uint8)
                Image.fromarray(pixels).save(folder / f"{number}.png")
    return tmp_path


def test_transfer_learning(pictures):
    """Augmentation, a folder for each part, a new head on a network that stays as it is."""
    torch.manual_seed(0)
    normalize = transforms.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])
    data_transforms = {
        "train": transforms.Compose(
            [
                transforms.RandomResizedCrop(32),
                transforms.RandomHorizontalFlip(),
                transforms.RandomRotation(15, interpolation=InterpolationMode.BILINEAR),
                transforms.ColorJitter(brightness=0.1, contrast=0.1, saturation=0.1, hue=0.02),
                transforms.ToTensor(),
                normalize,
                transforms.RandomErasing(p=0.3),
            ]
        ),
        "val": transforms.Compose(
            [transforms.Resize(36), transforms.CenterCrop(32), transforms.ToTensor(), normalize]
        ),
    }
    image_datasets = {
        x: datasets.ImageFolder(pictures / x, data_transforms[x]) for x in data_transforms
    }
    loaders = {
        x: torch.utils.data.DataLoader(image_datasets[x], batch_size=4, shuffle=True)
        for x in image_datasets
    }
    model = models.squeezenet1_1()
    for parameter in model.parameters():
        parameter.requires_grad = False
    model.classifier[1] = nn.Conv2d(512, len(image_datasets["train"].classes), kernel_size=(1, 1))
    before = model.classifier[1].weight.detach().clone()
    optimizer = optim.SGD(model.classifier.parameters(), lr=0.05, momentum=0.9)
    for phase in ("train", "val"):
        model.train(phase == "train")
        for inputs, labels in loaders[phase]:
            assert inputs.shape == (4, 3, 32, 32)
            optimizer.zero_grad()
            with torch.set_grad_enabled(phase == "train"):
                outputs = model(inputs)
                loss = nn.functional.cross_entropy(outputs, labels)
            if phase == "train":
                loss.backward()
                optimizer.step()
    assert outputs.shape == (4, 2)
    assert not torch.equal(model.classifier[1].weight, before)


def test_two_views_for_contrastive_learning(pictures):
    """SimCLR's augmentation of PIL images, and BYOL's of batches as a Sequential."""
    color_jitter = transforms.ColorJitter(0.8, 0.8, 0.8, 0.2)
    augment = transforms.Compose(
        [
            transforms.ToPILImage(),
            transforms.RandomResizedCrop(size=24, interpolation=InterpolationMode.BICUBIC),
            transforms.RandomHorizontalFlip(),
            transforms.RandomApply([color_jitter], p=0.8),
            transforms.RandomGrayscale(p=0.2),
            transforms.GaussianBlur(kernel_size=3),
            transforms.ToTensor(),
        ]
    )

    class TwoViews:
        def __call__(self, x):
            return [augment(x) for _ in range(2)]

    data = datasets.ImageFolder(str(pictures / "train"), transform=TwoViews())
    (one, two), _ = next(iter(torch.utils.data.DataLoader(data, batch_size=8)))
    assert one.shape == two.shape == (8, 3, 24, 24)
    assert not torch.equal(one, two)
    on_batches = nn.Sequential(
        transforms.RandomApply(nn.ModuleList([color_jitter]), p=0.3),
        transforms.RandomSolarize(0.5, p=0.2),
        transforms.RandomResizedCrop((16, 16)),
        transforms.Normalize(mean=torch.tensor([0.485, 0.456, 0.406]), std=torch.tensor([0.2] * 3)),
    )
    assert on_batches(one).shape == (8, 3, 16, 16)


def test_segmentation_with_the_same_parameters_for_image_and_mask():
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8))
    mask = image.convert("L").point(lambda value: 255 * (value > 128))
    i, j, h, w = transforms.RandomCrop.get_params(image, output_size=(16, 16))
    angle = transforms.RandomRotation.get_params([-20, 20])
    image, mask = TF.crop(image, i, j, h, w), TF.crop(mask, i, j, h, w)
    image, mask = TF.hflip(image), TF.hflip(mask)
    image = TF.rotate(image, angle, InterpolationMode.BILINEAR)
    mask = TF.rotate(mask, angle, fill=0)
    x, y = TF.normalize(TF.to_tensor(image), [0.5] * 3, [0.5] * 3), TF.pil_to_tensor(mask)
    assert (x.shape, y.shape) == ((3, 16, 16), (1, 16, 16))
    assert set(y.flatten().tolist()) <= {0, 255}


def test_a_gradient_through_transforms_of_the_input():
    """Random views of an image that is being optimized, as in feature visualization."""
    torch.manual_seed(0)
    image = torch.rand(1, 3, 24, 24, requires_grad=True)
    views = transforms.Compose(
        [
            transforms.Pad(4, padding_mode="reflect"),
            transforms.RandomAffine(5, (0.05, 0.05), (0.9, 1.1), 2, InterpolationMode.BILINEAR),
            transforms.RandomPerspective(0.2, p=1.0),
            transforms.RandomCrop(24),
            transforms.ColorJitter(0.1, 0.1, 0.1, 0.02),
            transforms.Resize(20, antialias=True),
        ]
    )
    views(image).pow(2).mean().backward()
    assert float((image.grad != 0).float().mean()) > 0.5


def test_a_v2_pipeline_with_cutmix_and_pictures_of_the_result(tmp_path):
    train = datasets.FakeData(
        12,
        (3, 28, 28),
        10,
        v2.Compose(
            [
                v2.ToImage(),
                v2.RandomResizedCrop(size=(24, 24), antialias=True),
                v2.TrivialAugmentWide(),
                v2.ToDtype(torch.float32, scale=True),
            ]
        ),
    )
    mixture = v2.RandomChoice([v2.CutMix(num_classes=10), v2.MixUp(num_classes=10)])
    loader = torch.utils.data.DataLoader(
        train, 6, collate_fn=lambda batch: mixture(*torch.utils.data.default_collate(batch))
    )
    for images, labels in loader:
        assert images.shape == (6, 3, 24, 24)
        np.testing.assert_allclose(labels.sum(1).numpy(), 1, atol=1e-6)
    save_image(make_grid(images, nrow=3), tmp_path / "grid.png")
    shown = transforms.ToPILImage()(make_grid(images, nrow=3))
    with Image.open(tmp_path / "grid.png") as saved:
        assert saved.size == shown.size == (3 * 26 + 2, 2 * 26 + 2)
