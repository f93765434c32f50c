"""Steps that are one native call: what they depend on, and what they leave behind."""

import copy
import itertools

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.nn import functional as F
from tests.compiler.test_traps import network
from tests.compiler.twins import bits
from tests.support.threads import in_threads

SCALES = {"of the module": 1.0}


class Side:
    """A model, its optimizer and its step; two of them are compared."""

    def __init__(self, make, is_compiled, zeroes="first"):
        self.model = network()
        self.optimizer = make(self.model.parameters())
        self.scale = 1.0
        self.cell = {"shift": 0.0}
        model, optimizer, scales = self.model, self.optimizer, self.cell

        def step(x, y):
            if zeroes == "first":
                optimizer.zero_grad()
            loss = F.cross_entropy(model(x) * SCALES["of the module"] + scales["shift"], y)
            loss.backward()
            optimizer.step()
            if zeroes == "last":
                optimizer.zero_grad()
            return loss

        self.step = mg.compile(step) if is_compiled else step

    def left(self):
        """All that a step may change."""
        params = list(self.model.parameters())
        state = self.optimizer._state  # `state` would tell the optimizer that others have it
        numbers = [bits(v) for p in params for v in state[p].values() if isinstance(v, mg.Tensor)]
        grads = [bits(p.grad) for p in params]
        return [*map(bits, params), *grads, *numbers, [p._version for p in params]]


def batch(call):
    rng = np.random.default_rng(call)
    return rng.standard_normal((6, 4)).astype(np.float32), rng.integers(0, 3, 6)


def run(sides, call):
    found = []
    for side in sides:
        x, y = batch(call)
        loss = side.step(mg.tensor(x), mg.tensor(y))
        found.append([bits(loss), type(loss.grad_fn).__name__, *side.left()])
    assert found[0] == found[1], call
    return loss


def sides_of(make=optim.Adam, **settings):
    return Side(make, False, **settings), Side(make, True, **settings)


def is_whole(side):
    """Whether the last call was one native one, with the optimizer's step."""
    whole = side.step._recent.first
    return whole is not None and whole.takes_step and not whole.is_stale


OPTIMIZERS = {
    "Adam": lambda params: optim.Adam(params, lr=0.01),
    "AdamW": lambda params: optim.AdamW(params, lr=0.01, amsgrad=True),
    "SGD": lambda params: optim.SGD(params, lr=0.01),
    "momentum": lambda params: optim.SGD(params, lr=0.01, momentum=0.9, nesterov=True),
    "RMSprop": lambda params: optim.RMSprop(params, lr=0.01, centered=True),
    "RAdam": lambda params: optim.RAdam(params, lr=0.01),
    "groups": lambda params: optim.Adam(
        [{"params": [p], "lr": 0.01 * (1 + k)} for k, p in enumerate(params)]
    ),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_of_optimizers_are_native(name):
    sides = sides_of(OPTIMIZERS[name])
    for call in range(340):  # scalars of so many steps are looked up in three tables
        run(sides, call)
    assert is_whole(sides[1])
    assert sides[1].step.replays == 337


@pytest.mark.parametrize("zeroes", ["last", "outside"])
def test_gradients_may_be_dropped_at_another_place(zeroes):
    sides = sides_of(zeroes=zeroes)
    for call in range(80):
        run(sides, call)
        if zeroes == "outside":
            for side in sides:
                side.model.zero_grad()
    assert is_whole(sides[1])


def other_data(side, p):
    p.data = p.data * 0.5


def new_state(side, p):
    side.optimizer.load_state_dict(copy.deepcopy(side.optimizer.state_dict()))


def changed_state(side, p):
    side.optimizer.state[p]["exp_avg"].mul_(0.5)


def replaced_state(side, p):
    side.optimizer.state[p]["exp_avg"] = side.optimizer.state[p]["exp_avg"] * 0.5


def changed_count(side, p):
    side.optimizer.state[p]["step"].fill_(3)


def hooked_gradient(side, p):
    p.register_hook(lambda g: g * 2)


def hooked_optimizer(side, p):
    side.optimizer.register_step_pre_hook(lambda o, args, kwargs: o.param_groups[0].update(lr=1.0))


def other_gradient(side, p):
    p.grad = mg.ones(*p.shape[::-1]).T if p.ndim == 2 else mg.ones_like(p)


def labelled_gradient(side, p):
    p.grad.label = "mine"
    side.seen = p.grad


def frozen(side, p):
    p.requires_grad_(False)


def more_parameters(side, p):
    extra = nn.Parameter(mg.ones(2))
    side.optimizer.add_param_group({"params": [extra]})


def of_module(side, p):
    SCALES["of the module"] = 0.5


DISTURBANCES = {
    "learning rate": lambda side, p: side.optimizer.param_groups[0].update(lr=0.5),
    "maximize": lambda side, p: side.optimizer.param_groups[0].update(maximize=True),
    "data": other_data,
    "change in place": lambda side, p: p.data.mul_(0.5),
    "evaluation": lambda side, p: side.model.eval(),
    "no gradient": lambda side, p: setattr(p, "grad", None),
    "all gradients dropped": lambda side, p: side.optimizer.zero_grad(),
    "gradients changed": lambda side, p: p.grad.fill_(7.0),
    "a view of a gradient": lambda side, p: setattr(side, "seen", p.grad.detach()),
    "another gradient": other_gradient,
    "a label of a gradient": labelled_gradient,
    "a number in a cell": lambda side, p: side.cell.update(shift=1.0),
    "a number of the module": of_module,
    "saved state": lambda side, p: side.optimizer.state_dict(),
    "loaded state": new_state,
    "state changed": changed_state,
    "state replaced": replaced_state,
    "step count": changed_count,
    "hook of a parameter": hooked_gradient,
    "hook of an optimizer": hooked_optimizer,
    "frozen": frozen,
    "more parameters": more_parameters,
    "attributes asked for": lambda side, p: vars(p),
    "copies": lambda side, p: copy.deepcopy(side.model),
    "another layer": lambda side, p: side.model.register_module("1", nn.Tanh()),
}
# After these a step is looked at from Python, or its optimizer called.
NEED_PYTHON = {"hook of a parameter", "hook of an optimizer", "frozen", "more parameters"}


@pytest.mark.parametrize("name", DISTURBANCES)
def test_what_a_step_depends_on_is_seen(name):
    sides = sides_of()
    try:
        for call in range(40):
            run(sides, call)
            if call in (11, 12, 25):
                assert call > 11 or is_whole(sides[1])
                for side in sides:
                    DISTURBANCES[name](side, side.model[0].weight)
    finally:
        SCALES["of the module"] = 1.0
    assert sides[1].step.replays > 15
    assert is_whole(sides[1]) == (name not in NEED_PYTHON)


def test_modes_and_threads_are_looked_at():
    sides = sides_of(lambda params: optim.SGD(params, lr=0.1))
    before = mg.get_num_threads()
    try:
        for call in range(24):
            mg.set_num_threads(1 + (call > 12) * (before > 1))
            run(sides, call)
        with mg.inference_mode(False), mg.autograd.detect_anomaly():
            run(sides, 99)
    finally:
        mg.set_num_threads(before)
    replays = sides[1].step.replays
    with mg.compiler.set_stance("force_eager"):
        run(sides, 100)
    assert sides[1].step.replays == replays


def test_a_bad_label_leaves_what_eager_leaves():
    sides = sides_of()
    for call in itertools.chain(range(12), range(20, 28)):
        run(sides, call)
        if call == 11:
            for side in sides:
                with pytest.raises(IndexError, match="out of bounds"):
                    side.step(mg.tensor(batch(0)[0]), mg.full((6,), 7))
            assert sides[0].left() == sides[1].left()
            assert all(p.grad is None for p in sides[1].model.parameters())


def test_other_arguments_are_not_taken_for_those_before():
    sides = sides_of()
    for call in range(12):
        run(sides, call)
    x, y = (mg.tensor(array) for array in batch(3))
    for given in (
        (x[:3], y[:3]), (x.T.contiguous().T, y), (x.double().float(), y), (x.detach(), y),
        (x.requires_grad_(), y), (x, y.to(mg.int32).long()),
    ):  # fmt: skip
        for _ in range(3):
            found = [[bits(side.step(*given)), *side.left()] for side in sides]
            assert found[0] == found[1]
        x.requires_grad_(False)
    with pytest.raises(TypeError):
        sides[1].step(x)


def test_threads_take_turns():
    model = network()
    step = mg.compile(model)
    x = mg.randn(6, 4)
    with mg.no_grad():
        expected = model(x)
        for _ in range(8):
            step(x)
    wrong = []

    def work():
        with mg.no_grad():
            for _ in range(200):
                if not mg.equal(step(x), expected):
                    wrong.append(1)

    in_threads(work, [()] * 4)
    assert not wrong


@pytest.mark.parametrize("reuses", [False, True])
def test_outputs_are_fresh_unless_their_memory_is_reused(reuses):
    function = mg.compile(lambda x: ((x + 1) * 2).tanh(), reuse_outputs=reuses)
    with mg.no_grad():
        outputs = [function(mg.full((5,), float(k))) for k in range(12)]
    addresses = [out.data_ptr() for out in outputs[4:]]
    assert len(set(addresses)) == (1 if reuses else len(addresses))
    last = np.tanh(np.float32(24.0))
    expected = [last if reuses else np.tanh(np.float32(2 * k + 2)) for k in range(4, 12)]
    assert [out[0].item() for out in outputs[4:]] == pytest.approx(expected)


def test_outputs_whose_backward_is_called_outside_stay():
    function = mg.compile(lambda w: ((w + 1) * 2).tanh(), reuse_outputs=True)
    w = mg.full((5,), 0.1, requires_grad=True)
    outputs = [function(w) for _ in range(6)]
    assert len({out.data_ptr() for out in outputs[3:]}) == 3
    gradients = [mg.autograd.grad(out.sum(), w)[0] for out in outputs]
    assert all(mg.equal(g, gradients[0]) for g in gradients)


def test_reuse_outputs_is_true_or_false():
    with pytest.raises(TypeError, match="reuse_outputs must be a bool, got int"):
        mg.compile(lambda x: x, reuse_outputs=1)
