"""Images of every kind that transforms take, for the tests of vision."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from minigrad.ops.generator import default_generator
from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_numpy

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (7, 5), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (6, 9, 3), dtype=np.uint8)

sides = st.integers(1, 40)
images = st.tuples(sides, sides, st.sampled_from([(), (1,), (3,)])).flatmap(
    lambda size: arrays(np.uint8, (size[0], size[1], *size[2]))
)


def as_kinds(image: np.ndarray) -> dict[str, object]:
    """The same image as every kind that transforms take."""
    planes = image[None] if image.ndim == 2 else image.transpose(2, 0, 1)
    return {
        "array": image,
        "pil": Image.fromarray(image),
        "tensor": from_numpy(planes.copy("C")),
        "batch": from_numpy(np.stack([planes, planes]).copy("C")),
    }


def picture_of(image: np.ndarray) -> Image.Image:
    return Image.fromarray(image[..., 0] if image.shape[2:] == (1,) else image)


def as_array(image: object, ndim: int) -> np.ndarray:
    """Back to (H, W) or (H, W, C); checks that a batch holds the same image twice."""
    if not isinstance(image, Tensor):
        return np.asarray(image)
    planes = image.array
    if planes.ndim == 4:
        np.testing.assert_array_equal(planes[0], planes[1])
        planes = planes[0]
    return planes[0] if ndim == 2 else planes.transpose(1, 2, 0)


def assert_same_for_all_kinds(transform, image: np.ndarray, expected: np.ndarray) -> None:
    for name, given_image in as_kinds(image).items():
        default_generator.manual_seed(5)
        result = transform(given_image)
        kinds = {"array": np.ndarray, "pil": Image.Image}
        assert isinstance(result, kinds.get(name, Tensor))
        found = as_array(result, image.ndim)
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected, err_msg=name)
