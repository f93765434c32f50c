"""Training that PyTorch began and saved goes on here as it does there."""

import io

import numpy as np
import pytest
import torch

import minigrad as mg
from minigrad.vision.models import resnet18
from tests.support.torch_resnet import torch_resnet

LEGACY = {"_use_new_zipfile_serialization": False}
OPTIMIZERS = {
    "SGD": {"lr": 0.1}, "SGD with momentum": {"lr": 0.1, "momentum": 0.9, "nesterov": True},
    "Adam": {"lr": 0.01, "amsgrad": True}, "AdamW": {"lr": 0.01}, "NAdam": {}, "RAdam": {},
    "Adamax": {}, "Adagrad": {}, "Adadelta": {}, "RMSprop": {"momentum": 0.5, "centered": True},
    "Rprop": {}, "ASGD": {}, "LBFGS": {"lr": 0.1},
}  # fmt: skip
SCHEDULERS = {
    "MultiStepLR": ([2, 4, 4],), "StepLR": (2,), "ExponentialLR": (0.9,), "CosineAnnealingLR": (8,),
    "CosineAnnealingWarmRestarts": (3,), "PolynomialLR": (6,), "ConstantLR": (0.5, 4),
    "LinearLR": (0.1, 1.0, 6), "CyclicLR": (0.01, 0.1), "OneCycleLR": (0.5, 10),
}  # fmt: skip


def reloaded(obj, **options):
    file = io.BytesIO()
    torch.save(obj, file, **options)
    file.seek(0)
    return mg.load(file)


def network(lib):
    return lib.nn.Sequential(lib.nn.Linear(3, 4), lib.nn.Tanh(), lib.nn.Linear(4, 1)).double()


def train(lib, model, optimizer, scheduler, steps):
    x = lib.linspace(-1, 1, 12, dtype=lib.float64).reshape(4, 3)

    def closure():
        optimizer.zero_grad()
        loss = (model(x) - 1).square().mean()
        loss.backward()
        return loss

    for _ in range(steps):
        optimizer.step(closure)
        if scheduler is not None:
            scheduler.step()


def make(lib, name, scheduler):
    model = network(lib)
    optimizer = getattr(lib.optim, name.split()[0])(model.parameters(), **OPTIMIZERS[name])
    if scheduler is not None:
        kind = getattr(lib.optim.lr_scheduler, scheduler)
        scheduler = kind(optimizer, *SCHEDULERS[scheduler])
    return model, optimizer, scheduler


@pytest.mark.parametrize("options", [{}, LEGACY], ids=["zip", "legacy"])
@pytest.mark.parametrize(
    ("name", "scheduler"),
    [(name, None) for name in OPTIMIZERS]
    + [("SGD with momentum", scheduler) for scheduler in SCHEDULERS],
)
def test_training_goes_on_where_torch_stopped(name, scheduler, options):
    torch.manual_seed(0)
    model, optimizer, schedule = make(torch, name, scheduler)
    train(torch, model, optimizer, schedule, 3)
    parts = {"model": model, "optimizer": optimizer, "scheduler": schedule}
    saved = {key: part.state_dict() for key, part in parts.items() if part is not None}
    found = reloaded(saved, **options)

    ours, its, schedule_of_ours = make(mg, name, scheduler)
    ours.load_state_dict(found["model"])
    its.load_state_dict(found["optimizer"])
    if scheduler is not None:
        schedule_of_ours.load_state_dict(found["scheduler"])
    train(torch, model, optimizer, schedule, 3)
    train(mg, ours, its, schedule_of_ours, 3)
    for one, other in zip(ours.parameters(), model.parameters(), strict=True):
        np.testing.assert_allclose(one.detach().numpy(), other.detach().numpy(), 1e-9, 1e-11)
    if scheduler is not None:
        assert schedule_of_ours.get_last_lr() == pytest.approx(schedule.get_last_lr())
    assert_goes_on_from_our_own_file(ours, its, schedule_of_ours, name, scheduler)


def assert_goes_on_from_our_own_file(ours, its, schedule, name, scheduler):
    parts = {"model": ours, "optimizer": its, "scheduler": schedule}
    file = io.BytesIO()
    mg.save({key: part.state_dict() for key, part in parts.items() if part is not None}, file)
    file.seek(0)
    found = mg.load(file)
    again, optimizer, schedule_again = make(mg, name, scheduler)
    again.load_state_dict(found["model"])
    optimizer.load_state_dict(found["optimizer"])
    if scheduler is not None:
        schedule_again.load_state_dict(found["scheduler"])
    train(mg, ours, its, schedule, 2)
    train(mg, again, optimizer, schedule_again, 2)
    for one, other in zip(ours.parameters(), again.parameters(), strict=True):
        assert one.equal(other)


@pytest.mark.parametrize("options", [{}, LEGACY], ids=["zip", "legacy"])
def test_resnet18_gives_the_scores_of_the_network_that_was_saved(options):
    torch.manual_seed(0)
    theirs = torch_resnet((2, 2, 2, 2), 10, "imagenet").eval()
    ours = resnet18(num_classes=10).eval()
    state = reloaded(theirs.state_dict(), **options)
    assert list(state) == list(ours.state_dict())
    ours.load_state_dict(state)
    for name, value in theirs.state_dict().items():
        np.testing.assert_array_equal(ours.state_dict()[name].numpy(), value.numpy())
    images = torch.randn(2, 3, 64, 64)
    with mg.no_grad(), torch.no_grad():
        scores = ours(mg.from_numpy(images.numpy())).numpy()
        np.testing.assert_allclose(scores, theirs(images).numpy(), rtol=1e-3, atol=1e-4)


@pytest.mark.filterwarnings("ignore:.*bfloat16")
def test_resnet18_in_bfloat16_loads_into_float32():
    theirs = torch_resnet((2, 2, 2, 2), 10, "cifar").bfloat16()
    ours = resnet18(num_classes=10, stem="cifar")
    ours.load_state_dict(reloaded(theirs.state_dict()))
    for name, value in theirs.state_dict().items():
        np.testing.assert_array_equal(ours.state_dict()[name].numpy(), value.float().numpy())
