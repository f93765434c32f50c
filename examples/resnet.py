"""A residual network, written out: He et al. 2015, arXiv:1512.03385.

`python examples/resnet.py` trains 14 layers on the digits in about half a minute.
A block adds what it computes to what it was given, so gradients reach the first layers.
"""

import argparse

import minigrad as mg
from minigrad import nn, optim
from minigrad.nn import functional as F
from minigrad.utils.data import DataLoader
from minigrad.vision import transforms
from minigrad.vision.datasets import Digits


class Block(nn.Module):
    """relu(shortcut(x) + two convolutions of x)."""

    def __init__(self, planes_in: int, planes: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(planes_in, planes, 3, stride=stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(planes)
        same = planes_in == planes and stride == 1
        self.shortcut = (
            nn.Identity()
            if same
            else nn.Sequential(
                nn.Conv2d(planes_in, planes, 1, stride=stride, bias=False), nn.BatchNorm2d(planes)
            )
        )

    def forward(self, x: mg.Tensor) -> mg.Tensor:
        out = self.norm2(self.conv2(self.norm1(self.conv1(x)).relu()))
        return (out + self.shortcut(x)).relu()


def resnet() -> nn.Sequential:
    """A first convolution, six blocks at three sizes, the mean over pixels, scores."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
        Block(16, 16, 1), Block(16, 16, 1),
        Block(16, 32, 2), Block(32, 32, 1),
        Block(32, 64, 2), Block(64, 64, 1),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=200)
    steps = parser.parse_args().steps
    mg.manual_seed(0)
    scale = transforms.Compose([transforms.ToTensor(), transforms.Normalize(8 / 255, 8 / 255)])
    train, test = Digits(train=True, transform=scale), Digits(train=False, transform=scale)
    batches = DataLoader(train, batch_size=64, shuffle=True, drop_last=True)
    model = resnet()
    optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps)
    step = 0
    while step < steps:
        for images, labels in batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(images), labels)
            loss.backward()
            optimizer.step()
            schedule.step()
            step += 1
            if step % 50 == 0:
                print(f"step {step}: loss {loss.item():.3f}")
            if step == steps:
                break
    model.eval()
    images, labels = next(iter(DataLoader(test, batch_size=len(test))))
    with mg.no_grad():
        right = model(images).argmax(1) == labels
    count = sum(p.numel() for p in model.parameters())
    print(f"{count:,} parameters, test accuracy {right.float().mean():.1%}")


if __name__ == "__main__":
    main()
