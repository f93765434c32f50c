"""The program of each process of `minigrad run`: it runs a script and reports how it ended.

python -m mpi4py -m minigrad.distributed.launch.rank_program script.py arguments
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
    script, sys.argv = arguments[0], arguments
    sys.path[0] = str(Path(script).resolve().parent)
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else int(error.code is not None)
        if status:
            said = "" if isinstance(error.code, int) else f"{error.code}\n"
            _fail(world, reporter, f"{said}SystemExit: sys.exit({error.code!r})\n", status)
    except KeyboardInterrupt:
        _fail(world, reporter, "KeyboardInterrupt\n", 130)
    except BaseException as error:
        lines = traceback.format_exception(type(error), error, _within_script(error, script))
        _fail(world, reporter, "".join(lines), 1)
    sys.stdout.flush()
    if reporter is not None:
        reporter.say("left")


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


def _within_script(error: BaseException, script: str) -> TracebackType | None:
    """The traceback from the script's first line on."""
    found = error.__traceback__
    while found is not None and found.tb_frame.f_code.co_filename != script:
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
