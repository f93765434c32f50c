"""Layers, derivatives and optimizers of several processes, against one that has all samples."""

import copy

import numpy as np
import pytest

import minigrad as mg
import minigrad.distributed as dist
from minigrad import nn
from tests.support.data_parallel import assert_same_parameters, batch, mlp, pair, train

F = nn.functional


def check_statistics_of_synchronized_layers_are_those_of_all(rank, size):
    def make():
        return nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 3))

    model, alone = pair(rank, lambda: nn.SyncBatchNorm.convert_sync_batchnorm(make()))
    plain = make().double()
    plain.load_state_dict(alone.state_dict())
    optimizers = [mg.optim.SGD(net.parameters(), lr=0.1) for net in (model, plain)]
    train(model, plain, optimizers, rank, size)
    assert_same_parameters(model, plain)
    for found, expected in zip(model.module.buffers(), plain.buffers(), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-12)
    model.eval()
    plain.eval()
    np.testing.assert_allclose(model(batch(0)[0]).detach(), plain(batch(0)[0]).detach(), atol=1e-12)


def check_synchronized_layers_with_uneven_batches_and_second_derivatives(rank, size):
    layer = nn.SyncBatchNorm(3, momentum=None).double()
    plain = nn.BatchNorm2d(3, momentum=None).double()
    counts = [r + 1 for r in range(size)]
    x = mg.tensor(np.random.default_rng(0).normal(size=(sum(counts), 3, 2, 2)))
    mine = x[sum(counts[:rank]) : sum(counts[: rank + 1])]
    results = []
    for norm, samples in ((layer, mine), (plain, x)):
        part = samples.clone().requires_grad_()
        out = norm(part)
        (g,) = mg.autograd.grad(out.pow(3).sum(), part, create_graph=True)
        (h,) = mg.autograd.grad(g.pow(2).sum(), part)
        results.append((out, g, h, norm.running_mean, norm.running_var))
    start = sum(counts[:rank])
    for i, (found, expected) in enumerate(zip(*results, strict=True)):
        whole = expected if i > 2 else expected[start : start + counts[rank]]
        np.testing.assert_allclose(found.detach(), whole.detach(), atol=1e-10)
    with pytest.raises(ValueError, match="expected at least 2D input"):
        layer(mg.ones(3))


def check_exchanges_have_derivatives(rank, size):
    x = mg.tensor([1.0 + rank, 2.0], requires_grad=True, dtype=mg.float64)
    total = dist.nn.all_reduce(x.square())
    np.testing.assert_allclose(total.detach(), [sum((1 + r) ** 2 for r in range(size)), 4 * size])
    total.sum().backward()
    np.testing.assert_allclose(x.grad, 2 * size * x.detach())
    parts = dist.nn.all_gather(x)
    (parts[1] * (rank + 1)).sum().backward()
    more = sum(range(1, size + 1)) if rank == 1 else 0
    np.testing.assert_allclose(x.grad, 2 * size * x.detach() + more)


def check_states_are_divided(rank, size):
    for optimizer_class, options in (
        (mg.optim.Adam, {"lr": 0.01}),
        (mg.optim.SGD, {"lr": 0.1, "momentum": 0.9}),
        (mg.optim.AdamW, {"lr": 0.01, "weight_decay": 0.1}),
    ):
        model, alone = pair(rank)
        zero = dist.optim.ZeroRedundancyOptimizer(model.parameters(), optimizer_class, **options)
        plain = optimizer_class(alone.parameters(), **options)
        schedules = [mg.optim.lr_scheduler.StepLR(o, 2, 0.5) for o in (zero, plain)]
        for steps in range(4):
            train(model, alone, (zero, plain), rank, size, steps=1 + steps % 2)
            for schedule in schedules:
                schedule.step()
        assert_same_parameters(model, alone)
        held = [None] * size
        dist.all_gather_object(held, len(zero.state))
        assert sum(held) == 6
        assert max(held) < 6
        with pytest.raises(RuntimeError, match="has not been consolidated"):
            zero.state_dict()
        zero.consolidate_state_dict(to=size - 1)
        shared = [zero.state_dict() if rank == size - 1 else None]
        dist.broadcast_object_list(shared, src=size - 1)
        again = dist.optim.ZeroRedundancyOptimizer(model.parameters(), optimizer_class, **options)
        again.load_state_dict(shared[0])
        plain_again = optimizer_class(alone.parameters(), **options)
        plain_again.load_state_dict(shared[0])  # as one process would resume
        train(model, alone, (again, plain_again), rank, size)
        assert_same_parameters(model, alone)


def check_outer_steps_join_processes(rank, size):
    for outer in (None, lambda params: mg.optim.SGD(params, lr=1.0)):
        mg.manual_seed(rank)
        model = mlp().double()
        optimizer = dist.optim.DiLoCo(mg.optim.SGD(model.parameters(), lr=0.1), 3, outer)
        copies = [copy.deepcopy(model) for _ in range(size)]
        common = [p.detach().clone() for p in model.parameters()]
        velocity = [mg.zeros_like(p) for p in common]
        inner = [mg.optim.SGD(net.parameters(), lr=0.1) for net in copies]
        for step in range(6):
            each = zip(copies, inner, range(size), strict=True)
            for net, opt, r in [(model, optimizer, rank), *each]:
                opt.zero_grad()
                x, y = batch(step, r, size)
                F.mse_loss(net(x), y).backward()
                opt.step()
            if step % 3 == 2:
                for i, ways in enumerate(zip(*(net.parameters() for net in copies), strict=True)):
                    gone = common[i] - sum(p.detach() for p in ways) / size
                    velocity[i] = 0.9 * velocity[i] + gone
                    common[i] = common[i] - (gone if outer else 0.7 * (gone + 0.9 * velocity[i]))
                    for p in ways:
                        p.data.copy_(common[i])
        for p, expected in zip(model.parameters(), common, strict=True):
            np.testing.assert_allclose(p.detach(), expected, atol=1e-12)
        state = optimizer.state_dict()
        optimizer.load_state_dict(state)
        assert optimizer.steps == 6
