"""torch.backends.quantized: there are no quantized tensors, and no engine for them."""

from minigrad.core.public_names import show_public_names

__all__ = ["engine", "supported_engines"]

engine = "none"
supported_engines = ["none"]

show_public_names(__name__)
