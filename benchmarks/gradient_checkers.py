"""Planted faults and right functions under several gradient checkers.

`python -m benchmarks.gradient_checkers` prints a table: for each kind of fault of
`tests/support/planted*.py`, how many are caught by minigrad's check, by torch's gradcheck (slow and
fast), by JAX's check_grads and by SciPy's check_grad, and how many minigrad names rightly, wrongly
or not at all.  The functions are written for minigrad, torch, JAX, HIPS autograd, MyGrad and NumPy;
the other checkers are handed the same functions and gradients, through arrays.  False alarms are
counted by `python -m benchmarks.false_alarms`.
"""

import importlib
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy.optimize import check_grad

from minigrad.autograd.gradcheck.situation import gradients_of
from minigrad.engine.graph import wrap
from minigrad.tensor import Tensor
from minigrad.testing import GradcheckError, sample
from minigrad.testing.cases import Cases, Subject
from minigrad.testing.frameworks import adapted, bridged
from minigrad.testing.samples import as_inputs
from tests.support import planted_derivatives, planted_kinds
from tests.support.planted import FAULTS, Planted
from tests.support.planted_frameworks import FOREIGN

# Their types are declared in part.
jax: Any = importlib.import_module("jax")
test_util: Any = importlib.import_module("jax.test_util")

TABLES = planted_derivatives, planted_kinds  # which fill FAULTS
CHECKERS = ("minigrad", "torch slow", "torch fast", "JAX", "SciPy")
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


def jax_catches(arrays: Arrays) -> bool:
    """True if JAX's check_grads of first order, in reverse mode, fails."""

    def shapes(values: Sequence[Array]) -> tuple[Any, ...]:
        return tuple(jax.ShapeDtypeStruct(v.shape, v.dtype) for v in values)

    results, point = shapes(arrays.values(arrays.point)), shapes(arrays.point)

    def values(*given: Any) -> Any:
        return jax.pure_callback(lambda *a: tuple(arrays.values(_copies(a))), results, *given)

    def gradients(given: Any, cotangents: Any) -> Any:
        def of(inputs: Any, starts: Any) -> Any:
            return tuple(arrays.gradients(_copies(inputs), _copies(starts)))

        return jax.pure_callback(of, point, given, cotangents)

    function = jax.custom_vjp(values)
    function.defvjp(lambda *given: (values(*given), given), gradients)
    try:
        test_util.check_grads(function, tuple(arrays.point), order=1, modes=("rev",))
    except Exception:
        return True
    return False


def _copies(arrays: Sequence[Any]) -> list[Array]:
    return [np.array(a) for a in arrays]


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


class Given(NamedTuple):
    """A fault as each checker takes it: as it was written, and as a function of tensors."""

    subject: Subject
    fault: Planted

    @property
    def framework(self) -> str:
        """What the function is written for."""
        return self.subject.cases.framework or "minigrad"


def given_faults() -> Iterator[Given]:
    """All faults, of all frameworks."""
    for name, fault in FAULTS.items():
        yield Given(Subject(name, fault.function, Cases((fault.case,))), fault)
    for name, foreign in FOREIGN.items():
        case, vjp = sample(*foreign.inputs), foreign.options.get("vjp")
        framework = foreign.framework if vjp is None else None
        made = adapted(foreign.function, framework, vjp)
        assert made is not None
        fault = Planted(bridged(made), case, "", foreign.kind)
        cases = Cases((case,), framework=foreign.framework, **foreign.options)
        yield Given(Subject(name, foreign.function, cases), fault)


def minigrad_catches(given: Given, seed: int) -> tuple[bool, str | None]:
    """True if the check fails, and the kind that it names."""
    try:
        given.subject.check(given.fault.case, seed)
    except GradcheckError as failure:
        return True, failure.kind
    return False, None


def faults_tables(seed: int = 0) -> str:
    """The planted faults by kind, and by framework."""
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    frameworks: dict[str, Counter[str]] = defaultdict(Counter)
    for given in given_faults():
        fault = given.fault
        caught, kind = minigrad_catches(given, seed)
        answer = "silent" if kind is None else "right" if kind == fault.kind else "wrong"
        found = {
            "faults": 1, "minigrad": int(caught), answer: 1,
            "torch slow": int(torch_catches(Arrays(fault, seed), False)),
            "torch fast": int(torch_catches(Arrays(fault, seed), True)),
            "JAX": int(jax_catches(Arrays(fault, seed))),
            "SciPy": int(scipy_catches(Arrays(fault, seed))),
        }  # fmt: skip
        kinds[fault.kind].update(found)
        frameworks[given.framework].update(found)
    kinds["all"] = sum(kinds.values(), Counter())
    return f"{_table('kind', kinds)}\n\n{_table('written for', frameworks)}"


def _table(title: str, rows: Mapping[str, Counter[str]]) -> str:
    columns = ("faults", *CHECKERS, "right", "wrong", "silent")
    lines = [f"| {title} | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for name, counts in rows.items():
        lines.append(f"| {name} | {' | '.join(str(counts[c]) for c in columns)} |")
    return "\n".join(lines)


def main() -> None:
    """Print the tables."""
    jax.config.update("jax_enable_x64", True)
    warnings.simplefilter("ignore")
    print(faults_tables())


if __name__ == "__main__":
    main()
