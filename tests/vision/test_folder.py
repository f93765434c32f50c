"""Datasets of folders, and crops and choices at random."""

import numpy as np
import pytest
from PIL import Image

import minigrad as mg
from minigrad.utils.data import DataLoader
from minigrad.vision import datasets
from minigrad.vision import transforms as T
from tests.support.dataset_files import write_mnist
from tests.support.images import COLOUR, GREY, assert_same_for_all_kinds


def test_classes_are_folders(tmp_path):
    for place, name in enumerate(["dog/b.png", "cat/a.PNG", "cat/deep/c.bmp", "cat/notes.txt"]):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("txt"):
            (tmp_path / name).write_text("no image")
        else:
            Image.fromarray(np.full((4, 5), place, np.uint8)).save(tmp_path / name)
    folder = datasets.ImageFolder(tmp_path, T.ToTensor(), target_transform=lambda t: t + 5)
    assert folder.classes == ["cat", "dog"]
    assert folder.class_to_idx == {"cat": 0, "dog": 1}
    names = [(path.removeprefix(str(tmp_path)), index) for path, index in folder.imgs]
    assert names == [("/cat/a.PNG", 0), ("/cat/deep/c.bmp", 0), ("/dog/b.png", 1)]
    assert folder.targets == [0, 0, 1]
    images, targets = next(iter(DataLoader(folder, batch_size=3)))
    assert images.shape == (3, 3, 4, 5)
    assert (images[:, 1, 2, 3] * 255).round().tolist() == [1, 2, 0]
    assert targets.tolist() == [5, 5, 6]
    valid = {"is_valid_file": lambda path: "cat" in path, "allow_empty": True}
    assert len(datasets.DatasetFolder(tmp_path, len, **valid)) == 3
    with pytest.raises(FileNotFoundError, match=r"valid file for the classes dog.*\.txt"):
        datasets.DatasetFolder(tmp_path, len, (".txt",))
    with pytest.raises(FileNotFoundError, match="any class folder"):
        datasets.ImageFolder(tmp_path / "dog")
    with pytest.raises(ValueError, match="extensions and is_valid_file"):
        datasets.DatasetFolder(tmp_path, len)


def test_fake_images_are_the_same_each_time():
    fake = datasets.FakeData(5, (3, 6, 7), 4)
    assert fake[2][0].shape == (6, 7, 3)
    np.testing.assert_array_equal(fake[2][0], fake[2][0])
    moved = datasets.FakeData(5, (3, 6, 7), 4, random_offset=1)
    np.testing.assert_array_equal(fake[3][0], moved[2][0])
    assert {fake[i][1] for i in range(5)} <= set(range(4))
    with pytest.raises(IndexError, match="index out of range"):
        fake[5]


def test_the_centre_and_the_corners():
    assert_same_for_all_kinds(T.CenterCrop((4, 3)), COLOUR, COLOUR[1:5, 3:6])
    assert_same_for_all_kinds(T.CenterCrop(3), GREY, GREY[2:5, 1:4])
    padded = np.zeros((6, 8), np.uint8)
    padded[:, 1:6] = GREY[:6]
    assert_same_for_all_kinds(T.CenterCrop((6, 8)), GREY, padded)
    crops = T.FiveCrop(2)(GREY)
    corners = [GREY[:2, :2], GREY[:2, -2:], GREY[-2:, :2], GREY[-2:, -2:], GREY[2:4, 2:4]]
    assert [crop.tolist() for crop in crops] == [corner.tolist() for corner in corners]
    with pytest.raises(ValueError, match=r"crop size \(9, 9\) is bigger than input size \(7, 5\)"):
        T.FiveCrop(9)(GREY)


def test_resized_crops_have_the_area_and_shape_asked_for():
    mg.manual_seed(0)
    image = np.zeros((100, 120), np.uint8)
    found = [T.RandomResizedCrop.get_params(image, (0.2, 0.5), (0.5, 2.0)) for _ in range(500)]
    for top, left, height, width in found:
        assert 0 <= top <= 100 - height
        assert 0 <= left <= 120 - width
        assert 0.19 < height * width / 12000 < 0.51
        assert 0.48 < width / height < 2.05
    assert len(set(found)) > 400
    assert T.RandomResizedCrop.get_params(image, (1, 1), (0.5, 0.5)) == (0, 35, 100, 50)
    whole = T.RandomResizedCrop((7, 5), scale=(1, 1), ratio=(5 / 7, 5 / 7))
    assert_same_for_all_kinds(whole, GREY, GREY)
    with pytest.raises(ValueError, match="scale should be of kind"):
        T.RandomResizedCrop(3, scale=(1, 0.5))


def test_choices_at_random():
    mg.manual_seed(0)
    plus, times = T.Lambda(lambda x: x + 1), T.Lambda(lambda x: x * 10)
    assert {T.RandomOrder([plus, times])(1) for _ in range(50)} == {11, 20}
    assert {T.RandomChoice([plus, times])(1) for _ in range(50)} == {2, 10}
    assert {T.RandomChoice([plus, times], p=[0, 3])(1) for _ in range(50)} == {10}
    applied = [T.RandomApply([plus, times], 0.3)(1) for _ in range(1000)]
    assert abs(applied.count(20) - 300) < 75
    assert applied.count(1) + applied.count(20) == 1000
    assert T.batch_form(T.RandomApply([T.ToTensor()])) is None
    for make in (lambda: T.RandomChoice([]), lambda: T.RandomApply([], p=2)):
        with pytest.raises(ValueError, match="expects"):
            make()


def test_mnist_has_its_old_names(tmp_path):
    write_mnist(tmp_path)
    mnist = datasets.MNIST(tmp_path)
    for split in ("train", "test"):
        with pytest.warns(UserWarning, match=f"{split}_data has been renamed data"):
            assert getattr(mnist, f"{split}_data") is mnist.data
        with pytest.warns(UserWarning, match=f"{split}_labels has been renamed targets"):
            assert getattr(mnist, f"{split}_labels") is mnist.targets
