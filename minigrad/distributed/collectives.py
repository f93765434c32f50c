"""Exchanges of tensors in which all processes of a group take part.

Each function checks what torch's gloo backend checks, before anything is sent.  `async_op=True`
returns at once with a `Work`, whose `wait()` says that the result is there.  A process that does
not belong to the group gets a warning and None.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import numpy as np

from minigrad.distributed.checks import (
    check_alike,
    check_reduction,
    check_tensor,
    check_tensors,
    root_of,
)  # fmt: skip
from minigrad.distributed.group import own_group
from minigrad.distributed.process_group import ProcessGroup
from minigrad.distributed.progress import Work
from minigrad.distributed.reduce_op import ReduceOp
from minigrad.distributed.transport import Steps
from minigrad.tensor import Tensor

__all__ = [
    "all_gather", "all_gather_into_tensor", "all_gather_single", "all_reduce", "all_to_all",
    "all_to_all_single", "barrier", "broadcast", "gather", "monitored_barrier", "reduce",
    "reduce_scatter", "reduce_scatter_single", "reduce_scatter_tensor", "scatter",
]  # fmt: skip

Array = np.ndarray[Any, Any]
_SUM = ReduceOp.SUM


# --- one tensor each ------------------------------------------------------------------------------


def all_reduce(
    tensor: Tensor,
    op: ReduceOp = _SUM,
    group: ProcessGroup | None = None,
    async_op: bool = False,
) -> Work | None:
    """The tensor becomes the sum (or what `op` says) of all processes' tensors."""
    check_tensor(tensor, "tensor")
    if (members := own_group("all_reduce", group)) is None:
        return None
    check_reduction(tensor, op)
    transport = members.transport
    steps = _in_place(tensor, lambda array: transport.all_reduce(array, op))
    return members.launch(
        "all_reduce", f"all_reduce({op.name}) {_described(tensor)}", steps, async_op, [tensor]
    )


def reduce(
    tensor: Tensor,
    dst: int | None = None,
    op: ReduceOp = _SUM,
    group: ProcessGroup | None = None,
    async_op: bool = False,
    group_dst: int | None = None,
) -> Work | None:
    """`all_reduce`, for the process `dst`; the others' tensors stay."""
    check_tensor(tensor, "tensor")
    if (members := own_group("reduce", group)) is None:
        return None
    root = root_of("reduce", members, dst, group_dst)
    check_reduction(tensor, op)
    transport, outputs = members.transport, [tensor] if members.rank() == root else []
    steps = _in_place(tensor, lambda array: transport.reduce(array, op, root), bool(outputs))
    signature = f"reduce({op.name}, dst={root}) {_described(tensor)}"
    return members.launch("reduce", signature, steps, async_op, outputs)


def broadcast(
    tensor: Tensor,
    src: int | None = None,
    group: ProcessGroup | None = None,
    async_op: bool = False,
    group_src: int | None = None,
) -> Work | None:
    """The tensor becomes that of the process `src`."""
    check_tensor(tensor, "tensor")
    if (members := own_group("broadcast", group)) is None:
        return None
    root = root_of("broadcast", members, src, group_src)
    transport = members.transport
    steps = _in_place(
        tensor, lambda array: transport.broadcast(array, root), members.rank() != root
    )
    signature = f"broadcast(src={root}) {_described(tensor)}"
    return members.launch("broadcast", signature, steps, async_op, [tensor])


def barrier(
    group: ProcessGroup | None = None, async_op: bool = False, device_ids: Any = None
) -> Work | None:
    """Wait until all processes are here."""
    if (members := own_group("barrier", group)) is None:
        return None
    return members.launch("barrier", "barrier", members.transport.barrier(), async_op)


def monitored_barrier(
    group: ProcessGroup | None = None,
    timeout: timedelta | None = None,
    wait_all_ranks: bool = False,
) -> None:
    """`barrier`, with a time of its own.  Raises RuntimeError when it is over."""
    work = barrier(group, async_op=True)
    if work is not None:
        work.wait(timeout)


# --- lists of tensors -----------------------------------------------------------------------------


def all_gather(
    tensor_list: list[Tensor],
    tensor: Tensor,
    group: ProcessGroup | None = None,
    async_op: bool = False,
) -> Work | None:
    """The tensors of all processes are copied into those of the list."""
    check_tensor(tensor, "tensor")
    if (members := own_group("all_gather", group)) is None:
        return None
    outputs = check_tensors(tensor_list, "tensor_list", "allgather", members.size())
    check_alike(outputs, tensor)
    found = np.empty((members.size(), *tensor.shape), tensor.array.dtype)
    exchange = members.transport.all_gather(found, _contiguous(tensor))
    steps = _then(exchange, lambda: _hand_out(found, outputs))
    return members.launch(
        "all_gather", f"all_gather {_described(tensor)}", steps, async_op, outputs
    )


def gather(
    tensor: Tensor,
    gather_list: list[Tensor] | None = None,
    dst: int | None = None,
    group: ProcessGroup | None = None,
    async_op: bool = False,
    group_dst: int | None = None,
) -> Work | None:
    """`all_gather`, for the process `dst` (default: 0)."""
    check_tensor(tensor, "tensor")
    if (members := own_group("gather", group)) is None:
        return None
    root = root_of("gather", members, dst, group_dst, 0)
    outputs: list[Tensor] = []
    found = None
    if members.rank() == root:
        if gather_list is None:
            raise ValueError("Argument ``gather_list`` must be specified on destination rank.")
        outputs = check_tensors(gather_list, "tensor_list", "allgather", members.size())
        check_alike(outputs, tensor)
        found = np.empty((members.size(), *tensor.shape), tensor.array.dtype)
    elif gather_list:
        raise ValueError("Argument ``gather_list`` must NOT be specified on non-destination ranks.")
    exchange = members.transport.gather(found, _contiguous(tensor), root)
    steps = _then(exchange, lambda: _hand_out(found, outputs))
    signature = f"gather(dst={root}) {_described(tensor)}"
    return members.launch("gather", signature, steps, async_op, outputs)


def scatter(
    tensor: Tensor,
    scatter_list: list[Tensor] | None = None,
    src: int | None = None,
    group: ProcessGroup | None = None,
    async_op: bool = False,
    group_src: int | None = None,
) -> Work | None:
    """The process `src` (default: 0) hands out the tensors of its list, one to each process."""
    check_tensor(tensor, "tensor")
    if (members := own_group("scatter", group)) is None:
        return None
    root = root_of("scatter", members, src, group_src, 0)
    given = None
    if members.rank() == root:
        if scatter_list is None:
            raise ValueError("Argument ``scatter_list`` must be specified on source rank.")
        parts = check_tensors(scatter_list, "scatter_list", "scatter", members.size())
        check_alike(parts, tensor)
        given = _stacked(parts)
    elif scatter_list:
        raise ValueError("Argument ``scatter_list`` must NOT be specified on non-source ranks.")
    transport = members.transport
    steps = _in_place(tensor, lambda array: transport.scatter(array, given, root))
    signature = f"scatter(src={root}) {_described(tensor)}"
    return members.launch("scatter", signature, steps, async_op, [tensor])


def reduce_scatter(
    output: Tensor,
    input_list: list[Tensor],
    op: ReduceOp = _SUM,
    group: ProcessGroup | None = None,
    async_op: bool = False,
) -> Work | None:
    """Each process gets the sum of its part of all processes' lists."""
    check_tensor(output, "output")
    if (members := own_group("reduce_scatter", group)) is None:
        return None
    given = check_tensors(input_list, "input_list", "reduce_scatter", members.size())
    check_reduction(given[0], op)
    check_alike(given, output)
    transport, whole = members.transport, _stacked(given)
    steps = _in_place(output, lambda array: transport.reduce_scatter(array, whole, op))
    signature = f"reduce_scatter({op.name}) {_described(output)}"
    return members.launch("reduce_scatter", signature, steps, async_op, [output])


def all_to_all(
    output_tensor_list: list[Tensor],
    input_tensor_list: list[Tensor],
    group: ProcessGroup | None = None,
    async_op: bool = False,
) -> Work | None:
    """Each process gets a tensor of each process's list; they may have different sizes."""
    if (members := own_group("all_to_all", group)) is None:
        return None
    outputs = check_tensors(output_tensor_list, "output_tensor_list", "all_to_all", members.size())
    given = check_tensors(input_tensor_list, "input_tensor_list", "all_to_all", members.size())
    for tensor in (*outputs, *given):
        check_alike([tensor.reshape(-1)[:0]], given[0].reshape(-1)[:0])  # the dtype alone
    mine = members.rank()
    check_alike([outputs[mine]], given[mine])
    out_counts, counts = [t.numel() for t in outputs], [t.numel() for t in given]
    found = np.empty(sum(out_counts), given[0].array.dtype)
    whole = np.concatenate([t.array.reshape(-1) for t in given])
    steps = _then(
        members.transport.all_to_all(found, whole, out_counts, counts),
        lambda: _hand_out(np.split(found, np.cumsum(out_counts)[:-1]), outputs),
    )
    signature = f"all_to_all {given[0].dtype}"
    return members.launch("all_to_all", signature, steps, async_op, outputs)


# --- tensors of all processes in one --------------------------------------------------------------


def all_gather_single(
    output_tensor: Tensor,
    input_tensor: Tensor,
    group: ProcessGroup | None = None,
    async_op: bool = False,
) -> Work | None:
    """The tensors of all processes are copied into one, along its first dimension."""
    check_tensor(output_tensor, "output_tensor")
    check_tensor(input_tensor, "input_tensor")
    if (members := own_group("all_gather_into_tensor", group)) is None:
        return None
    _check_sizes("output", output_tensor, "input", input_tensor, members.size())
    given, transport = _contiguous(input_tensor), members.transport
    steps = _in_place(output_tensor, lambda array: transport.all_gather(array, given))
    signature = f"all_gather_into_tensor {_described(input_tensor)}"
    return members.launch("all_gather_into_tensor", signature, steps, async_op, [output_tensor])


def reduce_scatter_single(
    output: Tensor,
    input: Tensor,
    op: ReduceOp = _SUM,
    group: ProcessGroup | None = None,
    async_op: bool = False,
) -> Work | None:
    """Each process gets the sum of its part of all processes' tensors."""
    check_tensor(output, "output")
    check_tensor(input, "input")
    if (members := own_group("reduce_scatter_tensor", group)) is None:
        return None
    check_reduction(input, op)
    _check_sizes("input", input, "output", output, members.size())
    given, transport = _contiguous(input), members.transport
    steps = _in_place(output, lambda array: transport.reduce_scatter(array, given, op))
    signature = f"reduce_scatter_tensor({op.name}) {_described(output)}"
    return members.launch("reduce_scatter_tensor", signature, steps, async_op, [output])


def all_to_all_single(
    output: Tensor,
    input: Tensor,
    output_split_sizes: Sequence[int] | None = None,
    input_split_sizes: Sequence[int] | None = None,
    group: ProcessGroup | None = None,
    async_op: bool = False,
) -> Work | None:
    """Each process gets a part of each process's tensor: equal parts, or of the sizes given.

    Sizes are numbers of rows.
    """
    check_tensor(output, "output")
    check_tensor(input, "input")
    if (members := own_group("all_to_all_single", group)) is None:
        return None
    check_alike([output.reshape(-1)[:0]], input.reshape(-1)[:0])  # the dtype alone
    out_counts = _counts(output, output_split_sizes, members.size())
    counts = _counts(input, input_split_sizes, members.size())
    given, transport = _contiguous(input), members.transport
    steps = _in_place(output, lambda array: transport.all_to_all(array, given, out_counts, counts))
    signature = f"all_to_all_single {input.dtype}"
    return members.launch("all_to_all_single", signature, steps, async_op, [output])


all_gather_into_tensor = all_gather_single  # the names of torch before 2.13
reduce_scatter_tensor = reduce_scatter_single


# --- parts of the above ---------------------------------------------------------------------------


def _described(tensor: Tensor) -> str:
    return f"{tensor.dtype} {list(tensor.shape)}"


def _contiguous(tensor: Tensor) -> Array:
    """The tensor's elements, one after the other: its memory, or a copy."""
    array = tensor.array
    return array if array.flags.c_contiguous else array.copy(order="C")


def _stacked(tensors: list[Tensor]) -> Array:
    return np.stack([tensor.array for tensor in tensors])


def _in_place(tensor: Tensor, exchange: Callable[[Array], Steps], changes: bool = True) -> Steps:
    """An exchange in a tensor's memory; in a copy of it where its elements lie apart."""
    array = _contiguous(tensor)
    steps = exchange(array)
    if array is tensor.array or not changes:
        return steps
    return _then(steps, lambda: _write(tensor, array))


def _write(tensor: Tensor, array: Array) -> None:
    tensor.array[...] = array


def _then(steps: Steps, finish: Callable[[], None]) -> Steps:
    yield from steps
    finish()


def _hand_out(found: Any, outputs: list[Tensor]) -> None:
    for output, part in zip(outputs, found if outputs else (), strict=True):
        output.array[...] = part.reshape(output.shape)


def _check_sizes(whole_name: str, whole: Tensor, part_name: str, part: Tensor, size: int) -> None:
    if whole.numel() != part.numel() * size:
        raise ValueError(
            f"{whole_name} tensor size must be equal to world_size times {part_name} tensor size, "
            f"got {whole.numel()} and {part.numel()} elements for {size} processes"
        )
    check_alike([whole.reshape(-1)[:0]], part.reshape(-1)[:0])  # the dtype alone


def _counts(tensor: Tensor, rows: Sequence[int] | None, size: int) -> list[int]:
    """The number of elements for each process."""
    length = tensor.shape[0] if tensor.ndim else 1
    if not rows:
        if length % size:
            raise ValueError(
                f"Tensor's dim 0 does not divide equally across group size: {length} and {size}"
            )
        return [tensor.numel() // size] * size
    if len(rows) != size:
        raise ValueError(f"Number of tensor splits not equal to group size: {len(rows)} and {size}")
    if sum(rows) != length:
        raise ValueError(f"Split sizes doesn't match total dim 0 size: {list(rows)}, {length}")
    return [n * tensor[0].numel() if length else 0 for n in rows]
