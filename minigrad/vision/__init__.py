"""Images: datasets, transforms, models, operations and grids, under torchvision's names."""

from minigrad.core.public_names import show_public_names
from minigrad.vision import datasets, models, ops, transforms, utils

__all__ = ["datasets", "models", "ops", "transforms", "utils"]

show_public_names(__name__)
