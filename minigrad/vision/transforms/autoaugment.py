"""Learned and random sequences of changes: AutoAugment, RandAugment, TrivialAugmentWide, AugMix."""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.core.types import Array
from minigrad.ops.generator import stream
from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_numpy
from minigrad.vision.transforms import functional as F
from minigrad.vision.transforms.autoaugment_policies import POLICIES, AutoAugmentPolicy
from minigrad.vision.transforms.base import ImageTransform, randint
from minigrad.vision.transforms.functional import InterpolationMode

Fill = float | Sequence[float] | None


class Magnitudes(NamedTuple):
    """The strengths of a change, from weak to strong, and if it goes both ways; () for none."""

    steps: Array | tuple[()]
    signed: bool = False

    def at(self, index: int | None, negative: bool) -> float:
        """The strength number `index`, with its sign; 0 where the change has none."""
        magnitude = 0.0 if index is None or len(self.steps) == 0 else float(self.steps[index])
        return -magnitude if self.signed and negative else magnitude


class _AugmentingTransform(ImageTransform):
    """The base of transforms that apply changes by name; they draw while they alter."""

    def __init__(self, interpolation: InterpolationMode, fill: Fill) -> None:
        super().__init__()
        self.interpolation = F.mode_of(interpolation)
        self.fill = fill

    def _changed(self, img: Any, name: str, magnitude: float) -> Any:
        return _CHANGES[name](
            img, magnitude, {"interpolation": self.interpolation, "fill": self.fill}
        )


def _sheared(img: Any, x: float, y: float, options: dict[str, Any]) -> Any:
    """The image sheared about its upper left corner; a strength is a tangent."""
    shear = [math.degrees(math.atan(x)), math.degrees(math.atan(y))]
    return F.affine(img, 0.0, [0, 0], 1.0, shear, center=[0, 0], **options)


def _shifted(img: Any, x: float, y: float, options: dict[str, Any]) -> Any:
    return F.affine(img, 0.0, [int(x), int(y)], 1.0, [0.0, 0.0], **options)


_CHANGES: dict[str, Callable[[Any, float, dict[str, Any]], Any]] = {
    "Identity": lambda img, m, options: img,
    "ShearX": lambda img, m, options: _sheared(img, m, 0.0, options),
    "ShearY": lambda img, m, options: _sheared(img, 0.0, m, options),
    "TranslateX": lambda img, m, options: _shifted(img, m, 0.0, options),
    "TranslateY": lambda img, m, options: _shifted(img, 0.0, m, options),
    "Rotate": lambda img, m, options: F.rotate(img, m, **options),
    "Brightness": lambda img, m, options: F.adjust_brightness(img, 1.0 + m),
    "Color": lambda img, m, options: F.adjust_saturation(img, 1.0 + m),
    "Contrast": lambda img, m, options: F.adjust_contrast(img, 1.0 + m),
    "Sharpness": lambda img, m, options: F.adjust_sharpness(img, 1.0 + m),
    "Posterize": lambda img, m, options: F.posterize(img, int(m)),
    "Solarize": lambda img, m, options: F.solarize(img, m),
    "AutoContrast": lambda img, m, options: F.autocontrast(img),
    "Equalize": lambda img, m, options: F.equalize(img),
    "Invert": lambda img, m, options: F.invert(img),
}


def _space(
    bins: int,
    *,
    shear: float = 0.3,
    shift: tuple[float, float],
    turn: float = 30.0,
    factor: float = 0.9,
    bits: tuple[int, int] = (8, 4),
) -> dict[str, Magnitudes]:
    """The changes with their strengths, `bins` of them from none to the given largest ones.

    shift: along x and y in pixels; bits: how many are left, from the weakest to the strongest.
    """

    def up_to(largest: float) -> Magnitudes:
        return Magnitudes(np.linspace(0.0, largest, bins, dtype=np.float32), signed=True)

    most, least = bits
    lost = np.rint(np.arange(bins) / ((bins - 1) / (most - least)))
    return {
        "ShearX": up_to(shear),
        "ShearY": up_to(shear),
        "TranslateX": up_to(shift[0]),
        "TranslateY": up_to(shift[1]),
        "Rotate": up_to(turn),
        **dict.fromkeys(("Brightness", "Color", "Contrast", "Sharpness"), up_to(factor)),
        "Posterize": Magnitudes(most - lost),
        "Solarize": Magnitudes(np.linspace(255.0, 0.0, bins, dtype=np.float32)),
        "AutoContrast": Magnitudes(()),
        "Equalize": Magnitudes(()),
    }


def _shares(img: Any, share: float) -> tuple[float, float]:
    """This share of the width and of the height."""
    height, width = F.spatial_size(img)
    return share * width, share * height


class AutoAugment(_AugmentingTransform):
    """One of 25 pairs of changes that were learned on a data set, each with its probability.

    For uint8 images.  Cubuk et al. 2019, arXiv:1805.09501.
    """

    def __init__(
        self,
        policy: AutoAugmentPolicy = AutoAugmentPolicy.IMAGENET,
        interpolation: InterpolationMode = InterpolationMode.NEAREST,
        fill: Fill = None,
    ) -> None:
        super().__init__(interpolation, fill)
        if policy not in POLICIES:
            raise ValueError(f"The provided policy {policy} is not recognized.")
        self.policy = policy
        self.policies = POLICIES[policy]

    @staticmethod
    def get_params(transform_num: int) -> tuple[int, list[float], list[int]]:
        """The number of a pair, two numbers to compare with the probabilities, and two signs."""
        number = randint(0, transform_num)
        return number, stream(None).random(2).tolist(), stream(None).integers(0, 2, 2).tolist()

    def draw(self, img: object) -> tuple[int, list[float], list[int]]:
        return self.get_params(len(self.policies))

    def alter(self, img: Any, drawn: tuple[int, list[float], list[int]]) -> Any:
        number, marks, signs = drawn
        space = _space(10, shift=_shares(img, 150 / 331)) | {"Invert": Magnitudes(())}
        for (name, probability, index), mark, sign in zip(
            self.policies[number], marks, signs, strict=True
        ):
            if mark <= probability:
                img = self._changed(img, name, space[name].at(index, sign == 0))
        return img

    def __repr__(self) -> str:
        return f"{type(self).__name__}(policy={self.policy}, fill={self.fill})"


class RandAugment(_AugmentingTransform):
    """`num_ops` random changes, all of the strength number `magnitude` of `num_magnitude_bins`.

    For uint8 images.  Cubuk et al. 2020, arXiv:1909.13719.
    """

    def __init__(
        self,
        num_ops: int = 2,
        magnitude: int = 9,
        num_magnitude_bins: int = 31,
        interpolation: InterpolationMode = InterpolationMode.NEAREST,
        fill: Fill = None,
    ) -> None:
        super().__init__(interpolation, fill)
        if not 0 <= magnitude < num_magnitude_bins:
            raise ValueError(
                f"RandAugment expects 0 <= magnitude < num_magnitude_bins, got {magnitude} "
                f"and {num_magnitude_bins}"
            )
        self.num_ops = num_ops
        self.magnitude = magnitude
        self.num_magnitude_bins = num_magnitude_bins

    def draw(self, img: object) -> list[tuple[str, float]]:
        space = _space(self.num_magnitude_bins, shift=_shares(img, 150 / 331))
        return [_drawn_change(space, self.magnitude) for _ in range(self.num_ops)]

    def alter(self, img: Any, drawn: list[tuple[str, float]]) -> Any:
        for name, magnitude in drawn:
            img = self._changed(img, name, magnitude)
        return img

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(num_ops={self.num_ops}, magnitude={self.magnitude}, "
            f"num_magnitude_bins={self.num_magnitude_bins}, "
            f"interpolation={self.interpolation}, fill={self.fill})"
        )


def _drawn_change(
    space: dict[str, Magnitudes], magnitude: int | None = None, below: int | None = None
) -> tuple[str, float]:
    """A random change, or none, with the strength of this number or of a random one."""
    with_none = {"Identity": Magnitudes(())} | space if below is None else space
    name = list(with_none)[randint(0, len(with_none))]
    steps, signed = with_none[name]
    if magnitude is None and len(steps):
        magnitude = randint(0, len(steps) if below is None else below)
    return name, with_none[name].at(magnitude, signed and randint(0, 2) == 1)


class TrivialAugmentWide(_AugmentingTransform):
    """One random change of a random strength, within wide limits.

    For uint8 images.  Müller & Hutter 2021, arXiv:2103.10158.
    """

    def __init__(
        self,
        num_magnitude_bins: int = 31,
        interpolation: InterpolationMode = InterpolationMode.NEAREST,
        fill: Fill = None,
    ) -> None:
        super().__init__(interpolation, fill)
        self.num_magnitude_bins = num_magnitude_bins

    def draw(self, img: object) -> tuple[str, float]:
        wide = _space(
            self.num_magnitude_bins,
            shear=0.99,
            shift=(32.0, 32.0),
            turn=135.0,
            factor=0.99,
            bits=(8, 2),
        )
        return _drawn_change(wide)

    def alter(self, img: Any, drawn: tuple[str, float]) -> Any:
        return self._changed(img, *drawn)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(num_magnitude_bins={self.num_magnitude_bins}, "
            f"interpolation={self.interpolation}, fill={self.fill})"
        )


def _like(img: Any, values: Array) -> Any:
    """Values as an image of the kind and dtype of `img`; those of PIL images are (C, H, W)."""
    if F.is_pil(img):
        return F.to_pil_image(from_numpy(values.astype(np.uint8)), img.mode)
    if isinstance(img, Tensor):
        return from_numpy(values.astype(img.dtype.numpy))
    return values.astype(img.dtype)


class AugMix(_AugmentingTransform):
    """A random mixture of the image and of `mixture_width` chains of changes of it.

    A chain has `chain_depth` changes, or 1 to 3 if it is -1, of the strengths below `severity` of
    10; weights are drawn from the Dirichlet distribution of `alpha`.  `all_ops` counts brightness,
    contrast, colour and sharpness too.  For uint8 images.  Hendrycks et al. 2020, arXiv:1912.02781.
    """

    def __init__(
        self,
        severity: int = 3,
        mixture_width: int = 3,
        chain_depth: int = -1,
        alpha: float = 1.0,
        all_ops: bool = True,
        interpolation: InterpolationMode = InterpolationMode.BILINEAR,
        fill: Fill = None,
    ) -> None:
        super().__init__(interpolation, fill)
        if not 1 <= severity <= 10:
            raise ValueError(f"The severity must be between [1, 10]. Got {severity} instead.")
        self.severity = severity
        self.mixture_width = mixture_width
        self.chain_depth = chain_depth
        self.alpha = alpha
        self.all_ops = all_ops

    def draw(self, img: object) -> tuple[Array, list[list[tuple[str, float]]]]:
        """The weights of the image and of the chains, and the chains."""
        space = _space(10, shift=_shares(img, 1 / 3), bits=(4, 0))
        if not self.all_ops:
            for name in ("Brightness", "Color", "Contrast", "Sharpness"):
                del space[name]
        random = stream(None)
        kept, changed = random.dirichlet([self.alpha] * 2)
        weights = np.append(kept, changed * random.dirichlet([self.alpha] * self.mixture_width))
        depths = [
            self.chain_depth if self.chain_depth > 0 else randint(1, 4)
            for _ in range(self.mixture_width)
        ]
        chains = [
            [_drawn_change(space, below=self.severity) for _ in range(depth)] for depth in depths
        ]
        return weights, chains

    def alter(self, img: Any, drawn: tuple[Array, list[list[tuple[str, float]]]]) -> Any:
        weights, chains = drawn
        planes = img if not F.is_pil(img) else F.pil_to_tensor(img)
        mixture = weights[0].astype(np.float32) * np.asarray(planes, np.float32)
        for weight, chain in zip(weights[1:], chains, strict=True):
            changed = planes
            for name, magnitude in chain:
                changed = self._changed(changed, name, magnitude)
            mixture += weight.astype(np.float32) * np.asarray(changed, np.float32)
        return _like(img, mixture)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(severity={self.severity}, "
            f"mixture_width={self.mixture_width}, chain_depth={self.chain_depth}, "
            f"alpha={self.alpha}, all_ops={self.all_ops}, "
            f"interpolation={self.interpolation}, fill={self.fill})"
        )
