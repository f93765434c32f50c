"""Swin transformer: Liu et al. 2021, Hierarchical Vision Transformer using Shifted Windows,
arXiv:2103.14030."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from minigrad import nn
from minigrad.nn import functional as F
from minigrad.ops import cat, roll
from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_numpy, zeros
from minigrad.vision.models.published import published
from minigrad.vision.models.weights import (
    Swin_B_Weights,
    Swin_S_Weights,
    Swin_T_Weights,
)
from minigrad.vision.ops.misc import MLP, Layer, Permute
from minigrad.vision.ops.stochastic_depth import StochasticDepth


class PatchMerging(nn.Module):
    """(..., H, W, C) -> (..., H/2, W/2, 2 C): a norm and a linear layer over 2x2 neighbours."""

    def __init__(self, dim: int, norm_layer: Layer = nn.LayerNorm) -> None:
        super().__init__()
        self.dim = dim
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)
        self.norm = norm_layer(4 * dim)

    def forward(self, x: Tensor) -> Tensor:
        x = F.pad(x, (0, 0, 0, x.shape[-2] % 2, 0, x.shape[-3] % 2))
        neighbours = [x[..., row::2, column::2, :] for column in (0, 1) for row in (0, 1)]
        x = self.reduction(self.norm(cat(neighbours, -1)))
        return x


class ShiftedWindowAttention(nn.Module):
    """Attention (N, H, W, C) within windows, with a bias for each distance of two pixels.

    The windows are shifted cyclically by `shift_size`; pixels that are not neighbours in the image
    do not attend to each other.
    """

    relative_position_index: Tensor

    def __init__(
        self,
        dim: int,
        window_size: Sequence[int],
        shift_size: Sequence[int],
        num_heads: int,
        qkv_bias: bool = True,
        proj_bias: bool = True,
        attention_dropout: float = 0.0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if len(window_size) != 2 or len(shift_size) != 2:
            raise ValueError(
                "window_size and shift_size must be of length 2, "
                f"got {list(window_size)} and {list(shift_size)}"
            )
        self.window_size = (window_size[0], window_size[1])
        self.shift_size = (shift_size[0], shift_size[1])
        self.num_heads = num_heads
        self.attention_dropout = attention_dropout
        self.dropout = dropout
        self.qkv = nn.Linear(dim, dim * 3, bias=qkv_bias)
        self.proj = nn.Linear(dim, dim, bias=proj_bias)
        distances = (2 * window_size[0] - 1) * (2 * window_size[1] - 1)
        self.relative_position_bias_table = nn.Parameter(zeros(distances, num_heads))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)
        self.register_buffer("relative_position_index", _distances(*self.window_size))

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[1:3]
        window = self.window_size
        padded = [-(-height // window[0]) * window[0], -(-width // window[1]) * window[1]]
        x = F.pad(x, (0, 0, 0, padded[1] - width, 0, padded[0] - height))
        shift = [
            0 if step >= side else moved
            for side, step, moved in zip(padded, window, self.shift_size, strict=True)
        ]
        if any(shift):
            x = roll(x, (-shift[0], -shift[1]), (1, 2))
        windows = _to_windows(x, window)
        mask = _mask(padded, window, shift, x) if any(shift) else None
        windows = self._attend(windows, mask)
        x = _from_windows(windows, padded, window)
        if any(shift):
            x = roll(x, (shift[0], shift[1]), (1, 2))
        return x[:, :height, :width].contiguous()

    def _attend(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Attention within each of the windows (B, L, C)."""
        count, length, channels = x.shape
        heads, width = self.num_heads, channels // self.num_heads
        q, k, v = self.qkv(x).reshape(count, length, 3, heads, width).permute(2, 0, 3, 1, 4)
        bias = self.relative_position_bias_table[self.relative_position_index]
        scores = (q * width**-0.5) @ k.transpose(-2, -1)
        scores = scores + bias.reshape(length, length, heads).permute(2, 0, 1)
        if mask is not None:
            scores = scores.reshape(-1, len(mask), heads, length, length) + mask.unsqueeze(1)
            scores = scores.reshape(-1, heads, length, length)
        weights = F.dropout(F.softmax(scores, dim=-1), self.attention_dropout, self.training)
        x = self.proj((weights @ v).transpose(1, 2).reshape(count, length, channels))
        return F.dropout(x, self.dropout, self.training)


def _distances(height: int, width: int) -> Tensor:
    """For every pair of pixels of a window, the row of the bias table for their distance."""
    rows, columns = (side.reshape(-1) for side in np.indices((height, width)))
    down = rows[:, None] - rows + height - 1
    right = columns[:, None] - columns + width - 1
    return from_numpy((down * (2 * width - 1) + right).reshape(-1))


def _to_windows(x: Tensor, window: tuple[int, int]) -> Tensor:
    """(N, H, W, C) -> (N * windows, pixels, C)."""
    count, height, width, channels = x.shape
    x = x.reshape(count, height // window[0], window[0], width // window[1], window[1], channels)
    return x.permute(0, 1, 3, 2, 4, 5).reshape(-1, window[0] * window[1], channels)


def _from_windows(x: Tensor, size: Sequence[int], window: tuple[int, int]) -> Tensor:
    """(N * windows, pixels, C) -> (N, H, W, C)."""
    x = x.reshape(-1, size[0] // window[0], size[1] // window[1], *window, x.shape[-1])
    return x.permute(0, 1, 3, 2, 4, 5).reshape(-1, size[0], size[1], x.shape[-1])


def _mask(size: Sequence[int], window: tuple[int, int], shift: Sequence[int], x: Tensor) -> Tensor:
    """(windows, pixels, pixels): -100 for two pixels that the shift has brought together, else 0.

    Only in the last windows are there such pixels: those that came from the opposite border.
    """
    below = np.arange(size[0]) >= size[0] - shift[0]
    beside = np.arange(size[1]) >= size[1] - shift[1]
    origin = (2 * below[:, None] + beside).reshape(1, size[0], size[1], 1)
    origins = _to_windows(from_numpy(origin), window).squeeze(-1)
    apart = origins.unsqueeze(1) != origins.unsqueeze(2)
    return apart.to(x.dtype) * -100.0


class SwinTransformerBlock(nn.Module):
    """Shifted-window attention and an MLP, each after a norm and added to its input."""

    def __init__(
        self,
        dim: int,
        num_heads: int,
        window_size: Sequence[int],
        shift_size: Sequence[int],
        mlp_ratio: float = 4.0,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        stochastic_depth_prob: float = 0.0,
        norm_layer: Layer = nn.LayerNorm,
        attn_layer: Layer = ShiftedWindowAttention,
    ) -> None:
        super().__init__()
        self.norm1 = norm_layer(dim)
        self.attn = attn_layer(
            dim,
            window_size,
            shift_size,
            num_heads,
            attention_dropout=attention_dropout,
            dropout=dropout,
        )
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")
        self.norm2 = norm_layer(dim)
        self.mlp = MLP(dim, [int(dim * mlp_ratio), dim], activation_layer=nn.GELU, dropout=dropout)
        for module in self.mlp.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                assert module.bias is not None
                nn.init.normal_(module.bias, std=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.stochastic_depth(self.attn(self.norm1(x)))
        x = x + self.stochastic_depth(self.mlp(self.norm2(x)))
        return x


class SwinTransformer(nn.Module):
    """Scores (N, num_classes) of images (N, 3, H, W): stages of blocks, each half the size.

    `depths` has the number of blocks of each stage, `num_heads` their heads.  The probability to
    leave out a branch in training rises from 0 to `stochastic_depth_prob`.
    """

    def __init__(
        self,
        patch_size: Sequence[int],
        embed_dim: int,
        depths: Sequence[int],
        num_heads: Sequence[int],
        window_size: Sequence[int],
        mlp_ratio: float = 4.0,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        stochastic_depth_prob: float = 0.1,
        num_classes: int = 1000,
        norm_layer: Layer | None = None,
        block: Layer | None = None,
        downsample_layer: Layer = PatchMerging,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        norm = partial(nn.LayerNorm, eps=1e-5) if norm_layer is None else norm_layer
        make_block = partial(
            SwinTransformerBlock if block is None else block,
            window_size=window_size,
            mlp_ratio=mlp_ratio,
            dropout=dropout,
            attention_dropout=attention_dropout,
            norm_layer=norm,
        )
        patch = (patch_size[0], patch_size[1])
        layers: list[nn.Module] = [
            nn.Sequential(
                nn.Conv2d(3, embed_dim, kernel_size=patch, stride=patch),
                Permute([0, 2, 3, 1]),
                norm(embed_dim),
            )
        ]
        shifts = [[0, 0], [side // 2 for side in window_size]]  # in turn
        last, done = max(sum(depths) - 1, 1), 0
        for stage, (depth, heads) in enumerate(zip(depths, num_heads, strict=True)):
            width = embed_dim * 2**stage
            blocks = [
                make_block(
                    width,
                    heads,
                    shift_size=shifts[i % 2],
                    stochastic_depth_prob=stochastic_depth_prob * (done + i) / last,
                )
                for i in range(depth)
            ]
            layers.append(nn.Sequential(*blocks))
            done += depth
            if stage < len(depths) - 1:
                layers.append(downsample_layer(width, norm))
        self.features = nn.Sequential(*layers)
        self.norm = norm(width)
        self.permute = Permute([0, 3, 1, 2])
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten(1)
        self.head = nn.Linear(width, num_classes)
        self.apply(_init_weights)

    def forward(self, x: Tensor) -> Tensor:
        x = self.permute(self.norm(self.features(x)))
        x = self.head(self.flatten(self.avgpool(x)))
        return x


def _init_weights(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _swin(
    embed_dim: int,
    depths: tuple[int, ...],
    num_heads: tuple[int, ...],
    stochastic: float,
    options: dict[str, Any],
) -> SwinTransformer:
    given = {"stochastic_depth_prob": stochastic} | options
    return SwinTransformer((4, 4), embed_dim, depths, num_heads, (7, 7), **given)


@published(Swin_T_Weights)
def swin_t(**options: Any) -> SwinTransformer:
    """Swin-T; options as the class has them."""
    return _swin(96, (2, 2, 6, 2), (3, 6, 12, 24), 0.2, options)


@published(Swin_S_Weights)
def swin_s(**options: Any) -> SwinTransformer:
    """Swin-S; options as the class has them."""
    return _swin(96, (2, 2, 18, 2), (3, 6, 12, 24), 0.3, options)


@published(Swin_B_Weights)
def swin_b(**options: Any) -> SwinTransformer:
    """Swin-B; options as the class has them."""
    return _swin(128, (2, 2, 18, 2), (4, 8, 16, 32), 0.5, options)
