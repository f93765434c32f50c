"""ResNet-18 on CIFAR-10: the loss of some steps, by however many processes there are.

Without ROOT, images of the same form are drawn: noise on a pattern that belongs to their class.

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

import numpy as np

import minigrad as mg
import minigrad.distributed as dist
from minigrad import nn, optim
from minigrad.nn.parallel import DistributedDataParallel
from minigrad.utils.data import DataLoader, Dataset, SampleStreams, ShardedBatchSampler
from minigrad.vision import transforms
from minigrad.vision.datasets import CIFAR10
from minigrad.vision.models import resnet18

BATCH, SHARD, SAMPLES = 16, 8, 1000


class Drawn(Dataset[Any]):
    """Images as those of CIFAR-10, of ten classes that can be told apart."""

    def __init__(self, transform: Any) -> None:
        draw = np.random.default_rng(0)
        self.labels = draw.integers(0, 10, SAMPLES)
        patterns = draw.normal(128, 40, (10, 32, 32, 3))
        noisy = patterns[self.labels] + draw.normal(0, 40, (SAMPLES, 32, 32, 3))
        self.pixels, self.transform = noisy.clip(0, 255).astype(np.uint8), transform

    def __getitem__(self, index: int) -> tuple[Any, int]:
        return self.transform(self.pixels[index]), int(self.labels[index])

    def __len__(self) -> int:
        return SAMPLES


def batches(root: str | None) -> DataLoader[Any]:
    """This process's part of the batches."""
    steps = [transforms.RandomCrop(32, padding=4), transforms.ToTensor()]
    middle = transforms.Normalize([0.5] * 3, [0.5] * 3)
    transform = transforms.Compose([*steps, middle])
    images = Drawn(transform) if root is None else CIFAR10(root, train=True, transform=transform)
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
    for _, batch in zip(range(steps), batches(root), strict=False):
        optimizer.zero_grad()
        images, labels = (each.flip(0) for each in batch) if reduction == "reversed" else batch
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
