"""DistributedDataParallel: a module whose gradients are averaged over the processes of a group."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, Generic, TypeVar

from minigrad.core.types import DeviceLike
from minigrad.distributed import ProcessGroup, all_gather_object, get_global_rank, new_group
from minigrad.distributed.group import member_of
from minigrad.engine.grad_mode import is_grad_enabled
from minigrad.engine.step_recorder import repeated_whole
from minigrad.nn.module import Module
from minigrad.nn.parallel.fixed_reduction import FixedReduction
from minigrad.nn.parallel.join import JoinedIterations
from minigrad.nn.parallel.reducer import Reducer
from minigrad.nn.parallel.synchronization import broadcast_tensors
from minigrad.nn.parallel.timeline import is_asked_for, timeline_of
from minigrad.tensor import Tensor

M = TypeVar("M", bound=Module)


class DistributedDataParallel(Module, Generic[M]):
    """`module(*inputs, **kwargs)`; the module is `.module`, so keys of the state begin with it.

    At first all processes take rank 0's parameters and buffers.  `backward` averages the gradients
    over processes: they are put into buckets of `bucket_cap_mb` (25) megabytes, in the order in
    which they come, and a full bucket is exchanged while the others are computed.  Buffers are
    those of rank 0 at each forward in training mode, with `broadcast_buffers`.
    `find_unused_parameters` is for models of which a forward uses a part; `static_graph` looks for
    that part once.  With `gradient_as_bucket_view` gradients lie in the buckets, not beside them.

    With one process there are no gradients to average, and nothing of this costs anything.

    With `reduction="fixed"` any number of processes trains as one does with the same samples, bit
    for bit: a step is a loop over shards of `shard_size` samples, with a loss that is a mean.

        for x, y in model.shards(images, labels):  # this process's part of the batch
            loss_function(model(x), y).backward()
        optimizer.step()

    `utils.data.ShardedBatchSampler` cuts batches for it.  Layers see a shard at a time: batch
    normalization takes a shard's statistics, and running ones are averaged over shards; dropout
    draws a shard's numbers, from `shard_seed`.  It costs what small batches cost, and exchanges
    nothing during the backward pass.

    Raises ValueError without a process group and for device ids, RuntimeError if no parameter
    requires a gradient, or if processes have different ones.
    PyTorch differs: it has no `reduction="fixed"`.
    """

    module: M

    def __init__(
        self,
        module: M,
        device_ids: Sequence[int | DeviceLike] | None = None,
        output_device: int | DeviceLike = None,
        dim: int = 0,
        broadcast_buffers: bool = True,
        init_sync: bool = True,
        process_group: ProcessGroup | None = None,
        bucket_cap_mb: float | None = None,
        find_unused_parameters: bool = False,
        check_reduction: bool = False,
        gradient_as_bucket_view: bool = False,
        static_graph: bool = False,
        *,
        reduction: str = "mean",
        shard_size: int = 8,
        shard_seed: int = 0,
    ) -> None:
        super().__init__()
        self.process_group = member_of(process_group)
        trained = [(name, p) for name, p in module.named_parameters() if p.requires_grad]
        _check_module(trained, device_ids, output_device)
        _check_numbers(reduction, shard_size, bucket_cap_mb)
        self.module = module
        self.device_ids = None
        self.output_device = None
        self.dim = dim
        self.broadcast_buffers = broadcast_buffers
        self.find_unused_parameters = find_unused_parameters
        self.gradient_as_bucket_view = gradient_as_bucket_view
        self.static_graph = static_graph
        self.require_backward_grad_sync = True
        self.reducer: Reducer | None = None
        self.fixed: FixedReduction | None = None
        self._joined: JoinedIterations | None = None
        if reduction == "fixed":
            self.fixed = FixedReduction(module, self.process_group, shard_size, shard_seed)
        if self.process_group.size() == 1 and not is_asked_for():
            return
        # A group of its own: its exchanges may come between others in another order on each rank.
        self._group = _same_members(self.process_group)
        if init_sync:
            _check_same_parameters(trained, self._group)
            broadcast_tensors([*module.parameters(), *module.buffers()], 0, self._group)
        if self.fixed is not None:
            self.fixed.group = self._group
            self.fixed.timeline = timeline_of(self.process_group.rank(), 0)
            return
        self.reducer = Reducer(
            trained, self._group, bucket_cap_mb or 25.0, find_unused_parameters,
            gradient_as_bucket_view, static_graph,
        )  # fmt: skip
        buffers = sum(b.array.nbytes for b in module.buffers()) if broadcast_buffers else 0
        self.reducer.timeline = timeline_of(self.process_group.rank(), buffers)

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        reducer = self.reducer
        if reducer is None:
            if self.fixed is not None and self.training and is_grad_enabled():
                self._require_shards()
            return self.module(*inputs, **kwargs)
        averages = is_grad_enabled() and self.require_backward_grad_sync
        source = 0
        if averages and self._joined is not None:
            source = self._joined.begin_iteration()
        if self.training and self.broadcast_buffers and self.require_backward_grad_sync:
            self.share_buffers(source)
        outputs = self.module(*inputs, **kwargs)
        if averages:
            reducer.prepare()
            reducer.bring_zeros(outputs)
        return outputs

    def shards(self, *tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
        """The shards of this process's part of a batch, for `reduction="fixed"`.

        Ranks have the parts one after the other; all but the last make whole shards.  After the
        loop, which must not be left early, gradients are averages over all samples.  Raises
        RuntimeError without `reduction="fixed"`, ValueError for other parts.
        """
        return self._fixed_reduction().shards(tensors)

    @property
    def shard_step(self) -> int:
        """The number of the next step over shards, from which dropout draws.

        A run that goes on sets it to what it was.  Raises RuntimeError without `reduction="fixed"`.
        """
        return self._fixed_reduction().step

    @shard_step.setter
    def shard_step(self, number: int) -> None:
        self._fixed_reduction().step = number

    def _fixed_reduction(self) -> FixedReduction:
        if self.fixed is None:
            raise RuntimeError('shards() belongs to DistributedDataParallel(reduction="fixed")')
        return self.fixed

    def _require_shards(self) -> None:
        if self.fixed is not None and not self.fixed.is_open and self.require_backward_grad_sync:
            raise RuntimeError(
                'reduction="fixed" averages over shards: call the model within `for ... in '
                "model.shards(...)`, in evaluation mode, or under no_grad()"
            )

    @repeated_whole
    def share_buffers(self, source: int = 0) -> None:
        """Give all processes the buffers of one."""
        broadcast_tensors(list(self.module.buffers()), source, self._group)

    @contextlib.contextmanager
    def no_sync(self) -> Iterator[None]:
        """A block whose forwards do not have gradients averaged: they add up on each process.

        The first backward of a forward outside averages all that has added up.
        """
        before, self.require_backward_grad_sync = self.require_backward_grad_sync, False
        try:
            yield
        finally:
            self.require_backward_grad_sync = before

    @contextlib.contextmanager
    def join(
        self,
        divide_by_initial_world_size: bool = True,
        enable: bool = True,
        throw_on_early_termination: bool = False,
    ) -> Iterator[None]:
        """A block in which processes may have different numbers of batches.

        One that has no more takes part in the exchanges of the others with gradients of zero, until
        all are through; it then takes the parameters of one that had most.  Averages are over all
        processes, or without `divide_by_initial_world_size` over those that still have batches.
        With `throw_on_early_termination` all raise RuntimeError as soon as one has no more.
        """
        if self.fixed is not None:
            raise RuntimeError(
                'reduction="fixed" takes parts of any size of each batch: give shards() what a '
                "process has, with 0 samples too, in place of join()"
            )
        if self.reducer is None or not enable:
            yield
            return
        self._joined = JoinedIterations(
            self, self._group, divide_by_initial_world_size, throw_on_early_termination
        )
        try:
            yield
            self._joined.accompany_others()
        finally:
            self._joined, self.reducer.divisor = None, None


def _check_module(
    trained: Sequence[tuple[str, Any]], device_ids: Any, output_device: DeviceLike | int
) -> None:
    if not trained:
        raise RuntimeError(
            "DistributedDataParallel is not needed when a module doesn't have any parameter "
            "that requires a gradient."
        )
    if device_ids or output_device is not None:
        raise ValueError(
            "DistributedDataParallel device_ids and output_device arguments only work with GPU "
            f"modules; got device_ids {device_ids}, output_device {output_device}, and "
            "parameters on the CPU"
        )


def _check_numbers(reduction: str, shard_size: int, bucket_cap_mb: float | None) -> None:
    if reduction not in ("mean", "fixed"):
        raise ValueError(f"reduction must be 'mean' or 'fixed', got {reduction!r}")
    if shard_size < 1:
        raise ValueError(f"shard_size must be positive, got {shard_size}")
    if bucket_cap_mb is not None and bucket_cap_mb <= 0:
        raise ValueError(f"bucket_cap_mb must be positive, got {bucket_cap_mb}")


def _same_members(group: ProcessGroup) -> ProcessGroup:
    ranks = [get_global_rank(group, i) for i in range(group.size())]
    made = new_group(ranks, use_local_synchronization=True, group_desc="gradients' group")
    return member_of(made)


def _check_same_parameters(trained: Sequence[tuple[str, Any]], group: ProcessGroup) -> None:
    own = [(name, str(p.dtype), list(p.shape)) for name, p in trained]
    found: list[Any] = [None] * group.size()
    all_gather_object(found, own, group)
    for rank, others in enumerate(found):
        if len(others) != len(found[0]):
            raise RuntimeError(
                f"DDP expects same model across all ranks, but Rank 0 has {len(found[0])} params, "
                f"while rank {rank} has inconsistent {len(others)} params."
            )
        for first, other in zip(found[0], others, strict=True):
            if first != other:
                raise RuntimeError(
                    f"DDP expects same model across all ranks, but parameter {first[0]} of rank 0 "
                    f"is {first[1]} {first[2]}, and {other[0]} of rank {rank} is {other[1]} "
                    f"{other[2]}"
                )
