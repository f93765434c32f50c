"""`minigrad evaluate`: the scores of a trained model, on its data or on others."""

import argparse
from pathlib import Path
from typing import Any

from minigrad.cli.usage_error import UsageError, as_usage_error
from minigrad.training.choices import complete
from minigrad.training.run_folder import CONFIG
from minigrad.training.settings import Settings, SettingsError, read_toml, text
from minigrad.training.task_choice import make_task
from minigrad.training.trained import load_run


def add_to(commands: Any) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser(
        "evaluate",
        help="the scores of a trained model on test data",
        description="Print the scores of a run's model on the test part of its data, or of others "
        "with the same classes or columns.",
    )
    add = parser.add_argument
    add("run_folder", type=Path, metavar="DIR", help="the folder of a run")
    add("--data", help="other data of the same kind (those of the run)")
    add("--root", help="folder of the data files")
    add("--run-code", action="store_true", help="let the model's file in DIR run")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Evaluate, and print the scores."""
    config = options.run_folder / CONFIG
    if not config.is_file():
        raise UsageError(f"{options.run_folder} has no {CONFIG}: it is no folder of a run")
    with as_usage_error(OSError, ValueError, ImportError):
        trained = load_run(options.run_folder, run_code=options.run_code)
        settings = Settings(**read_toml(config))
        for name in ("data", "root"):
            if (given := getattr(options, name)) is not None:
                setattr(settings, name, text(given))
        if options.run_code and settings.model is not None and ".py:" in settings.model:
            settings.model = (
                f"{options.run_folder / 'model.py'}:{settings.model.rpartition(':')[2]}"
            )
        with as_usage_error(SettingsError):
            task = make_task(complete(settings), settings, trained.description)
        classes = task.description().get("classes", trained.classes)
        if list(classes) != trained.classes:
            raise UsageError(
                f"--data {settings.data} has the classes {', '.join(classes)}; the model knows "
                f"{', '.join(trained.classes)}"
            )
    evaluation = task.evaluate(trained.model, lambda: None)
    for line in task.details(evaluation):
        print(line)
    print(task.result(evaluation))
    return 0
