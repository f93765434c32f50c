"""The models of minigrad.vision beside the same networks written in torch."""

import numpy as np
import pytest
import torch

import minigrad as mg
from minigrad import nn, optim
from minigrad.utils.data import DataLoader, TensorDataset
from minigrad.vision import datasets, models
from tests.support.torch_resnet import torch_resnet
from tests.support.torch_twin import assert_close, assert_same_run, copy_state, to_mg


class TorchLectureCNN(torch.nn.Module):
    """The lecture's network, as it is written with torch."""

    def __init__(self):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(1, 32, 3)
        self.conv2 = torch.nn.Conv2d(32, 64, 3)
        self.fc1 = torch.nn.Linear(9216, 128)
        self.fc2 = torch.nn.Linear(128, 10)

    def forward(self, x):
        F = torch.nn.functional
        x = F.max_pool2d(F.relu(self.conv2(F.relu(self.conv1(x)))), 2)
        x = F.relu(self.fc1(torch.flatten(x, 1)))
        return F.log_softmax(self.fc2(x), dim=1)


# Of the largest element of each gradient.
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-10), ("float32", 1e-4)])
def test_loss_and_every_gradient_of_the_lecture_cnn_agree_with_torch(dtype, tolerance):
    torch.manual_seed(0)
    theirs = TorchLectureCNN().to(getattr(torch, dtype))
    ours = models.LectureCNN().to(getattr(mg, dtype))
    copy_state(ours, theirs)
    images = torch.rand(16, 1, 28, 28, dtype=getattr(torch, dtype)) * 2 - 1
    labels = torch.randint(0, 10, (16,))
    loss = nn.functional.nll_loss(ours(to_mg(images)), to_mg(labels))
    other = torch.nn.functional.nll_loss(theirs(images), labels)
    loss.backward()
    other.backward()
    assert_close(loss, other, tolerance, "loss")
    gradients = {name: p.grad for name, p in theirs.named_parameters()}
    assert set(gradients) == {name for name, _ in ours.named_parameters()}
    for name, parameter in ours.named_parameters():
        assert_close(parameter.grad, gradients[name], tolerance, name)


@pytest.mark.parametrize("stem", ["imagenet", "cifar"])
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
def test_resnet18_matches_torch(stem, training):
    torch.manual_seed(1)
    theirs = torch_resnet([2, 2, 2, 2], 10, stem).double().train(training)
    ours = models.resnet18(num_classes=10, stem=stem).double().train(training)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    copy_state(ours, theirs)
    size = 40 if stem == "imagenet" else 16
    x = np.random.default_rng(2).normal(size=(3, 3, size, size))
    assert_same_run(ours, theirs, x, tolerance=1e-8)


def test_resnets_have_the_published_sizes():
    """torchvision documents 11 689 512 and 21 797 672 parameters."""
    assert sum(p.numel() for p in models.resnet18().parameters()) == 11_689_512
    assert sum(p.numel() for p in models.resnet34().parameters()) == 21_797_672
    keys = list(models.resnet18().state_dict())
    assert len(keys) == 122
    assert {"layer2.0.downsample.1.running_var", "layer4.1.bn2.weight", "fc.bias"} < set(keys)


def test_a_zeroed_residual_starts_as_the_identity():
    block = models.resnet18(10, stem="cifar", zero_init_residual=True).layer1[0].eval()
    x = mg.rand(1, 64, 4, 4)
    assert_close(block(x), torch.tensor(x.numpy()), 1e-6)


@pytest.mark.parametrize(
    ("net", "shape"),
    [
        (models.LinearClassifier(64), (3, 1, 8, 8)),
        (models.MLP(64, (20, 15)), (3, 64)),
        (models.MLP(64, (), 10), (3, 8, 8)),
        (models.LectureCNN(3, 12, dropout=0.5), (3, 3, 12, 12)),
        (models.DigitsCNN(), (3, 1, 8, 8)),
    ],
)
def test_scores_of_any_size(net, shape):
    assert net(mg.zeros(shape)).shape == (3, 10)


def test_the_mlp_of_the_lectures():
    shapes = [tuple(p.shape) for p in models.MLP(784, (100,), 10, dropout=0.2).parameters()]
    assert shapes == [(100, 784), (100,), (10, 100), (10,)]


@pytest.mark.parametrize(
    "make",
    [
        lambda: models.LectureCNN(image_size=5),
        lambda: models.DigitsCNN(image_size=1),
        lambda: models.resnet18(stem="mnist"),
        lambda: models.MLP(dropout=2.0),
    ],
)
def test_absurd_options_are_refused(make):
    with pytest.raises(ValueError, match=r"got"):
        make()


def test_the_digits_network_learns_the_digits():
    """At least 97 % of test images, after a few epochs."""
    mg.manual_seed(0)
    train, test = datasets.Digits(train=True), datasets.Digits(train=False)
    data = TensorDataset(as_batch(train), train.targets)
    net = models.DigitsCNN()
    optimizer = optim.Adam(net.parameters(), lr=3e-3)
    for _ in range(6):
        for images, labels in DataLoader(data, batch_size=64, shuffle=True):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(images), labels).backward()
            optimizer.step()
    net.eval()
    with mg.no_grad():
        guesses = net(as_batch(test)).argmax(1)
    assert float((guesses == test.targets).float().mean()) >= 0.97


def as_batch(dataset):
    return dataset.data.unsqueeze(1).float() / 16
