"""Images: datasets, transforms, models and grids, under torchvision's names."""

from minigrad.vision import datasets, models, transforms, utils

__all__ = ["datasets", "models", "transforms", "utils"]
