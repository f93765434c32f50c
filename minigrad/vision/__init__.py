"""Images: datasets, transforms, models and grids, under torchvision's names."""

from minigrad.core.public_names import show_public_names
from minigrad.vision import datasets, models, transforms, utils

__all__ = ["datasets", "models", "transforms", "utils"]

show_public_names(__name__)
