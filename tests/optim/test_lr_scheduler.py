"""Schedules set the rates that PyTorch's set, step by step."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import optim
from minigrad.optim import swa_utils

factors = st.floats(0.1, 1.5)
small = st.integers(1, 8)


def args(**drawn):
    return st.fixed_dictionaries(drawn)


def by_epoch(base):
    return lambda epoch: base**epoch


functions = st.builds(by_epoch, st.floats(0.5, 1.2))

ARGUMENTS = {
    "LambdaLR": args(lr_lambda=functions | st.lists(functions, min_size=2, max_size=2)),
    "MultiplicativeLR": args(lr_lambda=functions),
    "StepLR": args(step_size=small, gamma=factors),
    "MultiStepLR": args(milestones=st.lists(st.integers(0, 20), max_size=4), gamma=factors),
    "ConstantLR": args(factor=st.floats(0.1, 1), total_iters=small),
    "LinearLR": args(
        start_factor=st.floats(0.1, 1), end_factor=st.floats(0.1, 1), total_iters=small
    ),
    "ExponentialLR": args(gamma=factors),
    "PolynomialLR": args(total_iters=small, power=st.floats(0.1, 3)),
    "CosineAnnealingLR": args(T_max=small, eta_min=st.floats(0, 0.1)),
    "CosineAnnealingWarmRestarts": args(
        T_0=small, T_mult=st.integers(1, 3), eta_min=st.floats(0, 0.1)
    ),
    "CyclicLR": args(
        base_lr=st.floats(0, 0.1),
        max_lr=st.floats(0.2, 1) | st.just([0.5, 0.7]),
        step_size_up=small,
        step_size_down=st.none() | small,
        mode=st.sampled_from(["triangular", "triangular2", "exp_range"]),
        gamma=st.floats(0.5, 1),
        scale_fn=st.none() | functions,
        scale_mode=st.sampled_from(["cycle", "iterations"]),
        cycle_momentum=st.booleans(),
    ),
    "OneCycleLR": args(
        max_lr=st.floats(0.01, 1) | st.just([0.5, 0.7]),
        total_steps=st.integers(25, 60),
        pct_start=st.floats(0.2, 0.4),
        anneal_strategy=st.sampled_from(["cos", "linear"]),
        cycle_momentum=st.booleans(),
        div_factor=st.floats(1, 30),
        final_div_factor=st.floats(1, 1e4),
        three_phase=st.booleans(),
    ),
    "SWALR": args(
        swa_lr=st.floats(0.001, 1),
        anneal_epochs=st.integers(0, 8),
        anneal_strategy=st.sampled_from(["cos", "linear"]),
    ),
}
OPTIMIZERS = [("SGD", {"momentum": 0.9}), ("Adam", {})]
every_schedule = pytest.mark.parametrize("name", ARGUMENTS)


def optimizer_of(library, kind=OPTIMIZERS[0]):
    name, options = kind
    params = [library.ones(1).requires_grad_() for _ in range(2)]
    groups = [{"params": params[0]}, {"params": params[1], "lr": 0.3}]
    optimizer = getattr(library.optim, name)(groups, lr=0.1, **options)
    optimizer.step()
    return optimizer


def schedule_of(library, name, optimizer, options):
    module = library.optim.swa_utils if name == "SWALR" else library.optim.lr_scheduler
    return getattr(module, name)(optimizer, **options)


def assert_same_settings(mine, theirs):
    for group, expected in zip(mine.param_groups, theirs.param_groups, strict=True):
        for key in ("lr", "momentum", "betas", "initial_lr"):
            if key in expected:
                np.testing.assert_allclose(group[key], expected[key], rtol=1e-12, atol=1e-15)


def test_every_schedule_of_torch_is_tested():
    others = {"SequentialLR", "ChainedScheduler", "ReduceLROnPlateau", "LRScheduler"}
    assert set(torch.optim.lr_scheduler.__all__) - others == ARGUMENTS.keys() - {"SWALR"}
    assert set(torch.optim.lr_scheduler.__all__) == set(optim.lr_scheduler.__all__)
    assert all(hasattr(swa_utils, name) for name in torch.optim.swa_utils.__all__)


@every_schedule
@settings(max_examples=40)
@given(st.data(), st.sampled_from(OPTIMIZERS))
def test_rates_and_momenta_are_torchs(name, data, kind):
    options = data.draw(ARGUMENTS[name])
    mine, theirs = optimizer_of(mg, kind), optimizer_of(torch, kind)
    ours = schedule_of(mg, name, mine, copy.copy(options))
    reference = schedule_of(torch, name, theirs, copy.copy(options))
    for _ in range(24):
        assert_same_settings(mine, theirs)
        np.testing.assert_allclose(ours.get_last_lr(), reference.get_last_lr(), rtol=1e-12)
        for part in (mine, theirs, ours, reference):
            part.step()


@every_schedule
@settings(max_examples=15)
@given(st.data(), st.integers(0, 12))
def test_a_schedule_saved_and_loaded_goes_on_as_it_would(name, data, middle):
    options = data.draw(ARGUMENTS[name])
    straight = optimizer_of(mg)
    schedule = schedule_of(mg, name, straight, options)
    for _ in range(middle):
        straight.step()
        schedule.step()
    resumed = optimizer_of(mg)
    other = schedule_of(mg, name, resumed, options)
    other.load_state_dict(copy.deepcopy(schedule.state_dict()))
    resumed.load_state_dict(straight.state_dict())
    for _ in range(8):
        for part in (straight, schedule, resumed, other):
            part.step()
        assert schedule.get_last_lr() == other.get_last_lr()


closed = ["StepLR", "MultiStepLR", "ConstantLR", "LinearLR", "ExponentialLR", "PolynomialLR"]


@pytest.mark.filterwarnings("ignore:The epoch parameter")
@pytest.mark.parametrize("name", [*closed, "CosineAnnealingLR", "CosineAnnealingWarmRestarts"])
@settings(max_examples=20)
@given(st.data(), st.lists(st.integers(0, 30), min_size=1, max_size=4))
def test_an_epoch_may_be_given(name, data, epochs):
    options = data.draw(ARGUMENTS[name])
    mine, theirs = optimizer_of(mg), optimizer_of(torch)
    ours, reference = (
        schedule_of(library, name, o, options) for library, o in ((mg, mine), (torch, theirs))
    )
    for epoch in epochs:
        mine.step()
        theirs.step()
        ours.step(epoch)
        reference.step(epoch)
        assert_same_settings(mine, theirs)


@settings(max_examples=60)
@given(
    args(
        mode=st.sampled_from(["min", "max"]),
        factor=st.floats(0.1, 0.9),
        patience=st.integers(0, 3),
        threshold=st.floats(0, 0.2),
        threshold_mode=st.sampled_from(["rel", "abs"]),
        cooldown=st.integers(0, 3),
        min_lr=st.floats(0, 0.1) | st.just([0.01, 0.2]),
    ),
    st.lists(st.floats(-2, 2) | st.just(float("nan")), max_size=30),
)
def test_a_plateau_is_found_where_torch_finds_it(options, metrics):
    mine, theirs = optimizer_of(mg), optimizer_of(torch)
    ours = optim.lr_scheduler.ReduceLROnPlateau(mine, **options)
    reference = torch.optim.lr_scheduler.ReduceLROnPlateau(theirs, **options)
    for k, metric in enumerate(metrics):
        ours.step(mg.tensor(metric, dtype=mg.float64))
        reference.step(metric)
        assert_same_settings(mine, theirs)
        assert ours.num_bad_epochs == reference.num_bad_epochs
        if k == 5:
            fresh = optim.lr_scheduler.ReduceLROnPlateau(mine)
            fresh.load_state_dict(ours.state_dict())
            ours = fresh


def sequential(library, optimizer):
    schedules = library.optim.lr_scheduler
    parts = [
        schedules.ConstantLR(optimizer, factor=0.1, total_iters=4),
        schedules.ExponentialLR(optimizer, gamma=0.9),
        schedules.CosineAnnealingWarmRestarts(optimizer, T_0=3),
    ]
    return schedules.SequentialLR(optimizer, parts, milestones=[3, 9])


def chained(library, optimizer):
    schedules = library.optim.lr_scheduler
    parts = [
        schedules.LinearLR(optimizer, total_iters=6),
        schedules.ExponentialLR(optimizer, gamma=0.8),
    ]
    return schedules.ChainedScheduler(parts)


@pytest.mark.parametrize("build", [sequential, chained])
@pytest.mark.parametrize("middle", [1, 5])
def test_combined_schedules_are_torchs_and_can_be_saved(build, middle):
    mine, theirs = optimizer_of(mg), optimizer_of(torch)
    ours, reference = build(mg, mine), build(torch, theirs)
    for k in range(15):
        assert_same_settings(mine, theirs)
        for part in (mine, theirs, ours, reference):
            part.step()
        assert ours.get_last_lr() == pytest.approx(reference.get_last_lr(), rel=1e-12)
        if k == middle:
            state, rates = copy.deepcopy(ours.state_dict()), mine.state_dict()
            mine = optimizer_of(mg)
            ours = build(mg, mine)
            ours.load_state_dict(state)
            mine.load_state_dict(rates)


def test_rates_that_are_tensors_change_in_place():
    lr = mg.tensor(0.5, dtype=mg.float64)
    optimizer = optim.SGD([mg.ones(1).requires_grad_()], lr=lr)
    optimizer.step()
    schedule = optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    schedule.step()
    assert lr.item() == 0.25
    assert optimizer.param_groups[0]["lr"] is lr


def test_a_schedule_ahead_of_its_optimizer_is_warned_of():
    optimizer = optim.SGD([mg.ones(1).requires_grad_()])
    schedule = optim.lr_scheduler.StepLR(optimizer, 3)
    with pytest.warns(UserWarning, match="before `optimizer.step"):
        schedule.step()


class Halving:
    """A callable with a field, which a saved state keeps."""

    def __init__(self):
        self.base = 0.5

    def __call__(self, epoch):
        return self.base**epoch


def test_callable_objects_are_saved_with_their_fields():
    optimizer = optimizer_of(mg)
    first, second = Halving(), Halving()
    first.base = 0.25
    saved = optim.lr_scheduler.LambdaLR(optimizer, first).state_dict()
    optim.lr_scheduler.LambdaLR(optimizer, second).load_state_dict(saved)
    assert second.base == 0.25


schedules = optim.lr_scheduler


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda o: schedules.StepLR(3, 1), TypeError, "int is not an Optimizer"),
        (lambda o: schedules.StepLR(o, 1, last_epoch=3), KeyError, "'initial_lr' is not specified"),
        (lambda o: schedules.LambdaLR(o, [abs]), ValueError, "1 values, there are 2 groups"),
        (lambda o: schedules.MultiplicativeLR(o, 0.5), TypeError, "a function, but got float"),
        (lambda o: schedules.ConstantLR(o, factor=2), ValueError, "between 0 and 1, got 2"),
        (lambda o: schedules.LinearLR(o, start_factor=0), ValueError, "greater than 0 .* got 0"),
        (lambda o: schedules.LinearLR(o, end_factor=-1), ValueError, "Ending .* got -1"),
        (lambda o: schedules.CosineAnnealingWarmRestarts(o, 0), ValueError, "T_0, but got 0"),
        (lambda o: schedules.CosineAnnealingWarmRestarts(o, 1, 0), ValueError, "T_mult >= 1"),
        (lambda o: schedules.CyclicLR(o, 0, 1, mode="no"), ValueError, "got mode 'no'"),
        (lambda o: schedules.OneCycleLR(o, 1), ValueError, "either total_steps OR"),
        (lambda o: schedules.OneCycleLR(o, 1, 0), ValueError, "total_steps, but got 0"),
        (lambda o: schedules.OneCycleLR(o, 1, 9, pct_start=2), ValueError, "pct_start, but got 2"),
        (lambda o: schedules.OneCycleLR(o, 1, 9, anneal_strategy="no"), ValueError, "got no"),
        (lambda o: schedules.ReduceLROnPlateau(o, factor=1), ValueError, "< 1.0, got 1"),
        (lambda o: schedules.ReduceLROnPlateau(o, mode="no"), ValueError, "mode no is unknown"),
        (lambda o: schedules.ReduceLROnPlateau(o, min_lr=[0]), ValueError, "2 min_lrs, got 1"),
        (lambda o: schedules.SequentialLR(o, [], []), ValueError, "got no scheduler"),
        (
            lambda o: schedules.SequentialLR(o, [schedules.StepLR(o, 1)], [2]), ValueError,
            "1 schedulers and 1 milestones",
        ),
        (
            lambda o: schedules.ChainedScheduler([schedules.ReduceLROnPlateau(o)]), ValueError,
            "needs a metric, but got one at index 0",
        ),
        (lambda o: schedules.ChainedScheduler([3]), TypeError, "got int at index 0"),
        (
            lambda o: schedules.ChainedScheduler([schedules.StepLR(o, 1)], optimizer_of(mg)),
            ValueError, "belongs to another",
        ),
        (lambda o: schedules.OneCycleLR(optim.Adagrad([mg.ones(1)]), 1, 9), ValueError, "beta1"),
        (lambda o: swa_utils.SWALR(o, 1, anneal_epochs=-1), ValueError, "got -1"),
    ],
)  # fmt: skip
def test_mistakes_are_refused_in_words(make, error, words):
    optimizer = optimizer_of(mg)
    with pytest.raises(error, match=words):
        make(optimizer)
    assert [group["lr"] for group in optimizer.param_groups] == [0.1, 0.3]


def test_one_step_too_many_of_a_cycle():
    optimizer = optimizer_of(mg)
    schedule = schedules.OneCycleLR(optimizer, 1.0, total_steps=3)
    for _ in range(3):
        schedule.step()
    with pytest.raises(ValueError, match="Tried to step 4 times"):
        schedule.step()
