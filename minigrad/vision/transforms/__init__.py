"""Image transforms, under the names of `torchvision.transforms`.

An image is a uint8 NumPy array (H, W) or (H, W, C), a PIL image, or a Tensor (..., H, W); the
result of a geometric transform is of the same kind.  Random transforms draw from minigrad's
default generator, so `manual_seed` reproduces them, in a DataLoader with any number of workers.
`transforms.v2` has the names of `torchvision.transforms.v2`.

PyTorch differs: images of the datasets are NumPy arrays here, PIL images in torchvision.
"""

from minigrad.core.public_names import show_public_names
from minigrad.vision.transforms import functional
from minigrad.vision.transforms.autoaugment import (
    AugMix,
    AutoAugment,
    RandAugment,
    TrivialAugmentWide,
)
from minigrad.vision.transforms.autoaugment_policies import AutoAugmentPolicy
from minigrad.vision.transforms.choice import RandomApply, RandomChoice, RandomOrder
from minigrad.vision.transforms.colour import ColorJitter, Grayscale, RandomGrayscale
from minigrad.vision.transforms.compose import Compose, Lambda, batch_form
from minigrad.vision.transforms.convert import (
    ConvertImageDtype,
    LinearTransformation,
    Normalize,
    PILToTensor,
    ToPILImage,
    ToTensor,
)
from minigrad.vision.transforms.crops import CenterCrop, FiveCrop, RandomResizedCrop, TenCrop
from minigrad.vision.transforms.functional import InterpolationMode
from minigrad.vision.transforms.geometry import (
    Pad,
    RandomCrop,
    RandomHorizontalFlip,
    RandomVerticalFlip,
    Resize,
)
from minigrad.vision.transforms.tone import (
    GaussianBlur,
    RandomAdjustSharpness,
    RandomAutocontrast,
    RandomEqualize,
    RandomErasing,
    RandomInvert,
    RandomPosterize,
    RandomSolarize,
)
from minigrad.vision.transforms.warp import (
    ElasticTransform,
    RandomAffine,
    RandomPerspective,
    RandomRotation,
)

__all__ = [
    "AugMix", "AutoAugment", "AutoAugmentPolicy", "CenterCrop", "ColorJitter", "Compose",
    "ConvertImageDtype", "ElasticTransform", "FiveCrop", "GaussianBlur", "Grayscale",
    "InterpolationMode", "Lambda", "LinearTransformation", "Normalize", "PILToTensor", "Pad",
    "RandAugment", "RandomAdjustSharpness", "RandomAffine", "RandomApply", "RandomAutocontrast",
    "RandomChoice", "RandomCrop", "RandomEqualize", "RandomErasing", "RandomGrayscale",
    "RandomHorizontalFlip", "RandomInvert", "RandomOrder", "RandomPerspective", "RandomPosterize",
    "RandomResizedCrop", "RandomRotation", "RandomSolarize", "RandomVerticalFlip", "Resize",
    "TenCrop", "ToPILImage", "ToTensor", "TrivialAugmentWide", "batch_form", "functional", "v2",
]  # fmt: skip

show_public_names(__name__, lazy=("transforms", "v2"))
