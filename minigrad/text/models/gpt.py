"""A decoder-only transformer."""

import math
from typing import Any

from minigrad import nn
from minigrad.nn import functional as F
from minigrad.ops.shape.join import cat
from minigrad.tensor import Tensor
from minigrad.tensor.creation import arange
from minigrad.text.models.language_model import LanguageModel, check_positive

_STD = 0.02  # of the initial weights


class CausalSelfAttention(nn.Module):
    """Attention of each position of (N, L, n_embd) to itself and to those before it."""

    def __init__(self, n_embd: int, n_head: int, dropout: float, bias: bool) -> None:
        super().__init__()
        self.c_attn = nn.Linear(n_embd, 3 * n_embd, bias=bias)
        self.c_proj = nn.Linear(n_embd, n_embd, bias=bias)
        self.resid_dropout = nn.Dropout(dropout)
        self.n_head = n_head
        self.dropout = dropout

    def forward(self, x: Tensor) -> Tensor:
        N, L, E = x.shape
        # (3, N, n_head, L, features of a head)
        parts = self.c_attn(x).view(N, L, 3, self.n_head, E // self.n_head).permute(2, 0, 3, 1, 4)
        query, key, value = parts.unbind(0)
        dropout = self.dropout if self.training else 0.0
        seen = F.scaled_dot_product_attention(query, key, value, dropout_p=dropout, is_causal=True)
        result: Tensor = self.resid_dropout(self.c_proj(seen.transpose(1, 2).reshape(N, L, E)))
        return result


class FeedForward(nn.Module):
    """Two linear layers with a GELU between them, four times as wide inside."""

    def __init__(self, n_embd: int, dropout: float, bias: bool) -> None:
        super().__init__()
        self.c_fc = nn.Linear(n_embd, 4 * n_embd, bias=bias)
        self.gelu = nn.GELU()
        self.c_proj = nn.Linear(4 * n_embd, n_embd, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.dropout(self.c_proj(self.gelu(self.c_fc(x))))
        return result


class Block(nn.Module):
    """Attention, then the feed-forward layers, each on normalised input and added to it."""

    def __init__(self, n_embd: int, n_head: int, dropout: float, bias: bool) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(n_embd, bias=bias)
        self.attn = CausalSelfAttention(n_embd, n_head, dropout, bias)
        self.ln_2 = nn.LayerNorm(n_embd, bias=bias)
        self.mlp = FeedForward(n_embd, dropout, bias)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.ln_1(x))
        result: Tensor = x + self.mlp(self.ln_2(x))
        return result


class GPT(LanguageModel):
    """Scores of the next token, from at most `block_size` tokens.

    Names of arguments and keys of the state are those of nanoGPT, and so are the initial weights:
    normal with the standard deviation 0.02, those that a block adds to its input divided by
    sqrt(2 * n_layer), biases 0.  With `tied` the last layer's weight is the embedding's.
    Raises ValueError for sizes below 1, and for an `n_embd` that the heads cannot share.

    Radford et al. 2019, Language models are unsupervised multitask learners; Karpathy, nanoGPT.

    >>> import minigrad as mg
    >>> from minigrad.text.models import GPT
    >>> GPT(65, block_size=16, n_layer=2, n_embd=32)(mg.zeros(2, 7, dtype=mg.int64)).shape
    minigrad.Size([2, 7, 65])
    """

    def __init__(
        self,
        vocab_size: int,
        block_size: int = 64,
        n_layer: int = 4,
        n_head: int = 4,
        n_embd: int = 128,
        dropout: float = 0.0,
        bias: bool = True,
        tied: bool = True,
    ) -> None:
        super().__init__()
        sizes = {
            "vocab_size": vocab_size,
            "block_size": block_size,
            "n_layer": n_layer,
            "n_head": n_head,
            "n_embd": n_embd,
        }
        check_positive("GPT", **sizes)
        if n_embd % n_head:
            raise ValueError(f"GPT expects n_embd divisible by n_head, got {n_embd} and {n_head}")
        self.sizes = {**sizes, "dropout": dropout, "bias": bias, "tied": tied}
        self.block_size = block_size
        blocks = nn.ModuleList([Block(n_embd, n_head, dropout, bias) for _ in range(n_layer)])
        self.transformer = nn.ModuleDict(
            {
                "wte": nn.Embedding(vocab_size, n_embd),
                "wpe": nn.Embedding(block_size, n_embd),
                "drop": nn.Dropout(dropout),
                "h": blocks,
                "ln_f": nn.LayerNorm(n_embd, bias=bias),
            }
        )
        self.lm_head = nn.Linear(n_embd, vocab_size, bias=False)
        if tied:
            self.transformer["wte"].weight = self.lm_head.weight
        self._initialise(n_layer)

    def _initialise(self, n_layer: int) -> None:
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=_STD)
            if isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)
        for name, parameter in self.named_parameters():
            if name.endswith("c_proj.weight"):
                nn.init.normal_(parameter, std=_STD / math.sqrt(2 * n_layer))

    def forward(self, tokens: Tensor) -> Tensor:
        length = tokens.shape[1]
        if length > self.block_size:
            raise ValueError(
                f"Cannot forward sequence of length {length}, block size is only {self.block_size}"
            )
        parts: Any = self.transformer
        x = parts["drop"](parts["wte"](tokens) + parts["wpe"](arange(length)))
        for block in parts["h"]:
            x = block(x)
        scores: Tensor = self.lm_head(parts["ln_f"](x))
        return scores

    def advance(self, tokens: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """See `LanguageModel.advance`; the state is the last tokens, `block_size` at most."""
        seen = tokens if state is None else cat([state, tokens], 1)
        seen = seen[:, -self.block_size :]
        return self(seen)[:, -1], seen
