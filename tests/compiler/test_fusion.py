"""Fusion in compiled steps: the same bits, less memory, and nothing that somebody holds is lost."""

import tracemalloc
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import minigrad as mg
from minigrad import nn, optim
from minigrad.compiler import fusion
from minigrad.nn import functional as F
from tests.compiler.test_programs import compare, programs
from tests.compiler.test_traps import training
from tests.compiler.twins import Twins, bits
from tests.support.threads import using_threads

CLASSES = 10


def convolutions():
    return nn.Sequential(
        nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 16, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(2304, 16), nn.ReLU(), nn.Linear(16, CLASSES),
    )  # fmt: skip


def adam(model):
    return training(model, optim.Adam(model.parameters(), lr=1e-3))


def images(count, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((count, 1, 28, 28)).astype(np.float32)
    return x, rng.integers(0, CLASSES, count)


def residual():
    """A block with batch norm, dropout and a residual, whose gradients meet at the sum."""

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(
                nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.2),
                nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4),
            )  # fmt: skip

        def forward(self, x):
            return F.relu(self.body(x) + x)

    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), Block(), Block(), nn.GELU(), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(4, CLASSES),
    )  # fmt: skip


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("build_model", [convolutions, residual])
def test_fused_steps_have_the_bits_of_eager_ones(build_model, threads):
    twins = Twins(build_model, adam)
    with using_threads(threads):
        for seed in range(6):
            twins.step(*images(16, seed))
    assert twins.compiled.replays == 3
    text = twins.compiled.explain()
    expected = {
        convolutions: ("scatter_planes + ReluBackward0, in place", "relu + max_pool2d, in place"),
        residual: ("add + relu, in place", "add + ReluBackward0, in place"),
    }
    assert all(words in text for words in ("fused, block by block", *expected[build_model])), text


def test_pooling_of_what_is_not_a_number_is_done_from_python():
    twins = Twins(convolutions, adam)
    for seed in range(6):
        x, y = images(16, seed)
        if seed > 3:
            x[3, 0, 5:9, 7] = np.nan
        twins.step(x, y)
    assert twins.compiled.replays == 3
    with mg.no_grad():
        model = convolutions()
        compiled = mg.compile(model)
        for seed in range(5):
            x, _ = images(16, seed)
            x[2, 0, 5:9, 7] = np.nan if seed > 3 else 0
            assert bits(compiled(mg.tensor(x))) == bits(model(mg.tensor(x)))
    assert compiled.compiled.replays == 3


@pytest.mark.filterwarnings("ignore:.*may not be called")
def test_modules_whose_backward_is_called_outside_are_fused():
    models = [convolutions()]
    models.append(convolutions())
    models[1].load_state_dict(models[0].state_dict())
    compiled = mg.compile(models[1])
    for seed in range(5):
        x, y = map(mg.tensor, images(16, seed))
        for model in (models[0], compiled):
            model.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward(retain_graph=True)
            loss.backward()
        for p, q in zip(models[0].parameters(), models[1].parameters(), strict=True):
            assert bits(p.grad) == bits(q.grad)
    assert "in place" in compiled.explain()
    assert compiled.compiled.replays == 3


def peak(step, x, y):
    """The most bytes that Python and NumPy have allocated in a call, beside those before it."""
    tracemalloc.start()
    try:
        step(x, y)
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        step(x, y)
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def test_a_fused_step_takes_at_most_four_fifths_of_the_memory():
    peaks = {}
    for fuse in (None, False, True):
        step = adam(convolutions())
        compiled = step if fuse is None else mg.compile(step, fuse=fuse)
        x, y = map(mg.tensor, images(64))
        for _ in range(4):
            compiled(x, y)
        arena = 0 if fuse is None else compiled._plans[0].writer.native.bytes
        peaks[fuse] = peak(compiled, x, y) + arena
    fused = compiled._plans[0].writer.native.fused
    assert fused.bytes <= 0.8 * fused.recorded_bytes
    assert peaks[True] <= 0.8 * peaks[None]
    assert peaks[True] <= 0.8 * peaks[False]


def test_a_recording_keeps_no_memory_that_the_step_has_let_go(monkeypatch):
    given = []
    memory = pytest.importorskip("minigrad.compiler.recorded_memory")
    monkeypatch.setattr(memory, "_give_pages", lambda array: given.append(array.nbytes))
    step = adam(convolutions())
    compiled = mg.compile(step)
    x, y = map(mg.tensor, images(64))
    compiled(x, y)
    if not memory.RecordedMemory()._can_give:
        pytest.skip("memory is given back on Linux alone")
    # The outputs of convolutions, that of the last relu, and what comes back to it.
    second = 64 * 16 * 24 * 24 * 4
    assert given.count(second) >= 3
    assert sum(given) > 4 * second


def test_results_that_are_held_keep_their_memory():
    held = []

    def make(model):
        def step(x, y):
            hidden = model[0](x)
            active = hidden.relu()
            loss = (active * active).mean()
            loss.backward()
            return loss, hidden.detach(), active.detach()

        return step

    twins = Twins(lambda: nn.Sequential(nn.Conv2d(1, 8, 3)), make)
    for seed in range(6):
        returned = twins.step(*images(16, seed))
        held.append([(tensor, tensor.array.copy()) for tensor in returned])
    assert twins.compiled.replays >= 3
    assert all(np.array_equal(t.array, copy) for each in held for t, copy in each)


def test_an_array_that_a_function_keeps_is_not_overwritten():
    kept = []

    class Keep(mg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            out = x * 2
            kept.append((out, out.array.copy()))
            return out

        @staticmethod
        def backward(ctx, g):
            return g * 2

    step = mg.compile(lambda x: Keep.apply(x).relu() + 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for seed in range(6):
            x = mg.tensor(np.random.default_rng(seed).standard_normal(2**16).astype(np.float32))
            assert mg.equal(step(x), (x * 2).relu() + 1)
    assert all(np.array_equal(out.array, copy) for out, copy in kept)


@settings(
    max_examples=25, deadline=None, database=None, derandomize=True,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(programs())
def test_drawn_programs_whose_small_calls_are_fused(program):
    _, _, sizes, flags, _ = program
    before, fusion.SMALLEST = fusion.SMALLEST, 1
    try:
        compare(program, [(sizes[0], flags[0])] * 7)
    finally:
        fusion.SMALLEST = before


def test_only_a_bool_says_whether_to_fuse():
    with pytest.raises(TypeError, match="fuse must be a bool, got 'fast'"):
        mg.compile(fuse="fast")
    step = mg.compile(adam(convolutions()), fuse=False)
    x, y = map(mg.tensor, images(16))
    for _ in range(4):
        step(x, y)
    assert step.replays == 1
    assert "fused" not in step.explain()
