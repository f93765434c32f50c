"""The command `minigrad`: `train`, `sample`, `run`, `gradcheck`, `bench`, `compile`, `info`.

`completion` prints what makes a shell complete them.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from minigrad.cli import bench, compile, completion, gradcheck, info, run, sample, train
from minigrad.cli.usage_error import UsageError

COMMANDS = (train, sample, run, gradcheck, bench, compile, info, completion)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    The exit status is 0, 1 if what was asked for failed, 2 for a usage error, 130 after
    Ctrl-C, 141 where the program that reads the output ended before it.
    """
    parser = argparse.ArgumentParser(
        prog="minigrad", description="A deep-learning engine for the CPU, with PyTorch's API."
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_to(commands)
    chosen = parser.parse_args(arguments)
    try:
        status = int(chosen.run(chosen))
        sys.stdout.flush()
        return status
    except UsageError as error:
        print(f"minigrad: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("minigrad: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # What is left in Python's buffer would raise the error again when the process ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
