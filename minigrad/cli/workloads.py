"""Training steps of the usual kinds of model, whose kernels `minigrad compile` compiles."""

from collections.abc import Callable

from minigrad import nn, optim
from minigrad.core.dtypes import dtype
from minigrad.nn import functional as F
from minigrad.random import randint, randn
from minigrad.tensor import Tensor
from minigrad.vision import models

BATCH, CLASSES, UNITS, STEPS = 64, 10, 64, 32
OPTIMIZERS = (
    lambda weights: optim.SGD(weights, lr=1e-3),
    lambda weights: optim.SGD(weights, lr=1e-3, momentum=0.9),
    optim.Adam,
    optim.AdamW,
)


def _step(model: nn.Module, optimizer: optim.Optimizer, *inputs: Tensor) -> None:
    optimizer.zero_grad()
    out = model(*inputs)
    loss = F.cross_entropy(out, randint(out.shape[1], (len(out),)))
    loss.backward()
    optimizer.step()


def mlp(kind: dtype) -> None:
    """784-100-10 with dropout, under each of the common optimizers."""
    layers = nn.Linear(784, 100), nn.ReLU(), nn.Dropout(0.2), nn.Linear(100, CLASSES)
    model = nn.Sequential(*layers).to(kind)
    for make in OPTIMIZERS:
        _step(model, make(model.parameters()), randn(BATCH, 784, dtype=kind))
    mean_square = F.mse_loss(
        model(randn(BATCH, 784, dtype=kind)), randn(BATCH, CLASSES, dtype=kind)
    )
    mean_square.backward()


def cnn(kind: dtype) -> None:
    """Convolutions of 3x3, of 5x5 and depthwise, pooling, on small grey and colour images."""
    for channels, size in ((1, 28), (3, 32)):
        model = nn.Sequential(
            nn.Conv2d(channels, 16, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 5, padding=2),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.AvgPool2d(2),
            nn.Conv2d(32, 32, 3, padding=1, groups=32),
            nn.GELU(),
            nn.Flatten(),
            nn.Linear(32 * (size // 4) ** 2, CLASSES),
        ).to(kind)
        _step(model, optim.SGD(model.parameters()), randn(BATCH, channels, size, size, dtype=kind))


def resnet(kind: dtype) -> None:
    """ResNet-18: 7x7 and 3x3 by steps of 2, 1x1, batch normalisation, the mean of all pixels."""
    model = models.resnet18(num_classes=CLASSES).to(kind)
    _step(model, optim.SGD(model.parameters()), randn(8, 3, 64, 64, dtype=kind))
    model.eval()
    model(randn(8, 3, 64, 64, dtype=kind))


class _LastStep(nn.Module):
    """A recurrent layer, and a linear one over its last step."""

    def __init__(self, layer: Callable[..., nn.Module]) -> None:
        super().__init__()
        self.layer = layer(UNITS, UNITS, batch_first=True)
        self.head = nn.Linear(UNITS, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        every_step, _ = self.layer(x)
        scores: Tensor = self.head(every_step[:, -1])
        return scores


def recurrent(kind: dtype) -> None:
    """RNN, LSTM and GRU over batches of sequences."""
    for layer in (nn.RNN, nn.LSTM, nn.GRU):
        model = _LastStep(layer).to(kind)
        _step(model, optim.Adam(model.parameters()), randn(BATCH, STEPS, UNITS, dtype=kind))


class _Language(nn.Module):
    """Embedded tokens, a layer of attention that sees no later ones, scores of the next token."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(100, UNITS)
        self.block = nn.TransformerEncoderLayer(
            UNITS, 4, 4 * UNITS, activation="gelu", batch_first=True, norm_first=True
        )
        self.head = nn.Linear(UNITS, 100)

    def forward(self, tokens: Tensor) -> Tensor:
        mask = nn.Transformer.generate_square_subsequent_mask(
            tokens.shape[1], dtype=self.head.weight.dtype
        )
        x = self.block(self.embedding(tokens), src_mask=mask, is_causal=True)
        scores: Tensor = self.head(x)
        return scores.flatten(0, 1)


def transformer(kind: dtype) -> None:
    """Embedding, attention, layer normalisation, GELU."""
    model = _Language().to(kind)
    _step(model, optim.AdamW(model.parameters()), randint(100, (BATCH // 4, STEPS)))


WORKLOADS: dict[str, Callable[[dtype], None]] = {
    workload.__name__: workload for workload in (mlp, cnn, resnet, recurrent, transformer)
}
