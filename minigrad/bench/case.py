"""Cases: their description, their inputs, and suites of them."""

import fnmatch
import importlib
import importlib.util
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.core.files import import_file

Array = np.ndarray[Any, Any]

# (library's module, *inputs as its tensors) -> the function to time.
Implementation = Callable[..., Callable[[], Any]]

# Libraries that cases are compared with by default, where they are written for them.
LIBRARIES = ("numpy", "torch")

BUILT_IN = "minigrad.bench.cases"


class Draw:
    """Draws the inputs of a case, the same ones in every process."""

    def __init__(self, dtype: str = "float32", seed: int = 0) -> None:
        self.dtype = np.dtype(dtype)
        self._rng = np.random.default_rng(seed)

    def __call__(self, *shape: int) -> Array:
        """Standard normal numbers."""
        return np.asarray(self._rng.standard_normal(shape)).astype(self.dtype)

    def integers(self, high: int, *shape: int) -> Array:
        """Integers in [0, high), int64."""
        return self._rng.integers(0, high, shape)

    def ones(self, *shape: int) -> Array:
        """Ones."""
        return np.ones(shape, self.dtype)


@dataclass(frozen=True, kw_only=True)
class Case:
    """Something to be timed, in one library or more.

    name, sizes: what is done, and on how much; together they tell it from the other cases.
    inputs: draws the arrays, given a `Draw`.
    implementations: by the name of the module that a library is imported as; each is given that
        module and the inputs, prepares what need not be timed and returns the function to time.
        Without "minigrad" names may be free, "v1" and "v2": these are given minigrad.
    reference: the right result, of the inputs in float64.  Without one every library's result is
        compared with the one that torch, or else minigrad, has in float64.
    flops, elements: floating-point operations, and elements that have to be read or written
        once; 0 where the number says nothing.
    tolerance: the largest error of a float32 result, relative to the size of the result.
    calls: results are compared after so many calls, for functions that change something.
    compared: what of a result is compared, if it is not all of it.

    >>> from minigrad.bench import Case
    >>> def product(library, a, b):
    ...     return lambda: a @ b
    >>> Case(name="dot", sizes={"K": 10}, inputs=lambda draw: (draw(10), draw(10)),
    ...      implementations={"minigrad": product, "numpy": product}, flops=20).label
    'dot K10'
    """

    name: str
    sizes: Mapping[str, int | str]
    inputs: Callable[[Draw], Sequence[Array]]
    implementations: Mapping[str, Implementation]
    reference: Callable[..., Any] | None = None
    flops: float = 0.0
    elements: float = 0.0
    tolerance: float = 1e-4
    calls: int = 1
    compared: Callable[[list[Array]], Any] | None = None

    @property
    def label(self) -> str:
        """The name and the sizes, as the table shows them."""
        return " ".join([self.name, *(f"{key}{value}" for key, value in self.sizes.items())])

    def bytes(self, dtype: str) -> float:
        """Bytes that have to be read or written with elements of this type."""
        return self.elements * np.dtype(dtype).itemsize

    def result(self, outcome: Any) -> list[Array]:
        """The part of a call's result that is compared, in float64."""
        parts = outcome if isinstance(outcome, list | tuple) else [outcome]
        arrays = [_array(part).astype(np.float64) for part in parts]
        return arrays if self.compared is None else [np.asarray(self.compared(arrays))]


def _array(part: Any) -> Array:
    return np.asarray(part.detach() if hasattr(part, "detach") else part)


def both(implementation: Implementation) -> dict[str, Implementation]:
    """One text for minigrad and for torch, whose names are the same."""
    return {"minigrad": implementation, "torch": implementation}


def variants(cases: Iterable[Case]) -> list[str]:
    """Implementations of names of their own, of cases without one of minigrad's.

    They run on minigrad's tensors, each in a process of its own.
    """
    names = [
        name
        for case in cases
        if "minigrad" not in case.implementations
        for name in case.implementations
        if name not in LIBRARIES and importlib.util.find_spec(name) is None
    ]
    return list(dict.fromkeys(names))


def in_place_of_minigrad(case: Case, main: str) -> Case:
    """The case with the implementation `main` in minigrad's place, if it has none of minigrad's."""
    if "minigrad" in case.implementations or main not in case.implementations:
        return case
    others = {name: given for name, given in case.implementations.items() if name != main}
    return replace(case, implementations={"minigrad": case.implementations[main], **others})


def load_suite(where: str | Path = BUILT_IN) -> list[Case]:
    """The list `CASES` of a Python file, or of a module given by its dotted name.

    Raises FileNotFoundError for a file that is not there, and ValueError if it has no `CASES` or
    no two of them have the same.
    """
    where = str(where)
    if where.endswith(".py"):
        if not Path(where).is_file():
            raise FileNotFoundError(f"no file {where} with cases to time")
        suite = import_file(where)
    else:
        suite = importlib.import_module(where)
    cases = getattr(suite, "CASES", None)
    if not isinstance(cases, list | tuple) or not all(isinstance(case, Case) for case in cases):
        raise ValueError(
            f"{where} must have a list CASES of minigrad.bench.Case, got {cases!r:.80}"
        )
    labels = [case.label for case in cases]
    if twice := sorted({label for label in labels if labels.count(label) > 1}):
        raise ValueError(f"{where} has two cases with the same name and sizes: {twice}")
    return list(cases)


def choose(cases: Iterable[Case], pattern: str | None) -> list[Case]:
    """The cases whose label has `pattern` in it, which may hold * and ?; all of them for None."""
    if pattern is None:
        return list(cases)
    wanted = f"*{pattern.lower()}*"
    return [case for case in cases if fnmatch.fnmatchcase(case.label.lower(), wanted)]


def smallest(cases: Iterable[Case]) -> list[Case]:
    """Of each name the case with the least work."""
    least: dict[str, Case] = {}
    for case in cases:
        rival = least.get(case.name)
        if rival is None or (case.flops, case.elements) < (rival.flops, rival.elements):
            least[case.name] = case
    return list(least.values())
