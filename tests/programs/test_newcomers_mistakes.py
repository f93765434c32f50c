"""Mistakes that newcomers make: the error keeps torch's words, and says what to do."""

import re

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.nn import functional as F
from minigrad.testing import arr, gradcheck_cases
from minigrad.utils.data import DataLoader


class NoInit(nn.Module):
    def __init__(self):
        self.linear = nn.Linear(2, 2)


class PlainList(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = [nn.Linear(2, 2)]


def one_hot():
    return mg.eye(3)[mg.tensor([0, 1, 2, 0])]


# What is done, torch's words of the error, and the advice that follows them.
MISTAKES = {
    "images into a linear layer": (
        lambda: nn.Linear(784, 10)(mg.randn(8, 1, 28, 28)),
        "shapes cannot be multiplied", "flatten(1) makes a row of 784 of each sample",
    ),
    "samples that are lists of numbers": (
        lambda: nn.Linear(2, 3)(next(iter(DataLoader([[1.0, 2.0], [3.0, 4.0]], batch_size=2)))),
        "linear(): argument 'input' (position 1) must be Tensor, not list",
        "let __getitem__ return a tensor",
    ),
    "sequences that are lists of tensors": (
        lambda: nn.LSTM(2, 3)([mg.randn(4, 2), mg.randn(5, 2)]),
        "must be Tensor, not list", "let __getitem__ return a tensor",
    ),
    "an array into a layer": (
        lambda: nn.Linear(2, 3)(np.ones((4, 2), np.float32)),
        "argument 'input' (position 1) must be Tensor", "from_numpy(array)",
    ),
    "labels in a list": (
        lambda: F.cross_entropy(mg.randn(2, 3), [0, 1]),
        "argument 'target' (position 2) must be Tensor, not list", "tensor(...) makes one",
    ),
    "weights of classes in a list": (
        lambda: F.cross_entropy(mg.randn(2, 3), mg.tensor([0, 1]), weight=[1.0, 2.0, 1.0]),
        "argument 'weight' must be Tensor, not list", "tensor(...) makes one",
    ),
    "one number of many losses": (
        lambda: F.mse_loss(mg.ones(3), mg.ones(3), reduction="none").item(),
        "cannot be converted to Scalar", "mean() or sum()",
    ),
    "a call of a list of modules": (
        lambda: nn.ModuleList([nn.Linear(2, 2)])(mg.ones(1, 2)),
        'missing the required "forward" function', "call the members",
    ),
    "channels last": (
        lambda: nn.Conv2d(3, 8, 3)(mg.randn(2, 32, 32, 3)),
        "to have 3 channels, but got 32 channels instead", "permute(0, 3, 1, 2)",
    ),
    "grey images without a channel": (
        lambda: nn.Conv2d(1, 8, 3)(mg.randn(16, 28, 28)),
        "to have 1 channels, but got 16 channels instead", "unsqueeze(1)",
    ),
    "labels as floats": (
        lambda: F.cross_entropy(mg.randn(4, 3), mg.tensor([0.0, 1.0, 2.0, 0.0])),
        "class probabilities", "target.long()",
    ),
    "labels in a column": (
        lambda: F.cross_entropy(mg.randn(4, 3), mg.zeros(4, 1).long()),
        "got [4, 1]", "squeeze(1)",
    ),
    "one-hot labels as integers": (
        lambda: F.cross_entropy(mg.randn(4, 3), one_hot().long()),
        "Expected target size [4]", "argmax(1)",
    ),
    "a label out of range": (
        lambda: F.cross_entropy(mg.randn(2, 3), mg.tensor([0, 3])),
        "Target 3 is out of bounds", "classes are 0 to 2",
    ),
    "scores into binary_cross_entropy": (
        lambda: F.binary_cross_entropy(mg.randn(40, 1), mg.ones(40, 1)),
        "between 0 and 1", "binary_cross_entropy_with_logits",
    ),
    "binary labels without a column": (
        lambda: F.binary_cross_entropy_with_logits(mg.randn(4, 1), mg.ones(4)),
        "target size must be the same as input size", "target.view_as(input)",
    ),
    "a reduction that there is not": (
        lambda: F.mse_loss(mg.ones(3), mg.ones(3), reduction="avg"),
        "is not a valid value for reduction", "none, mean or sum",
    ),
    "backward from many losses": (
        lambda: F.mse_loss(mg.ones(3, requires_grad=True), mg.ones(3), reduction="none").backward(),
        "grad can be implicitly created only for scalar outputs", "reduce it with mean() or sum()",
    ),
    "backward from data": (
        lambda: mg.randn(3).sum().backward(),
        "does not require grad and does not have a grad_fn", "inside no_grad()",
    ),
    "backward twice": (
        lambda: [loss.backward() for loss in [(mg.ones(2, requires_grad=True) ** 2).sum()] * 2],
        "Trying to backward through the graph a second time", "retain_graph=True",
    ),
    "an if on many values": (
        lambda: bool(mg.ones(2) > 0),
        "Boolean value of Tensor with more than one value is ambiguous", "any() or all()",
    ),
    "an optimizer of a module": (
        lambda: optim.Adam(nn.Linear(2, 2)),
        "iterable of Tensors or dicts", "pass its parameters()",
    ),
    "layers in a list": (
        lambda: optim.SGD(PlainList().parameters(), lr=0.1),
        "optimizer got an empty parameter list", "nn.ModuleList",
    ),
    "a module without super().__init__()": (
        NoInit, "before Module.__init__() call", "super().__init__()",
    ),
    "an update in place": (
        lambda: mg.ones(2, requires_grad=True).sub_(0.1),
        "a leaf Variable that requires grad is being used in an in-place operation", "no_grad()",
    ),
    "float64 into a layer": (
        lambda: nn.Linear(4, 3)(mg.from_numpy(np.ones((2, 4)))),
        "to have the same dtype, but got: double != float", "x.float()",
    ),
    "bytes into a convolution": (
        lambda: nn.Conv2d(1, 2, 3)(mg.zeros(1, 1, 8, 8, dtype=mg.uint8)),
        "should have the same dtype", "input.to(weight.dtype)",
    ),
    "gradients of integers": (
        lambda: mg.tensor([1, 2], requires_grad=True),
        "can require gradients", "write 1.0 for 1",
    ),
    "batch normalisation of one sample": (
        lambda: nn.BatchNorm1d(4)(mg.randn(1, 4)),
        "Expected more than 1 value per channel when training", "call eval()",
    ),
    "words as floats": (
        lambda: nn.Embedding(10, 3)(mg.tensor([1.0])),
        "argument 'indices'", "input.long()",
    ),
    "samples of several lengths": (
        lambda: next(iter(DataLoader([mg.ones(2), mg.ones(3)], batch_size=2))),
        "expects each tensor to be equal size", "collate_fn",
    ),
    "arguments of a check as cases": (
        lambda: gradcheck_cases(arr.of(5, 3), arr.of(3, 4))(lambda a, b: a @ b),
        "takes 2 arguments", "sample(",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_error_says_what_to_do(mistake):
    call, words, advice = MISTAKES[mistake]
    with pytest.raises(Exception, match=re.escape(words)) as raised:
        call()
    assert advice in str(raised.value)


def test_softmax_before_cross_entropy_is_warned_of():
    scores = mg.randn(4, 3, requires_grad=True)
    with pytest.warns(UserWarning, match="it applies softmax itself"):
        F.cross_entropy(scores.softmax(1), mg.tensor([0, 1, 2, 0]))
    F.cross_entropy(scores.log_softmax(1), mg.tensor([0, 1, 2, 0]))  # changes nothing
    F.nll_loss(scores.softmax(1).log(), mg.tensor([0, 1, 2, 0]))


def test_probabilities_where_scores_or_logarithms_belong_are_warned_of():
    scores = mg.randn(4, 3, requires_grad=True)
    with pytest.warns(UserWarning, match="give it log_softmax"):
        F.nll_loss(scores.softmax(1), mg.tensor([0, 1, 2, 0]))
    with pytest.warns(UserWarning, match="it applies sigmoid itself"):
        F.binary_cross_entropy_with_logits(scores.sigmoid(), mg.ones(4, 3))
    F.nll_loss(scores.log_softmax(1), mg.tensor([0, 1, 2, 0]))
    F.binary_cross_entropy_with_logits(scores, mg.ones(4, 3))


def test_a_schedule_before_the_optimizer_is_warned_of():
    optimizer = optim.SGD([mg.ones(1, requires_grad=True)], lr=0.1)
    schedule = optim.lr_scheduler.StepLR(optimizer, 1)
    with pytest.warns(UserWarning, match="call them in the opposite order"):
        schedule.step()


def test_a_target_that_broadcasts_is_warned_of():
    with pytest.warns(UserWarning, match="incorrect results due to broadcasting"):
        F.mse_loss(mg.randn(4, 1), mg.randn(4))
