"""`minigrad train`: train a classifier on images and show how well it does."""

import argparse
import json
import math
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from minigrad import nn
from minigrad.cli import experiment, fit
from minigrad.cli.plots import draw_report, plotting_available
from minigrad.cli.usage_error import UsageError, as_usage_error
from minigrad.core.files import write_atomically
from minigrad.kernels.compiler.kernel import get_num_threads, set_num_threads
from minigrad.ops.generator import default_generator
from minigrad.serialization import save
from minigrad.utils.data import DataLoader

INTERRUPTED = 130


def _whole(least: int) -> Any:
    def number(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"expected a whole number from {least} on, got {text}")
        return value

    number.__name__ = "whole number"
    return number


def _rate(text: str) -> float:
    value = float(text)
    if not (math.isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError(f"expected a positive number, got {text}")
    return value


_rate.__name__ = "number"


def add_to(commands: Any) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser(
        "train",
        help="train a classifier on images",
        description="Train a classifier on images. Without options: a small CNN on 8x8 digits.",
    )
    add = parser.add_argument
    optimizers = "the update rule; sgd and nesterov have momentum 0.9 (%(default)s)"
    add("--data", choices=experiment.DATA, default="digits", help="the images (%(default)s)")
    add("--model", choices=experiment.MODELS, default="cnn", help="the network (%(default)s)")
    add("--optimizer", choices=experiment.OPTIMIZERS, default="adam", help=optimizers)
    add("--lr", type=_rate, help="learning rate (the optimizer's own)")
    add("--epochs", type=_whole(1), default=8, help="passes over the images (%(default)s)")
    add("--batch-size", type=_whole(1), default=64, help="images per step (%(default)s)")
    add("--seed", type=_whole(0), default=0, help="of weights and order (%(default)s)")
    add("--threads", type=_whole(1), help="threads to use (all cores)")
    add("--root", type=Path, help="folder of the data files (MINIGRAD_DATA, or the cache)")
    add("--out", type=Path, metavar="DIR", help="write weights, history and a picture to DIR")
    add("--quiet", action="store_true", help="print the final accuracy only")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Train as the options say."""
    experiment.check_combination(options.data, options.model, options.root)
    if options.threads is not None:
        with as_usage_error(ValueError):
            set_num_threads(options.threads)
    if options.out is not None:
        _prepare_folder(options.out)
    train_data, test_data = experiment.load_data(options.data, options.root)

    default_generator.manual_seed(options.seed)
    model = experiment.MODELS[options.model](*experiment.DATA[options.data].shape)
    optimizer = experiment.make_optimizer(options.optimizer, model.parameters(), options.lr)
    options.lr = optimizer.param_groups[0]["lr"]
    loader = DataLoader(train_data, options.batch_size, shuffle=True)
    if not options.quiet:
        _introduce(options, model, len(train_data), len(test_data))

    history: list[fit.Epoch] = []
    interrupted = False
    score = None
    try:
        for epoch, reached in fit.epochs(
            model, loader, test_data, optimizer, options.epochs, options.quiet
        ):
            history.append(epoch)
            score = reached
            if not options.quiet:
                _tell(epoch)
    except KeyboardInterrupt:
        interrupted = True
        print("minigrad: interrupted; evaluating what was reached", file=sys.stderr)
    if score is None or interrupted:
        score = fit.evaluate(model, test_data)
    by_class = fit.per_class_accuracy(score, train_data.classes)
    _conclude(score, by_class, options.quiet)
    if options.out is not None:
        with as_usage_error(OSError):
            _write_results(options, model, history, score, by_class, test_data, interrupted)
    return INTERRUPTED if interrupted else 0


def _prepare_folder(folder: Path) -> None:
    """Make the folder and try it at once, before anything is computed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise UsageError(f"--out {folder} cannot be written: {error.strerror or error}") from error


def _introduce(options: argparse.Namespace, model: nn.Module, train: int, test: int) -> None:
    parameters = sum(p.numel() for p in model.parameters())
    print(
        f"{options.model} with {parameters:,} parameters on {options.data}: {train:,} training and "
        f"{test:,} test images, {options.optimizer} lr {options.lr}, batch {options.batch_size}, "
        f"seed {options.seed}, {get_num_threads()} threads"
    )


def _tell(epoch: fit.Epoch) -> None:
    print(
        f"epoch {epoch.number}: train loss {epoch.train_loss:.4f} accuracy "
        f"{epoch.train_accuracy:.2%}, test loss {epoch.test_loss:.4f} accuracy "
        f"{epoch.test_accuracy:.2%}, {epoch.images_per_second:,.0f} images/s",
        flush=True,
    )


def _conclude(score: fit.Score, by_class: dict[str, float], quiet: bool) -> None:
    if not quiet:
        width = max(map(len, by_class))
        print("accuracy per class:")
        for name, accuracy in by_class.items():
            print(f"  {name:<{width}} {accuracy:7.2%}  {'#' * round(40 * accuracy)}")
    print(f"test accuracy: {score.accuracy:.2%}")


def _write_results(
    options: argparse.Namespace,
    model: nn.Module,
    history: list[fit.Epoch],
    score: fit.Score,
    by_class: dict[str, float],
    test_data: Any,
    interrupted: bool,
) -> None:
    folder = options.out
    written = [folder / "weights.safetensors", folder / "history.json"]
    save(model.state_dict(), written[0], metadata={"model": options.model, "data": options.data})
    settings = ("data", "model", "optimizer", "lr", "epochs", "batch_size", "seed")
    record = {
        "settings": {name: getattr(options, name) for name in settings},
        "threads": get_num_threads(),
        "machine": platform.machine(),
        "interrupted": interrupted,
        "epochs": [epoch._asdict() for epoch in history],
        "test_accuracy": score.accuracy,
        "accuracy_per_class": by_class,
        "confusion": _confusion(score, len(by_class)).tolist(),
    }
    write_atomically(written[1], lambda path: path.write_text(json.dumps(record, indent=2) + "\n"))
    if plotting_available():
        written.append(folder / "report.png")
        draw_report(written[2], history, score, _confusion(score, len(by_class)), test_data)
    elif not options.quiet:
        print("for a picture as well: pip install 'minigrad[plot]'")
    if not options.quiet:
        print("written:", *[os.fspath(path) for path in written])


def _confusion(score: fit.Score, classes: int) -> np.ndarray[Any, Any]:
    """(true class, predicted class) -> how many test images."""
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (score.labels, score.predictions), 1)
    return counts
