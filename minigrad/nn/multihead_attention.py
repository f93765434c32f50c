"""Multi-head attention as a layer.

Vaswani et al. 2017, Attention is all you need.
"""

from minigrad.core.device import require_cpu
from minigrad.core.types import DeviceLike, DTypeLike
from minigrad.nn import functional as F
from minigrad.nn import init
from minigrad.nn.functional.multihead_attention import changed
from minigrad.nn.linear import Linear
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.tensor import Tensor, creation


class NonDynamicallyQuantizableLinear(Linear):
    """A linear layer, under the name that torch gives it in attention."""


class MultiheadAttention(Module):
    """Attention of `num_heads` heads over projections of query, key and value.

    Each head has embed_dim / num_heads features; `kdim` and `vdim` are the features of key and
    value where they differ from embed_dim.  `dropout` drops weights in training.  `bias` gives the
    projections biases, `add_bias_kv` adds a learned key and value, `add_zero_attn` a key and value
    of zeros.  With `batch_first` sequences are (N, L, E), otherwise (L, N, E).
    Raises ValueError unless sizes are positive, AssertionError unless num_heads divides embed_dim.

    >>> import minigrad as mg
    >>> x = mg.zeros(2, 5, 16)
    >>> out, weights = mg.nn.MultiheadAttention(16, 4, batch_first=True)(x, x, x)
    >>> out.shape, weights.shape
    (minigrad.Size([2, 5, 16]), minigrad.Size([2, 5, 5]))
    """

    bias_k: Parameter | None
    bias_v: Parameter | None

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: DeviceLike = None,
        dtype: DTypeLike = None,
    ) -> None:
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(
                f"embed_dim and num_heads must be greater than 0, got embed_dim={embed_dim} and "
                f"num_heads={num_heads} instead"
            )
        require_cpu(device)
        super().__init__()
        self.embed_dim = embed_dim
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self._qkv_same_embed_dim = self.kdim == embed_dim and self.vdim == embed_dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.head_dim = embed_dim // num_heads
        if self.head_dim * num_heads != embed_dim:
            raise AssertionError("embed_dim must be divisible by num_heads")
        shapes = {
            "q_proj_weight": (embed_dim, embed_dim),
            "k_proj_weight": (embed_dim, self.kdim),
            "v_proj_weight": (embed_dim, self.vdim),
        }
        absent = {"in_proj_weight": None}
        if self._qkv_same_embed_dim:
            shapes, absent = {"in_proj_weight": (3 * embed_dim, embed_dim)}, dict.fromkeys(shapes)
        for name, shape in shapes.items():
            setattr(self, name, Parameter(creation.empty(shape, dtype=dtype)))
        for name in absent:
            self.register_parameter(name, None)
        self.register_parameter(
            "in_proj_bias", Parameter(creation.empty(3 * embed_dim, dtype=dtype)) if bias else None
        )
        self.out_proj = NonDynamicallyQuantizableLinear(
            embed_dim, embed_dim, bias=bias, dtype=dtype
        )
        self.bias_k = self.bias_v = None
        if add_bias_kv:
            self.bias_k = Parameter(creation.empty(1, 1, embed_dim, dtype=dtype))
            self.bias_v = Parameter(creation.empty(1, 1, embed_dim, dtype=dtype))
        self.add_zero_attn = add_zero_attn
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        """Draw projections by Xavier's rule; biases are 0."""
        for name in ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight"):
            if getattr(self, name) is not None:
                init.xavier_uniform_(getattr(self, name))
        if self.in_proj_bias is not None:
            init.zeros_(self.in_proj_bias)
            init.zeros_(self.out_proj.bias)
        for added in (self.bias_k, self.bias_v):
            if added is not None:
                init.xavier_normal_(added)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """What each query finds, and the weights, of all heads or averaged; None if not wanted.

        query (L, N, E), key (S, N, kdim) and value (S, N, vdim), or without N for one sequence ->
        (L, N, E) and (N, L, S), by heads (N, heads, L, S).
        `key_padding_mask` (N, S) and `attn_mask` (L, S) or (N * heads, L, S): of bools, True where
        a key is not to be looked at; of floats, added to the scores.  `is_causal` says that
        `attn_mask` is the causal one, so that the mask itself need not be read.
        Without `need_weights` no matrix of weights is kept.
        """
        transposes = self.batch_first and query.ndim == 3
        if transposes:
            query, key, value = changed(lambda x: x.transpose(0, 1), query, key, value)
        out, weights = F.multi_head_attention_forward(
            query, key, value, self.embed_dim, self.num_heads, self.in_proj_weight,
            self.in_proj_bias, self.bias_k, self.bias_v, self.add_zero_attn, self.dropout,
            self.out_proj.weight, self.out_proj.bias, training=self.training,
            key_padding_mask=key_padding_mask, need_weights=need_weights, attn_mask=attn_mask,
            use_separate_proj_weight=not self._qkv_same_embed_dim,
            q_proj_weight=self.q_proj_weight, k_proj_weight=self.k_proj_weight,
            v_proj_weight=self.v_proj_weight, average_attn_weights=average_attn_weights,
            is_causal=is_causal,
        )  # fmt: skip
        return out.transpose(0, 1) if transposes else out, weights
