"""Names of torch.nn.attention.flex_attention, which has no support here."""

from minigrad.core.public_names import show_public_names
from minigrad.core.unsupported import Unsupported

_REASON = (
    "it needs a compiler of score functions, and minigrad has none; give a mask or a bias to "
    "nn.functional.scaled_dot_product_attention"
)
_PATH = "nn.attention.flex_attention"

flex_attention = Unsupported(f"{_PATH}.flex_attention", _REASON)
create_block_mask = Unsupported(f"{_PATH}.create_block_mask", _REASON)
create_mask = Unsupported(f"{_PATH}.create_mask", _REASON)
BlockMask = Unsupported(f"{_PATH}.BlockMask", _REASON)

__all__ = ["BlockMask", "create_block_mask", "create_mask", "flex_attention"]

show_public_names(__name__)
