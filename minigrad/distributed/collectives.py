"""Exchange between the processes of a group: with one process, copies within it.

Each function checks what torch's gloo backend checks, so a program that is wrong for several
processes is wrong for one.  `async_op=True` gives the finished work.
"""

from collections.abc import Sequence
from datetime import timedelta
from enum import Enum
from typing import Any, NoReturn

from minigrad.distributed.group import ProcessGroup, member_of
from minigrad.engine.grad_mode import no_grad
from minigrad.tensor import Tensor

__all__ = [
    "ReduceOp", "Work", "all_gather", "all_gather_into_tensor", "all_gather_object",
    "all_gather_single", "all_reduce", "all_to_all", "all_to_all_single", "barrier", "broadcast",
    "broadcast_object_list", "gather", "gather_object", "irecv", "isend", "monitored_barrier",
    "recv", "reduce", "reduce_scatter", "reduce_scatter_single", "reduce_scatter_tensor",
    "scatter", "scatter_object_list", "send",
]  # fmt: skip


class ReduceOp(Enum):
    """How values of several processes become one."""

    SUM, AVG, PRODUCT, MIN, MAX, BAND, BOR, BXOR = range(8)


class Work:
    """What an asynchronous call gives: work that is done."""

    def wait(self, timeout: timedelta | None = None) -> bool:
        """True."""
        return True

    def is_completed(self) -> bool:
        """True."""
        return True

    def is_success(self) -> bool:
        """True."""
        return True


# --- tensors --------------------------------------------------------------------------------------


def all_reduce(
    tensor: Tensor,
    op: ReduceOp = ReduceOp.SUM,
    group: ProcessGroup | None = None,
    async_op: bool = False,
) -> Work | None:
    """The tensor becomes the sum (or what `op` says) of all processes' tensors: it stays."""
    _check_tensor(tensor, "tensor")
    member_of(group)
    _check_reduction(tensor, op)
    return _done(async_op)


def reduce(
    tensor: Tensor,
    dst: int | None = None,
    op: ReduceOp = ReduceOp.SUM,
    group: ProcessGroup | None = None,
    async_op: bool = False,
    group_dst: int | None = None,
) -> Work | None:
    """`all_reduce`, for the process `dst`."""
    _check_rank("reduce", dst, group_dst)
    return all_reduce(tensor, op, group, async_op)


def broadcast(
    tensor: Tensor,
    src: int | None = None,
    group: ProcessGroup | None = None,
    async_op: bool = False,
    group_src: int | None = None,
) -> Work | None:
    """The tensor becomes that of the process `src`: it stays."""
    _check_tensor(tensor, "tensor")
    member_of(group)
    _check_rank("broadcast", src, group_src)
    return _done(async_op)


def all_gather(
    tensor_list: list[Tensor],
    tensor: Tensor,
    group: ProcessGroup | None = None,
    async_op: bool = False,
) -> Work | None:
    """The tensors of all processes are copied into those of the list."""
    _check_tensor(tensor, "tensor")
    member_of(group)
    (output,) = _one_tensor(tensor_list, "tensor_list", "allgather")
    _copy(output, tensor)
    return _done(async_op)


def all_gather_single(
    output_tensor: Tensor,
    input_tensor: Tensor,
    group: ProcessGroup | None = None,
    async_op: bool = False,
) -> Work | None:
    """The tensors of all processes are copied into one, along its first dimension."""
    _check_tensor(output_tensor, "output_tensor")
    _check_tensor(input_tensor, "input_tensor")
    member_of(group)
    if output_tensor.numel() != input_tensor.numel():
        raise ValueError(
            f"output tensor size must be equal to world_size times input tensor size, got "
            f"{output_tensor.numel()} and {input_tensor.numel()} elements for 1 process"
        )
    _copy(output_tensor, input_tensor.reshape(output_tensor.shape))
    return _done(async_op)


def gather(
    tensor: Tensor,
    gather_list: list[Tensor] | None = None,
    dst: int | None = None,
    group: ProcessGroup | None = None,
    async_op: bool = False,
    group_dst: int | None = None,
) -> Work | None:
    """`all_gather`, for the process `dst` (default: 0)."""
    _check_rank("gather", 0 if dst is None and group_dst is None else dst, group_dst)
    if gather_list is None:
        raise ValueError("Argument ``gather_list`` must be specified on destination rank.")
    return all_gather(gather_list, tensor, group, async_op)


def scatter(
    tensor: Tensor,
    scatter_list: list[Tensor] | None = None,
    src: int | None = None,
    group: ProcessGroup | None = None,
    async_op: bool = False,
    group_src: int | None = None,
) -> Work | None:
    """The process `src` (default: 0) hands out the tensors of its list, one to each process."""
    _check_tensor(tensor, "tensor")
    member_of(group)
    _check_rank("scatter", 0 if src is None and group_src is None else src, group_src)
    if scatter_list is None:
        raise ValueError("Argument ``scatter_list`` must be specified on source rank.")
    (given,) = _one_tensor(scatter_list, "scatter_list", "scatter")
    _copy(tensor, given)
    return _done(async_op)


def reduce_scatter(
    output: Tensor,
    input_list: list[Tensor],
    op: ReduceOp = ReduceOp.SUM,
    group: ProcessGroup | None = None,
    async_op: bool = False,
) -> Work | None:
    """Each process gets the sum of its part of all processes' lists."""
    _check_tensor(output, "output")
    member_of(group)
    (given,) = _one_tensor(input_list, "input_list", "reduce_scatter")
    _check_reduction(given, op)
    _copy(output, given)
    return _done(async_op)


def reduce_scatter_single(
    output: Tensor,
    input: Tensor,
    op: ReduceOp = ReduceOp.SUM,
    group: ProcessGroup | None = None,
    async_op: bool = False,
) -> Work | None:
    """Each process gets the sum of its part of all processes' tensors."""
    _check_tensor(input, "input")
    _check_reduction(input, op)
    return all_gather_single(output, input, group, async_op)


def all_to_all(
    output_tensor_list: list[Tensor],
    input_tensor_list: list[Tensor],
    group: ProcessGroup | None = None,
    async_op: bool = False,
) -> Work | None:
    """Each process gets a tensor of each process's list."""
    member_of(group)
    (given,) = _one_tensor(input_tensor_list, "input_tensor_list", "all_to_all")
    return all_gather(output_tensor_list, given, group, async_op)


def all_to_all_single(
    output: Tensor,
    input: Tensor,
    output_split_sizes: Sequence[int] | None = None,
    input_split_sizes: Sequence[int] | None = None,
    group: ProcessGroup | None = None,
    async_op: bool = False,
) -> Work | None:
    """Each process gets a part of each process's tensor."""
    return all_gather_single(output, input, group, async_op)


all_gather_into_tensor = all_gather_single  # the names of torch before 2.13
reduce_scatter_tensor = reduce_scatter_single


# --- objects --------------------------------------------------------------------------------------


def broadcast_object_list(
    object_list: list[Any],
    src: int | None = None,
    group: ProcessGroup | None = None,
    device: Any = None,
    group_src: int | None = None,
) -> None:
    """The list gets the objects of the process `src` (default: 0): it stays."""
    member_of(group)
    _check_rank("broadcast", 0 if src is None and group_src is None else src, group_src)


def all_gather_object(object_list: list[Any], obj: Any, group: ProcessGroup | None = None) -> None:
    """The objects of all processes are put into the list."""
    member_of(group)
    object_list[0] = obj


def gather_object(
    obj: Any,
    object_gather_list: list[Any] | None = None,
    dst: int | None = None,
    group: ProcessGroup | None = None,
    group_dst: int | None = None,
) -> None:
    """`all_gather_object`, for the process `dst` (default: 0)."""
    _check_rank("gather", 0 if dst is None and group_dst is None else dst, group_dst)
    if object_gather_list is None:
        raise ValueError("Argument ``object_gather_list`` must be specified on destination rank.")
    all_gather_object(object_gather_list, obj, group)


def scatter_object_list(
    scatter_object_output_list: list[Any],
    scatter_object_input_list: list[Any] | None = None,
    src: int | None = None,
    group: ProcessGroup | None = None,
    group_src: int | None = None,
) -> None:
    """The process `src` (default: 0) hands out the objects of its list, one to each process."""
    member_of(group)
    _check_rank("scatter", 0 if src is None and group_src is None else src, group_src)
    if not scatter_object_input_list or len(scatter_object_input_list) != 1:
        raise ValueError("scatter_object_input_list must have one object for each of 1 processes")
    scatter_object_output_list[0] = scatter_object_input_list[0]


# --- waiting, and one to one ----------------------------------------------------------------------


def barrier(
    group: ProcessGroup | None = None, async_op: bool = False, device_ids: Any = None
) -> Work | None:
    """Wait until all processes are here: they are."""
    member_of(group)
    return _done(async_op)


def monitored_barrier(
    group: ProcessGroup | None = None,
    timeout: timedelta | None = None,
    wait_all_ranks: bool = False,
) -> None:
    """`barrier`."""
    barrier(group)


def send(
    tensor: Tensor,
    dst: int | None = None,
    group: ProcessGroup | None = None,
    tag: int = 0,
    group_dst: int | None = None,
) -> NoReturn:
    """Raises ValueError: there is no other process to send to, or to receive from."""
    member_of(group)
    raise ValueError(
        f"Invalid destination rank: destination rank should not be the same as the rank of the "
        f"current process, and there is no other one; got {dst if group_dst is None else group_dst}"
    )


recv = isend = irecv = send


# --- checks ---------------------------------------------------------------------------------------


def _done(async_op: bool) -> Work | None:
    return Work() if async_op else None


def _check_tensor(value: Any, name: str) -> None:
    if not isinstance(value, Tensor):
        raise TypeError(
            f"Invalid function argument. Expected parameter `{name}` of type torch.Tensor, got "
            f"{type(value).__name__}"
        )


def _one_tensor(values: Any, name: str, function: str) -> list[Tensor]:
    if not isinstance(values, list) or not all(isinstance(v, Tensor) for v in values):
        raise TypeError(
            f"Invalid function argument. Expected parameter `{name}` of type List[torch.Tensor], "
            f"got {type(values).__name__}"
        )
    if len(values) != 1:
        raise RuntimeError(
            f"ProcessGroupGloo::{function}: invalid tensor list `{name}` "
            f"(expected length 1, got {len(values)})"
        )
    return values


def _check_rank(function: str, rank: int | None, group_rank: int | None) -> None:
    chosen = group_rank if rank is None else rank
    if chosen is None:
        raise ValueError("Must specify global_rank or group_rank")
    if chosen != 0:
        raise RuntimeError(f"ProcessGroupGloo::{function}: invalid root rank: {chosen}")


def _check_reduction(tensor: Tensor, op: ReduceOp) -> None:
    if op in (ReduceOp.BAND, ReduceOp.BOR, ReduceOp.BXOR) and tensor.is_floating_point():
        raise RuntimeError(f"Cannot use ReduceOp.{op.name} with non-integral dtype")
    if op is ReduceOp.AVG and not tensor.is_floating_point():
        raise RuntimeError(
            f"result type Float can't be cast to the desired output type: the average of "
            f"{tensor.dtype} is no integer"
        )


def _copy(output: Tensor, given: Tensor) -> None:
    if output.dtype != given.dtype:
        raise ValueError(
            f"Invalid usage of tensors with different dtypes. Found {output.dtype} and "
            f"{given.dtype}"
        )
    if output.shape != given.shape:
        raise RuntimeError(
            f"invalid tensor size at index 0 (expected {tuple(given.shape)}, got "
            f"{tuple(output.shape)})"
        )
    with no_grad():
        output.copy_(given)
