"""Modules at the paths that torch has them: `nn.modules.module`."""

from minigrad.core.public_names import show_public_names
from minigrad.nn.module import Module
from minigrad.nn.modules import module

__all__ = ["Module", "module"]

show_public_names(__name__)
