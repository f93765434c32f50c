"""Exchanges that derivatives of any order pass through, under torch.distributed.nn's names.

All processes of a group call them in the same order, in the forward and in the backward pass.
"""

from typing import Any

import numpy as np

from minigrad.autograd import Function
from minigrad.core.public_names import show_public_names
from minigrad.distributed import collectives
from minigrad.distributed.group import member_of
from minigrad.distributed.process_group import ProcessGroup
from minigrad.distributed.reduce_op import ReduceOp
from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_numpy

__all__ = ["all_gather", "all_reduce"]


class _AllReduce(Function):
    """The sum over processes; its derivative is the sum of all processes' cotangents."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor, group: ProcessGroup) -> Tensor:
        ctx.group = group
        total = from_numpy(tensor.array.copy())
        collectives.all_reduce(total, group=group)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        return _AllReduce.apply(gradient, ctx.group), None


class _AllGather(Function):
    """The tensors of all processes, stacked."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor, group: ProcessGroup) -> Tensor:
        ctx.group = group
        stacked = from_numpy(np.empty((group.size(), *tensor.shape), tensor.array.dtype))
        collectives.all_gather_single(stacked, tensor, group=group)
        return stacked

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        return _AllReduce.apply(gradient, ctx.group)[ctx.group.rank()], None


def all_reduce(
    tensor: Tensor, op: ReduceOp = ReduceOp.SUM, group: ProcessGroup | None = None
) -> Tensor:
    """A new tensor: the sum of all processes' tensors, or their average with `ReduceOp.AVG`.

    Raises NotImplementedError for other reductions.
    """
    members = member_of(group)
    if op not in (ReduceOp.SUM, ReduceOp.AVG):
        raise NotImplementedError(
            f"distributed.nn.all_reduce: derivatives pass through SUM and AVG, got {op}; use "
            "distributed.all_reduce where none is needed"
        )
    total: Tensor = _AllReduce.apply(tensor, members)
    return total / members.size() if op is ReduceOp.AVG else total


def all_gather(tensor: Tensor, group: ProcessGroup | None = None) -> tuple[Tensor, ...]:
    """The tensors of all processes, which have the same shape."""
    stacked: Tensor = _AllGather.apply(tensor, member_of(group))
    return tuple(stacked[i] for i in range(stacked.shape[0]))


show_public_names(__name__)
