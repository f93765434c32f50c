"""`CompiledFunction`: a function that is recorded while it runs, and then replayed."""

import functools
import threading
import warnings
from collections.abc import Callable
from copy import deepcopy
from typing import Any, Literal

from minigrad.compiler.arguments import Arguments, arguments_of
from minigrad.compiler.breaks import CompiledStepError, GraphBreak
from minigrad.compiler.checking import check
from minigrad.compiler.explain import Events, drawn, explained
from minigrad.compiler.options import Options
from minigrad.compiler.plan import Plan
from minigrad.compiler.quick import QuickArguments
from minigrad.compiler.recorded_memory import return_freed_memory
from minigrad.compiler.recording import Recording, Session, given_objects
from minigrad.compiler.results import plain_numbers
from minigrad.compiler.trace import difference, differing_steps
from minigrad.compiler.whole_step import AGAIN, RecentSteps
from minigrad.engine.grad_mode import Mode, thread

# So many recordings of one kind of call may differ from the one before, until it is given up.
MOST_ATTEMPTS = 4


class Case:
    """Calls with arguments of one kind: plans, or why there are none."""

    def __init__(self) -> None:
        self.plans: list[Plan] = []
        # The last recording of which there is no plan yet, by the gradients that there were before.
        self.waiting: dict[Any, Recording] = {}
        self.attempts: dict[Any, int] = {}
        self.calls = 0
        self.is_native = True  # calls may run as native tasks
        self.broken: GraphBreak | None = None
        # What recognises such arguments, once there is a plan; False if nothing quick does.
        self.quick: QuickArguments | Literal[False] | None = None


class CompiledFunction:
    """A function whose calls are recorded, compared, and replayed, as `minigrad.compile` says."""

    def __init__(
        self, function: Callable[..., Any], options: Options, *roots: Any, name: str | None = None
    ) -> None:
        functools.update_wrapper(self, function, updated=())
        self.options = options
        self._function = function
        self._roots = roots or (function,)
        own = getattr(function, "__qualname__", type(function).__name__)
        self.name = str(options.name or name or own)
        self.reset()

    def reset(self) -> None:
        """Forget all recordings and plans."""
        self.cases: dict[Any, Case] = {}
        self.events = Events()
        self.calls = self.replays = self.recordings = 0
        self._plans: list[Plan] = []  # all of them, the last used one at the end
        self._recent = RecentSteps()  # replays as one native call
        self._quick: Any = None  # what recognises the arguments of the last call
        self._said: set[str] = set()
        self._recording = threading.RLock()

    # --- a call ---

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        whole = self._recent.first
        if whole is not None and not kwargs and not _Stance.disabled:
            returned = whole(args)
            if returned is AGAIN:
                returned = self._recent.by_another(args)
            if returned is not AGAIN:
                self.calls += 1
                self.replays += 1
                return returned
        mode = thread.mode
        if is_disabled() or _is_unusual(mode):
            return self._function(*args, **kwargs)
        self.calls += 1
        arguments, case = self._look_up(mode, args, kwargs)
        if case is not None and case.broken is None:
            for plan in case.plans:
                if plan.holds(arguments):
                    if not plan.lock.acquire(blocking=False):  # in use by another thread
                        return self._function(*args, **kwargs)
                    try:
                        if self._is_due(plan):
                            break
                        self.replays += 1
                        returned = plan.run(arguments)
                    finally:
                        plan.lock.release()
                    self._recent.put_first(plan.whole_step(case.quick or None, mode, self.options))
                    return returned
        return self._run(case, arguments, args, kwargs)

    def _look_up(
        self, mode: Mode, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Arguments, Case | None]:
        """The parts of the arguments, and the case that they belong to."""
        quick = self._quick
        if quick is not None and not kwargs:
            arguments = quick.recognise(mode, args)
            if arguments is not None:
                return arguments, quick.case
        arguments = arguments_of(mode, args, kwargs)
        case = self.cases.get(arguments.key)
        if case is not None and case.plans:
            if case.quick is None:
                case.quick = QuickArguments.of(mode, args, kwargs, arguments, case) or False
            self._quick = case.quick or None
        return arguments, case

    def _is_due(self, plan: Plan) -> bool:
        """Count a replay; True if it is to be checked."""
        plan.replays += 1
        every = self.options.verify_every
        return every > 0 and plan.replays % every == 0

    def _run(
        self, case: Case | None, arguments: Arguments, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Run the function, recorded if nothing is against it."""
        if case is None:
            case = self.cases[arguments.key] = Case()
        case.calls += 1
        waits = bool(self.options.dynamic) and case.calls == 1
        if case.broken is not None or waits or not self._recording.acquire(blocking=False):
            return self._function(*args, **kwargs)
        try:
            return self._record(case, arguments, args, kwargs)
        finally:
            self._recording.release()

    # --- recording ---

    def _record(
        self, case: Case, arguments: Arguments, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Run the function while a tape is running; plan a replay if it did what it did before."""
        try:
            session = Session(self._roots, arguments, given_objects(args, kwargs))
        except GraphBreak as reason:
            self._give_up(case, reason)
            return self._function(*args, **kwargs)
        self.recordings += 1
        self.events.note_recording(self.calls, arguments, case, session.gradients)
        due = next((plan for plan in case.plans if plan.holds(arguments)), None)
        earlier = case.waiting.get(session.gradients) if due is None else due.recording
        returned = session.run(functools.partial(self._function, *args, **kwargs), earlier)
        try:
            recording = session.recording(self.name)
            if due is not None:
                check(due, recording, session.before)
            else:
                self._plan(case, session, recording)
        except GraphBreak as reason:
            self._give_up(case, reason)
        return plain_numbers(returned)

    def _plan(self, case: Case, session: Session, recording: Recording) -> None:
        """Compare a recording with the one before.  Raises GraphBreak if it cannot be replayed."""
        pattern = session.gradients
        earlier = case.waiting.get(pattern)
        attempts = case.attempts[pattern] = case.attempts.get(pattern, 0) + 1
        if earlier is not None:
            floats = earlier.varying_floats(recording)
            differs = difference(earlier.trace, recording.trace, floats)
            if differs is None and earlier.symbols != recording.symbols:
                differs = GraphBreak("it returns something else in each call")
            if differs is None:
                varying = differing_steps(earlier.trace, recording.trace)
                plan = Plan(recording, floats.keys(), varying, self.options, case.is_native)
                if not _is_right(plan, case, session):
                    case.waiting[pattern] = recording
                    return
                case.plans.insert(0, plan)
                del case.waiting[pattern], case.attempts[pattern]
                self._keep(plan)
                return
            if attempts >= MOST_ATTEMPTS:
                raise differs
        recording.forget_arrays()
        case.waiting[pattern] = recording

    def _keep(self, plan: Plan) -> None:
        """Keep a new plan, and let go of those used least where there are too many."""
        self._plans.append(plan)
        if len(self._plans) > self.options.max_plans:
            self._plans.sort(key=lambda kept: kept.replays)
            oldest = next(kept for kept in self._plans if kept is not plan)
            self._plans.remove(oldest)
            for case in self.cases.values():
                if oldest in case.plans:
                    case.plans.remove(oldest)
            self._say(
                f"{self.name} has been called in more than max_plans={self.options.max_plans} "
                f"ways: plans that are used least are forgotten, and recorded again when they are "
                f"needed"
            )

    def _give_up(self, case: Case, reason: GraphBreak) -> None:
        """Run such calls as they are written from now on, and say so once."""
        case.broken, case.plans = reason, []
        case.waiting.clear()
        self._recent = RecentSteps()
        words = f"{self.name} cannot be compiled: {reason}"
        if self.options.fullgraph:
            raise CompiledStepError(f"{words}.  The call has run to its end, uncompiled")
        self._say(f"{words}.  It runs as it is written")

    def _say(self, words: str) -> None:
        if words not in self._said:
            self._said.add(words)
            warnings.warn(words, stacklevel=6)

    # --- looking at it ---

    def explain(self) -> str:
        """What is replayed, with times and bytes; what is not, and why; what was recorded again."""
        return explained(self)

    def graph(self) -> str:
        """The tasks of all plans as a graph in Graphviz's language, for `dot -Tsvg`."""
        return drawn(self)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """A method, where a function in a class was compiled."""
        return self if instance is None else functools.partial(self, instance)

    def __deepcopy__(self, memo: dict[int, Any]) -> "CompiledFunction":
        """The same for a copy of the function, of which nothing is recorded yet."""
        return CompiledFunction(deepcopy(self._function, memo), self.options)

    def __reduce__(self) -> tuple[Any, ...]:
        return CompiledFunction, (self._function, self.options)


def _is_right(plan: Plan, case: Case, session: Session) -> bool:
    """Check a plan, and let go of its recording; False if another one is to be made.

    Raises GraphBreak if there is none that gives the bits of the step itself.
    """
    recording = plan.recording
    recording.let_go()
    return_freed_memory(plan.writer.native.fused.recorded_bytes)
    try:
        check(plan, recording, session.before)
    except GraphBreak:
        if not case.is_native:
            raise
        # This machine's NumPy may add in another order than its loops say.
        case.is_native = False
        recording.forget_arrays()
        return False
    recording.forget_arrays()
    session.let_go()
    return_freed_memory(plan.writer.native.fused.recorded_bytes)
    return True


class _Stance:
    """Whether compiled functions run as they are written, everywhere."""

    disabled = 0


def is_disabled() -> bool:
    """True in a block of `set_stance("force_eager")`."""
    return _Stance.disabled > 0


def disable_all(by: int) -> None:
    """Let compiled functions run as they are written (1), or replay again (-1)."""
    _Stance.disabled += by


def _is_unusual(mode: Mode) -> bool:
    """True where operations do more than compute: then the function runs as it is written."""
    return bool(
        mode.step_recorder is not None
        or mode.recorder is not None
        or mode.observed
        or mode.dual_levels
        or mode.walk is not None
        or mode.names is not None
    )
