"""`reduction="fixed"`: several processes come to the same bits as a group of one process does."""

import copy

import numpy as np
import pytest

import minigrad as mg
import minigrad.distributed as dist
from minigrad import nn
from minigrad.nn.parallel import DistributedDataParallel
from minigrad.nn.parallel.summation_tree import Node, SummationTree
from minigrad.utils.data import ShardedBatchSampler
from tests.support.data_parallel import Branches, batch

F = nn.functional


def convolutional():
    return nn.Sequential(
        nn.Unflatten(1, (1, 5)), nn.Conv1d(1, 4, 3), nn.BatchNorm1d(4), nn.Dropout(0.4), nn.ReLU(),
        nn.Flatten(), nn.Linear(12, 6), nn.BatchNorm1d(6, momentum=None), nn.Linear(6, 3),
    )  # fmt: skip


def alone_and_together(make, dtype, shard_size, rank):
    """The same model in a group of this process alone, and in that of all."""
    alone = dist.new_group([rank], use_local_synchronization=True)
    mg.manual_seed(5)
    module = make().to(dtype)
    return [
        DistributedDataParallel(
            copy.deepcopy(module), process_group=group, reduction="fixed", shard_size=shard_size
        )
        for group in (alone, None)
    ]


def part_of(tensors, model, shard_size):
    """The samples of a batch that belong to this process."""
    group = model.process_group
    sampler = ShardedBatchSampler(
        range(len(tensors[0])), len(tensors[0]), shard_size, group.size(), group.rank(), False
    )
    (indices,) = sampler
    return [tensor[indices[0] : indices[-1] + 1] for tensor in tensors]


def step(model, tensors, shard_size):
    for x, y in model.shards(*part_of(tensors, model, shard_size)):
        F.mse_loss(model(x), y).backward()


def assert_same_bits(alone, together, gradients=False):
    one, other = alone.state_dict(), together.state_dict()
    for name, tensor in one.items():
        assert tensor.numpy().tobytes() == other[name].numpy().tobytes(), name
    for p, q in zip(alone.parameters(), together.parameters(), strict=True):
        assert not gradients or p.grad.numpy().tobytes() == q.grad.numpy().tobytes()


def check_any_number_of_ranks_comes_to_the_same_bits(rank, size):
    for dtype, shard_size, make_optimizer in (
        (mg.float32, 2, lambda p: mg.optim.AdamW(p, lr=0.01)),
        (mg.float64, 3, lambda p: mg.optim.SGD(p, lr=0.1, momentum=0.9)),
    ):
        models = alone_and_together(convolutional, dtype, shard_size, rank)
        for model in models:
            optimizer = make_optimizer(model.parameters())
            for number in range(4):
                tensors = [t.to(dtype) for t in batch(number)]
                if number == 3 and shard_size == 3:  # the last shard is smaller
                    tensors = [t[:11] for t in tensors]
                optimizer.zero_grad()
                step(model, tensors, shard_size)
                nn.utils.clip_grad_norm_(model.parameters(), 0.5)
                optimizer.step()
        assert_same_bits(*models, gradients=True)
        assert int(models[1].module[2].num_batches_tracked) == 4


def check_running_statistics_are_averages_over_shards(rank, size):
    _, model = alone_and_together(lambda: nn.BatchNorm1d(5), mg.float64, 2, rank)
    x = batch(0)[0]
    for (part,) in model.shards(*part_of([x], model, 2)):
        model(part).sum().backward()
    expected = 0.1 * x.numpy().mean(0)
    np.testing.assert_allclose(model.module.running_mean, expected, atol=1e-14)
    variances = x.numpy().reshape(6, 2, 5).var(1, ddof=1).mean(0)
    np.testing.assert_allclose(model.module.running_var, 0.9 + 0.1 * variances, atol=1e-14)


def check_gradients_of_steps_add_up_and_unused_ones_stay_away(rank, size):
    models = alone_and_together(Branches, mg.float64, 2, rank)
    for model in models:
        for number in range(2):
            for x, y in model.shards(*part_of(batch(number), model, 2)):
                F.mse_loss(model(x, number), y).backward()
        for number in range(2):
            x, y = batch(number)
            (expected,) = mg.autograd.grad(
                F.mse_loss(model.module(x, number), y), [model.module.branches[number].weight]
            )
            found = model.module.branches[number].weight.grad
            np.testing.assert_allclose(found, expected, atol=1e-14)
        assert model.module.branches[2].weight.grad is None
    step_of_zero = models[1].fixed.step
    assert step_of_zero == 2


def check_wrong_steps_are_refused(rank, size):
    _, model = alone_and_together(convolutional, mg.float64, 2, rank)
    x, y = batch(0)
    with pytest.raises(RuntimeError, match="averages over shards"):
        model(x)
    with mg.no_grad():
        model(x)
    model.eval()
    model(x)
    model.train()
    with pytest.raises(ValueError, match="rank 0 has no whole number of: 3 samples"):
        next(model.shards(x[:3], y[:3]))
    with pytest.raises(ValueError, match="first dimension"):
        next(model.shards(x, y[:3]))
    before = model.module[2].running_mean.numpy().copy()
    with pytest.raises(KeyError):  # noqa: PT012  the loop is what is left
        for part, _ in model.shards(x, y):
            model(part)
            raise KeyError  # on every rank
    np.testing.assert_array_equal(model.module[2].running_mean, before)
    with pytest.raises(RuntimeError, match="with 0 samples too"), model.join():
        pass
    plain = DistributedDataParallel(convolutional())
    with pytest.raises(RuntimeError, match="belongs to DistributedDataParallel"):
        plain.shards(x)
    with pytest.raises(ValueError, match="'mean' or 'fixed'"):
        DistributedDataParallel(convolutional(), reduction="tree")


def check_sums_do_not_depend_on_who_adds(rank, size):
    terms = np.random.default_rng(0).normal(size=(13, 3)).astype(np.float32)
    for count in range(1, 14):
        whole = SummationTree(Node(0, i, terms[i].copy()) for i in range(count)).total()
        cuts = sorted(np.random.default_rng(count).integers(0, count + 1, 3))
        nodes = []
        for start, end in zip([0, *cuts], [*cuts, count], strict=True):
            nodes += SummationTree(Node(0, i, terms[i].copy()) for i in range(start, end)).nodes
        assert SummationTree(nodes).total().tobytes() == whole.tobytes()
        np.testing.assert_allclose(whole, terms[:count].sum(0), rtol=1e-4, atol=1e-5)
