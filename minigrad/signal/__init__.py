"""torch.signal: windows."""

from minigrad.core.public_names import show_public_names
from minigrad.signal import windows

__all__ = ["windows"]

show_public_names(__name__)
