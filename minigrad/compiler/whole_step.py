"""A replay that is one native call: what it depends on, all tasks, and steps of optimizers.

`Plan.run` repeats a step from Python, and looks at Python's objects before.  Where a step has
`StepParts`, both are done by `kernels.replay.whole_step`; Python makes the arrays that the step
returns, and wraps them.  Gradients stay in the memory that they had in the call before, unless
somebody holds it.  Where a number among an optimizer's settings has changed, Python computes what
follows from it, and the call goes on.
"""

import threading
from operator import attrgetter
from typing import Any, Protocol

import numpy as np

from minigrad.compiler.floats import FloatArguments
from minigrad.compiler.quick import PLAIN_ATTRIBUTES, QuickArguments
from minigrad.compiler.step_parts import StepParts
from minigrad.compiler.world import World
from minigrad.core import dtypes
from minigrad.engine.grad_mode import Mode, thread
from minigrad.engine.graph import Value, bump_versions
from minigrad.kernels.replay.watched_words import CannotWatchError, Watch
from minigrad.kernels.replay.whole_step import (
    CHANGED,
    DONE,
    HELD,
    OTHER_SETTINGS,
    NativeCall,
)

Array = np.ndarray[Any, Any]

# What a call gives that has done nothing: a plan is to be looked for.
AGAIN = object()
# So many kinds of calls at most are looked for among native ones.
MOST_RECENT = 4
# So often a call is begun at most, each time with something that has changed taken over.
MOST_TRIES = 4
_modes_of = attrgetter(
    "grad", "inference", "overrides", "step_recorder", "recorder", "observed", "dual_levels",
    "walk", "names",
)  # fmt: skip


class Replayed(Protocol):
    """What `WholeStep` knows of a plan."""

    world: World
    lock: threading.Lock
    replays: int
    changed: list[Any]
    repeated: tuple[Any, ...]
    leaves: list[Any]
    floats: FloatArguments


class PreparedStep:
    """What a plan's replay as one native call depends on."""

    def __init__(self, plan: Replayed, parts: StepParts, quick: QuickArguments) -> None:
        self._plan = plan
        self._parts = parts
        self._quick = quick
        self.changes = 0  # the calls in a row that were no replays, because something had changed
        self._leaves = [gradient.leaf for gradient in parts.gradients]
        # Those that get a gradient afterwards, and those that lose it again.
        self._late = [k for k, g in enumerate(parts.gradients) if not g.had_one]
        self._dropped = [gradient.leaf for gradient in parts.gradients if not gradient.keeps]
        self._grads: tuple[Value, ...] = ()
        self._arrays: tuple[Array, ...] = ()
        self._floats: list[float] = []
        self._makes = list(parts.made.values())
        self.is_stale = True

    # --- getting ready ---

    def refresh(self, mode: Mode) -> None:
        """Look at all that a replay depends on, after a look from Python found it right.

        Raises CannotWatchError or CannotRunError where only Python can look.
        """
        plan, watch = self._plan, Watch()
        self._modes, self._dtype = _modes_of(mode), dtypes.default_numpy()
        self._globals = plan.world.watch(watch)
        known = {*map(id, self._leaves), *(id(each.leaf) for each in self._parts.old)}
        for leaf in plan.leaves:
            if id(leaf) not in known:
                watch.attribute(leaf, "_grad")
        self._steps = self._native_steps()
        for step in self._steps.values():
            step.watch(watch)
        for number, optimizer in self._parts.optimizers.items():
            if number not in self._steps:
                watch.version(vars(optimizer))  # whose next step may be a native one
        self._repeats = [k for k in self._parts.order if type(k) is int and k not in self._steps]
        self._refuse_python_between()
        self._updated = [p for step in self._steps.values() for p in step.params]
        self._native = self._native_call(watch)
        self._run = self._native.bound()
        self._grads = self._arrays = ()
        self._settings_vary = False
        self._reads_settings = any(step.reads_always for step in self._steps.values())
        are_known = all(step.take_settings() for step in self._steps.values())
        # After it was watched: what has changed meanwhile is seen.
        self.is_stale = not (are_known and plan.world.holds())

    def _native_steps(self) -> dict[int, Any]:
        """The steps of optimizers that native tasks can take, by the numbers of the calls."""
        leaves = {*map(id, self._leaves), *(id(each.leaf) for each in self._parts.old)}
        found: dict[int, Any] = {}
        for number, optimizer in self._parts.optimizers.items():
            step = optimizer._native_step()
            is_first = all(optimizer is not self._parts.optimizers[k] for k in found)
            if step is not None and is_first and {*map(id, step.params)} <= leaves:
                found[number] = step
        return found

    def _refuse_python_between(self) -> None:
        """Raise CannotWatchError if a call of Python stands before native tasks."""
        order = self._parts.order
        first = next((k for k, each in enumerate(order) if each in self._repeats), len(order))
        if not all(type(each) is int and each in self._repeats for each in order[first:]):
            raise CannotWatchError("a call of Python stands between native tasks")

    @property
    def takes_step(self) -> bool:
        """Whether the steps of optimizers are native, too."""
        return bool(self._steps) and len(self._steps) == len(self._parts.optimizers)

    def _native_call(self, watch: Watch) -> NativeCall:
        parts, quick = self._parts, self._quick
        old = [each.leaf for each in parts.old]
        if any(leaf._grad is None for leaf in old):
            raise CannotWatchError("a gradient is missing")
        owned = [(g.leaf, g.variable) for g in parts.old]
        owned += [(g.leaf, g.variable) for g in parts.gradients]
        variables = [variable for _, variable in owned]
        self._first = len(quick.kinds) + len(old)  # the number of the first gradient's memory
        bases = parts.inputs | {
            variable: len(quick.kinds) + k for k, variable in enumerate((*variables, *parts.made))
        }
        headers = quick.headers.with_more(tuple([leaf._grad.array for leaf in old]))
        native = NativeCall(
            quick.kinds, PLAIN_ATTRIBUTES, old, headers, len(quick.kinds) + len(variables),
            len(quick.kinds) + len(variables) + len(parts.made),
        )  # fmt: skip
        native.watch_world(watch)
        owners = {id(leaf): bases[variable] for leaf, variable in owned}
        settings = Watch()
        for step in self._steps.values():
            step.watch_settings(settings)
            native.add(step.add_beginnings)
            for words, params in step.gradient_words():
                native.add_places(words, [owners[id(p)] for p in params])
        self._beginnings = range(native.tasks)
        native.watch_settings(settings)
        for each in parts.order:
            if type(each) is not int:
                native.add_list(each.tasks, [bases[variable] for variable in each.variables])
            elif each in self._steps:
                native.add(self._steps[each].add_updates)
        return native

    # --- what has changed, and the call can go on ---

    def _renew(self) -> bool:
        """Give gradients memory that nobody else holds; False if there are others than before."""
        gradients = self._parts.gradients
        if any((g.leaf._grad is not None) is not g.had_one for g in gradients):
            return False
        self._arrays = tuple([np.empty(*g.made_as) for g in gradients])
        self._grads = tuple(map(_tensor, [g.kind for g in gradients], self._arrays))
        watch = Watch(keeps_alive=False)
        for k, gradient in enumerate(gradients):
            if gradient.had_one:
                gradient.leaf._grad = self._grads[k]
            self._native.set_base(self._first + k, self._arrays[k])
            watch.attribute(gradient.leaf, "_grad")
            watch.lone_attribute(self._grads[k], "array")
            watch.references(self._grads[k], 1 + gradient.had_one)
            watch.references(self._arrays[k], 2)
        self._native.watch_memory(watch)
        return True

    def _take_settings(self) -> bool:
        """Go on at other numbers of settings; False if something else has changed."""
        is_other = self._native.note_settings()  # before the look: what changes in it is seen
        self._settings_vary = is_other
        if not (is_other or self._reads_settings):
            return True
        return all(step.take_settings() for step in self._steps.values())

    def _mends(self, at: int) -> bool:
        """Return whether the call, which has done nothing, can be begun again."""
        if at == HELD:  # others hold memory that the step writes to
            return self._renew()
        if at == OTHER_SETTINGS:
            return self._take_settings()
        if at in self._beginnings:
            return all(step.fill() for step in self._steps.values())
        return False


class WholeStep(PreparedStep):
    """A plan's replay as one native call."""

    def __call__(self, args: tuple[Any, ...]) -> Any:
        """Replay the step; AGAIN, with nothing done, if it may be another one."""
        if _modes_of(thread.mode) != self._modes or dtypes.default_numpy() is not self._dtype:
            return AGAIN
        for namespace, name, value in self._globals:
            if namespace.get(name) is not value:
                self.is_stale = True
        plan = self._plan
        if self.is_stale or not plan.lock.acquire(blocking=False):
            return AGAIN
        try:
            if self._quick.floats_at:
                args = self._take_floats(args)
            made = tuple([np.empty(shape, dtype) for shape, dtype in self._makes])
            if not self._try(id(args), id(made)):
                return AGAIN
            self.changes = 0
            if self._updated:
                bump_versions(self._updated)
            if self._repeats or self._late:
                self._finish()
            if plan.changed:
                bump_versions(plan.changed)
            plan.replays += 1
            return self._parts.results(*made)
        finally:
            plan.lock.release()

    def _try(self, args: int, made: int) -> bool:
        """Run all tasks, on tuples that are given by their ids; False if nothing was done."""
        # Where they were others in the last call, they mostly are in this one.
        if any(grad.array is not array for grad, array in self._native.unseen):
            self.is_stale = True
            return False
        looks = self._settings_vary or self._reads_settings
        if looks and not self._take_settings():
            self.is_stale = True
            return False
        at = self._run(args, made)
        if at == DONE:
            return True
        tries = 1
        while at != DONE and tries < MOST_TRIES and self._mends(at):
            at = self._run(args, made)
            tries += 1
        # Where a task has stopped, Python begins again, and finds out why.
        self.is_stale = at in (CHANGED, OTHER_SETTINGS) or at in self._beginnings
        return at == DONE

    def _take_floats(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Take over the numbers among the arguments; the tensors, () for those of another plan."""
        quick, plan = self._quick, self._plan
        if len(args) != quick.arguments:
            return ()
        floats = [args[k] for k in quick.floats_at]
        if any(type(x) is not float for x in floats) or not plan.floats.hold(floats):
            return ()
        plan.floats.memory[:] = self._floats = floats
        return tuple([args[k] for k in quick.tensors_at])

    def _finish(self) -> None:
        """Give leaves gradients that had none before, and call what is repeated from Python."""
        for k in self._late:
            self._leaves[k]._grad = self._grads[k]
        for number in self._repeats:
            self._plan.repeated[number](self._floats)
        for leaf in self._dropped:
            leaf._grad = None


def _tensor(kind: type[Value], array: Array) -> Value:
    tensor = object.__new__(kind)
    tensor.array = array
    return tensor


class RecentSteps:
    """The native calls of one function that were used last."""

    def __init__(self) -> None:
        self.first: WholeStep | None = None  # that of the last call
        self._others: list[WholeStep] = []

    def by_another(self, args: tuple[Any, ...]) -> Any:
        """A replay by another one than the first; AGAIN if none is for this call."""
        for other in self._others:
            returned = other(args)
            if returned is not AGAIN:
                self.put_first(other)
                return returned
        return AGAIN

    def put_first(self, whole: WholeStep | None) -> None:
        """Let a native call, if there is one, be tried first from now on."""
        before = self.first
        if whole is None or whole is before:
            return
        others = [] if before is None else [before]
        others += [each for each in self._others if each is not whole]
        self._others = others[: MOST_RECENT - 1]
        self.first = whole
