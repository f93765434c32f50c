"""`minigrad run`: start a script in several processes, which MPI connects."""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from minigrad.cli import train
from minigrad.cli.help_text import HelpFormatter
from minigrad.cli.usage_error import UsageError
from minigrad.distributed import mpi
from minigrad.distributed.launch import Launch, run_job
from minigrad.distributed.launch.estimate import COUNTS, NETWORKS, Network, read_step, table
from minigrad.distributed.launch.measure_exchange import measured

VARIABLE = "MINIGRAD_RUN_TIMELINE"  # the file that nn.parallel.timeline writes
EPILOG = """\
Each process finds RANK, WORLD_SIZE and LOCAL_RANK in its environment, and
minigrad.distributed.init_process_group() makes the group of all.  If one
raises, exits, is killed or stops answering, all end, with its traceback and a
status that is not 0.  MINIGRAD_DISTRIBUTED_DEBUG=1 compares what they
exchange, at each call."""


def add_to(commands: Any) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser(
        "run",
        help="run a script in several processes",
        description="Run a script in several processes, which exchange through MPI.",
        epilog=EPILOG,
        formatter_class=HelpFormatter,
    )
    parser.add_argument("-n", type=int, default=2, metavar="N", help="processes (default: 2)")
    parser.add_argument("--hosts", type=Path, metavar="FILE", help="a host a line, for mpiexec")
    parser.add_argument(
        "--threads", type=int, default=1, metavar="N", help="threads of each process (default: 1)"
    )
    parser.add_argument(
        "--timeout", type=float, metavar="SECONDS",
        help="of an exchange: a rank that others wait for as long has failed (default: 1800)",
    )  # fmt: skip
    parser.add_argument(
        "--silence", type=float, default=5.0, metavar="SECONDS",
        help="a process that is stopped or silent for as long has failed (default: 5)",
    )  # fmt: skip
    parser.add_argument(
        "--estimate", action="store_true",
        help="run the script in one process, measure its steps, and predict those of N machines",
    )  # fmt: skip
    parser.add_argument(
        "--network", nargs=2, type=float, metavar=("MICROSECONDS", "GBIT"), action="append",
        help="for --estimate: latency and bandwidth (default: 1, 10, 100 Gbit/s, and this machine)",
    )  # fmt: skip
    parser.add_argument("-m", "--module", action="store_true", help="SCRIPT names a module")
    parser.add_argument(
        "script", help="a Python file; or `train`, for `minigrad train --distributed`"
    )
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="of the script")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the script; the status is that of the process that failed, or 0."""
    for name in ("n", "threads", "timeout", "silence"):
        value = getattr(options, name)
        if value is not None and value <= 0:
            raise UsageError(f"{name} must be positive, got {value}")
    script, module, arguments = options.script, options.module, options.arguments
    if script == "train" and not module and not Path(script).is_file():
        _check_training(arguments)
        script, module, arguments = "minigrad", True, ["train", "--distributed", *arguments]
    for file in (None if module else Path(script), options.hosts):
        if file is not None and not file.is_file():
            raise UsageError(f"no file {file}")
    if not mpi.is_installed():
        raise UsageError(mpi.remedy().partition(",")[0])
    launch = Launch(
        options.n, script, arguments, options.hosts, options.threads, options.timeout,
        options.silence, is_module=module,
    )  # fmt: skip
    try:
        return _estimate(launch, options.network) if options.estimate else run_job(launch)
    except RuntimeError as error:
        raise UsageError(str(error)) from error


def _check_training(arguments: Sequence[str]) -> None:
    """Print what is wrong with options of `train` once, not in each process."""
    parser = argparse.ArgumentParser(prog="minigrad run")
    train.add_to(parser.add_subparsers())
    parser.parse_args(["train", *arguments])


def _estimate(launch: Launch, given: Sequence[tuple[float, float]] | None) -> int:
    """Measure the script's steps here, and print what they take on many machines."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "timeline.json"
        status = run_job(launch._replace(processes=1, variables={VARIABLE: str(file)}))
        if status:
            return status
        step = read_step(file)
        networks = {
            f"{us:g} us, {gbit:g} Gbit/s": Network(us * 1e-6, gbit * 1e9 / 8)
            for us, gbit in given or ()
        } or {**NETWORKS, "processes here": measured(Path(folder) / "exchange.json")}
    for line in table(step, networks, COUNTS):
        print(line)
    return 0
