"""A small training program as a user writes it, in full types.

`test_types.py` runs it, and the strict type checker over it: without `cast`, without `ignore`.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy import sign

import minigrad as mg
from minigrad import Tensor, nn, optim
from minigrad.nn import functional as F
from minigrad.utils.data import DataLoader, Dataset


class Points(Dataset[tuple[Tensor, Tensor]]):
    """Images of noise, brighter in one half, and the index of that half."""

    def __init__(self, count: int) -> None:
        self.labels = mg.arange(count) % 2
        self.images = mg.rand(count, 1, 8, 8)
        self.images[1::2, :, 4:] += 1.0

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.images[index], self.labels[index]


class Softsign(mg.autograd.Function):
    """x / (1 + |x|), with its derivative."""

    @staticmethod
    def forward(ctx: mg.autograd.function.FunctionCtx, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x / (1 + x.abs())

    @staticmethod
    def backward(ctx: mg.autograd.function.FunctionCtx, grad_output: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return grad_output / (1 + x.abs()).square()


class Network(nn.Module):
    """A convolution, a learned scale, and two layers."""

    def __init__(self, hidden: int = 16) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, kernel_size=3, padding=1)
        self.scale = nn.Parameter(mg.ones(4, 1, 1))
        self.layers = nn.Sequential(nn.Linear(4 * 4 * 4, hidden), nn.ReLU(), nn.Dropout(0.1))
        self.head = nn.Linear(hidden, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.conv(x) * self.scale)
        x = F.max_pool2d(x, 2).flatten(1)
        x = Softsign.apply(self.layers(x))
        return F.linear(x, self.head.weight, self.head.bias)


@optim.rule(paper="Chen et al. 2023, Algorithm 2, arXiv:2302.06675")
def lion(
    theta: np.ndarray,
    g: np.ndarray,
    m: np.ndarray,
    *,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.99),
) -> tuple[np.ndarray, np.ndarray]:
    beta1, beta2 = betas
    return theta - lr * sign(beta1 * m + (1 - beta1) * g), beta2 * m + (1 - beta2) * g


class Lion(optim.RuleOptimizer, rule=lion):
    """The sign of the momentum."""


def train(model: Network, loader: DataLoader[tuple[Tensor, Tensor]], epochs: int) -> list[float]:
    """The mean loss of each epoch."""
    optimizer = Lion(model.parameters(), lr=3e-3)
    schedule = optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
    losses = []
    for _ in range(epochs):
        total = 0.0
        for images, labels in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(images), labels)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), max_norm=5.0)
            optimizer.step()
            total += loss.item() * len(labels)
        schedule.step()
        losses.append(total / 32)
    return losses


@mg.no_grad()
def accuracy(model: Network, images: Tensor, labels: Tensor) -> float:
    """The share of images put into the right class."""
    model.eval()
    logits: Tensor = model(images)
    right = logits.argmax(1) == labels
    return right.to(mg.float32).mean().item()


def arithmetic() -> None:
    """Tensors and numbers, indices, reductions, shapes."""
    x = mg.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)
    w: Tensor = nn.Parameter(mg.ones(3, 2))
    y = 2 * x + 1 - x / 2.0
    y = -(y**2) + (1 - x) @ w @ w.T
    y = y.exp().clamp(max=10.0).view(-1, 3)
    chosen: Tensor = y[0, 1:] + y[:, None, -1][mg.tensor([1])].squeeze(0)
    column: Tensor = x.sum(0) - x.mean(dim=1, keepdim=True).sum()
    largest, position = x.max(dim=1)
    values, order = mg.topk(x, 2)
    mask: Tensor = (x > 2.5) & (x != 4.0)
    parts: tuple[Tensor, ...] = x.split(1, dim=0)
    both: Tensor = mg.cat([column, chosen.sum().reshape(1)], dim=0)
    rows, columns = x.shape
    size: mg.Size = x.size()
    kind: mg.dtype = x.dtype
    double: Tensor = x.detach().to(mg.float64).permute(1, 0).contiguous()
    with mg.no_grad():
        x[0] = 0.0
        x[mask] *= 2
        x += 1
        x.mul_(2.0).add_(w.T, alpha=0.5)
    (gradient,) = mg.autograd.grad((double * 1.0).sum() + x.square().sum(), [x])
    number: float = mg.where(mask, x, 0.0).sum().item()
    listed: list[int] = order.tolist()
    array: np.ndarray = gradient.numpy()
    same: bool = mg.allclose(largest, values[:, 0]) and bool(position.any())
    length: int = rows * columns + len(parts) + x.numel() + size[0] + x.size(1)
    print(number, listed, array.sum(), same, length, both, kind)


def gradients(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """The gradient of a function at a leaf, through `.grad`."""
    x = x.detach().requires_grad_()
    function(x).sum().backward()
    assert x.grad is not None
    return x.grad


def main() -> None:
    """Train, save, load, compare."""
    mg.manual_seed(0)
    data = Points(32)
    model = Network()
    losses = train(model, DataLoader(data, batch_size=8, shuffle=True), epochs=8)
    assert losses[-1] < losses[0]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        mg.save(model.state_dict(), path)
        again = Network()
        again.load_state_dict(mg.load(path))
    assert accuracy(again, data.images, data.labels) == accuracy(model, data.images, data.labels)
    assert gradients(Softsign.apply, mg.zeros(3)).tolist() == [1.0, 1.0, 1.0]
    arithmetic()


if __name__ == "__main__":
    main()
