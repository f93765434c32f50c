"""Modules at the paths that torch has them: `nn.modules.conv.Conv2d`, and `nn.modules.Conv2d`."""

from minigrad.core.public_names import show_public_names
from minigrad.nn.module import Module
from minigrad.nn.modules import module, utils

# `give_paths` adds the layers and their files, once all are there.
__all__ = ["Module", "module", "utils"]

show_public_names(__name__)
