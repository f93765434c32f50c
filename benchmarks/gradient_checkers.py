"""Planted faults and right functions under several gradient checkers.

`python -m benchmarks.gradient_checkers` prints a table: for each kind of fault of
`tests/support/planted*.py`, how many are caught by minigrad's check, by torch's gradcheck (slow and
fast) and by SciPy's check_grad, and how many minigrad names rightly, wrongly or not at all.  Torch
and SciPy are handed the same functions and gradients, through arrays.  False alarms are counted
over the library's operations at their samples, in float64.
"""

import warnings
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from scipy.optimize import check_grad

from minigrad.autograd.gradcheck.situation import gradients_of
from minigrad.engine.graph import wrap
from minigrad.tensor import Tensor
from minigrad.testing import GradcheckError, check_operation, differentiable
from minigrad.testing.cases import Cases, Subject
from minigrad.testing.samples import as_inputs
from tests.support import planted_derivatives, planted_kinds
from tests.support.planted import FAULTS, Planted

TABLES = planted_derivatives, planted_kinds  # which fill FAULTS
CHECKERS = ("minigrad", "torch slow", "torch fast", "SciPy")
Array = np.ndarray[Any, Any]


class Arrays:
    """A function of minigrad's tensors and its gradient, as functions of arrays."""

    def __init__(self, fault: Planted, seed: int) -> None:
        self.fault = fault
        self.inputs = as_inputs(fault.case.args, np.random.default_rng(seed))
        self.point = [np.array(x.array) for x in self.inputs]

    def _run(self, arrays: list[Array]) -> tuple[list[Tensor], list[Tensor]]:
        leaves: list[Tensor] = [wrap(Tensor, np.array(a)).requires_grad_() for a in arrays]
        result = self.fault.function(*leaves, **self.fault.case.settings)
        return list(result) if isinstance(result, tuple) else [result], leaves

    def values(self, arrays: list[Array]) -> list[Array]:
        """The results."""
        return [o.array for o in self._run(arrays)[0]]

    def gradients(self, arrays: list[Array], cotangents: list[Array]) -> list[Array]:
        """The gradients of all arguments."""
        outputs, leaves = self._run(arrays)
        starts = [wrap(Tensor, np.array(c)) for c in cotangents]
        return [g.array for g in gradients_of(outputs, leaves, starts)]


def as_torch(arrays: Arrays) -> Callable[..., Any]:
    """The same as a Function of torch's."""

    class Bridge(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *tensors: Any) -> Any:
            ctx.save_for_backward(*tensors)
            values = arrays.values([t.detach().numpy() for t in tensors])
            return tuple(torch.from_numpy(np.array(v)) for v in values)

        @staticmethod
        def backward(ctx: Any, *cotangents: Any) -> Any:
            given = [t.detach().numpy() for t in ctx.saved_tensors]
            found = arrays.gradients(given, [c.numpy() for c in cotangents])
            return tuple(torch.from_numpy(np.array(g)) for g in found)

    return Bridge.apply


def torch_catches(arrays: Arrays, fast: bool) -> bool:
    """True if torch's gradcheck of first order fails."""
    inputs = [torch.from_numpy(x.copy()).requires_grad_() for x in arrays.point]
    try:
        torch.autograd.gradcheck(as_torch(arrays), inputs, fast_mode=fast)
    except Exception:
        return True
    return False


def scipy_catches(arrays: Arrays) -> bool:
    """True if SciPy's difference from the gradient of the first argument is beyond 1e-4."""
    rng = np.random.default_rng(0)
    try:
        weights: list[Array] = [
            np.asarray(rng.standard_normal(v.shape)) for v in arrays.values(arrays.point)
        ]
        first, *rest = arrays.point

        def value(x: Array) -> float:
            found = arrays.values([x.reshape(first.shape), *rest])
            return float(sum(np.vdot(w, v) for w, v in zip(weights, found, strict=True)))

        def gradient(x: Array) -> Array:
            return arrays.gradients([x.reshape(first.shape), *rest], weights)[0].ravel()

        scale = max(1.0, float(np.linalg.norm(gradient(first.ravel()))))
        return not check_grad(value, gradient, first.ravel()) <= 1e-4 * scale
    except Exception:
        return True


def minigrad_catches(fault: Planted, seed: int) -> tuple[bool, str | None]:
    """True if the check fails, and the kind that it names."""
    try:
        Subject("wrong", fault.function, Cases((fault.case,))).check(fault.case, seed)
    except GradcheckError as failure:
        return True, failure.kind
    return False, None


def faults_table(seed: int = 0) -> str:
    """The planted faults by kind."""
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    for fault in FAULTS.values():
        caught, kind = minigrad_catches(fault, seed)
        answer = "silent" if kind is None else "right" if kind == fault.kind else "wrong"
        rows[fault.kind].update({"faults": 1, "minigrad": int(caught), answer: 1})
        for checker, found in (
            ("torch slow", torch_catches(Arrays(fault, seed), False)),
            ("torch fast", torch_catches(Arrays(fault, seed), True)),
            ("SciPy", scipy_catches(Arrays(fault, seed))),
        ):
            rows[fault.kind][checker] += int(found)
    rows["all"] = sum(rows.values(), Counter())
    columns = ("faults", *CHECKERS, "right", "wrong", "silent")
    lines = [f"| kind | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for kind, counts in rows.items():
        lines.append(f"| {kind} | {' | '.join(str(counts[c]) for c in columns)} |")
    return "\n".join(lines)


def false_alarms(runs: int) -> str:
    """How often right operations fail in first or second order, at points drawn with new seeds."""
    alarms = checked = 0
    for seed in range(1, runs + 1):
        for operation in differentiable().values():
            for sample in operation.op.samples:
                checked += 1
                try:
                    check_operation(operation, sample, seed=seed)
                except GradcheckError as failure:
                    alarms += 1
                    print(failure)
    return f"{alarms} false alarms in {checked} checks of right operations, of both orders"


def main() -> None:
    """Print both."""
    warnings.simplefilter("ignore")
    print(faults_table())
    print(false_alarms(2))


if __name__ == "__main__":
    main()
