"""pytest plugin: decorated cases become tests, and a fixture checks whatever a test hands it.

    @gradcheck_cases(arr.of(3, 4), arr.of(2, 5))    # two tests, in any file that pytest collects
    def swish(x):
        return x * x.sigmoid()

    def test_gate(gradcheck):                       # or as part of a test
        gradcheck(Gate(), arr.of(2, 3))

`--gradcheck-seed` sets the seed of points, cotangents and directions.
"""

from collections.abc import Callable
from typing import Any

import pytest

from minigrad.autograd import GradcheckError
from minigrad.engine.op import Sample
from minigrad.testing.cases import Subject, cases_of, check
from minigrad.testing.operations import Errors
from minigrad.testing.samples import describe


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare `--gradcheck-seed`."""
    parser.getgroup("minigrad").addoption(
        "--gradcheck-seed",
        type=int,
        default=0,
        metavar="SEED",
        help="seed of the points, cotangents and directions of gradient checks (default 0)",
    )


def pytest_pycollect_makeitem(collector: Any, name: str, obj: object) -> Any:
    """One test per case of what `gradcheck_cases` decorates."""
    cases = cases_of(obj)
    if cases is None:
        return None
    return [
        GradcheckItem.from_parent(
            collector, name=f"{name}[{place}]", subject=Subject(name, obj, cases), sample=sample
        )
        for place, sample in enumerate(cases.samples)
    ]


class GradcheckItem(pytest.Item):
    """One case of something decorated."""

    def __init__(self, *, subject: Subject, sample: Sample, **options: Any) -> None:
        super().__init__(**options)
        self.subject = subject
        self.sample = sample
        self.seed = int(self.config.getoption("--gradcheck-seed"))

    def runtest(self) -> None:
        """Check the case."""
        self.subject.check(self.sample, self.seed)

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        """The checker's report; of other errors the traceback."""
        if isinstance(excinfo.value, AssertionError):
            return f"{excinfo.value}\nagain: pytest {self.nodeid!r} --gradcheck-seed {self.seed}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> Any:
        """The location of the test: the file and the case."""
        return self.path, None, f"{self.subject.name}{describe(self.sample)}"


@pytest.fixture
def gradcheck(request: pytest.FixtureRequest) -> Callable[..., Errors]:
    """`gradcheck(what, *inputs, **options)`: `minigrad.testing.check` with the seed of this run.

    what: a function, an `autograd.Function` class, or a Module, in training and evaluation.
    inputs: `arr.of(shape)` for random tensors, tensors, or anything else that is passed on.
    options: as of `gradcheck_cases`.
    Raises GradcheckError with the entries that disagree.
    """
    seed = int(request.config.getoption("--gradcheck-seed"))

    def checked(what: Any, *inputs: Any, **options: Any) -> Errors:
        __tracebackhide__ = True  # the report says what there is to know, the frames do not
        try:
            return check(what, *inputs, seed=seed, **options)
        except GradcheckError as error:
            raise error.with_traceback(None) from None

    return checked
