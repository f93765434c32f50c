"""`minigrad optim diagnose`: how optimizers do on ten problems, as a table, JSON and a picture."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tqdm import tqdm

from minigrad import optim
from minigrad.cli.usage_error import UsageError, as_usage_error
from minigrad.core.files import import_file
from minigrad.optim import Optimizer, RuleOptimizer
from minigrad.testing import optimizers

QUICK = ("ravine", "noisy", "Rosenbrock")
# Not among all: Muon is for matrices only, and a step of LBFGS is up to twenty steps of others.
ABSTRACT = ("Optimizer", "RuleOptimizer", "Partition", "SparseAdam")


def add_to(commands: Any) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser(
        "optim", help="diagnose optimizers, or one of your own", description=__doc__
    )
    parser.add_argument("action", choices=("diagnose",))
    parser.add_argument(
        "what",
        nargs="*",
        metavar="RULE|FILE",
        help="names of optimizers, or files of Python that define some (default: all)",
    )
    parser.add_argument("--quick", action="store_true", help="three problems of ten, two rates")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every loss")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="write a PNG (extra plot)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Diagnose, print the table, write the files."""
    for path in (options.json, options.picture):
        if path is not None and not path.parent.is_dir():
            raise UsageError(f"{path} cannot be written: there is no folder {path.parent}")
    makers: dict[str, Callable[..., Optimizer]] = {}
    for what in options.what or sorted(_known()):
        makers |= _found(what)
    problems = QUICK if options.quick else tuple(optimizers.PROBLEMS)
    rates = (1e-2, 1e-1) if options.quick else optimizers.RATES
    runs = optimizers.diagnose(makers, problems, rates)
    total = len(makers) * len(problems)
    outcomes = list(tqdm(runs, total=total, unit="problem", disable=None, leave=False))
    print(optimizers.table(outcomes))
    with as_usage_error(OSError, ImportError):
        if options.json is not None:
            options.json.write_text(json.dumps(optimizers.as_json(outcomes)) + "\n")
        if options.picture is not None:
            optimizers.draw(outcomes, options.picture)
    return 0


def _known() -> dict[str, type[Optimizer]]:
    """All optimizers that take any parameters, by name."""
    wrappers = set(optim.wrappers.__all__)
    found = {name: getattr(optim, name) for name in optim.__all__ if name[0].isupper()}
    return {
        name: cls
        for name, cls in found.items()
        if isinstance(cls, type)
        and issubclass(cls, Optimizer)
        and name not in wrappers
        and name not in (*ABSTRACT, "LBFGS", "Muon")
    }


def _found(what: str) -> dict[str, Callable[..., Optimizer]]:
    known = _known() | {"LBFGS": optim.LBFGS}
    if what in known:
        return {what: known[what]}
    path = Path(what)
    if path.suffix != ".py":
        raise UsageError(f"there is no optimizer {what!r}; there are {', '.join(sorted(known))}")
    if not path.is_file():
        raise UsageError(f"there is no file {path}")
    module = import_file(path)
    own = {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, RuleOptimizer)
        and value.__module__ == module.__name__
    }
    chains = {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, optim.composition.ChainOptimizer)
    }
    found = own | {name: cls for name, cls in chains.items() if cls.__name__ == "Chain"}
    if not found:
        raise UsageError(f"{path} defines no optimizer: a subclass of RuleOptimizer, or a chain")
    return dict(found)
