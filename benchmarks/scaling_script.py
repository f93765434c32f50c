"""Training of random images, for measuring steps: `minigrad run` starts it with a model's name."""

import sys

import numpy as np

import minigrad as mg
import minigrad.distributed as dist
from minigrad import nn
from minigrad.nn.parallel import DistributedDataParallel

STEPS, BATCH = 25, 32
MODELS = {
    "convolutions": lambda: nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 64, 3, padding=1, stride=2),
        nn.ReLU(), nn.Conv2d(64, 64, 3, padding=1, stride=2), nn.ReLU(), nn.Flatten(),
        nn.Linear(4096, 10),
    ),
    "linear layers": lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(3072, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(),
        nn.Linear(1024, 10),
    ),
}  # fmt: skip


def main() -> None:
    """Train for some steps."""
    dist.init_process_group()
    mg.manual_seed(0)
    model = DistributedDataParallel(MODELS[sys.argv[1]](), bucket_cap_mb=4)
    optimizer = mg.optim.SGD(model.parameters(), lr=0.01)
    draw = np.random.default_rng(dist.get_rank())
    images = mg.tensor(draw.normal(size=(BATCH, 3, 32, 32)).astype(np.float32))
    labels = mg.tensor(draw.integers(0, 10, BATCH))
    for _ in range(STEPS):
        loss = nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


if __name__ == "__main__":
    main()
