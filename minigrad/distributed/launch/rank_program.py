"""The program of each process of `minigrad run`: it runs a script and reports how it ended.

python -m mpi4py -m minigrad.distributed.launch.rank_program [-m] script arguments
"""

import os
import runpy
import sys
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any

from minigrad.distributed import mpi
from minigrad.distributed.launch.reporter import Reporter, connect

__all__: list[str] = []


def main(arguments: list[str]) -> None:
    """Run the script as a program of its own; a failure ends all processes."""
    world = mpi.library().COMM_WORLD
    _set_variables(world)
    reporter = connect(world.Get_rank())
    try:
        _run(arguments)
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else int(error.code is not None)
        if status:
            said = "" if isinstance(error.code, int) else f"{error.code}\n"
            _fail(world, reporter, f"{said}SystemExit: sys.exit({error.code!r})\n", status)
    except KeyboardInterrupt:
        _fail(world, reporter, "KeyboardInterrupt\n", 130)
    except BaseException as error:
        lines = traceback.format_exception(type(error), error, _within_script(error))
        _fail(world, reporter, "".join(lines), 1)
    sys.stdout.flush()
    if reporter is not None:
        reporter.leave()


def _run(arguments: list[str]) -> None:
    """Run a file, or after `-m` a module, as Python does."""
    if arguments[0] == "-m":
        sys.argv, sys.path[0] = arguments[1:], str(Path.cwd())
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
        return
    sys.argv, sys.path[0] = arguments, str(Path(arguments[0]).resolve().parent)
    runpy.run_path(arguments[0], run_name="__main__")


def _set_variables(world: Any) -> None:
    """Set torchrun's variables: RANK, WORLD_SIZE, LOCAL_RANK and LOCAL_WORLD_SIZE."""
    node = world.Split_type(mpi.library().COMM_TYPE_SHARED)
    os.environ |= {
        "RANK": str(world.Get_rank()),
        "WORLD_SIZE": str(world.Get_size()),
        "LOCAL_RANK": str(node.Get_rank()),
        "LOCAL_WORLD_SIZE": str(node.Get_size()),
    }
    node.Free()


def _within_script(error: BaseException) -> TracebackType | None:
    """The traceback from the script's first line on."""
    found = error.__traceback__
    outside = (__file__, runpy.run_path.__code__.co_filename)
    while found is not None and found.tb_frame.f_code.co_filename in outside:
        found = found.tb_next
    return found or error.__traceback__


def _fail(world: Any, reporter: Reporter | None, text: str, status: int) -> None:
    """End all processes; the watchdog prints the text, or else this process."""
    sys.stdout.flush()
    if reporter is None:
        sys.stderr.write(f"rank {world.Get_rank()} failed:\n{text}")
    else:
        reporter.say("failed", text=text, status=status)
    sys.stderr.flush()
    world.Abort(status)


if __name__ == "__main__":
    main(sys.argv[1:] if sys.argv[0].endswith("rank_program.py") else sys.argv)
