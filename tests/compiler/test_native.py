"""Steps whose calls run as native tasks: memory, errors, and what is called from Python."""

import resource
import sys

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.nn import functional as F
from tests.compiler.test_traps import batch, network, training
from tests.compiler.twins import Twins
from tests.support.threads import in_threads


def compiled_training(make=optim.Adam):
    model = network()
    return model, mg.compile(training(model, make(model.parameters())))


def test_a_small_training_step_is_native_but_for_its_optimizer():
    _, step = compiled_training()
    for _ in range(5):
        step(*batch())
    (plan,) = step._plans
    assert len(plan.writer.native.calls) == len(plan.tasks) > 5
    assert len(plan.writer.runs) == 1
    text = step.explain()
    assert f"{len(plan.tasks)} tasks are native, in 1 runs without Python; 0 are called" in text
    assert "KiB in an arena of" in text


def test_results_share_an_arena_where_they_are_not_needed_at_once():
    model = nn.Sequential(*[nn.Linear(32, 32) for _ in range(8)])
    step = mg.compile(model)
    with mg.no_grad():
        for _ in range(4):
            step(mg.randn(16, 32))
    (plan,) = step.compiled._plans
    native = plan.writer.native
    assert len(native.memory) == 7  # the last result is returned
    assert native.bytes == 2 * 16 * 32 * 4 < native.bytes_of_results


def test_what_a_replay_gave_stays_when_the_next_one_runs():
    model, step = compiled_training()
    x, y = batch()
    held = []
    for _ in range(8):
        loss = step(x, y)
        arrays = [loss.array, *[p.grad.array for p in model.parameters()]]
        held.append((loss, [p.grad for p in model.parameters()], [a.copy() for a in arrays]))
    assert step.replays > 4
    for loss, grads, copies in held:
        for tensor, copy in zip([loss, *grads], copies, strict=True):
            assert np.array_equal(tensor.array, copy)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sizes", [
    (1, 4, 3), (5, 1, 2), (7, 8, 1), (16, 33, 17),
    (100, 400, 90), (40, 640, 31), (300, 70, 200),  # by packed products, and by inner ones
])  # fmt: skip
def test_products_of_all_shapes_are_those_of_eager(sizes, dtype):
    rows, inner, outer = sizes

    def build():
        model = nn.Sequential(nn.Linear(inner, outer), nn.ReLU(), nn.Linear(outer, 3, bias=False))
        return model.double() if dtype is np.float64 else model

    def make(model):
        optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

        def step(x, y):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y, label_smoothing=0.1)
            loss.backward()
            optimizer.step()
            return loss

        return step

    twins = Twins(build, make)
    rng = np.random.default_rng(0)
    for _ in range(6):
        x = rng.standard_normal((rows, inner)).astype(dtype)
        x[0, 0] = 0.0
        twins.step(x, rng.integers(0, 3, rows))
    assert twins.compiled.replays == 3  # there are no gradients before the first call


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sums_of_all_shapes_are_those_of_eager(dtype):
    def eager(x):
        return [x.sum(), (-x * 0.0).sum(), *[x.sum(dim) for dim in range(x.ndim)]]

    step = mg.compile(eager)
    rng = np.random.default_rng(0)
    shapes = [
        (1,),
        (7,),
        (8,),
        (9,),
        (129,),
        (300,),
        (5000,),
        (3, 4),
        (70, 3),
        (100, 90),
        (5, 6, 7),
    ]
    for shape in shapes:
        for _ in range(4):
            x = mg.tensor(rng.standard_normal(shape).astype(dtype))
            for found, expected in zip(step(x), eager(x), strict=True):
                assert found.array.tobytes() == expected.array.tobytes()
                assert found.shape == expected.shape
    assert step.replays == 2 * len(shapes)
    (plan,) = (plan for plan in step._plans if plan.kind.startswith("[5000]"))
    assert len(plan.writer.native.calls) == len(plan.tasks)


def test_gradients_are_added_up_between_steps():
    def make(model):
        def step(x, y):
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            return loss

        return step

    twins = Twins(network, make)
    rng = np.random.default_rng(0)
    for call in range(10):
        twins.step(rng.standard_normal((5, 4)).astype(np.float32), rng.integers(0, 3, 5))
        if call % 4 == 3:
            for model in twins.models:
                model.zero_grad()
        if call == 5:  # gradients that lie in memory in another order
            for model in twins.models:
                model[0].weight.grad = mg.ones(4, 5).T


@pytest.mark.parametrize("reduce", [
    F.cross_entropy, lambda out, y: out.sum(), lambda out, y: out.mean(),
    lambda out, y: out.T.contiguous()[0].sum(), lambda out, y: out[::2].sum() + out.sum(),
    lambda out, y: (out.T * mg.arange(6.0)).sum(),
])  # fmt: skip
def test_backwards_of_compiled_modules_take_cotangents_of_all_layouts(reduce):
    models = network(), network()
    compiled = mg.compile(models[1])
    for _ in range(6):
        x, y = batch()
        for model in (models[0], compiled):
            reduce(model(x), y).backward()
        for p, q in zip(models[0].parameters(), models[1].parameters(), strict=True):
            assert p.grad.array.tobytes() == q.grad.array.tobytes()
    (plan,) = compiled.compiled._plans
    assert len(plan.writer.native.shared) > 5
    assert compiled.compiled.replays == 3


def test_threads_go_backward_through_one_compiled_module():
    model = network()
    compiled = mg.compile(model)
    x = mg.randn(6, 4)
    for _ in range(3):
        compiled(x).sum().backward()
    weights = list(model.parameters())
    factors = [mg.full((6, 3), k + 1.0) for k in range(4)]
    expected = [mg.autograd.grad(model(x), weights, grad_outputs=f) for f in factors]
    wrong = []

    def work(k):
        for _ in range(40):
            found = mg.autograd.grad(compiled(x), weights, grad_outputs=factors[k])
            if not all(map(mg.equal, found, expected[k])):
                wrong.append(k)

    in_threads(work, [(k,) for k in range(4)])
    assert not wrong


def test_chains_of_operations_are_native_and_equal():
    def step(a, b):
        for _ in range(5):
            a = (a * b + a - b) / (b * b + a)
        return a.relu()

    compiled = mg.compile(step)
    for seed in range(6):
        mg.manual_seed(seed)
        a, b = mg.randn(4, 3), mg.rand(4, 3) + 1
        assert mg.equal(compiled(a, b), step(a, b))
    (plan,) = compiled._plans
    assert len(plan.writer.native.calls) == len(plan.tasks)


def test_an_argument_that_moves_or_changes_its_layout_is_seen():
    compiled = mg.compile(lambda a, b: a + b)
    memory = mg.arange(40.0)
    for k in range(12):
        a, b = memory[k : k + 4], memory[k + 8 : k + 12]
        assert mg.equal(compiled(a, b), a + b)
    for a, b in (
        (memory[:4], memory[2:6]), (memory[:4], memory[:4]), (memory[:8:2], memory[20:24]),
        (memory[:4].double(), memory[4:8]), (memory[:4].reshape(2, 2), memory[9:13].reshape(2, 2)),
    ):  # fmt: skip
        for _ in range(4):
            assert mg.equal(compiled(a, b), a + b)
    a.requires_grad_()
    assert compiled(a, b).requires_grad
    with mg.no_grad():
        assert not compiled(a, b).requires_grad


def test_attributes_and_globals_that_change_are_seen():
    model = network()
    model.factor = 2.0
    model.register_forward_pre_hook(lambda module, args: None)
    scaled = mg.compile(lambda x: model(x) * model.factor)
    x = mg.randn(3, 4)
    with mg.no_grad():
        for factor in (2.0, 3.0, 2.0, 5.0):
            model.factor = factor
            for _ in range(4):
                assert mg.equal(scaled(x), model(x) * factor)
        model[0].weight = nn.Parameter(mg.zeros_like(model[0].weight))
        assert mg.equal(scaled(x), model(x) * 5.0)
        model[2].weight.data = mg.ones_like(model[2].weight)
        assert mg.equal(scaled(x), model(x) * 5.0)


@pytest.mark.skipif(sys.platform != "linux", reason="the unit of ru_maxrss differs by system")
def test_many_replays_take_no_more_memory():
    """A sample; `python -m benchmarks.replays` runs 100 000."""
    _, step = compiled_training()
    x, y = batch()
    for _ in range(500):
        step(x, y)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(4000):
        step(x, y)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1024
    assert step.replays > 4400
