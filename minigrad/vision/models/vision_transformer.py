"""Vision transformer: Dosovitskiy et al. 2020, An Image is Worth 16x16 Words, arXiv:2010.11929."""

import math
from functools import partial
from typing import Any

from minigrad import nn
from minigrad.ops import cat
from minigrad.tensor import Tensor
from minigrad.tensor.creation import empty, zeros
from minigrad.vision.models.published import published
from minigrad.vision.models.weights import (
    ViT_B_16_Weights,
    ViT_B_32_Weights,
    ViT_L_16_Weights,
    ViT_L_32_Weights,
)
from minigrad.vision.ops.misc import MLP, Layer

_NORM = partial(nn.LayerNorm, eps=1e-6)


class MLPBlock(MLP):
    """Two linear layers with a GELU between them."""

    def __init__(self, in_dim: int, mlp_dim: int, dropout: float) -> None:
        super().__init__(in_dim, [mlp_dim, in_dim], activation_layer=nn.GELU, dropout=dropout)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                assert module.bias is not None
                nn.init.normal_(module.bias, std=1e-6)


class EncoderBlock(nn.Module):
    """Self-attention and an MLP, each after a norm and added to its input."""

    def __init__(
        self,
        num_heads: int,
        hidden_dim: int,
        mlp_dim: int,
        dropout: float,
        attention_dropout: float,
        norm_layer: Layer = _NORM,
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.ln_1 = norm_layer(hidden_dim)
        self.self_attention = nn.MultiheadAttention(
            hidden_dim, num_heads, dropout=attention_dropout, batch_first=True
        )
        self.dropout = nn.Dropout(dropout)
        self.ln_2 = norm_layer(hidden_dim)
        self.mlp = MLPBlock(hidden_dim, mlp_dim, dropout)

    def forward(self, input: Tensor) -> Tensor:
        x: Tensor = self.ln_1(input)
        x, _ = self.self_attention(x, x, x, need_weights=False)
        x = self.dropout(x) + input
        x = x + self.mlp(self.ln_2(x))
        return x


class Encoder(nn.Module):
    """Blocks over a sequence (N, L, hidden_dim), to which learned positions are added."""

    def __init__(
        self,
        seq_length: int,
        num_layers: int,
        num_heads: int,
        hidden_dim: int,
        mlp_dim: int,
        dropout: float,
        attention_dropout: float,
        norm_layer: Layer = _NORM,
    ) -> None:
        super().__init__()
        self.pos_embedding = nn.Parameter(empty(1, seq_length, hidden_dim).normal_(std=0.02))
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.Sequential()
        for i in range(num_layers):
            block = EncoderBlock(
                num_heads, hidden_dim, mlp_dim, dropout, attention_dropout, norm_layer
            )
            self.layers.add_module(f"encoder_layer_{i}", block)
        self.ln = norm_layer(hidden_dim)

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim != 3:
            raise ValueError(
                f"Expected (batch_size, seq_length, hidden_dim) got {tuple(input.shape)}"
            )
        x: Tensor = self.ln(self.layers(self.dropout(input + self.pos_embedding)))
        return x


class VisionTransformer(nn.Module):
    """Scores (N, num_classes) of images (N, 3, image_size, image_size), cut into patches.

    With `representation_size` a linear layer with tanh stands before the last.  Raises ValueError
    for images of another size, or a size that is no multiple of the patch's.
    """

    def __init__(
        self,
        image_size: int,
        patch_size: int,
        num_layers: int,
        num_heads: int,
        hidden_dim: int,
        mlp_dim: int,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        num_classes: int = 1000,
        representation_size: int | None = None,
        norm_layer: Layer = _NORM,
    ) -> None:
        super().__init__()
        if image_size % patch_size:
            raise ValueError(
                "Input shape indivisible by patch size! "
                f"got image_size={image_size}, patch_size={patch_size}"
            )
        self.image_size = image_size
        self.patch_size = patch_size
        self.hidden_dim = hidden_dim
        self.num_classes = num_classes
        self.seq_length = (image_size // patch_size) ** 2 + 1
        self.conv_proj = nn.Conv2d(3, hidden_dim, kernel_size=patch_size, stride=patch_size)
        self.class_token = nn.Parameter(zeros(1, 1, hidden_dim))
        self.encoder = Encoder(
            self.seq_length,
            num_layers,
            num_heads,
            hidden_dim,
            mlp_dim,
            dropout,
            attention_dropout,
            norm_layer,
        )
        self.heads = nn.Sequential()
        width = hidden_dim if representation_size is None else representation_size
        if representation_size is not None:
            before = nn.Linear(hidden_dim, width)
            nn.init.trunc_normal_(before.weight, std=math.sqrt(1 / hidden_dim))
            _zero_bias(before)
            self.heads.add_module("pre_logits", before)
            self.heads.add_module("act", nn.Tanh())
        head = nn.Linear(width, num_classes)
        self.heads.add_module("head", head)
        nn.init.zeros_(head.weight)
        nn.init.trunc_normal_(self.conv_proj.weight, std=math.sqrt(1 / (3 * patch_size**2)))
        _zero_bias(head)
        _zero_bias(self.conv_proj)

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[-2:] != (self.image_size, self.image_size):
            raise ValueError(
                f"Wrong image height or width! Expected {self.image_size} "
                f"but got {tuple(x.shape[-2:])}!"
            )
        x = self.conv_proj(x).flatten(2).transpose(1, 2)
        x = cat([self.class_token.expand(x.shape[0], -1, -1), x], 1)
        x = self.heads(self.encoder(x)[:, 0])
        return x


def _zero_bias(layer: nn.Linear | nn.Conv2d) -> None:
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)


def _vit(
    patch_size: int, layers: int, heads: int, hidden: int, mlp: int, options: dict[str, Any]
) -> VisionTransformer:
    image_size = options.pop("image_size", 224)
    return VisionTransformer(image_size, patch_size, layers, heads, hidden, mlp, **options)


@published(ViT_B_16_Weights)
def vit_b_16(**options: Any) -> VisionTransformer:
    """ViT-B with patches of 16; options as the class has them, among them `image_size`."""
    return _vit(16, 12, 12, 768, 3072, options)


@published(ViT_B_32_Weights)
def vit_b_32(**options: Any) -> VisionTransformer:
    """ViT-B with patches of 32; options as the class has them, among them `image_size`."""
    return _vit(32, 12, 12, 768, 3072, options)


@published(ViT_L_16_Weights)
def vit_l_16(**options: Any) -> VisionTransformer:
    """ViT-L with patches of 16; options as the class has them, among them `image_size`."""
    return _vit(16, 24, 16, 1024, 4096, options)


@published(ViT_L_32_Weights)
def vit_l_32(**options: Any) -> VisionTransformer:
    """ViT-L with patches of 32; options as the class has them, among them `image_size`."""
    return _vit(32, 24, 16, 1024, 4096, options)
