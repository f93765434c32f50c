"""Traps that compiled steps have elsewhere, and what a step must not do without being told."""

import time
import warnings

import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.nn import functional as F


def network():
    mg.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3))


def training(model, optimizer):
    def step(x, y):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


def batch(n=6):
    return mg.randn(n, 4), mg.randint(0, 3, (n,))


def compare_with_eager(build, calls):
    """Call a compiled step and its eager twin with each of `calls`; the compiled one."""
    eager, step = build(), build()
    compiled = mg.compile(step)
    for number, given in enumerate(calls):
        mg.manual_seed(number)
        expected = eager(*given)
        mg.manual_seed(number)
        found = compiled(*given)
        assert mg.equal(expected, found), number
    return compiled


# --- traps ---


def test_a_changed_learning_rate_records_nothing_again():
    model = network()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    compiled = mg.compile(training(model, optimizer))
    twin = network()
    other = optim.SGD(twin.parameters(), lr=0.1)
    eager = training(twin, other)
    for k in range(20):
        for group in (*optimizer.param_groups, *other.param_groups):
            group["lr"] = 0.1 / (1 + k)
        x, y = batch()
        assert mg.equal(compiled(x, y), eager(x, y))
    assert compiled.recordings == 3


def test_numbers_in_closures_globals_and_attributes_are_not_frozen():
    class Settings:
        scale = 1.0

    settings, weights = Settings(), {"shift": 0.0}

    @mg.compile
    def function(x):
        return x * settings.scale + weights["shift"]

    for k in range(12):
        settings.scale, weights["shift"] = 1.0 + k // 4, float(k // 6)
        expected = 2.0 * settings.scale + weights["shift"]
        assert function(mg.tensor(2.0)).item() == expected
    assert function.replays > 0


def test_numbers_among_the_arguments_become_inputs():
    @mg.compile
    def function(x, factor):
        return x * factor

    for k in range(10):
        assert function(mg.tensor([1.0, 2.0]), 0.5 + k).tolist() == [0.5 + k, 1.0 + 2 * k]
    assert function.recordings == 2
    assert function.replays == 8


def test_outputs_are_not_overwritten_by_the_next_call():
    function = mg.compile(lambda x: (x * 2, x + 1))
    kept = [function(mg.tensor([float(k)])) for k in range(8)]
    assert [(a.item(), b.item()) for a, b in kept] == [(2.0 * k, k + 1.0) for k in range(8)]


def test_gradients_that_are_kept_are_not_overwritten():
    model = network()
    compiled = mg.compile(training(model, optim.SGD(model.parameters(), lr=0.0)))
    kept = []
    for _ in range(6):
        compiled(*batch())
        kept.append((model[0].weight.grad, model[0].weight.grad.clone()))
    assert all(mg.equal(grad, copy) for grad, copy in kept)


def test_the_last_smaller_batch_has_a_plan_of_its_own():
    def build():
        model = network()
        return training(model, optim.Adam(model.parameters()))

    sizes = [6, 6, 6, 6, 2] * 4
    mg.manual_seed(3)
    compiled = compare_with_eager(build, [batch(n) for n in sizes])
    assert compiled.recordings <= 6
    assert compiled.replays >= 14


def test_train_and_eval_are_not_frozen():
    dropping = nn.Dropout(0.5)
    compiled = mg.compile(dropping)
    x = mg.ones(200)
    for k in range(12):
        dropping.train(k % 4 < 2)
        zeros = int((compiled(x) == 0).sum())
        assert (zeros > 0) == dropping.training
    assert compiled.compiled.replays > 0


def test_many_kinds_of_calls_do_not_turn_it_off():
    function = mg.compile(lambda x: x * 2)
    for _ in range(4):
        for n in range(1, 21):
            assert function(mg.ones(n)).tolist() == [2.0] * n
    assert function.replays == 40


def test_the_first_replay_is_there_within_a_second():
    function = mg.compile(lambda x: (x @ x.T).relu().sum())
    x = mg.randn(8, 8)
    began = time.process_time()
    for _ in range(3):
        function(x)
    assert function.replays == 1
    assert time.process_time() - began < 1


def test_dropout_draws_the_numbers_that_eager_draws():
    compiled = compare_with_eager(
        lambda: lambda x: F.dropout(x, 0.5) + mg.rand(3) + mg.randn_like(x),
        [(mg.ones(3),) for _ in range(8)],
    )
    assert compiled.replays == 6


# --- what is not replayed, and what is said ---

STATE = {"calls": 0}


def counting(x):
    STATE["calls"] += 1
    return x + 1


def branching(x):
    return x * 2 if x.sum() > 0 else x * 3


def reading(x):
    scale = x.max().item()
    return x / scale


def checking(x):
    value = (x * 2).sum().item()
    if value > 100:
        value = 100.0
    return value


def remembering():
    last = [mg.zeros(2)]

    def step(x):
        last[0] = last[0] + x
        return last[0]

    return step


def appending():
    seen = []

    def step(x):
        seen.append(float(len(seen)))
        return x * 2

    return step


def of_numpy(x):
    import numpy as np  # noqa: PLC0415  what a user's step may do

    return mg.from_numpy(np.sin(x.numpy()))


def selecting(x):
    return x[x > -1.5].sum()


def of_the_clock(x):
    return x * time.perf_counter()


BREAKS = {
    "counting": (lambda: counting, "changes a Python object in each call: STATE"),
    "branching": (lambda: branching, "Python reads a number of a tensor"),
    "reading": (lambda: reading, "Python reads a number of a tensor"),
    "checking": (lambda: checking, "Python reads a number of a tensor"),
    "remembering": (remembering, "changes a Python object in each call: last"),
    "appending": (appending, "changes a Python object in each call: seen"),
    "numpy": (lambda: of_numpy, "Python reads an array of a tensor"),
    "mask": (lambda: selecting, "depends on the elements"),
    "clock": (lambda: of_the_clock, "takes a number that is another one in each call"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_steps_that_cannot_be_replayed_run_as_they_are_and_say_so_once(name):
    build, reason = BREAKS[name]
    eager, function = build(), mg.compile(build())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for k in range(8):
            x = mg.tensor([1.0, float(k % 3) - 2.0])
            expected, found = eager(x), function(x)
            if name != "clock":
                assert found == expected if isinstance(found, float) else mg.equal(found, expected)
    said = [str(w.message) for w in caught if "cannot be compiled" in str(w.message)]
    assert len(said) == 1
    assert reason in said[0]
    assert "test_traps.py:" in said[0] or "Python object" in said[0]
    assert function.replays == 0


@pytest.mark.parametrize("name", ["counting", "branching", "reading"])
def test_fullgraph_raises(name):
    build, reason = BREAKS[name]
    function = mg.compile(build(), fullgraph=True)

    def call_several_times():
        for _ in range(4):
            function(mg.ones(2))

    with pytest.raises(RuntimeError, match=reason):
        call_several_times()


def test_numbers_read_at_the_end_are_results():
    @mg.compile
    def function(x):
        total = x.sum()
        count = (x > 1).sum()
        return total.item(), count.item()

    for k in range(6):
        found = function(mg.tensor([float(k), 2.0]))
        assert found == (k + 2.0, 1 + (k > 1))
        assert list(map(type, found)) == [float, int]
    assert function.replays == 4


def test_an_index_out_of_range_is_an_error_in_replays_too():
    table = nn.Embedding(4, 2)
    compiled = mg.compile(lambda i: table(i).sum())
    gather = mg.compile(lambda x, i: x.gather(0, i))
    for _ in range(4):
        compiled(mg.tensor([0, 3]))
        gather(mg.ones(3), mg.tensor([0, 2]))
    with pytest.raises(IndexError, match="out of range"):
        compiled(mg.tensor([0, 4]))
    with pytest.raises(RuntimeError, match="out of bounds"):
        gather(mg.ones(3), mg.tensor([0, 3]))


class Noted(mg.Tensor):
    """A tensor whose class is asked for every function."""

    calls = 0

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        cls.calls += 1
        return super().__torch_function__(func, types, args, kwargs or {})


def test_a_class_that_overrides_functions_is_asked_in_every_call():
    double = mg.compile(lambda x: x + x)
    with pytest.warns(UserWarning, match="Noted overrides functions"):
        double(mg.ones(2).as_subclass(Noted))
    before = Noted.calls
    for _ in range(3):
        assert double(mg.ones(2).as_subclass(Noted)).tolist() == [2, 2]
    assert Noted.calls >= before + 3
    for _ in range(4):  # plain tensors are replayed nevertheless
        double(mg.ones(2))
    assert double.replays > 0
