"""`@gradcheck_cases`: what inputs a function, Function or module is to be checked on."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from minigrad.autograd import Function
from minigrad.autograd.gradcheck.checker import Checker
from minigrad.autograd.gradcheck.strictness import Progress, Strictness
from minigrad.engine.op import Sample, arr
from minigrad.nn import Module
from minigrad.testing.frameworks import adapted, adapter, bridged, framework_of
from minigrad.testing.frameworks.torch_modules import (
    is_module,
    is_module_class,
    module_as_function,
)
from minigrad.testing.modules import check_module
from minigrad.testing.operations import Errors, drawn_again_at_kinks
from minigrad.testing.samples import as_inputs, describe

T = TypeVar("T")

MARK = "__gradcheck_cases__"


class Cases(NamedTuple):
    """Samples to check something on, and how."""

    samples: tuple[Sample, ...]
    make: Callable[[], Any] | None = None
    second_order: bool = True
    third_order: bool = False
    forward: bool = False
    rtol: float | None = None
    atol: float | None = None
    nondet_tol: float = 0.0
    budget: float | None = None
    framework: str | None = None
    vjp: Callable[..., Any] | None = None
    jvp: Callable[..., Any] | None = None
    progress: Progress | None = None


def gradcheck_cases(*cases: Any, **options: Any) -> Callable[[T], T]:
    """Say on which inputs a function, `autograd.Function` or Module is to be checked.

    Each case is `sample(...)`, or a tuple of its arguments, or one argument: `arr.of(shape, ...)`
    for random numbers, a tensor or an array, or anything else that is passed on.  `minigrad
    gradcheck` checks what is decorated, and where pytest collects it, it becomes one test per case.

    make: for a Module class, makes the module; without, the class is called with no arguments.
    second_order: check second derivatives as well (True); third_order: the third, too (False).
    forward: check forward mode as well (False).
    rtol, atol, nondet_tol: tolerances, as of `gradcheck`.
    budget: seconds for the entries of each argument of more than 1024; without, some are drawn.
    framework: what the function is written for, if that cannot be seen: minigrad, torch, jax,
        autograd or mygrad.
    progress: is called as entries are compared, with the argument's name, how many and of how many.
    vjp, jvp: gradients of a function of NumPy arrays: `vjp(g, *inputs)`, `jvp(t, *inputs)`.

    Raises TypeError if there is no case, for an option of another name, or if what is decorated
    cannot be checked.

        >>> from minigrad.testing import arr, gradcheck_cases, sample
        >>> @gradcheck_cases(arr.of(3, 4), sample(arr.of(2, 5), beta=2.0))
        ... def swish(x, *, beta=1.0):
        ...     return x * (beta * x).sigmoid()
    """
    if not cases:
        raise TypeError(
            "gradcheck_cases needs at least one case, as in @gradcheck_cases(arr.of(3))"
        )
    found = Cases(tuple(map(_as_sample, cases)), **options)

    def mark(decorated: T) -> T:
        if not callable(decorated):
            raise TypeError(
                f"gradcheck_cases decorates functions, autograd.Functions and Modules, got "
                f"{type(decorated).__name__}"
            )
        _refuse_arguments_as_cases(decorated, cases)
        setattr(decorated, MARK, found)
        return decorated

    return mark


def _refuse_arguments_as_cases(decorated: Any, cases: Sequence[Any]) -> None:
    """Raise TypeError where the arguments of one case were given as a case each."""
    if len(cases) == 1 or not all(isinstance(case, arr) for case in cases):
        return
    is_function = inspect.isclass(decorated) and issubclass(decorated, Function)
    call = decorated.forward if is_function else decorated
    if inspect.isclass(call) or isinstance(call, Module):
        return  # what a module's forward takes is checked when it is called
    parameters = list(inspect.signature(call).parameters.values())[is_function:]
    required = [
        p
        for p in parameters
        if p.default is p.empty and p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}
    ]
    if len(required) == len(cases):
        raise TypeError(
            f"gradcheck_cases: {decorated.__name__} takes {len(required)} arguments, and each case "
            f"has one; sample({', '.join(['...'] * len(cases))}) is one case of {len(cases)}"
        )


def _as_sample(case: Any) -> Sample:
    if isinstance(case, Sample):
        return case
    if isinstance(case, tuple) and not isinstance(case, arr):
        return Sample(case, {})
    return Sample((case,), {})


def cases_of(decorated: Any) -> Cases | None:
    """The cases that `gradcheck_cases` declared, or None; a subclass does not inherit them."""
    own = getattr(decorated, "__dict__", {})
    found = own.get(MARK)
    return found if isinstance(found, Cases) else None


class Subject(NamedTuple):
    """Something to check, and the cases to check it on."""

    name: str
    what: Any
    cases: Cases

    def check(self, sample: Sample, seed: int = 0) -> Errors:
        """Check one of the cases.  Raises GradcheckError, or whatever the code itself raises."""
        what, cases = self.what, self.cases
        if inspect.isclass(what) and issubclass(what, Module):
            what = what() if cases.make is None else cases.make()
        if isinstance(what, Module):
            return check_module(
                what, *sample.args, settings=sample.settings, second_order=cases.second_order,
                rtol=cases.rtol, atol=cases.atol, nondet_tol=cases.nondet_tol, fast_mode=False,
                seed=seed, budget=cases.budget, progress=cases.progress,
            )  # fmt: skip
        if inspect.isclass(what) and issubclass(what, Function):
            what = what.apply
        if (cases.framework or framework_of(what)) == "torch" and cases.vjp is None:
            if is_module_class(what):
                what = what() if cases.make is None else cases.make()
            if is_module(what):
                return self._check_torch_module(what, sample, seed)
        made = adapted(what, cases.framework, cases.vjp, cases.jvp)
        if made is None:
            return self._check_function(what, sample, seed, cases)
        possible = cases._replace(
            second_order=cases.second_order and made.gradient(len(sample.args)) is not None,
            forward=cases.forward or cases.jvp is not None,
        )
        return self._check_function(bridged(made), sample, seed, possible)

    def cannot(self) -> list[str]:
        """What of the cases a framework does not allow to check, in words."""
        made = adapted(self.what, self.cases.framework, self.cases.vjp, self.cases.jvp)
        return [] if made is None else made.cannot

    def _check_function(
        self, function: Callable[..., Any], sample: Sample, seed: int, cases: Cases,
        labels: Sequence[str] | None = None, mode: str = "",
    ) -> Errors:  # fmt: skip
        backward = cases.jvp is None or cases.vjp is not None
        strictness = Strictness(
            cases.rtol, cases.atol, nondet_tol=cases.nondet_tol, entrywise=True,
            budget=cases.budget, forward=cases.forward, backward=backward,
            progress=cases.progress,
        )  # fmt: skip

        def check_at(point_seed: int) -> Errors:
            inputs = as_inputs(sample.args, np.random.default_rng(point_seed))
            checker = Checker(
                lambda *given: function(*given, **sample.settings), inputs,
                f"{self.name}{mode or describe(sample)}", strictness, seed, labels,
            )  # fmt: skip
            first = checker.first_order()
            second = None
            if cases.second_order and backward:
                second = checker.second_order(third=cases.third_order)
            return Errors(first, second).covering(checker.coverages)

        return drawn_again_at_kinks(check_at, seed)

    def _check_torch_module(self, module: Any, sample: Sample, seed: int) -> Errors:
        """A module of torch's: its parameters and inputs, in training and in evaluation."""
        found = []
        for mode in ("train", "eval"):
            function, parameters = module_as_function(module, mode == "train")
            whole = sample._replace(args=(*parameters.values(), *sample.args))
            drawn = [f"input {i}" for i, a in enumerate(sample.args)
                     if not (isinstance(a, arr) and a.integers is not None)]  # fmt: skip
            labels = [*parameters, *drawn]
            call = bridged(adapter("torch").adapt(function))
            name = f" in {mode} mode"
            found.append(self._check_function(call, whole, seed, self.cases, labels, name))
        return Errors(max(e.first for e in found), max((e.second or 0.0) for e in found))


def check(what: Any, *inputs: Any, seed: int = 0, **options: Any) -> Errors:
    """Check derivatives of first and second order: of a function, `autograd.Function` or Module.

    `what` may be written for torch, JAX, autograd or MyGrad, or be a function of NumPy arrays with
    `vjp=` or `jvp=`.  inputs: one case as `gradcheck_cases` takes it, with its options; without
    any, all the cases that `what` was decorated with.  Gives the worst errors.  Raises
    GradcheckError with the entries that disagree, and TypeError without inputs or cases.

        >>> from minigrad.testing import arr, check
        >>> errors = check(lambda x: x * x.sigmoid(), arr.of(3, 4))
        >>> errors = check(minigrad.nn.Linear(3, 2), arr.of(4, 3))
        >>> import numpy as np
        >>> errors = check(np.sin, arr.of(3, 4), vjp=lambda g, x: g * np.cos(x))
    """
    name = str(getattr(what, "__name__", type(what).__name__))
    cases = Cases((Sample(inputs, {}),)) if inputs else cases_of(what)
    if cases is None:
        raise TypeError(
            f"{name} has no cases to be checked on: decorate it with gradcheck_cases, or give "
            f"inputs, as in check({name}, arr.of(3))"
        )
    subject = Subject(name, what, Cases(**(cases._asdict() | options)))
    found = [subject.check(sample, seed) for sample in cases.samples]
    second = [errors.second for errors in found if errors.second is not None]
    coverages = tuple(coverage for errors in found for coverage in errors.coverages)
    worst = Errors(max(errors.first for errors in found), max(second, default=None))
    return worst.covering(coverages)
