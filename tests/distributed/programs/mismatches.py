"""Processes that call different collectives, with MINIGRAD_DISTRIBUTED_DEBUG=1: all say so."""

import pytest

import minigrad as mg
import minigrad.distributed as dist

dist.init_process_group("mpi")
rank = dist.get_rank()
x, y = mg.ones(3), mg.ones(4)
total = mg.zeros(9)

# What rank 2 calls, what the others call, and the words of both.
PAIRS = [
    (lambda: dist.all_reduce(y), lambda: dist.all_reduce(x), r"\[3\].*\[4\]"),
    (lambda: dist.all_reduce(x.double()), lambda: dist.all_reduce(x), "float32.*float64"),
    (lambda: dist.broadcast(x, 0), lambda: dist.all_reduce(x), "all_reduce.*broadcast"),
    (dist.barrier, lambda: dist.all_gather_single(total, x), "all_gather.*barrier"),
    (
        lambda: dist.all_reduce(x, op=dist.ReduceOp.MAX),
        lambda: dist.all_reduce(x),
        r"all_reduce\(SUM\).*all_reduce\(MAX\)",
    ),
    (lambda: dist.broadcast(x, 2), lambda: dist.broadcast(x, 1), r"src=1.*src=2"),
]

for other, usual, words in PAIRS:
    message = rf"Detected mismatch.*Rank 0 is running.*{words}"
    with pytest.raises(RuntimeError, match=message):
        other() if rank == 2 else usual()
dist.all_reduce(x)  # the group goes on
assert x.tolist() == [3, 3, 3]
if rank == 0:
    print("all mismatches named")
