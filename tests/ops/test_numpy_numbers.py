"""NumPy's numbers, as of `np.sqrt(d)`, do what Python's do: the same dtypes and bits."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.engine.op import arr
from minigrad.ops import table
from minigrad.testing.operations import draw


def as_numpy(given):
    """Floats as float64 and integers as int64, in lists and tuples, too."""
    if type(given) in (list, tuple):
        return type(given)([as_numpy(each) for each in given])
    kinds = {float: np.float64, int: np.int64}
    return kinds[type(given)](given) if type(given) in kinds else given


# Users call it through a function that looks at the numbers.
PUBLIC = {"clamp": mg.clamp}

SAMPLES = [
    pytest.param(name, case, id=f"{name}-{i}")
    for name, entry in sorted(table.declared().items())
    for i, case in enumerate(entry.op.samples)
    if any(type(a) in (float, int, tuple, list) for a in (*case.args, *case.settings.values()))
]


def results(name, case, convert):
    """The outputs and the gradients of a sample in float32."""
    rng = np.random.default_rng(3)
    args = [mg.tensor(draw(a, rng)) if isinstance(a, arr) else convert(a) for a in case.args]
    args = [a.float().requires_grad_() if isinstance(a, mg.Tensor) and a.is_floating_point() else a
            for a in args]  # fmt: skip
    mg.manual_seed(0)
    call = PUBLIC.get(name, table.declared()[name])
    found = call(*args, **{k: convert(v) for k, v in case.settings.items()})
    found = list(found) if isinstance(found, tuple) else [found]
    outs = [out for out in found if isinstance(out, mg.Tensor)]
    leaves = [a for a in args if isinstance(a, mg.Tensor) and a.requires_grad]
    reached = [out for out in outs if out.requires_grad]
    if reached and leaves:
        sum(out.sum() for out in reached).backward()
    return [*outs, *[leaf.grad for leaf in leaves if leaf.grad is not None]]


@pytest.mark.parametrize(("name", "case"), SAMPLES)
def test_samples(name, case):
    expected = results(name, case, lambda given: given)
    found = results(name, case, as_numpy)
    assert [each.dtype for each in found] == [each.dtype for each in expected]
    for a, b in zip(found, expected, strict=True):
        assert a.detach().numpy().tobytes() == b.detach().numpy().tobytes()


@pytest.mark.parametrize("number", [np.float64(2), np.float32(2), np.int64(2)])
@pytest.mark.parametrize(
    "call",
    [
        lambda x, n: x * n, lambda x, n: n * x, lambda x, n: x / n, lambda x, n: n / x,
        lambda x, n: x**n, lambda x, n: (x * 1).div_(n), lambda x, n: (x * 1)[:, :3].mul_(n),
        lambda x, n: mg.lerp(x, x * 2, n), lambda x, n: mg.addcmul(x, x, x, value=n),
        lambda x, n: mg.addmm(x[:, :2], x, x.T, beta=n, alpha=n),
        lambda x, n: mg.add(x, x, alpha=n), lambda x, n: mg.renorm(x, n, 0, n),
        lambda x, n: mg.autograd.grad((x * x).sum(), x, create_graph=True)[0] * n,
        lambda x, n: mg.nn.functional.huber_loss(x, x.detach() * 0, delta=n),
        lambda x, n: mg.nn.functional.gumbel_softmax(x, tau=n),
        lambda x, n: mg.matmul(x, x.T) / np.sqrt(n),
    ],
)  # fmt: skip
def test_gradients_keep_the_dtype_of_their_tensor(call, number):
    x = mg.ones(2, 5, requires_grad=True)
    out = call(x, number)
    assert out.dtype == mg.float32
    out.sum().backward()
    assert x.grad.dtype == mg.float32


@pytest.mark.parametrize(
    "module",
    [
        lambda n: mg.nn.Conv2d(4, 4, n, groups=n, stride=n, padding=n, dilation=n),
        lambda n: mg.nn.ConvTranspose2d(4, 4, (n, n), groups=n, stride=n),
        mg.nn.MaxPool2d, lambda n: mg.nn.AvgPool2d((n, n), n),
        lambda n: mg.nn.LayerNorm(4 * n), lambda n: mg.nn.RMSNorm(4 * n),
        lambda n: mg.nn.GroupNorm(n, 2 * n), lambda n: mg.nn.Linear(4 * n, n),
        lambda n: mg.nn.Fold(8, n, stride=n),
    ],
)  # fmt: skip
def test_sizes_of_modules(module):
    x = mg.ones(1, 16, 16) if isinstance(module(2), mg.nn.Fold) else mg.ones(1, 4, 8, 8)
    mg.manual_seed(0)
    expected = module(2)(x)
    mg.manual_seed(0)
    assert mg.equal(module(np.int64(2))(x), expected)
