"""Digits on several processes: `minigrad run -n 2 examples/distributed/train.py`.

Each process takes its part of every batch, gradients are averaged, and rank 0 prints and saves.
"""

import argparse
from pathlib import Path

import minigrad as mg
import minigrad.distributed as dist
from minigrad import nn, optim
from minigrad.nn import functional as F
from minigrad.nn.parallel import DistributedDataParallel
from minigrad.utils.data import DataLoader, DistributedSampler
from minigrad.vision.datasets import Digits
from minigrad.vision.transforms import ToTensor

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=3)
parser.add_argument("--batch-size", type=int, default=64, help="of all processes together")
parser.add_argument("--out", type=Path, default=None, help="a checkpoint, read if it is there")
options = parser.parse_args()

dist.init_process_group()
rank, size = dist.get_rank(), dist.get_world_size()

train, test = Digits(train=True, transform=ToTensor()), Digits(train=False, transform=ToTensor())
sampler = DistributedSampler(train, seed=0)
loader = DataLoader(train, batch_size=options.batch_size // size, sampler=sampler)
model = DistributedDataParallel(
    nn.Sequential(nn.Flatten(), nn.Linear(64, 100), nn.ReLU(), nn.Linear(100, 10))
)
optimizer = optim.AdamW(model.parameters(), lr=3e-3)

begin = 0
if (
    options.out is not None and options.out.exists()
):  # another number of processes may have saved it
    saved = mg.load(options.out)
    model.module.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    begin = saved["epoch"]

for epoch in range(begin, options.epochs):
    sampler.set_epoch(epoch)  # another order
    for images, labels in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()  # averages gradients over processes while it computes them
        optimizer.step()
    mean = loss.detach()
    dist.all_reduce(mean, op=dist.ReduceOp.AVG)
    if rank == 0:
        print(f"epoch {epoch}: loss {mean.item():.3f}", flush=True)
        if options.out is not None:
            state = {"model": model.module.state_dict(), "optimizer": optimizer.state_dict()}
            mg.save(state | {"epoch": epoch + 1}, options.out)

if rank == 0:
    with mg.no_grad():
        images, labels = next(iter(DataLoader(test, batch_size=len(test))))
        right = (model.module(images).argmax(1) == labels).float().mean().item()
    print(f"test accuracy {right:.1%} on {size} processes")
dist.destroy_process_group()
