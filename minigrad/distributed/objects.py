"""Exchanges of Python objects, which travel as pickles: between processes that trust each other."""

import pickle
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.distributed.checks import root_of
from minigrad.distributed.group import own_group
from minigrad.distributed.point_to_point import recv, send
from minigrad.distributed.process_group import ProcessGroup
from minigrad.distributed.transport import Steps
from minigrad.tensor.creation import from_numpy

__all__ = [
    "all_gather_object", "broadcast_object_list", "gather_object", "recv_object_list",
    "scatter_object_list", "send_object_list",
]  # fmt: skip

Bytes = np.ndarray[Any, np.dtype[np.uint8]]


def broadcast_object_list(
    object_list: list[Any],
    src: int | None = None,
    group: ProcessGroup | None = None,
    device: Any = None,
    group_src: int | None = None,
) -> None:
    """The list gets the objects of the process `src` (default: 0), which has as many."""
    if (members := own_group("broadcast_object_list", group)) is None:
        return
    root = root_of("broadcast", members, src, group_src, 0)
    if members.size() == 1:
        return
    own = _pickled(object_list) if members.rank() == root else np.empty(0, np.uint8)
    found: list[Bytes] = []
    _run(members, f"broadcast_object_list(src={root})", _broadcast(members, own, root, found))
    objects = pickle.loads(found[0].tobytes())
    if len(objects) != len(object_list):
        raise ValueError(
            f"object_list must have as many objects as that of rank {root}, {len(objects)}, got "
            f"{len(object_list)}"
        )
    object_list[:] = objects


def all_gather_object(object_list: list[Any], obj: Any, group: ProcessGroup | None = None) -> None:
    """The objects of all processes are put into the list, which has a place for each."""
    if (members := own_group("all_gather_object", group)) is None:
        return
    _check_places("object_list", object_list, members.size())
    if members.size() == 1:
        object_list[0] = obj
        return
    found: list[Bytes] = []
    _run(members, "all_gather_object", _gather(members, _pickled(obj), None, found))
    object_list[:] = [pickle.loads(part.tobytes()) for part in found]


def gather_object(
    obj: Any,
    object_gather_list: list[Any] | None = None,
    dst: int | None = None,
    group: ProcessGroup | None = None,
    group_dst: int | None = None,
) -> None:
    """`all_gather_object`, for the process `dst` (default: 0)."""
    if (members := own_group("gather_object", group)) is None:
        return
    root = root_of("gather", members, dst, group_dst, 0)
    if members.rank() == root:
        if object_gather_list is None:
            raise ValueError(
                "Argument ``object_gather_list`` must be specified on destination rank."
            )
        _check_places("object_gather_list", object_gather_list, members.size())
    elif object_gather_list:
        raise ValueError(
            "Argument ``object_gather_list`` must NOT be specified on non-destination ranks."
        )
    if members.size() == 1 and object_gather_list is not None:
        object_gather_list[0] = obj
        return
    found: list[Bytes] = []
    _run(members, f"gather_object(dst={root})", _gather(members, _pickled(obj), root, found))
    if object_gather_list is not None and members.rank() == root:
        object_gather_list[:] = [pickle.loads(part.tobytes()) for part in found]


def scatter_object_list(
    scatter_object_output_list: list[Any],
    scatter_object_input_list: list[Any] | None = None,
    src: int | None = None,
    group: ProcessGroup | None = None,
    group_src: int | None = None,
) -> None:
    """The process `src` (default: 0) hands out the objects of its list, one to each process."""
    if (members := own_group("scatter_object_list", group)) is None:
        return
    root = root_of("scatter", members, src, group_src, 0)
    given = scatter_object_input_list
    if members.rank() == root and (not given or len(given) != members.size()):
        raise ValueError(
            f"scatter_object_input_list must have one object for each of {members.size()} processes"
        )
    if not scatter_object_output_list:
        raise ValueError("scatter_object_output_list must have a place for an object")
    if members.size() == 1 and given:
        scatter_object_output_list[0] = given[0]
        return
    parts = [_pickled(obj) for obj in given or ()] if members.rank() == root else None
    found: list[Bytes] = []
    _run(members, f"scatter_object_list(src={root})", _scatter(members, parts, root, found))
    scatter_object_output_list[0] = pickle.loads(found[0].tobytes())


def send_object_list(
    object_list: list[Any],
    dst: int | None = None,
    group: ProcessGroup | None = None,
    device: Any = None,
    group_dst: int | None = None,
) -> None:
    """Send the objects of the list to the process `dst`."""
    data = _pickled(object_list)
    send(from_numpy(np.array([len(data)])), dst, group, group_dst=group_dst)
    send(from_numpy(data), dst, group, group_dst=group_dst)


def recv_object_list(
    object_list: list[Any],
    src: int | None = None,
    group: ProcessGroup | None = None,
    device: Any = None,
    group_src: int | None = None,
) -> int:
    """Receive objects into the list, of the same length, from the process `src` or from any.

    Returns the rank of the sender.
    """
    length = np.zeros(1, np.int64)
    sender = recv(from_numpy(length), src, group, group_src=group_src)
    data = np.empty(int(length[0]), np.uint8)
    recv(from_numpy(data), sender, group)
    objects = pickle.loads(data.tobytes())
    if len(objects) != len(object_list):
        raise ValueError(
            f"object_list must have as many objects as were sent, {len(objects)}, got "
            f"{len(object_list)}"
        )
    object_list[:] = objects
    return sender


# --- the steps ------------------------------------------------------------------------------------


def _run(members: ProcessGroup, signature: str, steps: Steps) -> None:
    members.launch(signature.partition("(")[0], signature, steps, False)


def _broadcast(members: ProcessGroup, own: Bytes, root: int, found: list[Bytes]) -> Steps:
    length = np.array([len(own)])
    yield from members.transport.broadcast(length, root)
    data = own if members.rank() == root else np.empty(int(length[0]), np.uint8)
    yield from members.transport.broadcast(data, root)
    found.append(data)


def _gather(members: ProcessGroup, own: Bytes, root: int | None, found: list[Bytes]) -> Steps:
    """The bytes of all, padded to the longest, for `root` or for all."""
    lengths = np.empty(members.size(), np.int64)
    yield from members.transport.all_gather(lengths, np.array([len(own)]))
    padded = np.zeros(int(lengths.max()), np.uint8)
    padded[: len(own)] = own
    everything = np.empty((members.size(), len(padded)), np.uint8)
    if root is None:
        yield from members.transport.all_gather(everything, padded)
    else:
        is_root = members.rank() == root
        yield from members.transport.gather(everything if is_root else None, padded, root)
    found += [row[:length] for row, length in zip(everything, lengths, strict=True)]


def _scatter(
    members: ProcessGroup, parts: Sequence[Bytes] | None, root: int, found: list[Bytes]
) -> Steps:
    lengths = np.zeros(members.size(), np.int64)
    if parts is not None:
        lengths[:] = [len(part) for part in parts]
    yield from members.transport.broadcast(lengths, root)
    longest = int(lengths.max())
    padded = None
    if parts is not None:
        padded = np.zeros((members.size(), longest), np.uint8)
        for row, part in zip(padded, parts, strict=True):
            row[: len(part)] = part
    own = np.empty(longest, np.uint8)
    yield from members.transport.scatter(own, padded, root)
    found.append(own[: lengths[members.rank()]])


def _pickled(obj: Any) -> Bytes:
    return np.frombuffer(pickle.dumps(obj), np.uint8).copy()


def _check_places(name: str, places: Any, size: int) -> None:
    if not isinstance(places, list) or len(places) != size:
        given = f"{len(places)} places" if isinstance(places, list) else type(places).__name__
        raise ValueError(
            f"{name} must be a list with a place for each of {size} processes, got {given}"
        )
