"""Functions composed of operations, operations in place and assignments, against torch."""

import pytest

from tests.support.against_torch import compare, numbers

COMPOSED = {
    "addcmul": lambda m, x, y: m.addcmul(x, x, y, value=0.5),
    "addcdiv": lambda m, x, y: m.addcdiv(x, x, y, value=0.5),
    "lerp": lambda m, x, y: m.lerp(x, y, 0.3),
    "lerp by tensor": lambda m, x, y: m.lerp(x, y, x * 0.1),
    "add alpha": lambda m, x, y: m.add(x, y, alpha=3) - m.sub(x, y, alpha=0.5),
    "outer": lambda m, x, y: m.outer(x[0], y[1]),
    "dot": lambda m, x, y: m.dot(x[0], y[1]),
    "mm": lambda m, x, y: m.mm(x, y.t()) + m.mv(x, y[0])[:, None],
    "bmm": lambda m, x, y: m.bmm(x[None], y.t()[None]),
    "max": lambda m, x, y: (m.max(x), *m.max(x, 1), m.max(x, y), *m.max(x, 0, keepdim=True)),
    "min": lambda m, x, y: (m.min(x), *m.min(x, 1), m.min(x, y), *m.min(x, 0, keepdim=True)),
    "fields": lambda m, x, y: (x.max(1).values, x.min(0).indices),
    "flatten": lambda m, x, y: (m.flatten(x), x[None].flatten(1), x.unflatten(1, (3, -1)), x.t()),
    "narrow": lambda m, x, y: (m.narrow(x, 1, 1, 2), m.select(x, 0, 1), *m.unbind(x, 1)),
    "split": lambda m, x, y: (*m.split(x, 2), *m.split(x, [1, 3, 2], dim=1), *m.chunk(x, 4, dim=1)),
    "cat": lambda m, x, y: (m.cat([x, y, x], 1), m.stack([x, y], -1), m.cat([x, y[:0]])),
    "gather": lambda m, x, y: m.gather(x, 1, m.tensor([[0, 5], [1, 1], [2, 0]])),
    "scatter_add": lambda m, x, y: x.scatter_add(1, m.tensor([[0, 0], [1, 5]]), y[:2, :2]),
    "index_select": lambda m, x, y: m.index_select(x, 1, m.tensor([0, 0, 5])),
    "masked_fill": lambda m, x, y: x.masked_fill(x > y, 7.0),
    "where": lambda m, x, y: (m.where(x > y, x, y), m.where(x > 1, x, 0.0), m.where(x > 1, 2, y)),
    "norm": lambda m, x, y: (x.norm(), x.norm(1, dim=1), x.norm(3), x.norm(float("inf"), dim=0)),
    "reversed": lambda m, x, y: (2 - x, 2 / x, 2**x, 7 // x.detach(), 7 % x.detach()),
    "powers": lambda m, x, y: (x**0, x**1, x**2, x**3, x**-1, x**0.5, x**y, 2.0**x, x**2.0),
    "views": lambda m, x, y: (x.view(-1), x.view(2, -1), x.reshape(6, 3).mT, x.T, x.swapaxes(0, 1)),
    "expand": lambda m, x, y: (
        x[:, None].expand(3, 2, 6),
        x.expand(2, -1, -1),
        x.expand_as(x[None]),
    ),
    "squeeze": lambda m, x, y: (
        x[None].squeeze(),
        x[None].squeeze(0),
        x.squeeze(0),
        x.unsqueeze(-1),
    ),
    "cumsum": lambda m, x, y: (m.cumsum(x, 0), x.cumsum(dim=-1)),
    "bool": lambda m, x, y: (
        x > y,
        (x > y) & (x < 2),
        ~(x > y),
        (x > y) | (x < 2),
        (x > y) ^ (x < 2),
    ),
    "softmax": lambda m, x, y: (m.softmax(x, 1), m.log_softmax(y, 0), m.logsumexp(x, 1)),
    "permute": lambda m, x, y: (x.permute(1, 0), m.permute(x, (1, 0)), x[None].permute(2, 0, 1)),
    "tri": lambda m, x, y: (m.tril(x), m.triu(x, 1), x.tril(-1), m.flip(x, (0, 1)), x.flip(1)),
    "iterate": lambda m, x, y: [row * i for i, row in enumerate(x)],
    "keywords": lambda m, x, y: (
        m.sum(input=x, dim=1),
        m.mul(input=x, other=y),
        x.var(dim=0, correction=0),
        m.transpose(x, dim0=0, dim1=1),
        m.clamp(x, min=0.5),
        x.std(1, keepdim=True),
    ),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", COMPOSED)
def test_composed(name, dtype):
    compare(COMPOSED[name], *(numbers((3, 6), seed).astype(dtype) for seed in (0, 1)))


IN_PLACE = {
    "arithmetic": lambda m, x, y: (x * 1).add_(y).mul_(2).sub_(y, alpha=2).div_(y),
    "mul by self's gradient": lambda m, x, y: (x * 1).mul_(y),
    "pow": lambda m, x, y: (x * 1).pow_(3),
    "functions": lambda m, x, y: [
        getattr(x * 1, f"{name}_")()
        for name in [
            "exp",
            "log",
            "sqrt",
            "rsqrt",
            "reciprocal",
            "square",
            "sin",
            "cos",
            "neg",
            "abs",
            "relu",
            "sigmoid",
            "tanh",
            "floor",
            "ceil",
            "round",
        ]
    ],
    "clamp": lambda m, x, y: (x * 1).clamp_(0.5, 1.0).relu_(),
    "addcmul": lambda m, x, y: (x * 1).addcmul_(x, y, value=2.0).addcdiv_(x, y).lerp_(y, 0.5),
    "fill": lambda m, x, y: (x * 1).fill_(3.0) + y,
    "zero then add": lambda m, x, y: (x * 1).zero_().add_(y),
    "copy": lambda m, x, y: (x * 1).copy_(y[0]),
    "masked": lambda m, x, y: (x * 1).masked_fill_(y > 1, 0.0),
    "promoting": lambda m, x, y: (x * 1).add_(m.tensor([1, 2, 3, 4, 5, 6])),
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place(name):
    compare(IN_PLACE[name], numbers((3, 6)), numbers((3, 6), 1))


def _loop(m, x, y):
    out = m.zeros(3, 6, dtype=m.float64)
    for i in range(3):
        out[i] += x[i] * y[i]
        out[i, 0] = 2 * out[i, 1]
    return out


def _through_views(m, x, y):
    out = x * 1
    out[0].mul_(y[0])
    out[:, 1:3] += y[:, 1:3]
    out.view(-1)[4:8].mul_(y[0, :4])
    out.t()[5] *= 3
    out[0, 1:4][1:] -= x[0, :2]
    return out * y


def _view_goes_on(m, x, y):
    out = x * 1
    row = out[1]
    row.mul_(y[0])
    row.add_(1)
    return out, row * 2


def _gets_a_history(m, x, y):
    out = m.zeros(3, 6, dtype=m.float64)
    out[1] = x[0] * y[0]
    out[m.tensor([0, 2])] = y[1]
    out[out == 0] = 3.0
    return out


@pytest.mark.parametrize("function", [_loop, _through_views, _view_goes_on, _gets_a_history])
def test_assignment(function):
    compare(function, numbers((3, 6)), numbers((3, 6), 1))
