"""Schedules of the learning rate: rates, states, combinations and warnings."""

import copy
import json
import pickle
import warnings

import pytest


def optimizer(torch, lr=1.0, groups=1):
    params = [{"params": [torch.nn.Parameter(torch.ones(1))]} for _ in range(groups)]
    return torch.optim.SGD(params, lr=lr, momentum=0.9)


MAKERS = {
    "LambdaLR": lambda s, o: s.LambdaLR(o, lambda epoch: 0.9**epoch),
    "MultiplicativeLR": lambda s, o: s.MultiplicativeLR(o, lambda epoch: 0.9),
    "StepLR": lambda s, o: s.StepLR(o, 2, gamma=0.5),
    "MultiStepLR": lambda s, o: s.MultiStepLR(o, [2, 3, 3, 7], gamma=0.5),
    "ConstantLR": lambda s, o: s.ConstantLR(o, 0.5, total_iters=3),
    "LinearLR": lambda s, o: s.LinearLR(o, 0.25, total_iters=4),
    "ExponentialLR": lambda s, o: s.ExponentialLR(o, 0.9),
    "PolynomialLR": lambda s, o: s.PolynomialLR(o, 4, power=2.0),
    "CosineAnnealingLR": lambda s, o: s.CosineAnnealingLR(o, 5, eta_min=0.1),
    "CosineAnnealingWarmRestarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, 3, T_mult=2),
    "CyclicLR": lambda s, o: s.CyclicLR(o, 0.1, 1.0, step_size_up=3),
    "OneCycleLR": lambda s, o: s.OneCycleLR(o, 1.0, total_steps=12),
    "ChainedScheduler": lambda s, o: s.ChainedScheduler(
        [s.ConstantLR(o, 0.5, total_iters=2), s.ExponentialLR(o, 0.9)], optimizer=o
    ),
    "SequentialLR": lambda s, o: s.SequentialLR(
        o, [s.ConstantLR(o, 0.5, total_iters=9), s.ExponentialLR(o, 0.9)], milestones=[3]
    ),
    "ReduceLROnPlateau": lambda s, o: s.ReduceLROnPlateau(o, patience=1),
}


def made(torch, name, lr=1.0):
    o = optimizer(torch, lr)
    scheduler = MAKERS[name](torch.optim.lr_scheduler, o)
    o.step()
    return o, scheduler


def rates(o, scheduler, steps):
    found = []
    for _ in range(steps):
        metric = (1.0,) if type(scheduler).__name__ == "ReduceLROnPlateau" else ()
        scheduler.step(*metric)
        found.append(o.param_groups[0]["lr"])
    return found


# --- states ---------------------------------------------------------------------------------------


def check_every_schedule_resumes_from_its_state(torch):
    for name in MAKERS:
        o, scheduler = made(torch, name)
        rates(o, scheduler, 3)
        state, saved = copy.deepcopy(scheduler.state_dict()), copy.deepcopy(o.state_dict())
        wanted = rates(o, scheduler, 6)
        o2, other = made(torch, name)
        o2.load_state_dict(saved)
        other.load_state_dict(state)
        assert other.last_epoch == state["last_epoch"] if "last_epoch" in state else True
        assert rates(o2, other, 6) == wanted, name


def check_states_hold_no_optimizer(torch):
    for name in MAKERS:
        assert "optimizer" not in made(torch, name)[1].state_dict()


def check_states_are_pickled(torch):
    for name in MAKERS:
        state = made(torch, name)[1].state_dict()
        assert pickle.loads(pickle.dumps(state)).keys() == state.keys()


def check_a_state_has_torchs_keys(torch):
    assert set(made(torch, "StepLR")[1].state_dict()) >= {
        "step_size", "gamma", "base_lrs", "last_epoch", "_step_count", "_last_lr",
    }  # fmt: skip


def check_milestones_are_counted(torch):
    state = made(torch, "MultiStepLR")[1].state_dict()
    assert dict(state["milestones"]) == {2: 1, 3: 2, 7: 1}
    assert state["milestones"].total() == 4


def check_a_callable_object_is_saved_by_its_fields(torch):
    class Decay:
        def __init__(self, rate):
            self.rate = rate

        def __call__(self, epoch):
            return self.rate**epoch

    o = optimizer(torch)
    state = torch.optim.lr_scheduler.LambdaLR(o, Decay(0.5)).state_dict()
    assert state["lr_lambdas"] == [{"rate": 0.5}]
    other = torch.optim.lr_scheduler.LambdaLR(optimizer(torch), Decay(0.9))
    other.load_state_dict(state)
    assert other.lr_lambdas[0].rate == 0.5
    assert "lr_lambdas" in state


def check_a_function_is_not_saved(torch):
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer(torch), lambda epoch: 0.5)
    assert scheduler.state_dict()["lr_lambdas"] == [None]


def check_chained_states_have_the_states_of_their_parts(torch):
    state = made(torch, "ChainedScheduler")[1].state_dict()
    assert [s["last_epoch"] for s in state["_schedulers"]] == [0, 0]


def check_loading_leaves_the_given_state_alone(torch):
    _, scheduler = made(torch, "SequentialLR")
    state = scheduler.state_dict()
    before = copy.deepcopy(state)
    scheduler.load_state_dict(state)
    assert state.keys() == before.keys()


# --- rates ----------------------------------------------------------------------------------------


def check_get_last_lr_gives_what_was_set(torch):
    for name in MAKERS:
        o, scheduler = made(torch, name)
        rates(o, scheduler, 2)
        assert scheduler.get_last_lr() == [o.param_groups[0]["lr"]]


def check_last_epoch_counts_from_zero(torch):
    o, scheduler = made(torch, "StepLR")
    assert scheduler.last_epoch == 0
    rates(o, scheduler, 2)
    assert scheduler.last_epoch == 2


def check_initial_rates_are_put_into_groups(torch):
    o, scheduler = made(torch, "LinearLR", lr=0.8)
    assert o.param_groups[0]["initial_lr"] == 0.8
    assert o.param_groups[0]["lr"] == 0.2
    assert scheduler.base_lrs == [0.8]


def check_resuming_needs_initial_rates(torch):
    with pytest.raises(KeyError, match="initial_lr"):
        torch.optim.lr_scheduler.StepLR(optimizer(torch), 1, last_epoch=3)


def check_groups_have_rates_of_their_own(torch):
    o = optimizer(torch, groups=2)
    scheduler = torch.optim.lr_scheduler.LambdaLR(o, [lambda e: 0.5**e, lambda e: 0.1**e])
    o.step()
    scheduler.step()
    assert [g["lr"] for g in o.param_groups] == [0.5, 0.1]


def check_as_many_functions_as_groups(torch):
    with pytest.raises(ValueError, match=r"Expected 1 lr_lambdas?, but got 2|same length"):
        torch.optim.lr_scheduler.LambdaLR(optimizer(torch), [lambda e: 1, lambda e: 1])


def check_a_tensor_rate_keeps_its_identity(torch):
    lr = torch.tensor(1.0)
    o = optimizer(torch, lr)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(o, 0.5)
    o.step()
    scheduler.step()
    assert o.param_groups[0]["lr"] is lr
    assert lr.item() == 0.5


def check_a_schedule_of_a_user(torch):
    class Root(torch.optim.lr_scheduler.LRScheduler):
        def __init__(self, optimizer, power, last_epoch=-1):
            self.power = power
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            return [base / (1 + self.last_epoch) ** self.power for base in self.base_lrs]

    o = optimizer(torch)
    scheduler = Root(o, 0.5)
    o.step()
    scheduler.step()
    assert abs(o.param_groups[0]["lr"] - 2**-0.5) < 1e-12
    assert scheduler.state_dict()["power"] == 0.5


def check_the_older_name_of_the_base_class(torch):
    s = torch.optim.lr_scheduler
    assert issubclass(s.StepLR, s.LRScheduler)
    assert issubclass(s._LRScheduler, s.LRScheduler)
    assert isinstance(made(torch, "ReduceLROnPlateau")[1], s.LRScheduler)


def check_what_is_no_optimizer_is_refused(torch):
    with pytest.raises(TypeError, match="is not an Optimizer"):
        torch.optim.lr_scheduler.StepLR(3, 1)


def check_chained_schedules_multiply(torch):
    o, scheduler = made(torch, "ChainedScheduler")
    assert rates(o, scheduler, 3) == pytest.approx([0.45, 0.81, 0.729])


def check_sequential_schedules_take_over(torch):
    o, scheduler = made(torch, "SequentialLR")
    assert o.param_groups[0]["lr"] == 0.5
    assert rates(o, scheduler, 5) == pytest.approx([0.5, 0.5, 1.0, 0.9, 0.81])


def check_sequential_milestones_fit_the_schedules(torch):
    o = optimizer(torch)
    s = torch.optim.lr_scheduler
    with pytest.raises(ValueError, match="one more than the number of milestone"):
        s.SequentialLR(o, [s.StepLR(o, 1)], milestones=[1])


def check_parts_belong_to_one_optimizer(torch):
    s = torch.optim.lr_scheduler
    with pytest.raises(ValueError, match="same optimizer"):
        s.ChainedScheduler([s.StepLR(optimizer(torch), 1), s.StepLR(optimizer(torch), 1)])


def check_a_plateau_lowers_the_rate(torch):
    o, scheduler = made(torch, "ReduceLROnPlateau")
    for metric in (1.0, 0.9, 0.9, 0.9, 0.9):
        scheduler.step(metric)
    assert o.param_groups[0]["lr"] == pytest.approx(0.1)
    scheduler.step(torch.tensor(0.1))
    assert scheduler.best == pytest.approx(0.1)


def check_a_plateau_needs_a_metric(torch):
    with pytest.raises(TypeError):
        made(torch, "ReduceLROnPlateau")[1].step()
    with pytest.raises(ValueError, match="mode wrong is unknown"):
        torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer(torch), mode="wrong")


def check_one_cycle_ends_after_its_steps(torch):
    o = optimizer(torch)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(o, 1.0, total_steps=3)
    o.step()
    for _ in range(3):
        scheduler.step()
    with pytest.raises(ValueError, match=r"Tried to step 4 times. The specified number"):
        scheduler.step()


def check_cycles_turn_momentum_the_other_way(torch):
    o, scheduler = made(torch, "CyclicLR")
    assert o.param_groups[0]["momentum"] == 0.9
    rates(o, scheduler, 3)
    assert o.param_groups[0]["momentum"] == pytest.approx(0.8)


# --- warnings -------------------------------------------------------------------------------------


def check_a_schedule_before_the_optimizer_warns(torch):
    o = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=1.0)
    scheduler = torch.optim.lr_scheduler.StepLR(o, 1)
    with pytest.warns(UserWarning, match=r"`lr_scheduler.step\(\)` before `optimizer.step\(\)`"):
        scheduler.step()


def check_a_schedule_after_the_optimizer_is_silent(torch):
    o, scheduler = made(torch, "StepLR")
    o.step()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scheduler.step()


def check_an_epoch_argument_is_deprecated(torch):
    o, scheduler = made(torch, "StepLR")
    with pytest.warns(UserWarning, match="epoch parameter"):
        scheduler.step(4)
    assert scheduler.last_epoch == 4
    assert o.param_groups[0]["lr"] == 0.25


# --- copies ---------------------------------------------------------------------------------------


def check_schedules_are_copied_with_their_optimizer(torch):
    o, scheduler = made(torch, "StepLR")
    o2, twin = copy.deepcopy((o, scheduler))
    assert twin.optimizer is o2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rates(o2, twin, 2)
    assert (o.param_groups[0]["lr"], o2.param_groups[0]["lr"]) == (1.0, 0.5)


def check_schedules_are_pickled(torch):
    _, scheduler = made(torch, "CosineAnnealingLR")
    twin = pickle.loads(pickle.dumps(scheduler))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert rates(twin.optimizer, twin, 2) == rates(scheduler.optimizer, scheduler, 2)


def check_plain_states_survive_json(torch):
    for name in ("StepLR", "ExponentialLR", "CosineAnnealingLR", "LinearLR", "PolynomialLR"):
        o, scheduler = made(torch, name)
        rates(o, scheduler, 2)
        state = json.loads(json.dumps(scheduler.state_dict()))
        _, other = made(torch, name)
        other.load_state_dict(state)
        assert other.last_epoch == 2
