"""Image transforms, under the names of `torchvision.transforms`.

An image is a uint8 NumPy array (H, W) or (H, W, C), a PIL image, or a Tensor (..., H, W); the
result of a geometric transform is of the same kind.  Random transforms draw from minigrad's
default generator, so `manual_seed` reproduces them, in a DataLoader with any number of workers.

PyTorch differs: images of the datasets are NumPy arrays here, PIL images in torchvision.
"""

from minigrad.core.public_names import show_public_names
from minigrad.vision.transforms import functional
from minigrad.vision.transforms.choice import RandomApply, RandomChoice, RandomOrder
from minigrad.vision.transforms.colour import Grayscale, RandomGrayscale
from minigrad.vision.transforms.compose import Compose, Lambda, batch_form
from minigrad.vision.transforms.convert import Normalize, ToTensor
from minigrad.vision.transforms.crops import CenterCrop, FiveCrop, RandomResizedCrop
from minigrad.vision.transforms.geometry import Pad, RandomCrop, RandomHorizontalFlip, Resize
from minigrad.vision.transforms.resample import InterpolationMode

__all__ = [
    "CenterCrop",
    "Compose",
    "FiveCrop",
    "Grayscale",
    "InterpolationMode",
    "Lambda",
    "Normalize",
    "Pad",
    "RandomApply",
    "RandomChoice",
    "RandomCrop",
    "RandomGrayscale",
    "RandomHorizontalFlip",
    "RandomOrder",
    "RandomResizedCrop",
    "Resize",
    "ToTensor",
    "batch_form",
    "functional",
]

show_public_names(__name__)
