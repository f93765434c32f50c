"""Compiled functions in a program: copies, pickles, threads, errors in the middle, settings."""

import copy
import gc
import pickle
import signal
import sys
import tracemalloc
import warnings

import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.nn import functional as F
from tests.compiler.test_traps import batch, network, training
from tests.support.threads import in_threads


def module_level(x):
    return x * 2 + 1


def test_functions_and_modules_are_copied_and_pickled():
    function = mg.compile(module_level)
    model = mg.compile(network())
    x = mg.randn(2, 4)
    for _ in range(4):
        function(x)
        expected = model(x)
    for again in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        for _ in range(4):
            assert mg.equal(again(x), expected)
        assert again.compiled.replays == 2
        assert again._orig_mod[0].weight is not model._orig_mod[0].weight
        assert list(again.state_dict()) == list(network().state_dict())
    for again in (copy.deepcopy(function), pickle.loads(pickle.dumps(function))):
        assert mg.equal(again(x), x * 2 + 1)
        assert again.calls == 1


def test_threads_share_a_compiled_function():
    model = network()
    compiled = mg.compile(model)
    x = mg.randn(5, 4)
    with mg.no_grad():
        expected = model(x)
    wrong = []

    def work():
        for _ in range(60):
            with mg.no_grad():
                found = compiled(x)
            if not mg.equal(found, expected):
                wrong.append(found)

    in_threads(work, [()] * 4)
    assert not wrong
    assert compiled.compiled.replays > 0


def failing(model):
    optimizer = optim.SGD(model.parameters(), lr=0.1)

    def step(x, y):
        optimizer.zero_grad()
        hidden = model(x)
        F.cross_entropy(hidden, y).backward()
        optimizer.step()
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y.clone() + 1 - 1)
        loss.backward()
        return loss

    return step


def test_an_error_in_the_middle_leaves_what_eager_leaves():
    models = network(), network()
    steps = failing(models[0]), mg.compile(failing(models[1]))
    for _ in range(5):
        x, y = batch()
        for step in steps:
            step(x, y)
    assert steps[1].replays > 0
    y = y.clone()
    y[0] = 7  # no such class
    for step in steps:
        with pytest.raises(IndexError):
            step(x, y)
    for p, q in zip(models[0].parameters(), models[1].parameters(), strict=True):
        assert mg.equal(p, q)
        assert (p.grad is None) == (q.grad is None)
    for step in steps:  # and both go on
        step(*batch())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no setitimer")
def test_an_interrupt_ends_a_replay_and_the_next_one_works():
    model = nn.Sequential(*[nn.Linear(64, 64) for _ in range(20)])
    compiled = mg.compile(model)
    x = mg.randn(64, 64)
    with mg.no_grad():
        for _ in range(4):
            expected = compiled(x)

    def interrupt(*_):
        raise KeyboardInterrupt

    def run_on():
        while True:
            compiled(x)

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(KeyboardInterrupt), mg.no_grad():
            run_on()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    with mg.no_grad():
        assert mg.equal(compiled(x), expected)


def test_a_recording_lets_go_of_its_arrays_at_once():
    def chain(x):
        return ((x * 2).tanh() * 3).exp().sum()

    x = mg.randn(256, 1024)  # a MiB
    before, function = mg.compile(chain), mg.compile(chain)
    for _ in range(3):
        before(x)  # kernels that are compiled here hold memory, too
    gc.collect()
    gc.disable()
    try:
        tracemalloc.start(1)
        for _ in range(4):
            function(x)
            assert tracemalloc.get_traced_memory()[0] < 1.2 * x.array.nbytes  # of the arena
    finally:
        tracemalloc.stop()
        gc.enable()
    assert function.replays == 2


def test_memory_stays_flat():
    model = network()
    step = mg.compile(training(model, optim.Adam(model.parameters())))
    x, y = batch()
    for _ in range(10):
        step(x, y)
    tracemalloc.start()
    for _ in range(200):
        step(x, y)
    gc.collect()
    first = tracemalloc.get_traced_memory()[0]
    for _ in range(1000):
        step(x, y)
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - first
    tracemalloc.stop()
    assert grown < 20_000


# --- settings ---


def test_plans_that_are_used_least_are_forgotten_and_it_is_said():
    function = mg.compile(lambda x: x + 1, max_plans=2)

    def call_in_three_ways():
        for n in (1, 2, 3):
            for _ in range(4):
                assert function(mg.ones(n)).tolist() == [2.0] * n

    with pytest.warns(UserWarning, match="max_plans=2"):
        call_in_three_ways()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        call_in_three_ways()


def test_every_third_replay_is_compared_with_the_function():
    model = network()
    step = mg.compile(training(model, optim.Adam(model.parameters())), verify_every=3)
    for _ in range(16):
        step(*batch())
    assert step.recordings > 5
    assert "as it is written" not in step.explain()


def test_dynamic_records_what_comes_twice():
    function = mg.compile(lambda x: x + 1, dynamic=True)
    for n in range(1, 9):
        function(mg.ones(n))
    assert function.recordings == 0
    for _ in range(3):
        function(mg.ones(3))
    assert function.replays == 1


def test_backends_stances_and_bad_settings():
    double = mg.compile(lambda x: x * 2, backend="eager")
    assert not hasattr(double, "explain")
    with pytest.raises(RuntimeError, match="Invalid backend"):
        mg.compile(module_level, backend="nothing")
    with pytest.raises(RuntimeError, match="Unrecognized mode"):
        mg.compile(module_level, mode="fastest")
    with pytest.raises(RuntimeError, match="Unexpected optimization option"):
        mg.compile(module_level, options={"max_autotune": True})
    with pytest.raises(ValueError, match="max_plans"):
        mg.compile(module_level, max_plans=0)
    with pytest.raises(TypeError, match="expects a module or a function"):
        mg.compile(3)
    function = mg.compile(module_level)
    with mg.compiler.set_stance("force_eager"):
        for _ in range(4):
            function(mg.ones(1))
    assert function.calls == 0
    assert mg.compile(mg.compiler.disable(lambda x: x))(3) == 3


def test_explain_tells_tasks_reasons_and_breaks():
    model = network()
    step = mg.compile(training(model, optim.Adam(model.parameters())))
    for n in (6, 6, 6, 6, 3):
        step(*batch(n))
    text = step.explain()
    assert "linear" in text
    assert "CrossEntropyLossBackward0" in text or "NllLoss" in text
    assert "calls repeated whole" in text
    assert "arguments of a new kind: [3, 4] float32" in text
    reasons = "a new kind", "other gradients", "is compared", "a new kind"
    recorded = text.rpartition("Recorded:\n")[2].splitlines()
    assert [why in line for why, line in zip(reasons, recorded, strict=True)] == [True] * 4
    model.eval()
    step(*batch(6))
    assert "model.training has changed" in step.explain().splitlines()[-1]
    drawn = step.graph()
    assert drawn.startswith("digraph")
    assert "linear" in drawn
    assert "->" in drawn
    assert "[dir=back]" in drawn  # backward goes up, beside the forward
    crossing = [line for line in drawn.splitlines() if "constraint=false" in line]
    assert len(crossing) >= 4  # the loss, a ReLU, and two layers take what the forward has made
    broken = mg.compile(lambda x: x if x.sum() > 0 else -x)
    with pytest.warns(UserWarning, match="cannot be compiled"):
        broken(mg.ones(1))
    assert "Runs as it is written" in broken.explain()


def test_a_compiled_module_is_the_module():
    model = network()
    compiled = mg.compile(model)
    assert compiled._orig_mod is model
    assert [name for name, _ in compiled.named_parameters()] == [
        name for name, _ in model.named_parameters()
    ]
    compiled.load_state_dict(network().state_dict())
    compiled.eval()
    assert not model[1].training
    optimizer = optim.SGD(compiled.parameters(), lr=0.1)
    for _ in range(6):
        x, y = batch()
        optimizer.zero_grad()
        out = compiled(x)
        F.cross_entropy(out, y).backward()
        optimizer.step()
    assert compiled.compiled.replays == 4
    with pytest.raises(RuntimeError, match="second time"):
        out.sum().backward()
    with pytest.raises(RuntimeError, match="derivatives of gradients"):
        mg.autograd.grad(compiled(x).sum(), list(model.parameters()), create_graph=True)


def test_a_changed_parameter_between_forward_and_backward_is_an_error():
    model = network()
    compiled = mg.compile(model)
    for _ in range(4):
        out = compiled(mg.randn(3, 4))
    with mg.no_grad():
        model[2].weight.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        out.sum().backward()
