"""Real training runs, the same in minigrad and in torch: weights, batches and their order.

    python -m benchmarks.full_data [--only mnist|cifar10] [--epochs N] [--steps N] [--seeds N]

Each run is a process of its own. `results/<kind>/full-data.json` holds every loss; a table with
accuracy, time and how far the first losses lie apart goes to the page of that kind of machine.
"""

import argparse
import importlib
import itertools
import json
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.published.kinds import RESULTS, own_folder
from benchmarks.published.pages import publish
from benchmarks.published.sections import run_row
from minigrad.bench.cases.networks import lecture_cnn, resnet18
from minigrad.bench.process import installed

FILE = "full-data.json"

Arrays = dict[str, NDArray[Any]]
RunRecord = dict[str, Any]


class Task(NamedTuple):
    """A training run; `optimizers` has torch's names for their settings."""

    title: str
    network: Callable[[Any], Any]
    loss: str
    batch: int
    epochs: int
    optimizers: dict[str, dict[str, float]]


TASKS = {
    "mnist": Task(
        title="lecture CNN on MNIST, batches of 64",
        network=lecture_cnn,
        loss="nll_loss",
        batch=64,
        epochs=2,
        optimizers={"SGD": {"lr": 0.001, "momentum": 0.9}},
    ),
    "cifar10": Task(
        title="ResNet-18 on CIFAR-10, batches of 256",
        network=resnet18,
        loss="cross_entropy",
        batch=256,
        epochs=1,
        optimizers={
            "SGD": {"lr": 0.05, "momentum": 0.9},
            "Adam": {"lr": 0.001},
            "RMSprop": {"lr": 0.001},
            "Adagrad": {"lr": 0.01},
        },
    ),
}


def data(task: str, root: Path | None) -> Arrays:
    """Images scaled to [-1, 1], (N, C, H, W), and labels, of both parts."""
    from minigrad.vision import datasets  # noqa: PLC0415  torch's processes need none of it

    made: Any = {"mnist": datasets.MNIST, "cifar10": datasets.CIFAR10}[task]
    arrays = {}
    for part in ("train", "test"):
        dataset = made(root, train=part == "train", download=True)
        images = np.asarray(dataset.data, np.float32) / 127.5 - 1
        images = images[:, None] if images.ndim == 3 else images.transpose(0, 3, 1, 2)
        arrays[f"{part}_images"] = np.ascontiguousarray(images)
        arrays[f"{part}_labels"] = np.asarray(dataset.targets, np.int64)
    return arrays


def initial_weights(task: str, seed: int) -> Arrays:
    import minigrad as mg  # noqa: PLC0415  torch's processes need none of it

    mg.manual_seed(seed)
    model = TASKS[task].network(mg)
    return {f"weight_{i}": p.detach().numpy() for i, p in enumerate(model.parameters())}


def train(
    library: Any, task: str, name: str, arrays: Arrays, seed: int, epochs: int, steps: int
) -> RunRecord:
    """One run: every loss, the accuracy on the test images, seconds of training."""
    spec = TASKS[task]
    model = spec.network(library)
    with library.no_grad():
        for i, parameter in enumerate(model.parameters()):
            parameter.copy_(library.from_numpy(arrays[f"weight_{i}"]))
    optimizer = getattr(library.optim, name)(model.parameters(), **spec.optimizers[name])
    loss_of = getattr(library.nn.functional, spec.loss)
    images, labels = (library.from_numpy(arrays[f"train_{what}"]) for what in ("images", "labels"))
    order = np.random.default_rng(seed)
    losses: list[float] = []
    start = time.perf_counter()
    for _ in range(epochs):
        shuffled = order.permutation(len(labels))
        for at in range(0, len(shuffled), spec.batch):
            if steps and len(losses) == steps:
                break
            batch = library.from_numpy(shuffled[at : at + spec.batch])
            optimizer.zero_grad()
            loss = loss_of(model(images[batch]), labels[batch])
            loss.backward()
            optimizer.step()
            losses.append(float(f"{loss.item():.9g}"))
    seconds = time.perf_counter() - start
    return {"losses": losses, "accuracy": accuracy(library, model, arrays), "seconds": seconds}


def accuracy(library: Any, model: Any, arrays: Arrays) -> float:
    images, labels = (library.from_numpy(arrays[f"test_{what}"]) for what in ("images", "labels"))
    model.eval()
    with library.no_grad():
        right = sum(
            (model(images[at : at + 500]).argmax(1) == labels[at : at + 500]).sum().item()
            for at in range(0, len(labels), 500)
        )
    return float(right / len(labels))


def worker(
    library: str, task: str, name: str, path: str, seed: str, epochs: str, steps: str
) -> None:
    with np.load(path) as stored:
        arrays = dict(stored)
    imported = importlib.import_module(library)
    run = train(imported, task, name, arrays, int(seed), int(epochs), int(steps))
    print(json.dumps(run))


def compare(task: str, options: Namespace) -> Iterator[RunRecord]:
    """The runs of every seed, optimizer and library."""
    spec = TASKS[task]
    arrays = data(task, options.root)
    libraries = list(filter(installed, ("minigrad", "torch")))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "data.npz")
        for seed in range(options.seeds):
            stored: dict[str, Any] = arrays | initial_weights(task, seed)
            np.savez(path, **stored)
            names = [n for n in spec.optimizers if options.optimizer in (None, n)]
            for name, library in itertools.product(names, libraries):
                epochs = options.epochs or spec.epochs
                run = {
                    "task": spec.title,
                    "optimizer": name,
                    "library": library,
                    "seed": seed,
                }
                found = in_own_process(library, task, name, path, seed, epochs, options.steps)
                yield run | {"epochs": epochs} | found


def in_own_process(*words: object) -> RunRecord:
    command = [sys.executable, "-m", "benchmarks.full_data", "--worker", *map(str, words)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: RunRecord = json.loads(done.stdout.splitlines()[-1])
    return found


def saved(runs: list[RunRecord], run: RunRecord) -> list[RunRecord]:
    """The runs with a new one, in place of an earlier one of its kind; written to the results."""
    kind = ("task", "optimizer", "library", "seed")
    runs = [old for old in runs if any(old[k] != run[k] for k in kind)] + [run]
    (own_folder() / FILE).write_text(json.dumps(runs))
    publish(RESULTS)
    return runs


def main() -> None:
    if sys.argv[1:2] == ["--worker"]:
        worker(*sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=TASKS, help="one of the runs")
    parser.add_argument("--optimizer", help="one of its optimizers")
    parser.add_argument("--root", type=Path, help="folder of the data files")
    parser.add_argument("--epochs", type=int, help="instead of the run's own number")
    parser.add_argument("--steps", type=int, default=0, help="end each run after so many")
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    path = own_folder() / FILE
    runs = json.loads(path.read_text()) if path.exists() else []
    for task in [options.only] if options.only else TASKS:
        for run in compare(task, options):
            runs = saved(runs, run)
            print(run_row(runs), flush=True)


if __name__ == "__main__":
    main()
