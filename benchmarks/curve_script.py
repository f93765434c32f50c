"""ResNet-18 on CIFAR-10: the loss of some steps, by however many processes there are.

    minigrad run -n 2 benchmarks/curve_script.py OUT.json fixed|mean|reversed STEPS [ROOT]

Samples, their shifts and the layers' statistics are the same for any number of ranks: with "fixed"
those of a shard, with "mean" those of the whole batch (SyncBatchNorm).  "reversed" is "mean" on one
process, with the samples of each batch in the other direction.
"""

import hashlib
import json
import sys
import time
from pathlib import Path
from typing import Any

import minigrad as mg
import minigrad.distributed as dist
from minigrad import nn, optim
from minigrad.nn.parallel import DistributedDataParallel
from minigrad.utils.data import DataLoader, SampleStreams, ShardedBatchSampler
from minigrad.vision import transforms
from minigrad.vision.datasets import CIFAR10
from minigrad.vision.models import resnet18

BATCH, SHARD = 16, 8


def batches(root: str | None) -> DataLoader[Any]:
    """This process's part of the batches."""
    steps = [transforms.RandomCrop(32, padding=4), transforms.ToTensor()]
    middle = transforms.Normalize([0.5] * 3, [0.5] * 3)
    images = CIFAR10(root, train=True, transform=transforms.Compose([*steps, middle]))
    data: Any = SampleStreams(images)
    sampler = ShardedBatchSampler(data, BATCH, SHARD, drop_last=True)
    return DataLoader(data, batch_sampler=sampler)


def main() -> None:
    """Train, and have rank 0 write the losses."""
    out, reduction, steps = sys.argv[1], sys.argv[2], int(sys.argv[3])
    root = sys.argv[4] if len(sys.argv) > 4 else None
    dist.init_process_group()
    mg.manual_seed(0)
    fixed = reduction == "fixed"
    net: nn.Module = resnet18(num_classes=10, stem="cifar")
    if not fixed:
        net = nn.SyncBatchNorm.convert_sync_batchnorm(net)
    model = DistributedDataParallel(net, reduction="fixed" if fixed else "mean", shard_size=SHARD)
    optimizer = optim.SGD(model.parameters(), lr=0.02, momentum=0.9, weight_decay=5e-4)
    losses: list[float] = []
    began = time.perf_counter()
    for _, (images, labels) in zip(range(steps), batches(root), strict=False):
        optimizer.zero_grad()
        if reduction == "reversed":
            images, labels = images.flip(0), labels.flip(0)  # noqa: PLW2901
        own = []
        for x, y in model.shards(images, labels) if fixed else [(images, labels)]:
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            own.append((loss.item(), len(y)))
        optimizer.step()
        told: list[Any] = [None] * dist.get_world_size()
        dist.all_gather_object(told, own)
        losses.append(sum(value * n for part in told for value, n in part) / BATCH)
    if dist.get_rank() == 0:
        seconds = time.perf_counter() - began
        weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
        found = {
            "losses": losses,
            "seconds": seconds,
            "weights": hashlib.sha256(weights).hexdigest(),
        }
        Path(out).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
