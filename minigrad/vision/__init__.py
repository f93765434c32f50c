"""Images: datasets, transforms, models and grids of pictures, under torchvision's names."""

from minigrad.vision import datasets, transforms, utils

__all__ = ["datasets", "transforms", "utils"]
