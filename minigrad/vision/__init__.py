"""Images: datasets, files, transforms, models, operations and grids, under torchvision's names."""

from minigrad.core.public_names import show_public_names
from minigrad.version import minigrad as _own_version
from minigrad.vision import datasets, io, models, ops, transforms, utils

__all__ = [
    "datasets", "disable_beta_transforms_warning", "io", "models", "ops", "transforms", "utils",
]  # fmt: skip

__version__ = f"0.28.0+minigrad.{_own_version}"
"""The version of torchvision whose names are here, and minigrad's own."""


def disable_beta_transforms_warning() -> None:
    """Nothing: `transforms.v2` gives no warning that it is new."""


show_public_names(__name__)
