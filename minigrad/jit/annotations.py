"""The names of types that models written for torch.jit import from here."""

from typing import Any, Dict, List, Optional, Tuple, Union  # noqa: UP035  torch's own names

from minigrad.core.public_names import show_public_names

__all__ = ["Any", "Dict", "List", "Optional", "Tuple", "Union"]

show_public_names(__name__)
