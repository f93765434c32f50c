"""torch.amp: mixed precision as far as it goes without bfloat16, and scaled gradients."""

from minigrad.amp.autocast_mode import autocast, custom_bwd, custom_fwd, is_autocast_available
from minigrad.amp.grad_scaler import GradScaler
from minigrad.core.public_names import show_public_names

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]

show_public_names(__name__)
