"""The reducer: averages gradients over processes while the backward pass computes the next ones.

A bucket's exchange begins as soon as its last gradient is there, and buckets go in one order on all
ranks.  Each gradient that arrives takes the exchanges before it further.

A compiled step repeats this: `prepare`, the beginning of each exchange and their end are calls that
a replay makes again, and what moves gradients is recorded as any operation is.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigrad.core.warn import warn_caller
from minigrad.distributed import (
    ProcessGroup,
    ReduceOp,
    Work,
    all_reduce,
    broadcast_object_list,
)
from minigrad.distributed.progress import poll
from minigrad.engine.backward import reachable_from
from minigrad.engine.grad_mode import ignore_fp_errors
from minigrad.engine.step_recorder import repeated_whole
from minigrad.nn.parallel.buckets import Bucket, buckets_of
from minigrad.nn.parallel.timeline import Timeline
from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_numpy


class Reducer:
    """The gradients of a module's parameters, averaged over the processes of a group."""

    def __init__(
        self,
        parameters: Sequence[tuple[str, Any]],
        group: ProcessGroup,
        megabytes: float,
        find_unused: bool,
        gradient_as_view: bool,
        static_graph: bool,
    ) -> None:
        self.names = {id(p): name for name, p in parameters}
        self.group = group
        self.divisor: int | None = None  # the number to divide sums by; None: all processes
        self._megabytes = megabytes
        self._find_unused = find_unused
        self._as_view = gradient_as_view
        self._static = static_graph
        self._static_unused: list[Any] | None = None
        self._arrived: list[Any] = []  # parameters, in the order in which gradients came
        self._ordered = False  # whether the buckets follow that order
        self._expects = False  # a backward pass that is to be averaged
        self._seen: set[int] = set()  # ids of the parameters whose gradients are in the buckets
        self._arrivals = 0  # of these, from the backward pass
        self._works: list[Work] = []
        self._begun = 0  # of the buckets, how many are being exchanged
        self._used: Tensor | None = None  # how many processes use each parameter
        self.timeline: Timeline | None = None
        self._parameters = [p for _, p in parameters]
        self._arrange(self._parameters[::-1])
        for p in self._parameters:
            p.register_post_accumulate_grad_hook(self._arrive)

    def _arrange(self, order: Sequence[Any]) -> None:
        self.buckets = buckets_of(order, self._megabytes)
        self._bucket_of = {id(p): bucket for bucket in self.buckets for p in bucket.parameters}

    # --- before the backward pass ----------------------------------------------------------------

    @repeated_whole
    def prepare(self) -> None:
        """Expect a backward pass.  Raises RuntimeError if the last one left gradients out."""
        if self._expects and self._arrivals:
            raise RuntimeError(self._unfinished())
        for work in self._works:  # of a forward that no backward followed
            work.wait()
        self._reorder()
        self._expects, self._works, self._used = True, [], None
        self._seen, self._arrivals, self._begun = set(), 0, 0
        if self.timeline is not None:
            self.timeline.begin()
        for bucket in self.buckets:
            bucket.missing = len(bucket.parameters)

    def bring_zeros(self, outputs: Any) -> None:
        """Take zeros for the parameters that the outputs do not depend on; for all without any."""
        if not self._find_unused and not self._static and outputs is not None:
            return
        unused = self._parameters if outputs is None else self._unused_of(outputs)
        if self._find_unused or self._static:
            self._count_uses(unused)
        for p in unused:
            self._mark(p, None)

    def _unused_of(self, outputs: Any) -> list[Any]:
        """The parameters that the outputs do not depend on."""
        if self._static and self._static_unused is not None:
            return self._static_unused
        roots = [t if t.node is None else t.node for t in _tensors(outputs) if t.requires_grad]
        reached = {id(edge) for edge in reachable_from(roots)}
        unused = [p for p in self._parameters if id(p) not in reached]
        if self._find_unused and not unused and not self._static:
            self._say_once_that_all_are_used()
        self._static_unused = unused
        return unused

    def _say_once_that_all_are_used(self) -> None:
        if not self._ordered:
            warn_caller(
                "find_unused_parameters=True was specified in DDP constructor, but did not find "
                "any unused parameters in the forward pass. This flag results in an extra "
                "traversal of the autograd graph every iteration, which can adversely affect "
                "performance."
            )

    def _count_uses(self, unused: Sequence[Any]) -> None:
        """Sum up on how many processes each parameter is used."""
        without = {id(p) for p in unused}
        here = np.array([id(p) not in without for p in self._parameters], np.int32)
        self._used = from_numpy(here)
        work = all_reduce(self._used, group=self.group, async_op=True)
        self._works += [work] if work is not None else []

    def _reorder(self) -> None:
        """After the first pass, arrange buckets in the order in which rank 0 got its gradients."""
        if self._ordered or not self._arrived_once:
            return
        place = {id(p): i for i, p in enumerate(self._parameters)}
        order = [[place[id(p)] for p in self._arrived]]
        broadcast_object_list(order, group_src=0, group=self.group)
        self._ordered = True
        if len(order[0]) == len(self._parameters):
            self._arrange([self._parameters[i] for i in order[0]])

    _arrived_once = False

    # --- in the backward pass --------------------------------------------------------------------

    def _arrive(self, parameter: Any) -> None:
        """A parameter's gradient is complete."""
        if not self._expects:
            return
        if id(parameter) in self._seen:
            name = self.names[id(parameter)]
            raise RuntimeError(
                f"Expected to mark a variable ready only once. Parameter {name} got its gradient "
                "from a second backward pass after one forward pass, or it was taken for unused"
            )
        self._arrivals += 1
        if not self._ordered:
            self._arrived.append(parameter)
        self._mark(parameter, parameter._grad)
        poll()

    def _mark(self, parameter: Any, gradient: Any) -> None:
        self._seen.add(id(parameter))
        self._bucket_of[id(parameter)].take(parameter, gradient)
        while self._begun < len(self.buckets) and self.buckets[self._begun].missing == 0:
            self._begin_exchange(self.buckets[self._begun])
            self._begun += 1
        if self._begun == len(self.buckets):
            self._finish()

    @repeated_whole
    def _begin_exchange(self, bucket: Bucket) -> None:
        op = ReduceOp.AVG if self.divisor is None else ReduceOp.SUM
        if self.timeline is not None:
            self.timeline.ready(bucket.array.nbytes)
        work = all_reduce(bucket.tensor, op, self.group, async_op=True)
        self._works += [work] if work is not None else []

    @repeated_whole
    def _end_exchanges(self) -> None:
        if self.timeline is not None:
            self.timeline.wait()
        for work in self._works:
            work.wait()
        self._works = []
        if self.timeline is not None:
            self.timeline.end()
        self._expects, self._arrived_once = False, True

    def _finish(self) -> None:
        """Wait for all exchanges, and give each parameter the average."""
        self._end_exchanges()
        nowhere = () if self._used is None else np.flatnonzero(self._used.array == 0)
        skipped = {id(self._parameters[i]) for i in nowhere}
        for bucket in self.buckets:
            if self.divisor is not None:
                bucket.array /= bucket.array.dtype.type(self.divisor)
            for p in bucket.parameters:
                if id(p) not in skipped:
                    self._give(p, bucket)

    def _give(self, parameter: Any, bucket: Bucket) -> None:
        view = bucket.views[id(parameter)]
        held = parameter._grad
        if self._as_view:
            if held is None or held.array is not view:
                parameter._grad = from_numpy(view)
        elif held is None:
            parameter._grad = from_numpy(ignore_fp_errors(np.copy, view))
        else:
            ignore_fp_errors(np.copyto, held.array, view)
            held.bump_version()

    def _unfinished(self) -> str:
        missing = [name for key, name in self.names.items() if key not in self._seen]
        return (
            "Expected to have finished reduction in the prior iteration before starting a new one. "
            "This error indicates that your module has parameters that were not used in producing "
            "loss: pass find_unused_parameters=True to DistributedDataParallel, and make sure that "
            "all forward outputs take part in the loss. Parameters which did not receive grad for "
            f"rank {self.group.rank()}: {', '.join(missing)}"
        )


def _tensors(found: Any) -> Iterable[Tensor]:
    """The tensors in nested lists, tuples and dictionaries."""
    if isinstance(found, Tensor):
        yield found
    elif isinstance(found, dict):
        for value in found.values():
            yield from _tensors(value)
    elif isinstance(found, list | tuple):
        for value in found:
            yield from _tensors(value)
