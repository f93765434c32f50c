"""DistributedDataParallel in several processes, against one that has all samples."""

import warnings

import numpy as np
import pytest

import minigrad as mg
import minigrad.distributed as dist
from minigrad import nn
from minigrad.nn.parallel import DistributedDataParallel
from tests.support.data_parallel import Branches, assert_same_parameters, batch, pair, train

F = nn.functional


def check_ranks_train_as_one_process_does(rank, size):
    for options in (
        {},
        {"gradient_as_bucket_view": True},
        {"bucket_cap_mb": 1e-4},  # a bucket for each parameter
        {"bucket_cap_mb": 4e-4, "gradient_as_bucket_view": True},
        {"static_graph": True},
    ):
        model, alone = pair(rank, **options)
        optimizers = [mg.optim.Adam(net.parameters(), lr=0.01) for net in (model, alone)]
        train(model, alone, optimizers, rank, size)
        assert_same_parameters(model, alone)


def check_buckets_follow_the_order_of_arrival(rank, size):
    model, alone = pair(rank, bucket_cap_mb=4e-4)
    first = [p for bucket in model.reducer.buckets for p in bucket.parameters]
    assert first == list(model.module.parameters())[::-1]
    train(
        model, alone, [mg.optim.SGD(net.parameters(), lr=0.1) for net in (model, alone)], rank, size
    )
    order = [p.shape for bucket in model.reducer.buckets for p in bucket.parameters]
    assert len(model.reducer.buckets) > 1
    assert order[0] in ((3,), (3, 8))  # the last layer's gradients come first
    assert order[-1] in ((8,), (8, 5))


def check_views_of_buckets_are_gradients(rank, size):
    model, _ = pair(rank, gradient_as_bucket_view=True)
    x, y = batch(0, rank, size)
    F.mse_loss(model(x), y).backward()
    buckets = model.reducer.buckets
    for p in model.parameters():
        assert any(np.shares_memory(p.grad.numpy(), bucket.array) for bucket in buckets)
    before = [p.grad.numpy().copy() for p in model.parameters()]
    F.mse_loss(model(x), y).backward()  # adds up in the views
    for p, g in zip(model.parameters(), before, strict=True):
        np.testing.assert_allclose(p.grad.numpy(), 2 * g, rtol=1e-12)


def check_gradients_add_up_without_exchange(rank, size):
    model, alone = pair(rank)
    x, y = batch(0, rank, size)
    with model.no_sync():
        F.mse_loss(model(x), y).backward()
    own = F.mse_loss(alone(x), y)
    own.backward()
    np.testing.assert_allclose(model.module[0].weight.grad, alone[0].weight.grad, atol=1e-13)
    F.mse_loss(model(x), y).backward()
    alone.zero_grad()
    x, y = batch(0)
    (2 * F.mse_loss(alone(x), y)).backward()
    np.testing.assert_allclose(model.module[0].weight.grad, alone[0].weight.grad, atol=1e-13)


def check_unused_parameters(rank, size):
    model, alone = pair(rank, Branches, find_unused_parameters=True, bucket_cap_mb=1e-4)
    for step in range(3):
        model.zero_grad()
        x, y = batch(step, rank, size)
        F.mse_loss(model(x, rank % 2), y).backward()
        assert model.module.branches[2].weight.grad is None  # no rank uses it
        for which in (0, 1):
            alone.zero_grad()
            for other in range(which, size, 2):
                x, y = batch(step, other, size)
                (F.mse_loss(alone(x, which), y) / size).backward()
            found, expected = (m.branches[which].weight.grad for m in (model.module, alone))
            np.testing.assert_allclose(found, expected, atol=1e-13)
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        model, _ = pair(rank, find_unused_parameters=True)
        model(batch(0)[0]).sum().backward()
    assert any("did not find any unused" in str(w.message) for w in given)


def check_parameters_without_gradients_are_named(rank, size):
    model, _ = pair(rank, Branches)
    x, y = batch(0, rank, size)
    F.mse_loss(model(x, 0), y).backward()
    with pytest.raises(RuntimeError, match=r"finished reduction.*branches.1.weight, .*2.bias"):
        model(x, 0)


def check_forwards_without_backward_do_not_matter(rank, size):
    model, alone = pair(rank)
    model(batch(0)[0])
    with mg.no_grad():
        model(batch(0)[0])
    optimizers = [mg.optim.SGD(net.parameters(), lr=0.1) for net in (model, alone)]
    train(model, alone, optimizers, rank, size, steps=2)
    assert_same_parameters(model, alone)


def check_buffers_are_those_of_rank_0(rank, size):
    model, _ = pair(rank, lambda: nn.Sequential(nn.Linear(5, 3), nn.BatchNorm1d(3)))
    for step in range(3):
        x, _ = batch(step, rank, size)
        model(x).sum().backward()
    model.share_buffers()
    found = [None] * size
    dist.all_gather_object(found, model.module[1].running_mean.tolist())
    assert all(other == found[0] for other in found)
    own, _ = pair(rank, lambda: nn.BatchNorm1d(5), broadcast_buffers=False)
    own(batch(0, rank, size)[0]).sum().backward()
    np.testing.assert_allclose(own.module.running_mean, 0.1 * batch(0, rank, size)[0].mean(0))


def check_uneven_inputs_are_joined(rank, size):
    # Rank r has r + 2 batches; the reference averages over those that are there, or over all.
    for by_all in (True, False):
        model, alone = pair(rank, bucket_cap_mb=4e-4)
        optimizer = mg.optim.SGD(model.parameters(), lr=0.1)
        with model.join(divide_by_initial_world_size=by_all):
            for step in range(rank + 2):
                optimizer.zero_grad()
                x, y = batch(step, rank, size)
                F.mse_loss(model(x), y).backward()
                optimizer.step()
        reference = mg.optim.SGD(alone.parameters(), lr=0.1)
        for step in range(size + 1):
            active = [r for r in range(size) if step < r + 2]
            reference.zero_grad()
            for r in active:
                x, y = batch(step, r, size)
                (F.mse_loss(alone(x), y) / (size if by_all else len(active))).backward()
            reference.step()
        assert_same_parameters(model, alone)
    model, _ = pair(rank)
    with (  # noqa: PT012  the loop is what raises
        pytest.raises(RuntimeError, match="exhausted"),
        model.join(throw_on_early_termination=True),
    ):
        for step in range(rank + 1):
            x, y = batch(step, rank, size)
            F.mse_loss(model(x), y).backward()


def check_different_models_are_refused(rank, size):
    with pytest.raises(RuntimeError, match=r"same model across all ranks.*\[2, 2\].*\[2, 3\]"):
        DistributedDataParallel(nn.Linear(2 + (rank == 1), 2))
    layers = [nn.Linear(2, 2) for _ in range(1 + (rank == 1))]
    with pytest.raises(RuntimeError, match="Rank 0 has 2 params, while rank 1 has"):
        DistributedDataParallel(nn.Sequential(*layers))


def check_norms_are_clipped_alike(rank, size):
    model, alone = pair(rank)
    for net, part in ((model, batch(0, rank, size)), (alone, batch(0))):
        F.mse_loss(net(part[0]), part[1]).backward()
    norms = [float(nn.utils.clip_grad_norm_(net.parameters(), 0.01)) for net in (model, alone)]
    np.testing.assert_allclose(norms[0], norms[1], rtol=1e-12)
    found = [None] * size
    dist.all_gather_object(found, norms[0])
    assert len(set(found)) == 1
    for p, q in zip(model.parameters(), alone.parameters(), strict=True):
        np.testing.assert_allclose(p.grad, q.grad, atol=1e-14)
