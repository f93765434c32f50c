"""Starting several processes, and ending all of them if one fails: what `minigrad run` does.

`command` writes the command of MPI's launcher, `job` runs it beside a watchdog.  In each process
`rank_program` runs the script, and a thread of `reporter` says twice a second what the process
waits for.  `watchdog` decides from these reports whether the job can still end.  `signals` are
handed on to the processes.
"""

from minigrad.core.public_names import show_public_names
from minigrad.distributed.launch.command import Launch
from minigrad.distributed.launch.job import run_job

__all__ = ["Launch", "run_job"]

show_public_names(__name__)
