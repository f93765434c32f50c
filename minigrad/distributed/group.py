"""The group of processes: one process, of rank 0."""

import os
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

__all__ = [
    "Backend", "GroupMember", "ProcessGroup", "destroy_process_group", "get_backend",
    "get_default_backend_for_device", "get_global_rank", "get_group_rank", "get_node_local_rank",
    "get_process_group_ranks", "get_rank", "get_world_size", "group", "init_process_group",
    "is_available", "is_backend_available", "is_gloo_available", "is_initialized",
    "is_mpi_available", "is_nccl_available", "is_torchelastic_launched", "is_ucc_available",
    "is_xccl_available", "member_of", "new_group",
]  # fmt: skip


class ProcessGroup:
    """A group of processes: this one alone."""

    def __init__(self, name: str = "") -> None:
        self.group_name = name

    def rank(self) -> int:
        """0."""
        return 0

    def size(self) -> int:
        """1."""
        return 1

    def name(self) -> str:
        """The name of the backend: "gloo"."""
        return Backend.GLOO


class Backend(str):
    """The name of a backend, in lower case."""

    UNDEFINED, GLOO, NCCL, MPI, UCC, XCCL = "undefined", "gloo", "nccl", "mpi", "ucc", "xccl"

    def __new__(cls, name: str) -> "Backend":
        return super().__new__(cls, name.lower())


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


# --- the life of the default group ----------------------------------------------------------------


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
    """Make the default group, of this process.

    The number of processes and this one's rank come from the arguments, or from the variables
    WORLD_SIZE and RANK of the environment; where processes meet (`init_method`, `store`) and how
    long they wait does not matter to one.  Raises ValueError if a group is there already or
    a number is missing, RuntimeError for a backend that is not there and for several processes.
    """
    if _DefaultGroup.current is not None:
        raise ValueError("trying to initialize the default process group twice!")
    _require_backend(backend)
    if store is None and (init_method is None or init_method.startswith("env://")):
        rank = rank if rank >= 0 else _from_environment("RANK")
        world_size = world_size if world_size >= 1 else _from_environment("WORLD_SIZE")
    elif rank < 0 or world_size < 1:
        missing = "rank" if rank < 0 else "world size"
        raise ValueError(
            f"Error initializing torch.distributed using {(init_method or 'store').split(':')[0]}"
            f"{'://' if init_method else ''} rendezvous: {missing} parameter missing"
        )
    if world_size != 1:
        raise RuntimeError(
            f"minigrad trains in one process, on all its threads: world_size should be 1, got "
            f"{world_size}"
        )
    if rank != 0:
        raise ValueError(f"the rank of one process is 0, got rank={rank}")
    _DefaultGroup.current = ProcessGroup(group_name)


def _from_environment(name: str) -> int:
    value = os.environ.get(name)
    if value is None:
        raise ValueError(
            "Error initializing torch.distributed using env:// rendezvous: environment variable "
            f"{name} expected, but not set"
        )
    return int(value)


def _require_backend(backend: str | None) -> None:
    """Raise ValueError or RuntimeError unless "gloo" is a backend of the name.

    The name may be None for the default, and "cpu:gloo,cuda:nccl" for one of each device.
    """
    name = (backend or Backend.GLOO).lower()
    devices = dict(pair.split(":", 1) for pair in name.split(",") if ":" in pair)
    name = devices.get("cpu", name)
    if name in (Backend.NCCL, Backend.MPI, Backend.UCC, Backend.XCCL):
        raise RuntimeError(
            f"Distributed package doesn't have {name.upper()} built in: the CPU's backend is gloo"
        )
    if name != Backend.GLOO:
        raise ValueError(f"Invalid backend: '{backend}'; the CPU's backend is 'gloo'")


def destroy_process_group(group: ProcessGroup | None = None) -> None:
    """End the default group, or do nothing for another one.

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
    """A further group of the given ranks; `GroupMember.NON_GROUP_MEMBER` if they leave out 0."""
    member_of(None)
    _require_backend(backend)
    for rank in ranks or ():
        if rank != 0:
            raise ValueError(f"Rank {rank} is out of range. Valid ranks are 0 to 0 (world_size=1)")
    return ProcessGroup() if ranks is None or ranks else GroupMember.NON_GROUP_MEMBER


# --- questions ------------------------------------------------------------------------------------


def is_available() -> bool:
    """True: a group of one process can be made."""
    return True


def is_initialized() -> bool:
    """Whether there is a default group."""
    return _DefaultGroup.current is not None


def is_gloo_available() -> bool:
    """True: the backend of the CPU."""
    return True


def is_nccl_available() -> bool:
    """False: there is no such device."""
    return False


def is_mpi_available() -> bool:
    """False: there is one process."""
    return False


is_ucc_available = is_xccl_available = is_nccl_available


def is_backend_available(backend: str) -> bool:
    """Whether it is "gloo"."""
    return backend.lower() == Backend.GLOO


def is_torchelastic_launched() -> bool:
    """Whether torchrun started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def get_rank(group: ProcessGroup | None = None) -> int:
    """0, the rank of this process."""
    return member_of(group).rank()


def get_world_size(group: ProcessGroup | None = None) -> int:
    """1, the number of processes."""
    return member_of(group).size()


def get_backend(group: ProcessGroup | None = None) -> str:
    """The name of the group's backend, "gloo"."""
    return member_of(group).name()


def get_default_backend_for_device(device: Any) -> str:
    """The backend of a device, "gloo"."""
    return Backend.GLOO


def get_process_group_ranks(group: ProcessGroup | None) -> list[int]:
    """The ranks of a group's processes, [0]."""
    member_of(group)
    return [0]


def get_global_rank(group: ProcessGroup, group_rank: int) -> int:
    """The rank among all processes of a process of the group; ValueError unless it is 0."""
    member_of(group)
    if group_rank != 0:
        raise ValueError(f"Group rank {group_rank} is not part of group {group}")
    return 0


get_group_rank = get_global_rank


def get_node_local_rank(fallback_rank: int | None = None) -> int:
    """The variable LOCAL_RANK of the environment, or `fallback_rank`; RuntimeError without both."""
    if "LOCAL_RANK" in os.environ:
        return int(os.environ["LOCAL_RANK"])
    if fallback_rank is None:
        raise RuntimeError(
            "LOCAL_RANK is not in the environment. Consider passing fallback_rank to allow "
            "`get_node_local_rank` to work"
        )
    return fallback_rank
