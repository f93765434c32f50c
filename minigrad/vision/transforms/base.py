"""The base of transforms of images: parameters are drawn, then images are altered by them."""

from typing import Any

from minigrad.nn import Module
from minigrad.ops.generator import stream
from minigrad.utils._pytree import tree_flatten, tree_unflatten
from minigrad.vision.transforms import functional as F


class ImageTransform(Module):
    """A transform of an image, or of the images of a sample: (image, target), a dict and so on.

    `draw` draws the parameters for an image, `alter` applies them.  In a sample all PIL images are
    altered alike; if it has none, the first array or Tensor that is an image.  The rest of it, the
    targets, stays.  Raises TypeError for what has no image.
    """

    def draw(self, img: Any) -> Any:
        """The parameters for an image; None for a transform that has no random ones."""
        return None

    def alter(self, img: Any, drawn: Any) -> Any:
        """The image altered by the parameters."""
        raise NotImplementedError(f"{type(self).__name__} does not say how it alters an image")

    def forward(self, *inputs: Any) -> Any:
        img = inputs[0] if inputs else None
        if len(inputs) == 1 and not isinstance(img, tuple | list | dict):
            return self.alter(img, self.draw(img))
        leaves, structure = tree_flatten(img if len(inputs) == 1 else inputs)
        positions = image_positions(leaves)
        if not positions:
            return self.alter(img, self.draw(img))  # whose error says what is wrong with it
        drawn = self.draw(leaves[positions[0]])
        for position in positions:
            leaves[position] = self.alter(leaves[position], drawn)
        return tree_unflatten(leaves, structure)


def image_positions(leaves: list[Any]) -> list[int]:
    """Where a sample's images are: all its PIL images, else its first array or Tensor."""
    pictures = [position for position, leaf in enumerate(leaves) if F.is_pil(leaf)]
    return pictures or [n for n, leaf in enumerate(leaves) if F.is_image(leaf)][:1]


class RandomTransform(ImageTransform):
    """A transform with the probability `p`, else none.  Raises ValueError unless p is in [0, 1]."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = require_probability(self, p)

    def draw(self, img: Any) -> Any:
        return bool(stream(None).random() < self.p)

    def alter(self, img: Any, drawn: Any) -> Any:
        return self.change(img) if drawn else img

    def change(self, img: Any) -> Any:
        """The image after the transform."""
        raise NotImplementedError(f"{type(self).__name__} does not say how it changes an image")

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p})"


def require_probability(transform: object, p: float) -> float:
    """`p`; ValueError unless it is in [0, 1]."""
    if not 0 <= p <= 1:
        raise ValueError(f"{type(transform).__name__} expects p in [0, 1], got {p}")
    return p


def uniform(low: float, high: float) -> float:
    """A random number between the bounds, from minigrad's generator."""
    return float(stream(None).uniform(low, high))


def randint(low: int, high: int) -> int:
    """A random integer, low <= n < high, from minigrad's generator."""
    return int(stream(None).integers(low, high))
