# ruff: noqa  written as such scripts are
"""A network of two layers with dropout, cross-entropy and a best model kept by its state."""

import copy

import numpy as np
import torch
from torch import nn
from torch.optim import SGD
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)


class Net(nn.Module):
    def __init__(self, inputs, hidden, outputs, p):
        super().__init__()
        self.flatten = nn.Flatten()
        self.layers = nn.Sequential(
            nn.Linear(inputs, hidden),
            nn.ReLU(),
            nn.Dropout(p=p),
            nn.Linear(hidden, outputs),
        )

    def forward(self, x):
        return self.layers(self.flatten(x))


def loader(part, shuffle):
    images = torch.tensor(np.load(f"{part}_images.npy"), dtype=torch.float32) / 16
    labels = torch.tensor(np.load(f"{part}_labels.npy"))
    return DataLoader(TensorDataset(images, labels), batch_size=32, shuffle=shuffle)


train_loader, test_loader = loader("train", True), loader("test", False)
model = Net(64, 100, 10, p=0.3)
for layer in model.modules():
    if isinstance(layer, nn.Linear):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        nn.init.zeros_(layer.bias)
print(model)
print(sum(p.numel() for p in model.parameters() if p.requires_grad), "parameters")

loss_fn = nn.CrossEntropyLoss()
optimizer = SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4, nesterov=True)


def evaluate():
    model.eval()
    correct, count = 0, 0
    with torch.no_grad():
        for x, y in test_loader:
            correct += (model(x).argmax(1) == y).type(torch.float).sum().item()
            count += len(y)
    model.train()
    return correct / count


losses, accuracy, best = [], 0.0, None
for epoch in range(8):
    total = 0.0
    for x, y in train_loader:
        pred = model(x)
        loss = loss_fn(pred, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * x.size(0)
    losses.append(total / len(train_loader.dataset))
    reached = evaluate()
    if reached > accuracy:
        accuracy, best = reached, copy.deepcopy(model.state_dict())

model.load_state_dict(best)
assert evaluate() == accuracy
