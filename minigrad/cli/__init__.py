"""The command `minigrad`: one module for each of its commands, from `train` to `completion`."""

import argparse
import sys
from collections.abc import Sequence

from minigrad.cli import (
    bench,
    cache,
    compile,
    completion,
    evaluate,
    gradcheck,
    info,
    optim,
    predict,
    report,
    run,
    sample,
    train,
)
from minigrad.cli.help_text import HelpFormatter
from minigrad.cli.usage_error import UsageError
from minigrad.training.output import Output, silence
from minigrad.version import __version__, minigrad

COMMANDS = (
    train, predict, evaluate, report, sample, run, gradcheck,
    optim, bench, compile, cache, info,
    completion,
)  # fmt: skip
CLOSED_PIPE = 141
EPILOG = """\
to begin:
  minigrad train --out runs/digits    train a small network, draw a report
  minigrad COMMAND --help             the options of a command"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    The exit status is 0, 1 if what was asked for failed, 2 for a usage error, 3 after a divergence,
    130 after Ctrl-C, 141 if the reader of a pipe has gone.
    """
    parser = argparse.ArgumentParser(
        prog="minigrad",
        description="A deep-learning engine for the CPU, with PyTorch's API.",
        epilog=EPILOG,
        formatter_class=HelpFormatter,
    )
    interface = __version__.partition("+")[0]
    parser.add_argument(
        "--version",
        action="version",
        version=f"minigrad {minigrad}, with the API of torch {interface}",
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_to(commands)
    errors = Output()
    try:
        chosen = parser.parse_args(arguments)
        status = int(chosen.run(chosen))
        if sys.stdout is not None:
            sys.stdout.flush()
        return status
    except UsageError as error:
        errors.warn(f"error: {error}")
        return 2
    except BrokenPipeError:
        silence(sys.stdout)
        return CLOSED_PIPE
    except OSError as error:
        silence(sys.stdout)
        errors.warn(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        errors.warn("interrupted")
        return 130
