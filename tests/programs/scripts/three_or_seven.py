# ruff: noqa  written as such scripts are
"""Is it a three or a seven?  By hand, with nn.Linear, and with a net."""

import numpy as np
import torch
from torch import nn, tensor
from torch.utils.data import DataLoader

torch.manual_seed(0)

threes = [tensor(image) for image in np.load("threes.npy")]
sevens = [tensor(image) for image in np.load("sevens.npy")]
stacked_threes = torch.stack(threes).float() / 255
stacked_sevens = torch.stack(sevens).float() / 255
valid_3, train_3 = stacked_threes[:40], stacked_threes[40:]
valid_7, train_7 = stacked_sevens[:40], stacked_sevens[40:]

# A baseline: which mean image is nearer?
mean3, mean7 = train_3.mean(0), train_7.mean(0)


def mnist_distance(a, b):
    return (a - b).abs().mean((-1, -2))


def is_3(x):
    return mnist_distance(x, mean3) < mnist_distance(x, mean7)


baseline = ((is_3(valid_3).float().mean() + (1 - is_3(valid_7).float()).mean()) / 2).item()

train_x = torch.cat([train_3, train_7]).view(-1, 28 * 28)
train_y = tensor([1] * len(train_3) + [0] * len(train_7)).unsqueeze(1)
dset = list(zip(train_x, train_y))
valid_x = torch.cat([valid_3, valid_7]).view(-1, 28 * 28)
valid_y = tensor([1] * len(valid_3) + [0] * len(valid_7)).unsqueeze(1)
valid_dset = list(zip(valid_x, valid_y))
dl = DataLoader(dset, batch_size=64, shuffle=True)
valid_dl = DataLoader(valid_dset, batch_size=256)


def init_params(size, std=1.0):
    return (torch.randn(size) * std).requires_grad_()


weights = init_params((28 * 28, 1), std=0.1)
bias = init_params(1, std=0.1)


def linear1(xb):
    return xb @ weights + bias


def sigmoid(x):
    return 1 / (1 + torch.exp(-x))


def mnist_loss(predictions, targets):
    predictions = predictions.sigmoid()
    return torch.where(targets == 1, 1 - predictions, predictions).mean()


def calc_grad(xb, yb, model):
    preds = model(xb)
    loss = mnist_loss(preds, yb)
    loss.backward()
    return loss.item()


def batch_accuracy(xb, yb):
    preds = xb.sigmoid()
    correct = (preds > 0.5) == yb
    return correct.float().mean()


def validate_epoch(model):
    accs = [batch_accuracy(model(xb), yb) for xb, yb in valid_dl]
    return round(torch.stack(accs).mean().item(), 4)


# By hand.
lr = 1.0
params = weights, bias
losses = []


def train_epoch(model, lr, params):
    epoch = [0.0]
    for xb, yb in dl:
        epoch.append(calc_grad(xb, yb, model))
        for p in params:
            p.data -= p.grad * lr
            p.grad.zero_()
    losses.append(sum(epoch) / len(dl))


for _ in range(40):
    train_epoch(linear1, lr, params)
by_hand = validate_epoch(linear1)

# With nn.Linear and an optimizer of our own.
linear_model = nn.Linear(28 * 28, 1)
w, b = linear_model.parameters()


class BasicOptim:
    def __init__(self, params, lr):
        self.params, self.lr = list(params), lr

    def step(self, *args, **kwargs):
        for p in self.params:
            p.data -= p.grad.data * self.lr

    def zero_grad(self, *args, **kwargs):
        for p in self.params:
            p.grad = None


def train_model(model, opt, epochs):
    history = []
    for _ in range(epochs):
        total = 0.0
        for xb, yb in dl:
            total += calc_grad(xb, yb, model)
            opt.step()
            opt.zero_grad()
        history.append(total / len(dl))
    return history


linear_losses = train_model(linear_model, BasicOptim(linear_model.parameters(), lr), 10)
with_linear = validate_epoch(linear_model)

# A network of two layers.
simple_net = nn.Sequential(nn.Linear(28 * 28, 30), nn.ReLU(), nn.Linear(30, 1))
net_losses = train_model(simple_net, BasicOptim(simple_net.parameters(), 0.3), 15)
with_net = validate_epoch(simple_net)
accuracy = with_net
print(baseline, by_hand, with_linear, with_net)
