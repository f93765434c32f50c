"""`minigrad train`: train a classifier of images or a model of a text, and show what it learnt."""

import argparse
import json
import math
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import Any

from minigrad.cli import experiment
from minigrad.cli.image_run import ImageRun
from minigrad.cli.plots import plotting_available
from minigrad.cli.text_run import TextRun
from minigrad.cli.training_run import TrainingRun
from minigrad.cli.usage_error import UsageError, as_usage_error
from minigrad.core.files import write_atomically
from minigrad.kernels.compiler.kernel import get_num_threads, set_num_threads

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
        help="train a classifier on images, or a language model on a text",
        description="Train a classifier on images, or a model of a text's characters. "
        "Without options: a small CNN on 8x8 digits.",
    )
    add = parser.add_argument
    data = f"{', '.join([*experiment.DATA, *experiment.TEXTS])}, or a file of text (digits)"
    optimizers = "the update rule; sgd and nesterov have momentum 0.9 (%(default)s)"
    models = [*experiment.MODELS, *experiment.TEXT_MODELS]
    add("--data", default="digits", help=data)
    add("--model", choices=models, help=f"the network ({_defaults('model')})")
    add("--optimizer", choices=experiment.OPTIMIZERS, default="adam", help=optimizers)
    add("--lr", type=_rate, help="learning rate (the optimizer's own)")
    add("--epochs", type=_whole(1), help=f"passes over the data ({_defaults('epochs')})")
    add("--batch-size", type=_whole(1), help=f"samples per step ({_defaults('batch_size')})")
    add("--seed", type=_whole(0), default=0, help="of weights and order (%(default)s)")
    add("--threads", type=_whole(1), help="threads to use (all cores)")
    add("--root", type=Path, help="folder of the data files (MINIGRAD_DATA, or the cache)")
    add("--out", type=Path, metavar="DIR", help="write weights, history and a picture to DIR")
    add("--quiet", action="store_true", help="print the final accuracy or perplexity only")
    sizes = parser.add_argument_group("for texts").add_argument
    context = experiment.TEXT_DEFAULTS["context"]
    sizes("--context", type=_whole(1), help=f"characters that the model sees ({context})")
    sizes("--layers", type=_whole(1), help=f"layers, or blocks of attention ({_sizes('layers')})")
    sizes("--width", type=_whole(1), help=f"numbers for each character ({_sizes('width')})")
    sizes("--heads", type=_whole(1), help=f"heads of attention ({_sizes('heads')})")
    parser.set_defaults(run=run)


def _defaults(name: str) -> str:
    return f"{experiment.IMAGE_DEFAULTS[name]}; for texts {experiment.TEXT_DEFAULTS[name]}"


def _sizes(name: str) -> str:
    return "; ".join(f"{m} {sizes[name]}" for m, sizes in experiment.SIZES.items() if name in sizes)


def run(options: argparse.Namespace) -> int:
    """Train as the options say."""
    experiment.complete(options)
    if options.threads is not None:
        with as_usage_error(ValueError):
            set_num_threads(options.threads)
    if options.out is not None:
        _prepare_folder(options.out)
    training = (TextRun if experiment.is_text(options.data) else ImageRun)(options)
    if not options.quiet:
        print(training.introduction(), flush=True)
    interrupted = False
    try:
        for line in training.epochs():
            if not options.quiet:
                print(line, flush=True)
    except KeyboardInterrupt:
        interrupted = True
        print("minigrad: interrupted; evaluating what was reached", file=sys.stderr)
        training.evaluate()
    if not options.quiet:
        for line in training.details():
            print(line)
    print(training.result())
    if options.out is not None:
        with as_usage_error(OSError):
            _write_results(training, interrupted)
    return INTERRUPTED if interrupted else 0


def _prepare_folder(folder: Path) -> None:
    """Make the folder and try it at once, before anything is computed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise UsageError(f"--out {folder} cannot be written: {error.strerror or error}") from error


def _write_results(training: TrainingRun, interrupted: bool) -> None:
    options = training.options
    folder = options.out
    written = [folder / "weights.safetensors", folder / "history.json"]
    training.save_weights(written[0])
    record = {
        "settings": {name: getattr(options, name) for name in training.settings},
        "threads": get_num_threads(),
        "machine": platform.machine(),
        "interrupted": interrupted,
        **training.record(),
    }
    write_atomically(written[1], lambda path: path.write_text(json.dumps(record, indent=2) + "\n"))
    if plotting_available():
        written.append(folder / "report.png")
        training.draw(written[2])
    elif not options.quiet:
        print("for a picture as well: pip install 'minigrad[plot]'")
    if not options.quiet:
        print("written:", *[os.fspath(path) for path in written])
