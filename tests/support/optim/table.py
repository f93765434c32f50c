"""Every optimizer once, with its settings: what the property tests of optimizers are drawn from."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from hypothesis import strategies as st

from minigrad import optim
from minigrad.tensor.creation import from_numpy
from tests.support.optim import references

SHAPES = [(3, 4), (7,), (), (0, 3), (2, 3, 2)]
MATRICES = [(3, 4), (5, 2), (1, 1)]
# Over the ranges that are legal, as far as they make sense.
rates = st.sampled_from([0, 1e-4, 0.3]) | st.floats(0, 5)
lrs = rates | st.sampled_from([1e-12, 1e3])
decays = rates
epsilons = st.sampled_from([0, 1e-30, 1e-10, 1e-8, 0.5]) | st.floats(1e-12, 9)
below_one = st.sampled_from([0.0, 0.9, 0.999]) | st.floats(0, 0.9999)
# Between 0 and 1e-3 there are betas of which torch's `lerp` by 1 - beta keeps no digit.
kept = st.sampled_from([0.0, 0.9]) | st.floats(1e-3, 0.9999)
betas = st.tuples(kept, below_one)
inner_betas = st.tuples(st.floats(0.01, 0.99), st.floats(0.01, 0.9999))
flags = st.booleans()


def options(**drawn: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(drawn)


class Case(NamedTuple):
    """An optimizer, PyTorch's class or a function that does the same, and its settings."""

    ours: type[optim.Optimizer]
    reference: Callable[..., Any]
    options: st.SearchStrategy[dict[str, Any]]
    elementwise: bool = True  # whether elements know nothing of each other
    moves_along: bool = True  # whether it goes the same way from everywhere, without weight decay
    not_numbers: bool = True  # whether infinite and nan gradients do as in the reference
    shapes: Sequence[tuple[int, ...]] = SHAPES


TABLE = {
    "SGD": Case(
        optim.SGD,
        torch.optim.SGD,
        options(lr=lrs, weight_decay=decays)
        | options(lr=lrs, momentum=st.floats(0.01, 1.5), dampening=st.floats(-1, 1))
        | options(lr=lrs, momentum=st.floats(0.01, 1), weight_decay=decays, nesterov=st.just(True)),
    ),
    "Adam": Case(
        optim.Adam,
        torch.optim.Adam,
        options(
            lr=lrs,
            betas=betas,
            eps=epsilons,
            weight_decay=decays,
            amsgrad=flags,
            decoupled_weight_decay=flags,
        ),
    ),
    "AdamW": Case(
        optim.AdamW,
        torch.optim.AdamW,
        options(lr=lrs, betas=betas, eps=epsilons, weight_decay=decays, amsgrad=flags),
    ),
    "Adamax": Case(
        optim.Adamax,
        torch.optim.Adamax,
        options(lr=lrs, betas=betas, eps=epsilons, weight_decay=decays),
    ),
    "NAdam": Case(
        optim.NAdam,
        torch.optim.NAdam,
        options(
            lr=lrs,
            betas=betas,
            eps=epsilons,
            weight_decay=decays,
            momentum_decay=rates,
            decoupled_weight_decay=flags,
        ),
    ),
    "RAdam": Case(
        optim.RAdam,
        torch.optim.RAdam,
        options(
            lr=lrs, betas=betas, eps=epsilons, weight_decay=decays, decoupled_weight_decay=flags
        ),
    ),
    "Adagrad": Case(
        optim.Adagrad,
        torch.optim.Adagrad,
        options(
            lr=lrs,
            lr_decay=rates,
            weight_decay=decays,
            initial_accumulator_value=st.floats(0, 3),
            eps=epsilons,
        ),
    ),
    "Adadelta": Case(
        optim.Adadelta,
        torch.optim.Adadelta,
        options(lr=lrs, rho=st.floats(0, 1) | st.just(0.9), eps=epsilons, weight_decay=decays),
    ),
    "RMSprop": Case(
        optim.RMSprop,
        torch.optim.RMSprop,
        options(
            lr=lrs,
            alpha=st.floats(0.1, 0.9999),
            eps=epsilons,
            weight_decay=decays,
            momentum=st.sampled_from([0, 0.5, 0.9]) | st.floats(0.01, 1.2),
            centered=flags,
        ),
    ),
    "Rprop": Case(
        optim.Rprop,
        torch.optim.Rprop,
        options(
            lr=lrs,
            etas=st.tuples(st.floats(0.01, 0.99), st.floats(1.01, 9)),
            step_sizes=st.tuples(st.floats(0, 0.1), st.floats(0.2, 99)),
        ),
        not_numbers=False,  # torch counts the sign of nan as 0
    ),
    "ASGD": Case(
        optim.ASGD,
        torch.optim.ASGD,
        options(
            lr=lrs,
            lambd=st.floats(0, 0.1),
            alpha=st.floats(0, 1),
            t0=st.integers(0, 20),
            weight_decay=decays,
        ),
    ),
    "Lion": Case(
        optim.Lion,
        references.Lion,
        options(lr=lrs, betas=betas, weight_decay=st.floats(0, 1)),
        not_numbers=False,
    ),
    "ADOPT": Case(
        optim.ADOPT,
        references.ADOPT,
        options(
            lr=lrs, betas=betas, eps=epsilons, weight_decay=decays, decoupled_weight_decay=flags
        ),
    ),
    "SGDScheduleFree": Case(
        optim.SGDScheduleFree,
        references.SGDScheduleFree,
        options(
            lr=lrs,
            momentum=st.floats(0.01, 0.99),
            weight_decay=decays,
            warmup_steps=st.integers(0, 9),
            r=st.sampled_from([0, 0.5, 2]),
            weight_lr_power=st.sampled_from([0, 1, 2]),
        ),
    ),
    "AdamWScheduleFree": Case(
        optim.AdamWScheduleFree,
        references.AdamWScheduleFree,
        options(
            lr=lrs,
            betas=inner_betas,
            eps=epsilons,
            weight_decay=decays,
            warmup_steps=st.integers(0, 9),
            r=st.sampled_from([0, 0.5, 2]),
            weight_lr_power=st.sampled_from([0, 1, 2]),
        ),
    ),
    "LARS": Case(
        optim.LARS,
        references.LARS,
        options(
            lr=lrs,
            momentum=st.floats(0, 1),
            weight_decay=st.floats(0, 1),
            trust_coefficient=st.floats(0, 1),
            eps=st.floats(0, 1),
        ),
        elementwise=False,
        moves_along=False,
    ),
    "LAMB": Case(
        optim.LAMB,
        references.LAMB,
        options(lr=lrs, betas=betas, eps=epsilons, weight_decay=st.floats(0, 1)),
        elementwise=False,
        moves_along=False,
    ),
    # The others are ordinary code over arrays; test_array_optimizers.py has LBFGS, which needs a
    # loss.
    "Adafactor": Case(
        optim.Adafactor,
        torch.optim.Adafactor,
        options(
            lr=st.floats(0, 1),
            beta2_decay=st.floats(-2, 0),
            eps=st.tuples(st.none() | st.floats(1e-12, 0.1), st.floats(0, 0.1)),
            d=st.floats(1, 3),
            weight_decay=st.floats(0, 1),
        ),
        elementwise=False,
        moves_along=False,
        not_numbers=False,
        shapes=[shape for shape in SHAPES if 0 not in shape],
    ),
    "Muon": Case(
        optim.Muon,
        torch.optim.Muon,
        options(
            lr=st.floats(0, 1),
            weight_decay=st.floats(0, 1),
            momentum=kept | st.just(1.0),
            nesterov=flags,
            ns_steps=st.integers(0, 6),
            adjust_lr_fn=st.sampled_from([None, "original", "match_rms_adamw"]),
        ),
        elementwise=False,
        not_numbers=False,
        shapes=MATRICES,
    ),
}

# Where a step is not PyTorch's to the last digits, or a class behaves otherwise, and why.  Apart
# from these, 50 steps in float64 agree to 1e-12: test_every_rule.py, test_trajectories.py.
DEVIATIONS = {
    "all rules": "torch's lerp by 1 - beta keeps no digit of a beta below 1e-16 and makes nan of "
    "an infinite mean; the formula as it stands does neither",
    "Optimizer": "a parameter that stands twice is an error, since it would be updated twice; a "
    "state is matched by names where there are names, so that it goes to the right parameter",
    "RuleOptimizer": "differentiable and capturable are refused: steps are kernels, on the CPU; "
    "what is no hyper-parameter is named in a call, since every rule has its own order of them",
    "Adafactor": "an empty parameter is left as it is, where torch divides by zero",
    "Adagrad": "its state is made in the first step, as every other state",
    "AdamW": "no subclass of Adam, since it is a rule of its own",
    "ASGD": "eta and mu are float64 always, since float32 loses digits that every step multiplies",
    "NAdam": "mu_product is float64 always, since float32 loses digits that every step multiplies",
    "Rprop": "a nan gradient makes the parameter nan, since hiding it helps nobody",
    "Muon": "iterates in the parameter's dtype, since a CPU gains nothing by bfloat16",
    "LBFGS": "as in torch, but a line search amplifies rounding, 1e-8 where the loss changes in "
    "each of 50 steps; counts that make no sense are refused when it is made",
    "SparseAdam": "not there, since there are no sparse tensors",
}

EXTREMES = np.array([0.0, -0.0, 1e-30, -1e30, 1e4, np.inf, np.nan])


class Run(NamedTuple):
    """Parameters, gradients for each step (None where one is absent), and settings.

    The last `apart` of the parameters are a group of their own, at the rate `lr`.
    """

    start: list[np.ndarray]
    gradients: list[list[np.ndarray | None]]
    options: dict[str, Any]
    apart: int
    lr: float

    def groups(self, params):
        first = len(params) - self.apart
        groups = [{"params": params[:first]}, {"params": params[first:], "lr": self.lr}]
        return [group for group in groups if group["params"]]

    def settings(self, k):
        """The settings of parameter number k."""
        is_apart = k >= len(self.start) - self.apart
        return self.options | ({"lr": self.lr} if is_apart else {})


def random_arrays(rng, dtype="float64", shapes=SHAPES):
    return [np.asarray(rng.standard_normal(shape)).astype(dtype) for shape in shapes]


@st.composite
def runs(draw, name: str) -> Run:
    """A run of some optimizer: gradients absent here and there, extremes among them in one step."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    shapes = draw(st.lists(st.sampled_from(TABLE[name].shapes), min_size=1, max_size=4))
    steps = draw(st.integers(1, 50))
    gradients: list[list[Any]] = [random_arrays(rng, shapes=shapes) for _ in range(steps)]
    extreme = draw(st.integers(0, 2 * steps))  # in every other run
    extremes = EXTREMES if TABLE[name].not_numbers else EXTREMES[np.isfinite(EXTREMES)]
    for k, step in enumerate(gradients):
        for n, g in enumerate(step):
            if k == extreme:
                step[n] = np.where(rng.random(g.shape) < 0.5, rng.choice(extremes, g.shape), g)
            if rng.random() < 0.1:
                step[n] = None
    return Run(
        random_arrays(rng, shapes=shapes),
        gradients,
        draw(TABLE[name].options),
        apart=draw(st.integers(0, len(shapes))),
        lr=draw(lrs),
    )


def parameters(arrays):
    return [from_numpy(np.array(a)).requires_grad_() for a in arrays]


def torch_parameters(arrays):
    return [torch.from_numpy(a.copy()).requires_grad_() for a in arrays]


def set_gradients(params, gradients):
    for p, g in zip(params, gradients, strict=True):
        wrap = torch.from_numpy if isinstance(p, torch.Tensor) else from_numpy
        p.grad = None if g is None else wrap(np.array(g))


def numbers(tensors):
    return [t.detach().numpy().copy() for t in tensors]
