"""Models trained on one global batch by however many processes there are; what each comes to.

    minigrad run -n 3 benchmarks/equality_script.py OUT.npz fixed|mean|reversed [MODEL...]

Batches, dropout and augmentation belong to samples or shards, so any number of ranks has the same.
"reversed" is for one process, and takes the samples of each batch in the other direction: the same
mathematics, with sums in another order.
"""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

import minigrad as mg
import minigrad.distributed as dist
from minigrad import nn, optim
from minigrad.nn.parallel import DistributedDataParallel
from minigrad.utils.data import DataLoader, Dataset, SampleStreams, ShardedBatchSampler

SAMPLES, BATCH, SHARD, STEPS = 96, 24, 4, 6


class Digits(Dataset[tuple[mg.Tensor, int]]):
    """Random images that are shifted by chance, with labels."""

    def __init__(self) -> None:
        self.images = np.random.default_rng(0).normal(size=(SAMPLES, 1, 8, 8))
        self.labels = np.random.default_rng(1).integers(0, 5, SAMPLES)

    def __getitem__(self, index: int) -> tuple[mg.Tensor, int]:
        shift = int(mg.randint(0, 3, ()))  # an augmentation, of the sample's own stream
        return mg.tensor(np.roll(self.images[index], shift, -1)), int(self.labels[index])

    def __len__(self) -> int:
        return SAMPLES


def mlp(fixed: bool) -> nn.Module:
    """Three layers, without chance."""
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.GELU(), nn.Linear(32, 5))


def cnn(fixed: bool, bias: bool = True) -> nn.Module:
    """Convolutions with batch normalization; with fixed shards also dropout."""
    norm = nn.BatchNorm2d(6) if fixed else nn.SyncBatchNorm(6)
    chance = [nn.Dropout(0.3)] if fixed else []
    return nn.Sequential(
        nn.Conv2d(1, 6, 3, bias=bias),
        norm,
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        *chance,
        nn.Linear(54, 5),
    )


class Transformer(nn.Module):
    """An encoder over the rows of an image."""

    def __init__(self, fixed: bool) -> None:
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, 0.1 if fixed else 0.0, batch_first=True)
        self.head = nn.Linear(8, 5)

    def forward(self, images: mg.Tensor) -> mg.Tensor:
        """The scores of each image."""
        result: mg.Tensor = self.head(self.layer(images.squeeze(1)).mean(1))
        return result


class Recurrent(nn.Module):
    """An LSTM over the rows of an image."""

    def __init__(self, fixed: bool) -> None:
        super().__init__()
        self.lstm = nn.LSTM(8, 10, batch_first=True)
        self.head = nn.Linear(10, 5)

    def forward(self, images: mg.Tensor) -> mg.Tensor:
        """The scores of each image."""
        result: mg.Tensor = self.head(self.lstm(images.squeeze(1))[0][:, -1])
        return result


MODELS: dict[str, Callable[[bool], nn.Module]] = {
    "MLP": mlp,
    "CNN": cnn,
    "CNN without bias": lambda fixed: cnn(fixed, bias=False),  # which BatchNorm takes away
    "Transformer": Transformer,
    "LSTM": Recurrent,
}
OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "SGD": lambda p: optim.SGD(p, lr=0.05, momentum=0.9),
    "AdamW": lambda p: optim.AdamW(p, lr=0.01),
    "Lion": lambda p: optim.Lion(p, lr=0.003),
    "LAMB": lambda p: optim.LAMB(p, lr=0.01),
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.003),
}


def trained(
    model_name: str, optimizer_name: str, reduction: str, dtype: mg.dtype
) -> dict[str, Any]:
    """Parameters and buffers after some steps."""
    mg.manual_seed(0)
    fixed, turned = reduction == "fixed", reduction == "reversed"
    module = MODELS[model_name](fixed).to(dtype)
    model = DistributedDataParallel(
        module, reduction="fixed" if fixed else "mean", shard_size=SHARD
    )
    optimizer = OPTIMIZERS[optimizer_name](model.parameters())
    data: Any = SampleStreams(Digits())
    # Averages over ranks are averages over samples only if all ranks have as many.
    sampler = ShardedBatchSampler(data, BATCH, SHARD if fixed else 2, seed=3)
    loader = DataLoader(data, batch_sampler=sampler)
    for epoch in range(-(-STEPS * BATCH // SAMPLES)):
        sampler.set_epoch(epoch)
        data.set_epoch(epoch)
        for images, labels in loader:
            optimizer.zero_grad()
            batch = [t.flip(0) for t in (images, labels)] if turned else [images, labels]
            for x, y in model.shards(*batch) if fixed else [batch]:
                loss = nn.functional.cross_entropy(model(x.to(dtype)), y, label_smoothing=0.1)
                loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
    return {name: t.detach().numpy().copy() for name, t in module.state_dict().items()}


def main() -> None:
    """Train all, and have rank 0 write what they come to."""
    out, reduction = sys.argv[1:3]
    models = sys.argv[3:] or list(MODELS)
    dist.init_process_group()
    dtypes = (mg.float32, mg.float64) if reduction == "fixed" else (mg.float64,)
    found: dict[str, Any] = {}
    for model in models:
        for optimizer in OPTIMIZERS:
            for dtype in dtypes:
                arrays = trained(model, optimizer, reduction, dtype)
                for name, array in arrays.items():
                    found[f"{model}, {optimizer}, {dtype.name} {name}"] = array
                same = [None] * dist.get_world_size()
                dist.all_gather_object(same, b"".join(a.tobytes() for a in arrays.values()))
                assert len(set(same)) == 1, f"{model} differs between ranks"
    if dist.get_rank() == 0:
        np.savez(out, **found)


if __name__ == "__main__":
    main()
