"""The settings of a run: their names, kinds and meanings, and how they are read and written."""

import dataclasses
import json
import math
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LARGEST = 2**31 - 1
LARGEST_FILE = 1 << 20  # bytes of a file of settings


class SettingsError(ValueError):
    """A setting that cannot be, or that does not go with another."""


def whole(least: int, most: int = LARGEST) -> Callable[[Any], int]:
    """A reader of whole numbers within bounds."""

    def number(given: Any) -> int:
        if isinstance(given, bool | float):
            raise ValueError(f"expected a whole number, got {given}")
        try:
            value = int(given)
        except ValueError:
            raise ValueError(f"expected a whole number, got {given!s:.40}") from None
        if not least <= value <= most:
            raise ValueError(f"expected a whole number from {least} to {most}, got {given!s:.40}")
        return value

    return number


def between(
    least: float, most: float = math.inf, open_below: bool = True
) -> Callable[[Any], float]:
    """A reader of finite numbers within bounds, of which the lower may be left out."""

    def number(given: Any) -> float:
        try:
            value = math.nan if isinstance(given, bool) else float(given)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and least <= value <= most) or (open_below and value == least):
            bounds = f"{'above' if open_below else 'from'} {least:g}"
            bounds += "" if most == math.inf else f" to {most:g}"
            raise ValueError(f"expected a number {bounds}, got {given!s:.40}")
        return value

    return number


def one_of(*names: str) -> Callable[[Any], str]:
    """A reader of one of some words."""

    def word(given: Any) -> str:
        if given not in names:
            raise ValueError(f"expected one of {', '.join(names)}, got {given!s:.40}")
        return str(given)

    return word


def text(given: Any) -> str:
    """Read a text that is not empty."""
    if not isinstance(given, str) or not given or "\0" in given:
        raise ValueError(f"expected a text that is not empty, got {given!r:.40}")
    return given


def switch(given: Any) -> bool:
    """Read true or false."""
    if not isinstance(given, bool):
        raise ValueError(f"expected true or false, got {given!s:.40}")
    return given


AUGMENTATIONS = ("crop", "flip", "rotate", "colour", "erase")


def augmentations(given: Any) -> str:
    """Read the names of augmentations, with commas between them."""
    names = text(given).split(",")
    for name in names:
        one_of(*AUGMENTATIONS)(name)
    return ",".join(name for name in AUGMENTATIONS if name in names)


def _setting(
    default: Any,
    read: Callable[[Any], Any],
    help: str,
    metavar: str | None = None,
    group: str = "",
    may_change: bool = False,
) -> Any:
    known = {"read": read, "help": help, "metavar": metavar, "group": group}
    return dataclasses.field(default=default, metadata={**known, "may_change": may_change})


@dataclass
class Settings:
    """All settings of a run; None where the data or the model decide.

    Those that may change are the ones that a run may go on with, other than it began.
    """

    data: str = _setting("digits", text, "{data}", "DATA")
    target: str | None = _setting(None, text, "the column of a table to predict", "COLUMN")
    task: str | None = _setting(
        None, one_of("classification", "regression"),
        "classification or regression of a table (as its target looks)", "NAME",
    )  # fmt: skip
    image_size: int | None = _setting(
        None,
        whole(4, 4096),
        "pixels of a side, for a folder of images (theirs if equal, else 64)",
        "N",
    )
    augment: str | None = _setting(
        None,
        augmentations,
        "change training images by chance: crop,flip,rotate,colour,erase",
        "LIST",
    )
    model: str | None = _setting(None, text, "{models}, or file.py:Net ({model})", "MODEL")
    optimizer: str = _setting(
        "adam", text, "the update rule, {optimizers}, or file.py:Rule; sgd and nesterov have "
        "momentum 0.9 (%(default)s)", "RULE",
    )  # fmt: skip
    lr: float | None = _setting(None, between(0), "learning rate (the optimizer's own)", "RATE")
    schedule: str | None = _setting(
        None, one_of("cosine", "onecycle", "step", "plateau"),
        "of the learning rate: cosine, onecycle, step or plateau (constant)", "NAME",
    )  # fmt: skip
    epochs: int | None = _setting(
        None, whole(1), "passes over the data ({epochs})", "N", may_change=True
    )
    batch_size: int | None = _setting(None, whole(1), "samples per step ({batch_size})", "N")
    accumulate: int = _setting(1, whole(1), "batches whose gradients make one step (1)", "N")
    clip: float | None = _setting(None, between(0), "largest norm of a gradient ({clip})", "NORM")
    ema: float | None = _setting(
        None,
        between(0, 1),
        "keep a running average of the weights; this part of it stays at each step (none)",
        "DECAY",
    )
    label_smoothing: float = _setting(
        0.0, between(0, 1, open_below=False), "part of a label shared by all classes (0)", "PART"
    )
    early_stop: int | None = _setting(
        None, whole(1), "end after N epochs without a lower loss, with the best weights", "N",
        may_change=True,
    )  # fmt: skip
    on_nonfinite: str = _setting(
        "stop", one_of("stop", "skip", "ignore"),
        "at a loss or gradient of inf or nan: stop, skip the step, or ignore it (%(default)s)",
        "{stop,skip,ignore}", may_change=True,
    )  # fmt: skip
    seed: int = _setting(0, whole(0, 2**64 - 1), "of weights and order (%(default)s)", "N")
    threads: int | None = _setting(
        None, whole(1), "threads to use (all cores)", "N", may_change=True
    )
    workers: int = _setting(
        0, whole(0, 256), "threads that prepare batches (%(default)s)", "N", may_change=True
    )
    root: str | None = _setting(
        None, text, "folder of the data files (MINIGRAD_DATA, or the cache)", "FOLDER",
        may_change=True,
    )  # fmt: skip
    out: str | None = _setting(
        None, text, "write checkpoints, weights, history and a report to DIR", "DIR",
        may_change=True,
    )  # fmt: skip
    checkpoint_every: int | None = _setting(
        None, whole(1), "with --out: a checkpoint after N steps, too, not after epochs only", "N",
        may_change=True,
    )  # fmt: skip
    log: str | None = _setting(
        None, one_of("tensorboard", "csv"), "with --out: write each epoch there as well",
        "{tensorboard,csv}", may_change=True,
    )  # fmt: skip
    distributed: bool = _setting(
        False, switch, "on the processes that `minigrad run` started: each takes a part of every "
        "batch, and any number of them gives the same bits",
    )  # fmt: skip
    shard_size: int | None = _setting(
        None, whole(1), "with --distributed: samples that a process takes at once (an eighth of a "
        "batch)", "N",
    )  # fmt: skip
    compile: bool = _setting(
        False, switch, "replay the model's recorded forward and backward", may_change=True
    )
    quiet: bool = _setting(False, switch, "print the final result only", may_change=True)
    context: int | None = _setting(
        None, whole(1), "characters that the model sees ({context})", "N", "texts"
    )
    layers: int | None = _setting(
        None, whole(1, 4096), "layers, or blocks of attention ({layers})", "N", "texts"
    )
    width: int | None = _setting(
        None, whole(1, 1 << 20), "numbers for each character ({width})", "N", "texts"
    )
    heads: int | None = _setting(None, whole(1, 4096), "heads of attention ({heads})", "N", "texts")

    def differences(self, other: "Settings") -> list[str]:
        """The settings that differ from another's, without those that may change."""
        names = [f.name for f in dataclasses.fields(self) if not f.metadata["may_change"]]
        if self.schedule in ("cosine", "onecycle", "step"):
            names.append("epochs")  # the schedule depends on it
        return [
            f"{option(name)} was {getattr(other, name)}, is {getattr(self, name)}"
            for name in names
            if getattr(self, name) != getattr(other, name)
        ]


def option(name: str) -> str:
    """The command line's name of a setting."""
    return f"--{name.replace('_', '-')}"


def settings_from(given: Mapping[str, Any], source: str) -> dict[str, Any]:
    """The values of settings, each read and checked; SettingsError names the source."""
    known = {f.name: f for f in dataclasses.fields(Settings)}
    values = {}
    for key, value in given.items():
        name = str(key).replace("-", "_")
        if name not in known:
            raise SettingsError(
                f"{source}: no setting is named {key!r:.60}; there are {', '.join(known)}"
            )
        try:
            values[name] = known[name].metadata["read"](value)
        except ValueError as error:
            raise SettingsError(f"{source}: {name}: {error}") from error
    return values


def read_toml(path: str | Path) -> dict[str, Any]:
    """The settings in a TOML file.  Raises SettingsError for what is none, OSError without it."""
    with open(path, "rb") as file:
        content = file.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise SettingsError(f"{path} has more than {LARGEST_FILE} bytes: it is no file of settings")
    try:
        given = tomllib.loads(content.decode())
    except (ValueError, RecursionError) as error:  # of its syntax, of UTF-8, of large numbers
        raise SettingsError(f"{path} is no TOML file: {error!s:.200}") from error
    return settings_from(given, str(path))


def to_toml(settings: Settings) -> str:
    """The settings as TOML; those that are None stand in a comment."""
    lines = ["# The settings of a run: minigrad train --config FILE"]
    for name, value in dataclasses.asdict(settings).items():
        if value is None:
            lines.append(f"# {name} =")
        else:
            lines.append(f"{name} = {_toml(value)}")
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, str) else repr(value)
