"""`minigrad sample`: text that a trained language model writes."""

import argparse
import math
from pathlib import Path
from typing import Any

from minigrad.cli.usage_error import UsageError, as_usage_error
from minigrad.ops.generator import default_generator
from minigrad.text import continuation, load_model


def add_to(commands: Any) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser(
        "sample",
        help="let a trained language model continue a text",
        description="Let a language model continue a text. WEIGHTS is weights.safetensors that "
        "minigrad train has written for a text: the model's sizes and characters are in it.",
    )
    add = parser.add_argument
    add("weights", type=Path, metavar="WEIGHTS", help="the file of a trained model")
    add("--prompt", help="the text to continue (an empty line)")
    add("--length", type=int, default=500, help="characters to write (%(default)s)")
    add(
        "--temperature",
        type=float,
        default=0.8,
        help="below 1: likelier characters, above: rarer, 0: the likeliest (%(default)s)",
    )
    add("--top-k", type=int, metavar="K", help="draw among the K likeliest characters only (all)")
    add("--seed", type=int, default=0, help="of the random numbers (%(default)s)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the prompt and what follows it."""
    _check(options)
    with as_usage_error(OSError, ValueError):
        trained = load_model(options.weights)
    prompt = options.prompt
    if prompt is None:
        if "\n" not in trained.vocabulary:
            raise UsageError("--prompt is needed: the model knows no newline to begin after")
        prompt = "\n"
    default_generator.manual_seed(options.seed)
    try:
        written = continuation(*trained, prompt, options.length, options.temperature, options.top_k)
    except ValueError as error:
        raise UsageError(f"--prompt: {error}") from error
    print(f"{options.prompt or ''}{written}")
    return 0


def _check(options: argparse.Namespace) -> None:
    for name in ("length", "seed"):
        if (value := getattr(options, name)) < 0:
            raise UsageError(f"--{name} should be at least 0, got {value}")
    if not (math.isfinite(options.temperature) and options.temperature >= 0):
        raise UsageError(
            f"--temperature should be 0 or a positive number, got {options.temperature}"
        )
    if options.top_k is not None and options.top_k < 1:
        raise UsageError(f"--top-k should be at least 1, got {options.top_k}")
