"""Small programs that are drawn at random: compiled, they give the bits that they give eagerly.

MINIGRAD_COMPILED_PROGRAMS=10000 draws so many of them; the suite draws a few.  At the end it is
printed (with -s) how many of them were replayed, and why others were not.
"""

import collections
import os
import warnings

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn, optim
from minigrad.nn import functional as F
from tests.compiler.twins import bits

COUNT = int(os.environ.get("MINIGRAD_COMPILED_PROGRAMS", "25"))

# Each takes two tensors (n, 4), the weight (4, 4), a number that changes from call to call, and
# gives a tensor (n, 4).
OPERATIONS = {
    "add": lambda a, b, w, s: a + b,
    "sub": lambda a, b, w, s: a - s * b,
    "mul": lambda a, b, w, s: a * b,
    "div": lambda a, b, w, s: a / (b * b + 1),
    "scale": lambda a, b, w, s: a * s,
    "power": lambda a, b, w, s: a**2,
    "relu": lambda a, b, w, s: a.relu(),
    "tanh": lambda a, b, w, s: a.tanh(),
    "sigmoid": lambda a, b, w, s: (a + b).sigmoid(),
    "gelu": lambda a, b, w, s: F.gelu(a),
    "matmul": lambda a, b, w, s: a @ w,
    "linear": lambda a, b, w, s: F.linear(a, w, w[0]),
    "softmax": lambda a, b, w, s: a.softmax(1),
    "norm": lambda a, b, w, s: F.layer_norm(a, (4,), w[1], w[2]),
    "mean": lambda a, b, w, s: a - b.mean(0, keepdim=True),
    "largest": lambda a, b, w, s: a + b.max(1, keepdim=True).values,
    "sorted": lambda a, b, w, s: a.sort(1).values,
    "cumsum": lambda a, b, w, s: a.cumsum(1),
    "clamp": lambda a, b, w, s: a.clamp(-1.0, 1.0),
    "where": lambda a, b, w, s: mg.where(a > b, a, b * 2),
    "view": lambda a, b, w, s: a.t().contiguous().t() + b.reshape(-1).view_as(b),
    "slices": lambda a, b, w, s: mg.cat([a[:, :2], b[:, 2:]], 1),
    "flip": lambda a, b, w, s: a.flip(1),
    "gather": lambda a, b, w, s: a.gather(1, b.argsort(1)),
    "dropout": lambda a, b, w, s: F.dropout(a, 0.4),
    "noise": lambda a, b, w, s: a + mg.randn_like(b) * 0.1,
    "constant": lambda a, b, w, s: a + mg.arange(4.0) - mg.ones(1, 4),
    "in place": lambda a, b, w, s: a.clone().mul_(2).add_(b),
    "in place of a view": lambda a, b, w, s: _change_a_view(a.clone(), b),
    "without gradient": lambda a, b, w, s: a + _without_gradient(b),
    "detached": lambda a, b, w, s: a * b.detach(),
}


def _change_a_view(a, b):
    a[:, 1:3] += b[:, :2]
    a[0] = 1.5
    return a


def _without_gradient(b):
    with mg.no_grad():
        return b * 3


# What else a training step may do.
EXTRAS = ("schedule", "twice", "clip", "zeros", "mean", "item", "rate", "momentum", "half")
STEP = st.tuples(st.sampled_from(sorted(OPERATIONS)), st.integers(0, 30), st.integers(0, 30))


@st.composite
def programs(draw):
    """Operations on earlier results, what follows on them, and the sizes of calls."""
    steps = draw(st.lists(STEP, min_size=1, max_size=8))
    kind = draw(st.sampled_from(["value", "gradient", "step", "step", "accumulate"]))
    extras = draw(st.sets(st.sampled_from(EXTRAS), max_size=3))
    sizes = draw(st.lists(st.sampled_from([1, 2, 3]), min_size=6, max_size=9))
    flags = draw(st.lists(st.booleans(), min_size=9, max_size=9))
    return steps, (kind, extras), sizes, flags, draw(st.integers(0, 2**31))


def build(steps, kind):
    """The function of a program, and its weight."""
    kind, extras = kind
    weight = mg.tensor(np.random.default_rng(5).standard_normal((4, 4)).astype(np.float32))
    weight.requires_grad_()
    make, settings = (optim.SGD, {"momentum": 0.9}) if "momentum" in extras else (optim.Adam, {})
    optimizer, mean = make([weight], lr=0.01, **settings), mg.zeros(4, 4)
    schedule = optim.lr_scheduler.ExponentialLR(optimizer, 0.9)

    def forward(x, factor, doubled):
        values = [x, x * weight[3]]
        if doubled:
            values.append(x + x)
        for name, i, j in steps:
            a, b = values[i % len(values)], values[j % len(values)]
            values.append(OPERATIONS[name](a, b, weight, factor))
        return values[-1]

    def step(x, factor, doubled):
        out = forward(x, factor, doubled)
        loss = (out * out).sum()
        for _ in range((1 + ("twice" in extras)) * loss.requires_grad):
            (loss / 2 if "half" in extras else loss).backward(retain_graph=True)
        if "clip" in extras and weight.grad is not None:
            nn.utils.clip_grad_norm_([weight], factor)
        if kind == "step":
            optimizer.step()
        if "schedule" in extras:
            schedule.step()
        if "mean" in extras:
            with mg.no_grad():
                mean.mul_(0.9).add_(weight, alpha=0.1)
        return loss if "item" in extras else out

    def run(x, factor, doubled):
        if kind in ("value", "gradient"):
            out = forward(x, factor, doubled)
            if kind == "value" or not out.requires_grad:
                return out.detach()
            (out * out).sum().backward()
            grad, weight.grad = weight.grad, None
            return grad
        if "rate" in extras:
            optimizer.param_groups[0]["lr"] = factor / 100
        if kind == "step":
            optimizer.zero_grad(set_to_none="zeros" not in extras)
        out = step(x, factor, doubled)
        if "item" in extras:
            return out.item()
        return out.detach()

    return run, weight, mean


def compare(program, calls):
    """Call a program and its compiled twin with inputs of these sizes and flags; the compiled one.

    What they return, the weight and its gradient, and the next random number must have equal bits.
    """
    steps, kind, _, _, seed = program
    twins = [build(steps, kind), build(steps, kind)]
    compiled = mg.compile(twins[1][0])
    rng = np.random.default_rng(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for call, (n, flag) in enumerate(calls):
            data = rng.standard_normal((n, 4)).astype(np.float32)
            found = []
            for function, (_, weight, mean) in zip((twins[0][0], compiled), twins, strict=True):
                mg.manual_seed(call)
                out = function(mg.tensor(data), 0.5 + call % 3, flag)
                out = repr(out) if isinstance(out, float) else bits(out)
                found.append((out, *map(bits, (weight, weight.grad, mean, mg.rand(1)))))
            assert found[0] == found[1], call
    return compiled


@settings(
    max_examples=COUNT, deadline=None, database=None, derandomize=COUNT < 100,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(programs())
def test_drawn_programs(program):
    _, _, sizes, flags, _ = program
    note(compare(program, [(n, flags[call % 9]) for call, n in enumerate([*sizes, *sizes])]))


COUNTED = collections.Counter()
REASONS = collections.Counter()


def note(compiled):
    """Count what became of the calls of a program."""
    broken = [case.broken for case in compiled.cases.values() if case.broken is not None]
    COUNTED.update(
        programs=1, calls=compiled.calls, replays=compiled.replays,
        recordings=compiled.recordings, **{"with replays": compiled.replays > 0},
        broken=bool(broken),
    )  # fmt: skip
    REASONS.update({str(reason).partition(" (")[0] for reason in broken})


def test_most_drawn_programs_are_replayed():
    """Six to nine sizes and two flags are up to six kinds of arguments in at most 18 calls."""
    print(f"\n{dict(COUNTED)}", *REASONS.most_common(9), sep="\n")
    assert COUNTED["with replays"] >= 0.8 * COUNTED["programs"]
    assert COUNTED["broken"] <= 0.1 * COUNTED["programs"]
