"""DiLoCo: processes train for themselves, and an outer optimizer joins their ways now and then.

Douillard et al. 2023, arXiv:2311.08105.  With an outer SGD of lr=1 and no momentum it is local SGD:
parameters are averaged every so many steps.
"""

from collections.abc import Callable
from typing import Any

from minigrad.distributed import ProcessGroup, ReduceOp, all_reduce
from minigrad.distributed.group import member_of
from minigrad.engine.grad_mode import no_grad
from minigrad.nn.parallel.synchronization import broadcast_tensors
from minigrad.nn.parameter import Parameter
from minigrad.optim.optimizer import Optimizer
from minigrad.optim.sgd import SGD
from minigrad.tensor import Tensor


class DiLoCo:
    """Steps of `optimizer` on each process for itself, and an outer step for all every `period`.

    The outer gradient is how far parameters have gone since the last one, averaged over processes;
    the outer optimizer, SGD with Nesterov's momentum unless `outer` makes another one of a list of
    parameters, goes from there, and all continue from where it comes to.  So there is one exchange
    in `period` steps.  The model is not to be wrapped in DistributedDataParallel.  At first all
    take rank 0's parameters.

        optimizer = DiLoCo(AdamW(model.parameters()), period=100)

    Raises ValueError unless the period is positive.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        period: int,
        outer: Callable[[list[Parameter]], Optimizer] | None = None,
        process_group: ProcessGroup | None = None,
    ) -> None:
        if period < 1:
            raise ValueError(f"the period is a number of steps from 1 on, got {period}")
        self.optimizer = optimizer
        self.period = period
        self.steps = 0
        self._group = member_of(process_group)
        self._params: list[Tensor] = [p for g in optimizer.param_groups for p in g["params"]]
        broadcast_tensors(self._params, 0, self._group)
        self._common = [Parameter(p.detach().clone()) for p in self._params]
        self.outer = (outer or _nesterov)(self._common)

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """Those of the inner optimizer, for schedules."""
        return self.optimizer.param_groups

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """A step of this process, and after every `period` of them one of all."""
        loss = self.optimizer.step() if closure is None else self.optimizer.step(closure)
        self.steps += 1
        if self.steps % self.period == 0:
            self._outer_step()
        return loss

    def _outer_step(self) -> None:
        with no_grad():
            works = []
            for common, p in zip(self._common, self._params, strict=True):
                common.grad = common.detach() - p.detach()
                works.append(all_reduce(common.grad, ReduceOp.AVG, self._group, async_op=True))
            for work in works:
                if work is not None:
                    work.wait()
            self.outer.step()
            for common, p in zip(self._common, self._params, strict=True):
                p.copy_(common)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients of the inner optimizer's parameters."""
        self.optimizer.zero_grad(set_to_none)

    def state_dict(self) -> dict[str, Any]:
        """The states of both optimizers, the number of steps, and where all last were."""
        return {
            "optimizer": self.optimizer.state_dict(),
            "outer": self.outer.state_dict(),
            "steps": self.steps,
            "common": [common.detach() for common in self._common],
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from a state; the model's parameters are loaded with the model."""
        self.optimizer.load_state_dict(state_dict["optimizer"])
        self.outer.load_state_dict(state_dict["outer"])
        self.steps = state_dict["steps"]
        with no_grad():
            for common, saved in zip(self._common, state_dict["common"], strict=True):
                common.copy_(saved)


def _nesterov(params: list[Parameter]) -> Optimizer:
    return SGD(params, lr=0.7, momentum=0.9, nesterov=True)
