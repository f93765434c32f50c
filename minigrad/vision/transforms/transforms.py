"""torchvision's longer path of the transforms; they are those of `minigrad.vision.transforms`.

from minigrad.vision.transforms.transforms import Compose
"""

from minigrad.core.public_names import show_public_names
from minigrad.vision import transforms as _package

__all__ = [name for name in _package.__all__ if name not in ("batch_form", "functional", "v2")]

vars().update({name: getattr(_package, name) for name in __all__})
show_public_names(__name__)
