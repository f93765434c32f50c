"""The groups of processes: the default one, which has all, and groups of some of them."""

import os
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from minigrad.core.warn import warn_caller
from minigrad.distributed import mpi
from minigrad.distributed.backend import Backend, require_backend
from minigrad.distributed.process_group import ProcessGroup, seconds_of
from minigrad.distributed.transport import LocalTransport, MpiTransport

__all__ = [
    "GroupMember", "destroy_process_group", "get_backend", "get_global_rank", "get_group_rank",
    "get_process_group_ranks", "get_rank", "get_world_size", "group", "init_process_group",
    "is_initialized", "member_of", "new_group", "own_group",
]  # fmt: skip


class _DefaultGroup(type):
    """The class of `group` and `GroupMember`, whose WORLD is the default group."""

    current: ProcessGroup | None = None

    @property
    def WORLD(cls) -> ProcessGroup | None:  # noqa: N802  torch's name
        """The default group; None before `init_process_group`."""
        return _DefaultGroup.current


class group(metaclass=_DefaultGroup):  # noqa: N801  torch's name
    """`group.WORLD`, the default group."""


class GroupMember(metaclass=_DefaultGroup):
    """`GroupMember.WORLD`, the default group."""

    NON_GROUP_MEMBER = -100


def member_of(given: Any) -> ProcessGroup:
    """The given group, the default group for None.

    Raises ValueError if there is no default group, TypeError if it is no group at all.
    """
    found = _DefaultGroup.current if given is None else given
    if found is None:
        raise ValueError(
            "Default process group has not been initialized, please make sure to call "
            "init_process_group."
        )
    if not isinstance(found, ProcessGroup):
        raise TypeError(f"expected a ProcessGroup or None, got {type(found).__name__}")
    return found


def own_group(function: str, given: Any) -> ProcessGroup | None:
    """`member_of`, or None with a warning if this process does not belong to the group."""
    if isinstance(given, int) and given == GroupMember.NON_GROUP_MEMBER:
        warn_caller(
            f"Running {function} on global rank {get_rank()} which does not belong to the given "
            "group."
        )
        return None
    return member_of(given)


# --- the life of a group --------------------------------------------------------------------------


def init_process_group(
    backend: str | None = None,
    init_method: str | None = None,
    timeout: timedelta | None = None,
    world_size: int = -1,
    rank: int = -1,
    store: Any = None,
    group_name: str = "",
    pg_options: Any = None,
    device_id: Any = None,
) -> None:
    """Make the default group, of all processes that `minigrad run`, `mpiexec` or `srun` started.

    Processes exchange through MPI, which tells their number and each one's rank; arguments and the
    variables WORLD_SIZE and RANK may say the same.  A single process needs no MPI.  Where
    processes meet (`init_method`, `store`) does not matter.  Exchanges that take longer than
    `timeout` fail; the default is in seconds in MINIGRAD_DISTRIBUTED_TIMEOUT, or else 30 minutes.
    Raises ValueError if a group is there already or a number is missing or wrong, RuntimeError for
    a backend that is not there and for processes that MPI does not know of.
    """
    if _DefaultGroup.current is not None:
        raise ValueError("trying to initialize the default process group twice!")
    name = require_backend(backend)
    world = mpi.library().COMM_WORLD if name == Backend.MPI or mpi.launched_size() > 1 else None
    size, own = (1, 0) if world is None else (world.Get_size(), world.Get_rank())
    if world is None and not mpi.launched_size():
        rank, world_size = _numbers(init_method, store, rank, world_size)
    world_size = world_size if world_size >= 1 else int(os.environ.get("WORLD_SIZE") or size)
    if world_size != size:
        raise RuntimeError(
            f"world_size should be {size}, the number of processes that MPI started, got "
            f"{world_size}: {mpi.remedy()}"
        )
    rank = rank if rank >= 0 else int(os.environ.get("RANK") or own)
    if rank != own:
        raise ValueError(f"the rank of this process is {own} of {size}, got rank={rank}")
    if size > 1 and backend is not None and name != Backend.MPI and own == 0:
        warn_caller(f"backend {backend!r}: {size} processes exchange through MPI")
    if world is not None and size > 1:
        _meet(world, timeout)
    _DefaultGroup.current = ProcessGroup(
        name if size == 1 else Backend.MPI, group_name, list(range(size)), own,
        LocalTransport() if world is None or size == 1 else MpiTransport(world.Dup()),
        seconds_of(timeout),
    )  # fmt: skip


def _meet(world: Any, timeout: timedelta | None) -> None:
    """Wait until all processes are here, with a time: MPI then makes a group without waiting."""
    ranks = list(range(world.Get_size()))
    meeting = ProcessGroup(
        Backend.MPI, "start", ranks, world.Get_rank(), MpiTransport(world), seconds_of(timeout)
    )
    meeting.launch("init_process_group", "init_process_group", meeting.transport.barrier(), False)


def _numbers(init_method: str | None, store: Any, rank: int, world_size: int) -> tuple[int, int]:
    """The rank and the number of processes, as torch's gloo takes them from its surroundings."""
    if store is None and (init_method is None or init_method.startswith("env://")):
        rank = rank if rank >= 0 else _from_environment("RANK")
        world_size = world_size if world_size >= 1 else _from_environment("WORLD_SIZE")
    elif rank < 0 or world_size < 1:
        missing = "rank" if rank < 0 else "world size"
        raise ValueError(
            f"Error initializing torch.distributed using {(init_method or 'store').split(':')[0]}"
            f"{'://' if init_method else ''} rendezvous: {missing} parameter missing"
        )
    return rank, world_size


def _from_environment(name: str) -> int:
    value = os.environ.get(name)
    if value is None:
        raise ValueError(
            "Error initializing torch.distributed using env:// rendezvous: environment variable "
            f"{name} expected, but not set"
        )
    return int(value)


def destroy_process_group(group: ProcessGroup | None = None) -> None:
    """End the default group, and all others with it; or another group alone.

    Raises AssertionError if there is no default group.
    """
    default = _DefaultGroup.current
    if group is None and default is None:
        raise AssertionError("Process group cannot be None")
    if group is None or group is default:
        _DefaultGroup.current = None


def new_group(
    ranks: Sequence[int] | None = None,
    timeout: timedelta | None = None,
    backend: str | None = None,
    pg_options: Any = None,
    use_local_synchronization: bool = False,
    group_desc: str | None = None,
    device_id: Any = None,
) -> ProcessGroup | int:
    """A further group of the given ranks; all processes call this, members or not.

    With `use_local_synchronization` only the members call it.  Returns
    `GroupMember.NON_GROUP_MEMBER` where this process is none of them.  Raises ValueError for a
    rank out of range or given twice.
    """
    world = member_of(None)
    require_backend(backend)
    members = world.ranks if ranks is None else sorted(ranks)
    for rank in members:
        if not 0 <= rank < world.size():
            raise ValueError(
                f"Rank {rank} is out of range. Valid ranks are 0 to {world.size() - 1} "
                f"(world_size={world.size()})"
            )
    if len(set(members)) < len(members):
        raise ValueError(f"each rank may be in a group once, got {list(members)}")
    belongs = world.rank() in members
    seconds = world.timeout if timeout is None else seconds_of(timeout)
    transport = world.transport
    if isinstance(transport, MpiTransport):
        if not use_local_synchronization:
            world.launch("new_group", f"new_group({members})", transport.barrier(), False)
        if belongs:
            own = transport.communicator
            chosen = own.Get_group().Incl(members)
            transport = MpiTransport(own.Create_group(chosen, tag=members[0]))
    if not belongs:
        return GroupMember.NON_GROUP_MEMBER
    name = group_desc or f"group of ranks {', '.join(map(str, members))}"
    place = members.index(world.rank())
    return ProcessGroup(world.name(), name, members, place, transport, seconds)


# --- questions ------------------------------------------------------------------------------------


def is_initialized() -> bool:
    """Whether there is a default group."""
    return _DefaultGroup.current is not None


def get_rank(group: ProcessGroup | None = None) -> int:
    """The rank of this process in a group; -1 if it does not belong to it."""
    return -1 if _is_foreign(group) else member_of(group).rank()


def get_world_size(group: ProcessGroup | None = None) -> int:
    """The number of a group's processes; -1 if this one does not belong to it."""
    return -1 if _is_foreign(group) else member_of(group).size()


def _is_foreign(group: Any) -> bool:
    return isinstance(group, int) and group == GroupMember.NON_GROUP_MEMBER


def get_backend(group: ProcessGroup | None = None) -> str:
    """The name of the group's backend: "mpi" for several processes."""
    return member_of(group).name()


def get_process_group_ranks(group: ProcessGroup | None) -> list[int]:
    """The ranks of a group's processes among all."""
    return list(member_of(group).ranks)


def get_global_rank(group: ProcessGroup, group_rank: int) -> int:
    """The rank among all processes of one of a group.  Raises ValueError if there is none such."""
    ranks = member_of(group).ranks
    if not 0 <= group_rank < len(ranks):
        raise ValueError(f"Group rank {group_rank} is not part of group {group}")
    return ranks[group_rank]


def get_group_rank(group: ProcessGroup, global_rank: int) -> int:
    """The rank in a group of one of all processes.  Raises ValueError if it is not in it."""
    ranks = member_of(group).ranks
    if global_rank not in ranks:
        raise ValueError(f"Global rank {global_rank} is not part of group {group}")
    return ranks.index(global_rank)
