"""Custom operations as a user writes them: two right ones, two wrong ones, and a module."""

import minigrad as mg
from minigrad import nn
from minigrad.autograd import Function
from minigrad.testing import arr, gradcheck_cases, sample


class Cube(Function):
    """x**3; nothing stated, so that it is checked on a random (3, 4) tensor."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * 3 * x**2


class WrongCube(Function):
    """x**3 with the derivative of x**2: wrong at every entry."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * 2 * x


@gradcheck_cases(sample(arr.of(5, 3), arr.of(4, 3)))
class WrongProduct(Function):
    """x @ w.T, the gradient of w scaled by a half: a forgotten factor."""

    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        return x @ w.mT

    @staticmethod
    def backward(ctx, g):
        x, w = ctx.saved_tensors
        return g @ w, 0.5 * g.mT @ x


@gradcheck_cases(arr.of(3, 4), sample(arr.of(2, 5), beta=2.0))
def swish(x, *, beta=1.0):
    return x * (beta * x).sigmoid()


class Gate(nn.Module):
    """A layer of one's own; its input is shaped for its first layer with parameters."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 4)
        self.scale = nn.Parameter(mg.ones(4))

    def forward(self, x):
        return self.scale * self.linear(x).sigmoid()
