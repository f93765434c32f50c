"""Language models on tinyshakespeare, the same in minigrad and in torch: weights and batches.

    python -m benchmarks.language_models [--only gpt|lstm] [--steps N] [--repeats N] [--threads N]

Each run is a process of its own, in turns. `results/<kind>/language-models.json` holds every loss,
the fastest steps, and what minigrad's model writes in the end; a table goes to the page of that
kind of machine.
"""

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.published.kinds import RESULTS, own_folder
from benchmarks.published.pages import publish
from benchmarks.published.sections import language_model_row
from minigrad.bench.cases.networks import gpt, recurrent_model
from minigrad.bench.process import OWN, THREADS, installed
from minigrad.text import TinyShakespeare, Vocabulary, continuation
from minigrad.text.models import GPT, CharLSTM

FILE = "language-models.json"
# The library comes first, so that it finds the environment as it would without minigrad.
START = "import {0}; from benchmarks.language_models import worker; worker(*{1!r})"
WARM = 5  # steps at the beginning that are not timed
WRITTEN = 300  # characters of the text that a model writes

Arrays = dict[str, NDArray[Any]]
RunRecord = dict[str, Any]


class Task(NamedTuple):
    """A model of minigrad.text, the same of any library's modules, and its batches."""

    title: str
    own: Callable[[int], Any]
    network: Callable[[Any, int], Any]
    lr: float
    batch: int = 12
    context: int = 64

    def model(self, library: Any, characters: int) -> Any:
        """The library's model."""
        if library.__name__ == "minigrad":
            return self.own(characters)
        return self.network(library, characters)


TASKS = {
    "gpt": Task(
        title="GPT, 4 layers, 4 heads, 128 wide",
        own=lambda characters: GPT(characters, 64, 4, 4, 128),
        network=lambda library, characters: gpt(library, characters, 64, 4, 4, 128),
        lr=1e-3,
    ),
    "lstm": Task(
        title="LSTM, 2 layers, 256 wide",
        own=lambda characters: CharLSTM(characters, 256, 2),
        network=lambda library, characters: recurrent_model(library, characters, 256, 2),
        lr=2e-3,
    ),
}


def data(task: str, root: Path | None) -> Arrays:
    """The text's tokens, its characters, and the weights of the beginning."""
    import minigrad as mg  # noqa: PLC0415  torch's processes need none of it

    corpus = TinyShakespeare(root, download=True)
    mg.manual_seed(0)
    state = TASKS[task].own(len(corpus.vocabulary)).state_dict()
    return {
        "tokens": corpus.train.numpy(),
        "characters": np.array(corpus.vocabulary.characters),
        **{f"weight {key}": value.numpy() for key, value in state.items()},
    }


def train(library: Any, task: Task, arrays: Arrays, steps: int) -> tuple[Any, RunRecord]:
    """The trained model, every loss, and the seconds of the fastest step."""
    model = task.model(library, len(arrays["characters"]))
    state = {k.removeprefix("weight "): v for k, v in arrays.items() if k.startswith("weight ")}
    model.load_state_dict({key: library.from_numpy(value) for key, value in state.items()})
    optimizer = library.optim.AdamW(model.parameters(), lr=task.lr)
    order, positions = np.random.default_rng(0), np.arange(task.context + 1)
    losses: list[float] = []
    seconds = []
    for _ in range(steps):
        starts = order.integers(len(arrays["tokens"]) - task.context, size=(task.batch, 1))
        tokens = library.from_numpy(arrays["tokens"][starts + positions])
        start = time.perf_counter()
        optimizer.zero_grad()
        scores = model(tokens[:, :-1]).flatten(0, 1)
        loss = library.nn.functional.cross_entropy(scores, tokens[:, 1:].flatten())
        loss.backward()
        optimizer.step()
        losses.append(float(f"{loss.item():.9g}"))
        seconds.append(time.perf_counter() - start)
    return model, {"losses": losses, "step": min(seconds[WARM:] or seconds)}


def worker(library: str, task: str, path: str, steps: int) -> None:
    with np.load(path) as stored:
        arrays = dict(stored)
    model, run = train(importlib.import_module(library), TASKS[task], arrays, steps)
    if library == "minigrad":
        vocabulary = Vocabulary(arrays["characters"].tolist())
        run["text"] = continuation(model, vocabulary, "\n", WRITTEN, temperature=0.8)
    print(json.dumps(run))


def in_own_process(threads: int, library: str, *words: object) -> RunRecord:
    environment = {key: value for key, value in os.environ.items() if key != OWN}
    environment |= dict.fromkeys(THREADS, str(threads))
    command = [sys.executable, "-c", START.format(library, (library, *words))]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    found: RunRecord = json.loads(done.stdout.splitlines()[-1])
    return found


def compare(name: str, options: Namespace) -> RunRecord:
    """The runs of every library, in turns: the losses of the first, the fastest step of all."""
    task = TASKS[name]
    runs: dict[str, RunRecord] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "data.npz")
        stored: dict[str, Any] = data(name, options.root)
        np.savez(path, **stored)
        for _ in range(options.repeats):
            for library in filter(installed, ("minigrad", "torch")):
                words = (name, str(path), options.steps)
                run = in_own_process(options.threads, library, *words)
                first = runs.setdefault(library, run)
                first["step"] = min(first["step"], run["step"])
    return {
        "task": task.title,
        "tokens": task.batch * task.context,
        "threads": options.threads,
        "runs": runs,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=TASKS, help="one of the models")
    parser.add_argument("--root", type=Path, help="folder of the data files")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=3, help="runs of each library")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    path = own_folder() / FILE
    found = json.loads(path.read_text()) if path.exists() else {}
    for name in [options.only] if options.only else TASKS:
        found[name] = compare(name, options)
        path.write_text(json.dumps(found))
        publish(RESULTS)
        print(language_model_row(found[name]), flush=True)


if __name__ == "__main__":
    main()
