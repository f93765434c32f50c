"""Image files as Tensors: what is written is read, and in the wanted channels."""

import numpy as np
import pytest
from PIL import Image

import minigrad as mg
from minigrad.vision import datasets, io
from minigrad.vision.datasets.folder import has_file_allowed_extension, is_image_file, pil_loader
from minigrad.vision.transforms import ToTensor
from tests.support.images import COLOUR, GREY
from tests.support.torchvision_transforms import picture

PLANES = COLOUR.transpose(2, 0, 1).copy()


@pytest.mark.parametrize("planes", [PLANES, GREY[None]], ids=["colour", "grey"])
def test_png_keeps_every_value(tmp_path, planes):
    image = mg.from_numpy(planes)
    io.write_png(image, tmp_path / "image.png")
    for found in (
        io.read_image(str(tmp_path / "image.png")),
        io.decode_image(io.read_file(tmp_path / "image.png")),
        io.decode_png(io.encode_png(image, compression_level=9)),
    ):
        assert found.dtype == mg.uint8
        np.testing.assert_array_equal(found.numpy(), planes)


def test_jpeg_keeps_the_image_nearly(tmp_path):
    image = mg.from_numpy(picture(24, 32).transpose(2, 0, 1).copy())
    io.write_jpeg(image, tmp_path / "image.jpg", quality=100)
    best = io.read_image(tmp_path / "image.jpg").to(mg.float32)
    poor, poorer = io.decode_jpeg([io.encode_jpeg(image, quality=n) for n in (50, 5)])
    losses = [float((found - image.float()).abs().mean()) for found in (best, poor, poorer)]
    assert losses[0] < losses[1] < losses[2]
    assert losses[0] < 15
    assert len(io.encode_jpeg(image, 5)) < len(io.encode_jpeg(image))


def test_an_image_is_read_with_the_wanted_channels(tmp_path):
    io.write_png(mg.from_numpy(PLANES), tmp_path / "image.png")
    mode = io.ImageReadMode
    for wanted, channels in ((mode.GRAY, 1), (mode.RGB, 3), ("RGBA", 4), ("gray_alpha", 2)):
        assert io.read_image(tmp_path / "image.png", wanted).shape == (channels, 6, 9)
    expected = np.asarray(Image.fromarray(COLOUR).convert("L"))
    grey = io.read_image(tmp_path / "image.png", mode=mode.GRAY)
    np.testing.assert_array_equal(grey.numpy()[0], expected)
    Image.fromarray(COLOUR).convert("P").save(tmp_path / "palette.png")
    assert io.read_image(tmp_path / "palette.png").shape == (3, 6, 9)
    Image.fromarray(GREY > 128).save(tmp_path / "black.png")
    assert set(io.read_image(tmp_path / "black.png").flatten().tolist()) == {0, 255}
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    Image.fromarray(COLOUR).save(tmp_path / "turned.png", exif=exif)
    assert io.read_image(tmp_path / "turned.png").shape == (3, 6, 9)
    turned = io.decode_image(tmp_path / "turned.png", apply_exif_orientation=True)
    np.testing.assert_array_equal(turned.numpy(), np.rot90(PLANES, 3, (1, 2)))


def test_what_is_no_image_is_refused(tmp_path):
    (tmp_path / "text.png").write_text("no image")
    image = mg.from_numpy(PLANES)
    for call, error, message in (
        (lambda: io.read_image(tmp_path / "text.png"), RuntimeError, "Unsupported image file"),
        (lambda: io.read_image(tmp_path / "none.png"), FileNotFoundError, "none.png"),
        (lambda: io.decode_image(image), RuntimeError, r"a file's bytes, got .*uint8 of shape"),
        (lambda: io.decode_image(io.encode_png(image), "CMYK"), ValueError, "got 'CMYK'"),
        (lambda: io.encode_png(image / 255), RuntimeError, "dtype should be uint8, got .*float32"),
        (lambda: io.encode_png(image[:2]), RuntimeError, r"channels should be 1 or 3.*\(2, 6, 9\)"),
        (lambda: io.encode_jpeg(image, 0), ValueError, "between 1 and 100, got 0"),
        (lambda: io.decode_jpeg(io.encode_jpeg(image), device="cuda"), RuntimeError, "CPU only"),
    ):
        with pytest.raises(error, match=message):
            call()


def test_a_user_s_dataset_of_files(tmp_path):
    """The custom dataset of PyTorch's tutorial, and the base class of torchvision's."""

    class Pictures(datasets.VisionDataset):
        def __init__(self, root, **options):
            super().__init__(root, **options)
            self.files = sorted(file for file in root.iterdir() if is_image_file(file.name))

        def __len__(self):
            return len(self.files)

        def __getitem__(self, index):
            sample = io.decode_image(str(self.files[index])), index
            return sample if self.transforms is None else self.transforms(*sample)

        def extra_repr(self):
            return "Split: all"

    for number in range(3):
        io.write_png(mg.full((3, 4, 5), number * 50, dtype=mg.uint8), tmp_path / f"{number}.PNG")
    plain = Pictures(tmp_path)
    assert [int(image.max()) for image, _ in (plain[n] for n in range(3))] == [0, 50, 100]
    separate = Pictures(tmp_path, transform=lambda x: x / 2, target_transform=str)
    assert separate[2][1] == "2"
    assert float(separate[2][0].max()) == 50
    joint = Pictures(tmp_path, transforms=lambda image, target: (target, image))
    assert joint[1][0] == 1
    with pytest.raises(ValueError, match="Only transforms or transform/target_transform"):
        Pictures(tmp_path, transforms=max, transform=abs)
    assert repr(Pictures(tmp_path, transform=ToTensor())) == (
        f"Dataset Pictures\n    Number of datapoints: 3\n    Root location: {tmp_path}\n"
        "    Split: all\n    StandardTransform\nTransform: ToTensor()"
    )
    with pytest.raises(NotImplementedError, match="no __getitem__ of its own"):
        datasets.VisionDataset()[0]
    assert isinstance(datasets.FakeData(), datasets.VisionDataset)
    assert has_file_allowed_extension("a.JPG", ".jpg")
    assert pil_loader(tmp_path / "2.PNG").getpixel((0, 0)) == (100, 100, 100)
