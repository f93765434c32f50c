"""torch.nn.attention.bias: causal masks of attention between sequences of other lengths."""

from enum import IntEnum, auto
from typing import Any

from minigrad.core.public_names import show_public_names
from minigrad.nn.functional.attention import scaled_dot_product_attention
from minigrad.tensor import Tensor
from minigrad.tensor.creation import ones

__all__ = ["CausalBias", "CausalVariant", "causal_lower_right", "causal_upper_left"]


class CausalVariant(IntEnum):
    """The corner that a causal mask is aligned with."""

    UPPER_LEFT = auto()
    LOWER_RIGHT = auto()


class CausalBias:
    """A causal mask (seq_len_q, seq_len_kv), to be given to `scaled_dot_product_attention`.

    From UPPER_LEFT the first query sees the first key; from LOWER_RIGHT the last query sees all
    keys, as in decoding with keys that were kept.
    """

    def __init__(self, variant: CausalVariant, seq_len_q: int, seq_len_kv: int) -> None:
        if not isinstance(variant, CausalVariant):
            raise AssertionError(f"variant must be a CausalVariant, got {variant!r}")
        self.variant = variant
        self.seq_len_q, self.seq_len_kv = seq_len_q, seq_len_kv
        self.shape = (seq_len_q, seq_len_kv)

    def _materialize(self, device: Any = None) -> Tensor:
        """The mask: True where a query sees a key."""
        offset = self.seq_len_kv - self.seq_len_q
        diagonal = offset if self.variant is CausalVariant.LOWER_RIGHT else 0
        return ones(self.seq_len_q, self.seq_len_kv, dtype=bool, device=device).tril(diagonal)

    def attend(
        self, query: Tensor, key: Tensor, value: Tensor, dropout_p: float, is_causal: bool,
        **options: Any,
    ) -> Tensor:  # fmt: skip
        """Attention with the mask.  Raises ValueError for sequences of other lengths."""
        if is_causal:
            raise ValueError("CausalBias should not be used with causal=True")
        lengths = query.shape[-2], key.shape[-2]
        if lengths != self.shape:
            raise ValueError(f"the mask is for sequences of lengths {self.shape}, got {lengths}")
        if self.variant is CausalVariant.UPPER_LEFT or lengths[0] == lengths[1]:
            return scaled_dot_product_attention(
                query, key, value, None, dropout_p, is_causal=True, **options
            )
        return scaled_dot_product_attention(
            query, key, value, self._materialize(), dropout_p, **options
        )

    def __repr__(self) -> str:
        return f"CausalBias({self.variant.name}, {self.seq_len_q}, {self.seq_len_kv})"


def causal_upper_left(*size: int) -> CausalBias:
    """A mask (L, S) in which query i sees the keys 0 ... i."""
    return CausalBias(CausalVariant.UPPER_LEFT, *_two(size))


def causal_lower_right(*size: int) -> CausalBias:
    """A mask (L, S) in which query i sees the keys 0 ... i + S - L."""
    return CausalBias(CausalVariant.LOWER_RIGHT, *_two(size))


def _two(size: tuple[int, ...]) -> tuple[int, int]:
    if len(size) != 2:
        raise AssertionError(f"a causal mask only supports 2D tensors, got sizes {size}")
    return size[0], size[1]


show_public_names(__name__)
