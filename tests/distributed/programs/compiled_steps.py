"""Compiled steps that exchange gradients: the bits of the steps themselves, or a reason why not."""

import warnings

import pytest

import minigrad as mg
import minigrad.distributed as dist
from minigrad import nn
from minigrad.nn.parallel import DistributedDataParallel

F = nn.functional
STEPS = 8


def network():
    return nn.Sequential(
        nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 3)
    )


def trained(rank, how, sizes, **options):
    """The state after some steps, and what was compiled; `how` is what is compiled, or ""."""
    mg.manual_seed(0)
    module = network()
    model = DistributedDataParallel(
        mg.compile(module) if how == "module" else module, bucket_cap_mb=1e-4, **options
    )
    called = compiled = mg.compile(model) if how == "model" else model
    optimizer = mg.optim.AdamW(model.parameters(), lr=0.01)

    def step(x, y):
        optimizer.zero_grad()
        loss = F.cross_entropy(called(x), y)
        loss.backward()
        optimizer.step()
        return loss

    if how == "step":
        step = compiled = mg.compile(step)
    mg.manual_seed(100 + rank)
    losses = [step(mg.randn(n, 6), mg.randint(0, 3, (n,))).item() for n in sizes]
    if how == "module":
        compiled = model.module
    state = {name: t.numpy().tobytes() for name, t in module.state_dict().items()}
    return (losses, state), getattr(compiled, "compiled", compiled)


def assert_same_on_all_ranks(state, size):
    found = [None] * size
    weights = {name: value for name, value in state.items() if "running" not in name}
    dist.all_gather_object(found, weights)  # statistics are shared at the next forward
    assert all(other == found[0] for other in found)


def check_compiled_steps_have_the_same_bits(rank, size):
    for options in ({}, {"gradient_as_bucket_view": True}, {"broadcast_buffers": False}):
        expected, _ = trained(rank, "", [4] * STEPS, **options)
        for how in ("step", "model", "module"):
            found, compiled = trained(rank, how, [4] * STEPS, **options)
            assert found == expected, (how, options)
            assert compiled.replays >= STEPS - 5, (how, options, compiled.explain())
        if not options:
            assert_same_on_all_ranks(expected[1], size)


def check_ranks_may_replay_different_plans(rank, size):
    """A batch of another size is recorded on one rank, while the others replay."""
    sizes = [4, 4, 4, 4, 5 if rank == 0 else 4, 4, 6 if rank == size - 1 else 4, 5, 4, 4]
    expected, _ = trained(rank, "", sizes)
    found, compiled = trained(rank, "step", sizes)
    assert found == expected
    assert compiled.replays >= 2


def check_gradients_are_exchanged_as_tasks_of_the_step(rank, size):
    """Buckets are begun between the rules of the backward pass, and ended after the last."""
    _, compiled = trained(rank, "step", [4] * STEPS)
    (plan,) = [p for case in compiled.cases.values() for p in case.plans if p.replays]
    lines = plan.writer.text.splitlines()
    exchanges = [i for i, line in enumerate(lines) if "repeated[" in line]
    # The buffers, the preparation, four buckets, the end of their exchanges, and the optimizer.
    assert len(exchanges) == 1 + 1 + 4 + 1 + 1, plan.writer.text
    begun = exchanges[2:-2]
    assert begun[-1] - begun[0] > 20, plan.writer.text


def check_what_a_step_cannot_repeat_is_named(rank, size):
    def mean_loss(model, x):
        loss = model(x).square().mean()
        loss.backward()
        dist.all_reduce(loss.detach())
        return loss

    def shards(model, x):
        for (part,) in model.shards(x):
            model(part).square().mean().backward()

    def plain(model, x):
        model(x).square().mean().backward()

    for function, options, exchange in (
        (mean_loss, {}, "all_reduce"),
        (shards, {"reduction": "fixed", "shard_size": 2}, "all_gather"),
        (plain, {"find_unused_parameters": True}, "all_reduce"),
    ):
        mg.manual_seed(0)
        models = [DistributedDataParallel(nn.Linear(3, 2), **options) for _ in range(2)]
        models[1].load_state_dict(models[0].state_dict())
        step = mg.compile(function)
        x = mg.randn(4, 3)
        with pytest.warns(UserWarning, match=f"exchanges with other processes, by {exchange}"):
            step(models[0], x)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            step(models[0], x)
            for _ in range(2):
                function(models[1], x)
        for a, b in zip(models[0].parameters(), models[1].parameters(), strict=True):
            assert a.grad.numpy().tobytes() == b.grad.numpy().tobytes()
