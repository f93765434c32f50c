"""Exchanges of two processes: send and receive, waiting or not, and several at once."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.distributed.checks import check_tensor, root_of
from minigrad.distributed.group import get_global_rank, own_group
from minigrad.distributed.process_group import ProcessGroup
from minigrad.distributed.progress import Place, Work, counted
from minigrad.distributed.transport import MpiTransport, Steps
from minigrad.tensor import Tensor

__all__ = ["P2POp", "batch_isend_irecv", "irecv", "isend", "recv", "send"]


def isend(
    tensor: Tensor,
    dst: int | None = None,
    group: ProcessGroup | None = None,
    tag: int = 0,
    group_dst: int | None = None,
) -> Work | None:
    """Begin to send the tensor to the process `dst`; it must not change before `wait()`.

    Raises ValueError for this process's own rank.
    """
    return _send(tensor, dst, group, tag, group_dst, True)


def send(
    tensor: Tensor,
    dst: int | None = None,
    group: ProcessGroup | None = None,
    tag: int = 0,
    group_dst: int | None = None,
) -> None:
    """Send the tensor to the process `dst`.  Raises ValueError for this process's own rank."""
    _send(tensor, dst, group, tag, group_dst, False)


def irecv(
    tensor: Tensor,
    src: int | None = None,
    group: ProcessGroup | None = None,
    tag: int = 0,
    group_src: int | None = None,
) -> Work | None:
    """Begin to receive a tensor of the same size from the process `src`, or from any."""
    return _receive(tensor, src, group, tag, group_src, True)


def recv(
    tensor: Tensor,
    src: int | None = None,
    group: ProcessGroup | None = None,
    tag: int = 0,
    group_src: int | None = None,
) -> int:
    """Receive a tensor of the same size from the process `src`, or from any; return its rank.

    -1 for a process that does not belong to the group.
    """
    work = _receive(tensor, src, group, tag, group_src, False)
    members = own_group("recv", group) if work is not None else None
    return -1 if members is None or work is None else get_global_rank(members, work.source_rank())


class P2POp:
    """An `isend` or `irecv` to be begun later, by `batch_isend_irecv`."""

    def __init__(
        self,
        op: Callable[..., Any],
        tensor: Tensor,
        peer: int | None = None,
        group: ProcessGroup | None = None,
        tag: int = 0,
        group_peer: int | None = None,
    ) -> None:
        if op not in (isend, irecv):
            raise ValueError(
                "Invalid ``op``. Expected ``op`` to be of type ``torch.distributed.isend`` or "
                f"``torch.distributed.irecv``, got {op!r}"
            )
        check_tensor(tensor, "tensor")
        self.op, self.tensor, self.peer = op, tensor, peer
        self.group, self.tag, self.group_peer = group, tag, group_peer


def batch_isend_irecv(p2p_op_list: Sequence[P2POp]) -> list[Work]:
    """Begin all exchanges of the list; wait for each that is returned."""
    if not p2p_op_list or not all(isinstance(op, P2POp) for op in p2p_op_list):
        raise ValueError(
            "Invalid ``p2p_op_list``. Each op is expected to be of type "
            "``torch.distributed.P2POp``, and there must be one"
        )
    begun = []
    for one in p2p_op_list:
        work = one.op(one.tensor, one.peer, one.group, one.tag, one.group_peer)
        if work is not None:
            begun.append(work)
    return begun


# --- parts of the above ---------------------------------------------------------------------------


def _send(
    tensor: Tensor, dst: int | None, group: Any, tag: int, group_dst: int | None, async_op: bool
) -> Work | None:
    check_tensor(tensor, "tensor")
    if (members := own_group("send", group)) is None:
        return None
    to = root_of("send", members, dst, group_dst)
    transport = _several(members, "destination", to)
    array = np.ascontiguousarray(tensor.array)
    receiver = get_global_rank(members, to)
    counted(f"sends {get_global_rank(members, members.rank())}>{receiver}")
    name = f"send to rank {receiver}"
    return members.launch_pair(name, transport.send(array, to, tag), async_op)


def _receive(
    tensor: Tensor, src: int | None, group: Any, tag: int, group_src: int | None, async_op: bool
) -> Work | None:
    check_tensor(tensor, "tensor")
    if (members := own_group("recv", group)) is None:
        return None
    source = None
    if src is not None or group_src is not None:
        source = root_of("recv", members, src, group_src)
    transport = _several(members, "source", source)
    array = (
        tensor.array if tensor.array.flags.c_contiguous else np.empty_like(tensor.array, order="C")
    )
    found: list[int] = []
    steps = _written(transport.receive(array, source, tag, found), tensor, array)
    if source is None:
        return members.launch_pair("recv", steps, async_op, [tensor], None, found)
    sender = get_global_rank(members, source)
    pair = f"{sender}>{get_global_rank(members, members.rank())}"
    place = Place(f"sends {pair}", counted(f"receives {pair}"), (sender,))
    name = f"recv from rank {sender}"
    return members.launch_pair(name, steps, async_op, [tensor], place, found)


def _written(steps: Steps, tensor: Tensor, array: np.ndarray[Any, Any]) -> Steps:
    yield from steps
    if array is not tensor.array:
        tensor.array[...] = array


def _several(members: ProcessGroup, role: str, rank: int | None) -> MpiTransport:
    """The group's transport.  Raises ValueError for an exchange of a process with itself."""
    transport = members.transport
    if rank == members.rank() or not isinstance(transport, MpiTransport):
        alone = "" if members.size() > 1 else ", and there is no other one"
        raise ValueError(
            f"Invalid {role} rank: {role} rank should not be the same as the rank of the current "
            f"process{alone}; got {rank}"
        )
    return transport
