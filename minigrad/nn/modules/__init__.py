"""Modules at the paths that torch has them: `nn.modules.module`."""

from minigrad.nn.module import Module
from minigrad.nn.modules import module

__all__ = ["Module", "module"]
