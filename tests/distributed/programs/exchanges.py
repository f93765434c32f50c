"""All exchanges, in as many processes as MPI has started: each check runs in all of them.

Expected values are what the numbers of all ranks give in NumPy.
"""

import time
from datetime import timedelta

import numpy as np
import pytest

import minigrad as mg
import minigrad.distributed as dist


def numbers(rank, shape=(3, 4), dtype=np.float32):
    """What a rank brings along."""
    return np.random.default_rng(rank).integers(1, 5, shape).astype(dtype)


def of_all(size, **options):
    return np.stack([numbers(r, **options) for r in range(size)])


def equal(tensor, expected):
    np.testing.assert_array_equal(tensor.numpy(), expected)


def check_numbers_of_the_group(rank, size):
    assert dist.is_initialized()
    assert dist.get_backend() == "mpi"
    assert dist.get_process_group_ranks(None) == list(range(size))
    assert dist.get_global_rank(dist.group.WORLD, rank) == rank


REDUCTIONS = {
    "SUM": np.sum, "PRODUCT": np.prod, "MIN": np.min, "MAX": np.max, "AVG": np.mean,
    "BAND": np.bitwise_and.reduce, "BOR": np.bitwise_or.reduce, "BXOR": np.bitwise_xor.reduce,
}  # fmt: skip


def reductions():
    for name, function in REDUCTIONS.items():
        for dtype in ("f2", "f4", "f8", "i4", "i8", "u1", "c8"):
            kind = np.dtype(dtype).kind
            left_out = {"f": ("BAND", "BOR", "BXOR"), "c": ("BAND", "BOR", "BXOR", "MIN", "MAX")}
            if name not in left_out.get(kind, ("AVG",)):
                yield getattr(dist.ReduceOp, name), function, dtype


def check_all_reduce_has_each_reduction_and_dtype(rank, size):
    for op, function, dtype in reductions():
        x = mg.tensor(numbers(rank, dtype=dtype))
        expected = function(of_all(size, dtype=dtype), axis=0).astype(dtype)
        before = x._version
        assert dist.all_reduce(x, op=op) is None
        np.testing.assert_allclose(x.numpy(), expected, rtol=1e-6 if dtype != "f2" else 1e-3)
        assert x._version > before


def check_truth_values_are_reduced(rank, size):
    x = mg.tensor([rank == 0, True, False])
    dist.all_reduce(x)
    equal(x, [True, True, False])
    y = mg.tensor([rank == 0, True])
    dist.all_reduce(y, op=dist.ReduceOp.MIN)
    equal(y, [size == 1, True])


def check_reduce_changes_one(rank, size):
    for root in range(size):
        x = mg.tensor(numbers(rank))
        dist.reduce(x, root)
        equal(x, of_all(size).sum(0) if rank == root else numbers(rank))


def check_broadcast(rank, size):
    for root in range(size):
        for dtype in ("f4", "i8", "?", "c16", "f2"):
            x = mg.tensor(numbers(rank, dtype=dtype))
            dist.broadcast(x, root)
            equal(x, numbers(root, dtype=dtype))


def check_parts_of_tensors_are_changed_in_place(rank, size):
    whole = mg.tensor(numbers(rank, (4, 6)))
    dist.all_reduce(whole[:, ::2])
    expected = numbers(rank, (4, 6))
    expected[:, ::2] = of_all(size, shape=(4, 6)).sum(0)[:, ::2]
    equal(whole, expected)
    dist.broadcast(whole.T, 0)
    scalar = mg.tensor(float(rank))
    dist.all_reduce(scalar)
    assert scalar.item() == sum(range(size))


def check_gathers(rank, size):
    x = mg.tensor(numbers(rank))
    out = [mg.zeros(3, 4) for _ in range(size)]
    dist.all_gather(out, x)
    equal(mg.stack(out), of_all(size))
    joined = mg.zeros(3 * size, 4)
    dist.all_gather_into_tensor(joined, x)
    equal(joined, of_all(size).reshape(-1, 4))
    stacked = mg.zeros(size, 3, 4)
    dist.all_gather_single(stacked, x)
    equal(stacked, of_all(size))
    root = size - 1
    found = [mg.zeros(3, 4) for _ in range(size)] if rank == root else None
    dist.gather(x, found, dst=root)
    if found:
        equal(mg.stack(found), of_all(size))


def check_scatters(rank, size):
    parts = [mg.tensor(numbers(100 + r)) for r in range(size)]
    out = mg.zeros(3, 4)
    dist.scatter(out, parts if rank == 0 else None, src=0)
    equal(out, numbers(100 + rank))
    mine = [mg.tensor(numbers(10 * rank + r)) for r in range(size)]
    expected = sum(numbers(10 * other + rank) for other in range(size))
    dist.reduce_scatter(out, mine)
    equal(out, expected)
    dist.reduce_scatter_tensor(out, mg.cat(mine))
    equal(out, expected)
    dist.reduce_scatter_single(out, mg.stack(mine), op=dist.ReduceOp.AVG)
    np.testing.assert_allclose(out.numpy(), expected / size, rtol=1e-6)


def check_all_to_all(rank, size):
    given = mg.arange(float(size)) + 100 * rank
    out = mg.zeros(size)
    dist.all_to_all_single(out, given)
    equal(out, [100 * r + rank for r in range(size)])
    # Process r gets r + 1 rows of each.
    rows = [r + 1 for r in range(size)]
    given = mg.full((sum(rows), 2), float(rank))
    out = mg.zeros(size * (rank + 1), 2)
    dist.all_to_all_single(out, given, [rank + 1] * size, rows)
    equal(out[:, 0], np.repeat(np.arange(size), rank + 1))
    lists = [mg.full((r + 1,), float(rank)) for r in range(size)]
    found = [mg.zeros(rank + 1) for _ in range(size)]
    dist.all_to_all(found, lists)
    equal(mg.stack(found)[:, 0], np.arange(size))


def check_objects(rank, size):
    found = [None] * size
    dist.all_gather_object(found, {"rank": rank, "text": "x" * 1000 * rank})
    assert [f["rank"] for f in found] == list(range(size))
    assert len(found[-1]["text"]) == 1000 * (size - 1)
    both = ["a", {1: 2}] if rank == size - 1 else [None, None]
    dist.broadcast_object_list(both, src=size - 1)
    assert both == ["a", {1: 2}]
    gathered = [None] * size if rank == 0 else None
    dist.gather_object(rank**2, gathered)
    assert gathered is None or gathered == [r**2 for r in range(size)]
    mine = [None]
    dist.scatter_object_list(mine, [f"for {r}" for r in range(size)] if rank == 0 else None)
    assert mine == [f"for {rank}"]


def check_objects_are_sent(rank, size):
    if rank == 0:
        dist.send_object_list(["a", {"b": 2}], dst=size - 1)
    if rank == size - 1:
        found = [None, None]
        assert dist.recv_object_list(found, src=0) == 0
        assert found == ["a", {"b": 2}]


def check_send_and_receive_around_a_ring(rank, size):
    right, left = (rank + 1) % size, (rank - 1) % size
    x, y = mg.tensor(numbers(rank)), mg.zeros(3, 4)
    sent = dist.isend(x, right, tag=3)
    got = dist.irecv(y, left, tag=3)
    assert got.wait()
    assert sent.wait()
    equal(y, numbers(left))
    works = dist.batch_isend_irecv(
        [dist.P2POp(dist.isend, x, left), dist.P2POp(dist.irecv, y, right)]
    )
    for work in works:
        work.wait()
    equal(y, numbers(right))
    dist.barrier()  # what is received from any process must be of this exchange
    if rank == 0:
        senders = {dist.recv(y) for _ in range(size - 1)}
        assert senders == set(range(1, size))
    else:
        dist.send(x, 0)
    dist.barrier()


def check_a_received_tensor_of_another_size_is_refused(rank, size):
    if rank == 1:
        dist.send(mg.ones(3), 0)
    if rank == 0:
        with pytest.raises(RuntimeError, match="expected 16 bytes"):
            dist.recv(mg.zeros(4), 1)


def check_asynchronous_exchanges_keep_their_order(rank, size):
    tensors = [mg.tensor(numbers(rank) + i) for i in range(20)]
    works = [dist.all_reduce(x, async_op=True) for x in tensors]
    dist.barrier()  # comes after all of them
    assert all(work.is_completed() for work in works)
    for i, (x, work) in enumerate(zip(tensors, works, strict=True)):
        assert work.wait(timedelta(seconds=10))
        assert work.is_success()
        assert work.exception() is None
        assert work.result()[0] is x
        equal(x, (of_all(size) + i).sum(0))


def check_the_thread_finishes_what_nobody_waits_for(rank, size):
    x = mg.ones(300_000)
    work = dist.all_reduce(x, async_op=True)
    began = time.monotonic()
    while not work._done and time.monotonic() - began < 20:
        time.sleep(0.001)  # without a question: only the thread goes on
    equal(x[:3], [size] * 3)


def check_groups_of_some(rank, size):
    members = sorted({0, size - 1})
    group = dist.new_group(members[::-1])
    x = mg.tensor([float(rank)])
    if rank in members:
        assert (dist.get_world_size(group), group.size()) == (len(members), len(members))
        assert dist.get_rank(group) == members.index(rank)
        assert dist.get_global_rank(group, dist.get_rank(group)) == rank
        dist.all_reduce(x, group=group)
        equal(x, [sum(members)])
        dist.broadcast(x, src=size - 1, group=group)
        y = mg.tensor([float(rank)])
        dist.broadcast(y, group_src=len(members) - 1, group=group)
        equal(y, [size - 1])
    else:
        assert group == dist.GroupMember.NON_GROUP_MEMBER
        assert (dist.get_rank(group), dist.get_world_size(group)) == (-1, -1)
    everyone = dist.new_group()
    assert everyone.size() == size
    if rank in members:
        alone = dist.new_group([rank], use_local_synchronization=True)
        dist.all_reduce(x, group=alone)


def check_what_is_wrong_is_refused_before_anything_is_sent(rank, size):
    x = mg.ones(2)
    for call, error, words in (
        (lambda: dist.all_reduce([1]), TypeError, "Expected parameter `tensor`"),
        (lambda: dist.broadcast(x, size), RuntimeError, f"invalid root rank: {size}"),
        (lambda: dist.all_gather([x], x), RuntimeError, f"expected length {size}, got 1"),
        (lambda: dist.send(x, rank), ValueError, "Invalid destination rank"),
        (lambda: dist.recv(x, rank), ValueError, "Invalid source rank"),
        (lambda: dist.new_group([size]), ValueError, f"Rank {size} is out of range"),
        (lambda: dist.all_reduce(x, op=dist.ReduceOp.BOR), RuntimeError, "non-integral"),
        (lambda: dist.all_gather_single(x, x), ValueError, "world_size times"),
        (lambda: dist.init_process_group("mpi"), ValueError, "twice"),
    ):
        with pytest.raises(error, match=words):
            call()
    dist.barrier()


def check_a_wait_ends_with_its_time(rank, size):
    if rank == 0:
        began = time.monotonic()
        with pytest.raises(RuntimeError, match="Timed out waiting 300ms for barrier"):
            dist.monitored_barrier(timeout=timedelta(seconds=0.3))
        assert 0.3 <= time.monotonic() - began < 10
        dist.send(mg.ones(1), 1)  # the others come when its time is over
    if rank == 1:
        dist.recv(mg.ones(1), 0)
    if rank > 0:
        dist.barrier()
