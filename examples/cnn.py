"""A convolutional network for handwritten digits, with moved images for more training data.

`python examples/cnn.py` reaches some 99 % on the test images in about twenty seconds.
"""

import argparse

import minigrad as mg
from minigrad import nn, optim
from minigrad.nn import functional as F
from minigrad.utils.data import DataLoader
from minigrad.vision import transforms
from minigrad.vision.datasets import Digits


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.drop = nn.Dropout(0.25)
        self.linear = nn.Linear(32 * 2 * 2, 10)

    def forward(self, x: mg.Tensor) -> mg.Tensor:
        x = F.max_pool2d(self.conv1(x).relu(), 2)  # (N, 1, 8, 8) -> (N, 16, 4, 4)
        x = F.max_pool2d(self.conv2(x).relu(), 2)  # -> (N, 32, 2, 2)
        return self.linear(self.drop(x.flatten(1)))


def accuracy(model: nn.Module, data: Digits) -> float:
    model.eval()
    images, labels = next(iter(DataLoader(data, batch_size=len(data))))
    with mg.no_grad():
        right = model(images).argmax(1) == labels
    model.train()
    return right.float().mean().item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=300)
    steps = parser.parse_args().steps
    mg.manual_seed(0)
    scale = [transforms.ToTensor(), transforms.Normalize(8 / 255, 8 / 255)]
    moved = transforms.Compose([*scale, transforms.RandomAffine(10, translate=(0.1, 0.1))])
    train = Digits(train=True, transform=moved)
    test = Digits(train=False, transform=transforms.Compose(scale))
    loader = DataLoader(train, batch_size=64, shuffle=True, drop_last=True)
    model = Net()
    optimizer = optim.AdamW(model.parameters(), lr=1e-3)
    schedule = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1e-2, total_steps=steps)
    step = 0
    while step < steps:
        for images, labels in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(images), labels)
            loss.backward()
            optimizer.step()
            schedule.step()
            step += 1
            if step % 100 == 0 or step == steps:
                found = accuracy(model, test)
                print(f"step {step}: loss {loss.item():.3f}, test accuracy {found:.1%}")
            if step == steps:
                break


if __name__ == "__main__":
    main()
