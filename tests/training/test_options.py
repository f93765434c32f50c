"""Every option of `minigrad train` changes something: a table of options, and what shows it."""

import argparse
import csv
import importlib.util
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from PIL import Image

import minigrad as mg
from minigrad.cli import main, train
from minigrad.training import CheckpointManager
from minigrad.training import run as run_module
from minigrad.training.trainer import Trainer
from tests.support.tensorboard_events import events

TABLE = ["--data", "{table}", "--target", "label", "--epochs", "2", "--batch-size", "16"]
IMAGES = ["--data", "{images}", "--model", "linear", "--image-size", "8", "--epochs", "1"]
TEXT = ["--data", "{text}", "--model", "gpt", "--layers", "1", "--width", "8", "--heads", "2",
        "--context", "8", "--epochs", "1"]  # fmt: skip
DIVERGING = [*TABLE, "--optimizer", "sgd", "--lr", "1e30"]
WORSENING = [*TABLE, "--epochs", "12", "--lr", "3"]


class Run(NamedTuple):
    """A run that has ended."""

    status: int
    printed: str
    folder: Path
    trainer: Trainer | None

    @property
    def weights(self) -> dict[str, mg.Tensor]:
        return mg.load(self.folder / "weights.safetensors")

    @property
    def history(self) -> dict[str, Any]:
        return json.loads((self.folder / "history.json").read_text())

    @property
    def steps(self) -> list[int]:
        return CheckpointManager(self.folder / "checkpoints").all_steps()


def same_weights(a: Run, b: Run) -> bool:
    mine, theirs = a.weights, b.weights
    return mine.keys() == theirs.keys() and all(w.equal(theirs[n]) for n, w in mine.items())


def other_weights(a: Run, b: Run) -> bool:
    return a.status == b.status == 0 and not same_weights(a, b)


def epochs_of(run: Run) -> int:
    return len(run.history["epochs"])


def logged(run: Run) -> list[str]:
    with (run.folder / "epochs.csv").open(newline="") as file:
        return [row["test_loss"] for row in csv.DictReader(file)]


def noted(run: Run) -> list[float]:
    found = events(run.folder / "tensorboard")
    assert [step for step, _ in found["train/loss"]] == [1, 2]
    return [value.simple_value for _, value in found["test/loss"]]


def losses(run: Run) -> list[float]:
    return [epoch["test_loss"] for epoch in run.history["epochs"]]


class Effect(NamedTuple):
    """Arguments, those that the option adds, and whether two runs show its effect."""

    base: list[str]
    added: list[str]
    shows: Callable[[Run, Run], object]


EFFECTS = {
    "--data": Effect(TABLE, ["--data", "{other}"], other_weights),
    "--target": Effect(TABLE, ["--target", "count"], lambda a, b: len(b.history["classes"]) == 3),
    "--task": Effect([*TABLE, "--target", "count"], ["--task", "regression"],
                     lambda a, b: (a.history["task"], b.history["task"]) ==
                     ("classification", "regression")),
    "--image-size": Effect(IMAGES, ["--image-size", "12"],
                           lambda a, b: b.weights["fc.weight"].shape[1] == 3 * 12 * 12),
    "--augment": Effect(IMAGES, ["--augment", "crop,erase"], other_weights),
    "--model": Effect(TABLE, ["--model", "linear"], other_weights),
    "--optimizer": Effect(TABLE, ["--optimizer", "sgd"], other_weights),
    "--lr": Effect(TABLE, ["--lr", "0.1"], other_weights),
    "--schedule cosine": Effect(TABLE, ["--schedule", "cosine"], other_weights),
    "--schedule onecycle": Effect(TABLE, ["--schedule", "onecycle"], other_weights),
    "--schedule step": Effect(TABLE, ["--schedule", "step"], other_weights),
    "--schedule plateau": Effect(WORSENING, ["--schedule", "plateau"],
                                 lambda a, b: b.history["epochs"][-1]["lr"] < 3),
    "--epochs": Effect(TABLE, ["--epochs", "3"], lambda a, b: epochs_of(b) == 3),
    "--batch-size": Effect(TABLE, ["--batch-size", "5"], other_weights),
    "--accumulate": Effect(TABLE, ["--accumulate", "2"],
                           lambda a, b: a.steps[-1] > b.steps[-1]),
    "--clip": Effect(TABLE, ["--clip", "0.01"], other_weights),
    "--ema": Effect(TABLE, ["--ema", "0.9"], other_weights),
    "--label-smoothing": Effect(TABLE, ["--label-smoothing", "0.2"], other_weights),
    "--early-stop": Effect(WORSENING, ["--early-stop", "1"],
                           lambda a, b: epochs_of(b) < epochs_of(a) == 12),
    "--on-nonfinite ignore": Effect(DIVERGING, ["--on-nonfinite", "ignore"],
                                    lambda a, b: (a.status, b.status) == (3, 0)),
    "--on-nonfinite skip": Effect(DIVERGING, ["--on-nonfinite", "skip"],
                                  lambda a, b: "nan at step" in a.printed
                                  and "nan at step" not in b.printed),
    "--seed": Effect(TABLE, ["--seed", "7"], other_weights),
    "--threads": Effect(TABLE, ["--threads", "1"],
                        lambda a, b: b.history["threads"] == 1 and same_weights(a, b)),
    "--workers": Effect(TABLE, ["--workers", "2"],
                        lambda a, b: b.trainer.loader.num_workers == 2 and same_weights(a, b)),
    "--root": Effect(TEXT, ["--data", "tinyshakespeare", "--root", "{root}"],
                     lambda a, b: "on tinyshakespeare" in b.printed),
    "--out": Effect(TABLE, ["--out", "{elsewhere}"],
                    lambda a, b: not b.folder.exists()
                    and epochs_of(elsewhere(b, "elsewhere")) == 2),
    "--checkpoint-every": Effect(TABLE, ["--checkpoint-every", "2"],
                                 lambda a, b: len(b.steps) > len(a.steps) and same_weights(a, b)),
    "--log csv": Effect(TABLE, ["--log", "csv"],
                        lambda a, b: list(map(float, logged(b))) == losses(a)),
    "--log tensorboard": Effect(TABLE, ["--log", "tensorboard"],
                                lambda a, b: noted(b) == pytest.approx(losses(a), rel=1e-6)),
    "--compile": Effect(TABLE, ["--compile"],
                        lambda a, b: b.trainer.gradients.model is not b.trainer.model
                        and a.trainer.gradients.model is a.trainer.model and same_weights(a, b)),
    "--distributed": Effect(TABLE, ["--distributed"],
                            lambda a, b: b.trainer.gradients.model.fixed.shard_size == 2
                            and a.trainer.gradients.model is a.trainer.model),
    "--shard-size": Effect([*TABLE, "--distributed"], ["--shard-size", "4"],
                           lambda a, b: b.trainer.gradients.model.fixed.shard_size == 4),
    "--quiet": Effect(TABLE, ["--quiet"],
                      lambda a, b: b.printed in a.printed and b.printed.count("\n") == 1),
    "--context": Effect(TEXT, ["--context", "4"], other_weights),
    "--layers": Effect(TEXT, ["--layers", "2"],
                       lambda a, b: len(b.weights) > len(a.weights)),
    "--width": Effect(TEXT, ["--width", "4"], other_weights),
    "--heads": Effect(TEXT, ["--heads", "1"], other_weights),
    "--config": Effect(TABLE, ["--config", "{config}"], other_weights),
    "--resume": Effect([*TABLE, "--out", "{resumed}"], ["--resume", "--epochs", "3"],
                       lambda a, b: epochs_of(elsewhere(b, "resumed")) == 3),
    "--overwrite": Effect([*TABLE, "--out", "{again}"], ["--overwrite"],
                          lambda a, b: b.status == 0 and "already" not in b.printed),
    "--find-lr": Effect(TABLE, ["--find-lr"], lambda a, b: "suggested: --lr" in b.printed),
}  # fmt: skip


def elsewhere(run: Run, name: str) -> Run:
    return run._replace(folder=run.folder.with_name(name))


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """The files that the arguments name, by the words in braces."""
    home = tmp_path_factory.mktemp("options")
    draw = np.random.default_rng(0)
    for name in ("table", "other"):
        rows = [
            f"{x:.3f},{y:.3f},{i % 3},{'yes' if x > 0 else 'no'}"
            for i, (x, y) in enumerate(draw.standard_normal((60, 2)))
        ]
        (home / f"{name}.csv").write_text("\n".join(["x,y,count,label", *rows]) + "\n")
    for name in ("dark", "light"):
        (home / "images" / name).mkdir(parents=True)
        for i in range(10):
            pixels = draw.integers(0, 128, (12, 12, 3), np.uint8) + 127 * (name == "light")
            Image.fromarray(pixels.astype(np.uint8)).save(home / "images" / name / f"{i}.png")
    (home / "verse.txt").write_text("fix my bug\n" * 20)
    (home / "root").mkdir()
    (home / "root" / "tinyshakespeare.txt").write_text("to be or not\n" * 40)
    (home / "run.toml").write_text("seed = 5\n")
    return {
        "table": home / "table.csv", "other": home / "other.csv", "images": home / "images",
        "text": home / "verse.txt", "root": home / "root", "config": home / "run.toml",
        **{name: home / name for name in ("elsewhere", "resumed", "again")},
    }  # fmt: skip


@pytest.fixture(scope="module")
def run(places):
    """A function that runs with arguments: with the same ones once."""
    home = places["root"].parent
    numbers, made = itertools.count(), {}

    def started(arguments, capsys, patch) -> Run:
        key = tuple(arguments)
        if key not in made:
            folder, trainers = home / f"run{next(numbers)}", []

            def trainer(*given):
                trainers.append(Trainer(*given))
                return trainers[-1]

            patch.setattr(run_module, "Trainer", trainer)
            patch.setattr(run_module, "plotting_available", lambda: False)
            words = [word.format(**places) for word in arguments]
            capsys.readouterr()
            status = main(["train", "--out", str(folder), *words])
            out, err = capsys.readouterr()
            made[key] = Run(status, out + err, folder, trainers[0] if trainers else None)
        return made[key]

    return started


@pytest.mark.parametrize("name", EFFECTS)
def test_an_option_has_its_effect(name, run, capsys, monkeypatch):
    if name.endswith("tensorboard") and importlib.util.find_spec("tensorboardX") is None:
        pytest.skip("tensorboardX is not installed: minigrad[tensorboard]")
    base, added, shows = EFFECTS[name]
    before = run(base, capsys, monkeypatch)
    after = run([*base, *added], capsys, monkeypatch)
    assert shows(before, after), (before.printed, after.printed)


def test_no_option_is_missing_here():
    parser = argparse.ArgumentParser()
    train.add_to(parser.add_subparsers())
    (commands,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    options = {name for a in commands.choices["train"]._actions for name in a.option_strings}
    assert {name.split()[0] for name in EFFECTS} == options - {"-h", "--help"}


def test_smoothed_labels_are_shared_by_all_classes(run, capsys, monkeypatch):
    """With a rate of nearly 0, the loss of the first epoch is that of the first weights."""
    added = ["--epochs", "1", "--lr", "1e-12", "--label-smoothing", "0.3", "--target", "count"]
    found = run([*TABLE, *added], capsys, monkeypatch)
    model, source = found.trainer.model, found.trainer.task.source
    inputs, labels = (
        mg.stack([mg.as_tensor(v) for v in column]) for column in zip(*source.train, strict=True)
    )
    with mg.no_grad():
        model.train()
        scores = model(inputs).double().numpy()
    logs = scores - np.log(np.exp(scores).sum(1, keepdims=True))
    right = logs[np.arange(len(labels)), labels.numpy()]
    loss = -(0.7 * right + 0.3 * logs.mean(1)).mean()
    assert found.history["epochs"][0]["train_loss"] == pytest.approx(loss, rel=1e-5)
