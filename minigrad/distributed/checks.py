"""Checks of what is given to exchanges, with the words of torch's gloo."""

from typing import Any

from minigrad.distributed.group import get_group_rank, group
from minigrad.distributed.process_group import ProcessGroup
from minigrad.distributed.reduce_op import ReduceOp
from minigrad.tensor import Tensor

__all__ = ["check_alike", "check_reduction", "check_tensor", "check_tensors", "root_of"]


def check_tensor(value: Any, name: str) -> None:
    """Raise TypeError unless it is a tensor."""
    if not isinstance(value, Tensor):
        raise TypeError(
            f"Invalid function argument. Expected parameter `{name}` of type torch.Tensor, got "
            f"{type(value).__name__}"
        )


def check_tensors(values: Any, name: str, function: str, size: int) -> list[Tensor]:
    """The values, a list of `size` tensors.  Raises TypeError or RuntimeError for others."""
    if not isinstance(values, list) or not all(isinstance(v, Tensor) for v in values):
        raise TypeError(
            f"Invalid function argument. Expected parameter `{name}` of type List[torch.Tensor], "
            f"got {type(values).__name__}"
        )
    if len(values) != size:
        raise RuntimeError(
            f"ProcessGroupGloo::{function}: invalid tensor list `{name}` "
            f"(expected length {size}, got {len(values)})"
        )
    return values


def check_alike(outputs: list[Tensor], given: Tensor) -> None:
    """Raise ValueError or RuntimeError unless dtypes and shapes are those of `given`."""
    for i, output in enumerate(outputs):
        if output.dtype != given.dtype:
            raise ValueError(
                f"Invalid usage of tensors with different dtypes. Found {output.dtype} and "
                f"{given.dtype}"
            )
        if output.shape != given.shape:
            raise RuntimeError(
                f"invalid tensor size at index {i} (expected {tuple(given.shape)}, got "
                f"{tuple(output.shape)})"
            )


def check_reduction(tensor: Tensor, op: ReduceOp) -> None:
    """Raise RuntimeError for a reduction that the dtype does not have."""
    if not isinstance(op, ReduceOp):
        raise TypeError(f"expected a ReduceOp such as ReduceOp.SUM, got {op!r}")
    kind = tensor.array.dtype.kind
    if op in (ReduceOp.BAND, ReduceOp.BOR, ReduceOp.BXOR) and kind in "fc":
        raise RuntimeError(f"Cannot use ReduceOp.{op.name} with non-integral dtype")
    if op in (ReduceOp.MIN, ReduceOp.MAX) and kind == "c":
        raise RuntimeError(f"all_reduce does not support ReduceOp.{op.name} on complex tensors")
    if op is ReduceOp.AVG and kind not in "fc":
        raise RuntimeError(
            f"result type Float can't be cast to the desired output type: the average of "
            f"{tensor.dtype} is no integer"
        )


def root_of(
    function: str, members: ProcessGroup, rank: int | None, group_rank: int | None,
    default: int | None = None,
) -> int:  # fmt: skip
    """The rank in the group of the process that is named, by its rank among all or in the group.

    Raises ValueError if both or none are given, RuntimeError for a rank that is not there.
    """
    if rank is not None and group_rank is not None:
        raise ValueError("Can't specify both group_rank and global_rank")
    if rank is None and group_rank is None:
        rank = default
    if rank is None and group_rank is None:
        raise ValueError("Must specify global_rank or group_rank")
    if group_rank is None and members is not group.WORLD:
        return get_group_rank(members, rank if rank is not None else -1)
    chosen = group_rank if rank is None else rank
    if chosen is None or not 0 <= chosen < members.size():
        raise RuntimeError(f"ProcessGroupGloo::{function}: invalid root rank: {chosen}")
    return chosen
