"""The networks of the training cases, each written once for every library with torch's names."""

from collections import OrderedDict
from itertools import pairwise
from typing import Any


def perceptron(library: Any, *widths: int) -> Any:
    """Linear layers of these widths, with a relu between them."""
    nn = library.nn
    layers = [nn.Flatten()]
    for before, after in pairwise(widths):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def lecture_cnn(library: Any) -> Any:
    """Two convolutions and two linear layers, for images of 1x28x28."""
    nn = library.nn
    return nn.Sequential(
        nn.Conv2d(1, 32, 3),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(9216, 128),
        nn.ReLU(),
        nn.Linear(128, 10),
        nn.LogSoftmax(1),
    )


def resnet18(library: Any) -> Any:
    """He et al. 2015, arXiv:1512.03385, with the stem for large images, and ten classes."""
    nn = library.nn

    def norm_of(convolution: Any) -> list[Any]:
        return [convolution, nn.BatchNorm2d(convolution.out_channels)]

    class Block(nn.Module):  # type: ignore[name-defined,misc]  # its base is known at run time
        def __init__(self, C: int, F: int, stride: int) -> None:
            super().__init__()
            self.body = nn.Sequential(
                *norm_of(nn.Conv2d(C, F, 3, stride, 1, bias=False)),
                nn.ReLU(),
                *norm_of(nn.Conv2d(F, F, 3, 1, 1, bias=False)),
            )
            self.skip = nn.Sequential()
            if stride > 1 or C != F:
                self.skip = nn.Sequential(*norm_of(nn.Conv2d(C, F, 1, stride, bias=False)))
            self.relu = nn.ReLU()

        def forward(self, x: Any) -> Any:
            return self.relu(self.body(x) + self.skip(x))

    blocks = [
        Block(C, F, stride)
        for before, F in ((64, 64), (64, 128), (128, 256), (256, 512))
        for C, stride in ((before, 1 if before == F else 2), (F, 1))
    ]
    return nn.Sequential(
        *norm_of(nn.Conv2d(3, 64, 7, 2, 3, bias=False)),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, 1),
        *blocks,
        nn.AdaptiveAvgPool2d((1, 1)),
        nn.Flatten(),
        nn.Linear(512, 10),
    )


def gpt(
    library: Any, vocab_size: int, block_size: int, n_layer: int, n_head: int, n_embd: int
) -> Any:
    """nanoGPT, with the names of its parameters: scores (N, L, vocab_size) of tokens (N, L)."""
    nn = library.nn

    class Attention(nn.Module):  # type: ignore[name-defined,misc]  # known at run time
        def __init__(self) -> None:
            super().__init__()
            self.c_attn = nn.Linear(n_embd, 3 * n_embd)
            self.c_proj = nn.Linear(n_embd, n_embd)

        def forward(self, x: Any) -> Any:
            N, L, E = x.shape
            heads = [
                part.view(N, L, n_head, E // n_head).transpose(1, 2)
                for part in self.c_attn(x).split(n_embd, dim=2)
            ]
            seen = nn.functional.scaled_dot_product_attention(*heads, is_causal=True)
            return self.c_proj(seen.transpose(1, 2).contiguous().view(N, L, E))

    class Block(nn.Module):  # type: ignore[name-defined,misc]
        def __init__(self) -> None:
            super().__init__()
            self.ln_1 = nn.LayerNorm(n_embd)
            self.attn = Attention()
            self.ln_2 = nn.LayerNorm(n_embd)
            layers = {
                "c_fc": nn.Linear(n_embd, 4 * n_embd),
                "gelu": nn.GELU(),
                "c_proj": nn.Linear(4 * n_embd, n_embd),
            }
            self.mlp = nn.Sequential(OrderedDict(layers))

        def forward(self, x: Any) -> Any:
            x = x + self.attn(self.ln_1(x))
            return x + self.mlp(self.ln_2(x))

    class Model(nn.Module):  # type: ignore[name-defined,misc]
        def __init__(self) -> None:
            super().__init__()
            parts = {
                "wte": nn.Embedding(vocab_size, n_embd),
                "wpe": nn.Embedding(block_size, n_embd),
                "h": nn.ModuleList([Block() for _ in range(n_layer)]),
                "ln_f": nn.LayerNorm(n_embd),
            }
            self.transformer = nn.ModuleDict(parts)
            self.lm_head = nn.Linear(n_embd, vocab_size, bias=False)
            parts["wte"].weight = self.lm_head.weight

        def forward(self, tokens: Any) -> Any:
            parts = self.transformer
            x = parts["wte"](tokens) + parts["wpe"](library.arange(tokens.shape[1]))
            for block in parts["h"]:
                x = block(x)
            return self.lm_head(parts["ln_f"](x))

    return Model()


def recurrent_model(library: Any, vocab_size: int, hidden_size: int, num_layers: int) -> Any:
    """An embedding, an LSTM and a linear layer: scores (N, L, vocab_size) of tokens (N, L)."""
    nn = library.nn

    class Model(nn.Module):  # type: ignore[name-defined,misc]  # known at run time
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(vocab_size, hidden_size)
            self.lstm = nn.LSTM(hidden_size, hidden_size, num_layers, batch_first=True)
            self.head = nn.Linear(hidden_size, vocab_size)

        def forward(self, tokens: Any) -> Any:
            return self.head(self.lstm(self.embedding(tokens))[0])

    return Model()


# Multiply-adds of one image through each, forward; a training step has three times as many.
LECTURE_CNN = 26**2 * 32 * 9 + 24**2 * 64 * 288 + 9216 * 128 + 1280
RESNET18 = (
    16**2 * 64 * 147
    + 8**2 * 4 * 64 * 576
    + sum(
        side**2 * (F * F // 2 * 9 + 3 * F * F * 9 + F * F // 2)
        for F, side in ((128, 4), (256, 2), (512, 1))
    )
    + 5120
)
