"""`minigrad train`: train on images, tables or texts, and show what was learned."""

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from minigrad.cli.usage_error import UsageError, as_usage_error
from minigrad.training import choices
from minigrad.training.making import OPTIMIZERS
from minigrad.training.run import Request, train
from minigrad.training.settings import Settings, SettingsError, option, read_toml

_EPILOG = """
A run with --out writes checkpoints there.  One that was interrupted or killed goes on with
`minigrad train --out DIR --resume`, to the same result as one that never was.
"""


def add_to(commands: Any) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser(
        "train",
        help="train on images, on a table or on a text",
        description="Train a classifier of images or of a table's rows, a regression, or a model "
        "of a text's characters.  Without options: a small CNN on 8x8 digits.  Values in "
        "brackets are the defaults.",
        epilog=_EPILOG,
    )
    groups = {"": parser, "texts": parser.add_argument_group("for texts")}
    words = _words()
    for field in dataclasses.fields(Settings):
        known = field.metadata
        text = known["help"]
        for name, word in words.items():
            text = text.replace(f"{{{name}}}", word)
        text = text.replace("%(default)s", str(field.default))
        flags: dict[str, Any] = {"default": argparse.SUPPRESS, "help": text}
        if field.type == "bool" or field.default is False:
            flags["action"] = "store_true"
        else:
            flags |= {"type": _reader(known["read"]), "metavar": known["metavar"]}
        groups[known["group"]].add_argument(option(field.name), **flags)
    begin = parser.add_argument_group("how to begin").add_argument
    begin("--config", type=Path, metavar="FILE", help="settings from a TOML file; options win")
    begin(
        "--resume",
        nargs="?",
        const="yes",
        choices=("yes", "auto"),
        help="go on with the run in DIR; auto: or begin one, if there is none",
    )
    begin("--overwrite", action="store_true", help="start over, although DIR has a run")
    begin("--find-lr", action="store_true", help="look for a learning rate, and do not train")
    parser.set_defaults(run=run)


def _words() -> dict[str, str]:
    """What stands in the help for lists of names and for defaults that the data decide."""
    image, text = choices.DEFAULTS["images"], choices.DEFAULTS["text"]
    table = choices.DEFAULTS["table"]
    names = ", ".join([*choices.DATA, *choices.TEXTS])
    words = {
        "data": f"{names}, a folder of images, a table (.csv, .npz, .parquet), or a file of text "
        "(digits)",
        "models": ", ".join([*choices.IMAGE_MODELS, *choices.TEXT_MODELS]),
        "optimizers": ", ".join(OPTIMIZERS),
        "clip": f"none; for texts {text['clip']:g}",
        "context": str(text["context"]),
    }
    for name in ("model", "epochs", "batch_size"):
        words[name] = f"{image[name]}; for tables {table[name]}; for texts {text[name]}"
    for name in ("layers", "width", "heads"):
        sizes = choices.SIZES.items()
        words[name] = "; ".join(f"{model} {s[name]}" for model, s in sizes if name in s)
    return words


def _reader(read: Any) -> Any:
    def value(text: str) -> Any:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return value


def run(options: argparse.Namespace) -> int:
    """Train as the options say."""
    given = {
        f.name: getattr(options, f.name)
        for f in dataclasses.fields(Settings)
        if hasattr(options, f.name)
    }
    if options.resume and options.overwrite:
        raise UsageError("--resume goes on with a run, --overwrite starts over: give one of them")
    with as_usage_error(SettingsError):
        if options.config is not None:
            with as_usage_error(OSError):
                given = {**read_toml(options.config), **given}
        return train(Request(given, options.resume, options.overwrite, options.find_lr))
