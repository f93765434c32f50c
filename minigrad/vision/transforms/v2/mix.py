"""Batches whose images are mixed with each other: MixUp and CutMix."""

import math
from collections.abc import Callable
from typing import Any

from minigrad import ops
from minigrad.core.dtypes import float32
from minigrad.nn import Module
from minigrad.ops.generator import stream
from minigrad.tensor import Tensor
from minigrad.utils._pytree import tree_flatten, tree_unflatten
from minigrad.vision.transforms.base import image_positions, randint
from minigrad.vision.transforms.functional import is_pil


class _Mixture(Module):
    """The base of MixUp and CutMix.

    alpha: of the Beta(alpha, alpha) distribution of the share that an image keeps.  num_classes:
    of labels that are class indices.  labels_getter: a function of the batch that gives its labels,
    or "default": the second part of a tuple, or the value in a dict whose key has "label" in it.
    """

    def __init__(
        self,
        *,
        alpha: float = 1.0,
        num_classes: int | None = None,
        labels_getter: Callable[[Any], Any] | str = "default",
    ) -> None:
        super().__init__()
        if not callable(labels_getter) and labels_getter != "default":
            raise ValueError(
                f"labels_getter should either be 'default' or a callable, got {labels_getter!r}"
            )
        if alpha <= 0:
            raise ValueError(f"alpha should be positive, got {alpha}")
        self.alpha = float(alpha)
        self.num_classes = num_classes
        self.labels_getter = labels_getter

    def forward(self, *inputs: Any) -> Any:
        batch = inputs if len(inputs) > 1 else inputs[0]
        leaves, structure = tree_flatten(batch)
        if any(map(is_pil, leaves)):
            raise ValueError(f"{type(self).__name__}() does not support PIL images.")
        getter = self.labels_getter
        labels = getter(batch) if callable(getter) else _labels_of(batch)
        self._check_labels(labels)
        place = next(n for n, leaf in enumerate(leaves) if leaf is labels)
        images = image_positions([*leaves[:place], None, *leaves[place + 1 :]])
        if not images:
            raise ValueError(f"{type(self).__name__}() expects a batch of images, got none")
        position = images[0]
        leaves[position], kept = self._mixed(_checked_images(leaves[position], len(labels)))
        leaves[place] = self._mixed_labels(labels, kept)
        return tree_unflatten(leaves, structure)

    def _mixed(self, images: Tensor) -> tuple[Tensor, float]:
        """The images mixed with their predecessors, and the share that each keeps of its own."""
        raise NotImplementedError(f"{type(self).__name__} does not say how it mixes")

    def _mixed_labels(self, labels: Tensor, kept: float) -> Tensor:
        shares = labels
        if labels.ndim == 1 and self.num_classes is not None:
            shares = ops.one_hot(labels, num_classes=self.num_classes)
        if not shares.is_floating_point():
            shares = shares.to(float32)
        return shares.roll(1, 0) * (1.0 - kept) + shares * kept

    def _check_labels(self, labels: Any) -> None:
        if not isinstance(labels, Tensor):
            raise ValueError(f"The labels must be a tensor, but got {type(labels)} instead.")
        if labels.ndim not in (1, 2):
            raise ValueError(
                "labels should be index based with shape (batch_size,) or probability based with "
                "shape (batch_size, num_classes), but got a tensor of shape "
                f"{tuple(labels.shape)} instead."
            )
        if labels.ndim == 1 and self.num_classes is None:
            raise ValueError("num_classes must be passed if the labels are index-based (1D)")
        if labels.ndim == 2 and self.num_classes not in (None, labels.shape[-1]):
            raise ValueError(
                "When passing 2D labels, the number of elements in last dimension must match "
                f"num_classes: {labels.shape[-1]} != {self.num_classes}. "
                "You can Leave num_classes to None."
            )

    def _share(self) -> float:
        return float(stream(None).beta(self.alpha, self.alpha))

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}, num_classes={self.num_classes}"


def _labels_of(batch: Any) -> Any:
    """The second part of a tuple, or the value of the key with "label" in it."""
    found = batch[1] if isinstance(batch, tuple | list) and len(batch) > 1 else batch
    if not isinstance(found, dict):
        return found
    keys = [key for key in found if isinstance(key, str)]
    exact = [key for key in keys if key.lower() == "labels"]
    alike = exact or [key for key in keys if "label" in key.lower()]
    if not alike:
        raise ValueError(
            "Could not infer where the labels are in the sample. Try passing a callable as the "
            f"labels_getter parameter; the keys are {list(found)}"
        )
    return found[alike[0]]


def _checked_images(images: Any, labels: int) -> Tensor:
    if not isinstance(images, Tensor) or images.ndim != 4:
        raise ValueError(
            f"Expected a batched input with 4 dims, but got {getattr(images, 'ndim', 0)} "
            f"dimensions of {type(images)} instead."
        )
    if len(images) != labels:
        raise ValueError(
            "The batch size of the image or video does not match the batch size of the labels: "
            f"{len(images)} != {labels}."
        )
    return images


class MixUp(_Mixture):
    """Mixes each image of a batch with the one before it, and their labels alike.

    Images are (N, C, H, W), floating point; labels (N,) become (N, num_classes).  Zhang et al.
    2018, arXiv:1710.09412.
    """

    def _mixed(self, images: Tensor) -> tuple[Tensor, float]:
        if not images.is_floating_point():
            raise ValueError(f"MixUp expects floating-point images, got {images.dtype}")
        kept = self._share()
        return images.roll(1, 0) * (1.0 - kept) + images * kept, kept


class CutMix(_Mixture):
    """Puts a rectangle of the image before it into each image, and mixes their labels by its area.

    Images are (N, C, H, W); labels (N,) become (N, num_classes).  Yun et al. 2019,
    arXiv:1905.04899.
    """

    def _mixed(self, images: Tensor) -> tuple[Tensor, float]:
        height, width = images.shape[-2:]
        across, down = randint(0, width), randint(0, height)
        half = 0.5 * math.sqrt(1.0 - self._share())
        wide, high = int(half * width), int(half * height)
        columns = slice(max(across - wide, 0), min(across + wide, width))
        rows = slice(max(down - high, 0), min(down + high, height))
        mixed = images.clone()
        mixed[..., rows, columns] = images.roll(1, 0)[..., rows, columns]
        area = (columns.stop - columns.start) * (rows.stop - rows.start)
        return mixed, 1.0 - area / (width * height)
