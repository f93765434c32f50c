"""A training script that fails in one way in one phase: what `distributed_faults` starts.

minigrad run -n 3 benchmarks/failing_script.py FAULT PHASE RANK
"""

import os
import signal
import sys
import time

import minigrad as mg
import minigrad.distributed as dist
from minigrad import nn

FAULT, PHASE, RANK = sys.argv[1], sys.argv[2], int(sys.argv[3])
STEP = 3  # the one with the fault
STEPS = 100 if FAULT == "none" else 6


def reach(phase: str, step: int = STEP) -> None:
    """Fail if this is the phase, the step and the rank of the fault."""
    if phase != PHASE or step != STEP or int(os.environ["RANK"]) != RANK:
        return
    print(f"the fault is at {time.time()}", flush=True)
    if FAULT == "raise":
        raise ValueError(f"a fault in phase {phase}")
    if FAULT == "exit":
        sys.exit(3)
    if FAULT == "exit without a status":
        sys.exit(0)
    if FAULT == "os._exit":
        os._exit(0)
    if FAULT == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if FAULT == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    if FAULT == "sleep":
        time.sleep(1000)
    if FAULT == "other shape" and dist.is_initialized():
        dist.all_reduce(mg.ones(3, 5))
    if FAULT == "other collective" and dist.is_initialized():
        dist.barrier()


def main() -> None:
    """Train a small model on random numbers, with exchanges of gradients and of the loss."""
    reach("start")
    dist.init_process_group("mpi")
    mg.manual_seed(0)
    model = nn.parallel.DistributedDataParallel(
        nn.Sequential(nn.Linear(20, 30), nn.ReLU(), nn.Linear(30, 5)), bucket_cap_mb=1e-3
    )
    optimizer = mg.optim.SGD(model.parameters(), lr=0.01)
    for step in range(STEPS):
        x = mg.randn(16, 20)
        reach("forward", step)
        loss = model(x).square().mean()
        loss.register_hook(lambda g, step=step: reach("backward", step))
        loss.backward()
        optimizer.step()
        reach("exchange", step)
        dist.all_reduce(loss.detach(), op=dist.ReduceOp.AVG)
        optimizer.zero_grad()
    reach("save")
    dist.barrier()
    reach("end")
    print(f"rank {dist.get_rank()} has ended well", flush=True)


if __name__ == "__main__":
    main()
