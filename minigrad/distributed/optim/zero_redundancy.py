"""ZeroRedundancyOptimizer: each process keeps the state of its share of the parameters."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from minigrad.distributed import ProcessGroup, gather_object
from minigrad.distributed.checks import root_of
from minigrad.distributed.group import member_of
from minigrad.nn.parallel.synchronization import broadcast_tensors
from minigrad.optim.optimizer import Optimizer, ParamGroup, ParamsT
from minigrad.tensor import Tensor

Part = list[tuple[ParamGroup, list[Tensor]]]
"""For each group that has a parameter of a process: the group, and these parameters."""


class ZeroRedundancyOptimizer(Optimizer):
    """An optimizer of the class `optimizer_class` whose state is divided among processes (ZeRO-1).

    Each process updates its share of the parameters, as large in elements as the others', and gives
    them to all.  The gradients must be the same on all, as DistributedDataParallel has them.
    `consolidate_state_dict(to=0)`, which all call, brings the states together; `state_dict()` is
    then on that process what the plain optimizer's is, to be loaded by any number of processes.
    `defaults` are the optimizer's arguments.

    Raises TypeError for what is no optimizer's class, NotImplementedError for `overlap_with_ddp`.
    """

    def __init__(
        self,
        params: ParamsT,
        optimizer_class: type[Optimizer],
        process_group: ProcessGroup | None = None,
        parameters_as_bucket_view: bool = False,
        overlap_with_ddp: bool = False,
        **defaults: Any,
    ) -> None:
        if not (isinstance(optimizer_class, type) and issubclass(optimizer_class, Optimizer)):
            raise TypeError(f"optimizer_class must be a class of optimizers, got {optimizer_class}")
        if overlap_with_ddp:
            raise NotImplementedError(
                "overlap_with_ddp: parameters are given to all after the step, not in the backward "
                "pass; leave it out"
            )
        self.process_group = member_of(process_group)
        self.parameters_as_bucket_view = parameters_as_bucket_view
        self._class, self._arguments = optimizer_class, defaults
        self.optim: Optimizer | None = None  # that of this process's share
        self._consolidated: dict[int, Any] | None = None
        super().__init__(params, defaults)
        self._divide()

    def add_param_group(self, param_group: ParamGroup) -> None:
        """Add parameters, with settings in place of the defaults; shares may change.

        Raises RuntimeError once there is a state, which would have to move.
        """
        if self.optim is not None and self.optim._state:
            raise RuntimeError("parameter groups can be added before the first step only")
        super().add_param_group(param_group)
        if self.optim is not None:
            self._divide()

    def _divide(self) -> None:
        """Give each process its share: the largest parameters first, each to who has least."""
        size = self.process_group.size()
        every = self._parameters()
        held = [0] * size
        self._owner: dict[int, int] = {}
        for p in sorted(every, key=lambda p: -p.numel()):
            owner = held.index(min(held))
            held[owner] += p.numel()
            self._owner[id(p)] = owner
        # The plain optimizer fills groups up with its defaults, on processes without a share too.
        whole = self._class([{**group} for group in self.param_groups], **self._arguments)
        for group, filled in zip(self.param_groups, whole.param_groups, strict=True):
            group.update({k: v for k, v in filled.items() if k not in group})
        self.defaults = whole.defaults
        part = self._part(self.process_group.rank())
        self.optim = None
        if part:
            self.optim = self._class(
                [self._settings(group) | {"params": own} for group, own in part], **self._arguments
            )

    def _parameters(self) -> list[Tensor]:
        return [p for group in self.param_groups for p in group["params"]]

    def _part(self, rank: int) -> Part:
        part = [
            (group, [p for p in group["params"] if self._owner[id(p)] == rank])
            for group in self.param_groups
        ]
        return [(group, own) for group, own in part if own]

    @staticmethod
    def _settings(group: ParamGroup) -> ParamGroup:
        return {k: v for k, v in group.items() if k not in ("params", "param_names")}

    @property
    def state(self) -> defaultdict[Any, dict[str, Any]]:
        """The states of this process's share."""
        return self._state if self.optim is None else self.optim.state

    @state.setter
    def state(self, state: defaultdict[Any, dict[str, Any]]) -> None:
        self._state = state

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update this process's share, and give every process the others'."""
        loss = None if closure is None else closure()
        self._consolidated = None
        if self.optim is not None:
            for (group, _), own in zip(
                self._part(self.process_group.rank()), self.optim.param_groups, strict=True
            ):
                own.update(self._settings(group))  # a schedule may have changed them
            self.optim.step()
        if self.process_group.size() > 1:
            for rank in range(self.process_group.size()):
                parameters = [p for _, own in self._part(rank) for p in own]
                broadcast_tensors(parameters, rank, self.process_group)
        return loss

    def consolidate_state_dict(self, to: int = 0) -> None:
        """Bring the states of all processes to one, which can then save `state_dict()`."""
        root = root_of("gather", self.process_group, to, None)
        numbers = {id(p): i for i, p in enumerate(self._parameters())}
        own = {numbers[id(p)]: dict(entry) for p, entry in self.state.items()}
        here = self.process_group.rank() == root
        found: list[Any] | None = [None] * self.process_group.size() if here else None
        gather_object(own, found, group=self.process_group, group_dst=root)
        if found is not None:
            merged = {number: entry for part in found for number, entry in part.items()}
            self._consolidated = dict(sorted(merged.items()))

    def state_dict(self) -> dict[str, Any]:
        """The state of all parameters, as the plain optimizer has it.

        Raises RuntimeError unless `consolidate_state_dict` has brought it to this process.
        """
        if self._consolidated is None:
            raise RuntimeError(
                "Optimizer state has not been consolidated on this rank. Please call "
                f"`consolidate_state_dict(to={self.process_group.rank()})` on all ranks beforehand "
                "if you meant to save the global state."
            )
        packed = super().state_dict()
        return {"state": dict(self._consolidated), "param_groups": packed["param_groups"]}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over the state of the plain optimizer; each process keeps that of its share.

        Raises ValueError if it does not fit, with nothing changed.
        """
        whole = self._class([{**group} for group in self.param_groups], **self._arguments)
        whole.load_state_dict(state_dict)
        for group, loaded in zip(self.param_groups, whole.param_groups, strict=True):
            group.update(self._settings(loaded))
        self._consolidated = None
        if self.optim is None:
            return
        part = self._part(self.process_group.rank())
        own = [p for _, params in part for p in params]
        packed = self.optim.state_dict()
        for group, (settings, _) in zip(packed["param_groups"], part, strict=True):
            group.update(self._settings(settings))
        packed["state"] = {i: whole.state[p] for i, p in enumerate(own) if p in whole.state}
        self.optim.load_state_dict(packed)
