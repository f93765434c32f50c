"""Replays equal eager steps bit for bit: every layer, every optimizer, any number of threads."""

import copy

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.nn import functional as F
from tests.compiler.twins import Twins, tensors_in
from tests.nn.test_layers import LAYERS

# Layers that read a number of a tensor in each step: they run as they are written.
NOT_REPLAYED = {("batch norm 1d long", True)}


def layer_step(layer):
    parameters = list(layer.parameters())
    optimizer = optim.SGD(parameters, lr=0.01, momentum=0.9) if parameters else None

    def step(x):
        if optimizer is not None:
            optimizer.zero_grad()
        x.requires_grad_()
        loss = sum((t * t).sum() for t in tensors_in(layer(x * 1)))
        loss.backward()
        if optimizer is not None:
            optimizer.step()
        return loss

    return step


@pytest.mark.filterwarnings("ignore:.*cannot be compiled")
@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize("name", LAYERS)
def test_layers(name, train):
    kind, args, options, shape = LAYERS[name]
    twins = Twins(lambda: getattr(nn, kind)(*args, **options).train(train), layer_step)
    rng = np.random.default_rng(0)
    for _ in range(5):
        twins.step(rng.standard_normal(shape).astype(np.float32))
    assert (twins.compiled.replays < 2) == ((name, train) in NOT_REPLAYED)


OPTIMIZERS = {
    "sgd": lambda p: optim.SGD(p, lr=0.1),
    "momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "adam": optim.Adam,
    "adamw amsgrad": lambda p: optim.AdamW(p, amsgrad=True),
    "adamax": optim.Adamax,
    "nadam": optim.NAdam,
    "radam": optim.RAdam,
    "rmsprop": lambda p: optim.RMSprop(p, momentum=0.5, centered=True),
    "rprop": optim.Rprop,
    "adagrad": lambda p: optim.Adagrad(p, lr_decay=0.1),
    "adadelta": optim.Adadelta,
    "asgd": optim.ASGD,
    "adafactor": optim.Adafactor,
}


def classifier():
    return nn.Sequential(
        nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 3)
    )


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_with_a_schedule_of_fifty_steps(name, threads, restored_threads):
    mg.set_num_threads(min(threads, restored_threads))

    def make(model):
        optimizer = OPTIMIZERS[name](model.parameters())
        schedule = optim.lr_scheduler.ExponentialLR(optimizer, 0.97)

        def step(x):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), (x[:, 0] > 0).long())
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
            return loss

        step.after = schedule.step
        return step

    twins = Twins(classifier, make)
    rng = np.random.default_rng(1)
    for _ in range(50):
        twins.step(rng.standard_normal((7, 6)).astype(np.float32))
    assert twins.compiled.replays >= 45
    assert twins.compiled.recordings <= 5


@pytest.fixture
def restored_threads():
    before = mg.get_num_threads()
    yield before
    mg.set_num_threads(before)


def accumulating(model):
    optimizer = optim.Adam(model.parameters())

    def step(x):
        optimizer.zero_grad()
        for part in x.chunk(2):
            (model(part) ** 2).mean().backward()
        optimizer.step()
        return x.sum()

    return step


def averaging(model):
    averaged = copy.deepcopy(model)
    optimizer = optim.Adam(model.parameters())

    def step(x):
        optimizer.zero_grad()
        loss = (model(x) ** 2).mean()
        loss.backward()
        optimizer.step()
        with mg.no_grad():
            for mean, p in zip(averaged.parameters(), model.parameters(), strict=True):
                mean.mul_(0.9).add_(p, alpha=0.1)
        return loss, *averaged.parameters()

    return step


def penalised(model):
    optimizer = optim.SGD(model.parameters(), lr=0.01)

    def step(x):
        optimizer.zero_grad()
        x.requires_grad_()
        loss = (model(x) ** 2).mean()
        (g,) = mg.autograd.grad(loss, x, create_graph=True)
        (loss + (g * g).sum()).backward()
        optimizer.step()
        return loss

    return step


def evaluating(model):
    @mg.no_grad()
    def step(x):
        scores = model(x)
        return scores.argmax(1), scores.softmax(1).max(1)

    return step


@pytest.mark.parametrize("make", [accumulating, averaging, penalised, evaluating])
def test_kinds_of_steps(make):
    twins = Twins(classifier, make)
    rng = np.random.default_rng(2)
    for _ in range(8):
        twins.step(rng.standard_normal((6, 6)).astype(np.float32))
    assert twins.compiled.replays >= 3


def conv_net():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(36, 3),
    )  # fmt: skip


def transformer():
    return nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, batch_first=True)


def embedded():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.tokens = nn.Embedding(11, 6)
            self.lstm = nn.LSTM(6, 5, batch_first=True)
            self.head = nn.Linear(5, 11)

        def forward(self, x):
            tokens = (x * 10).long().abs() % 11
            return self.head(self.lstm(self.tokens(tokens))[0])

    return Model()


MODELS = {
    "conv": (conv_net, (3, 1, 8, 8)),
    "transformer": (transformer, (2, 4, 8)),
    "lstm": (embedded, (2, 5)),
}


@pytest.mark.parametrize("name", MODELS)
def test_models(name):
    build, shape = MODELS[name]
    twins = Twins(build, layer_step)
    rng = np.random.default_rng(3)
    for _ in range(8):
        twins.step(rng.standard_normal(shape).astype(np.float32))
    assert twins.compiled.replays >= 3
