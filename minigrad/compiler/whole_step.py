"""A replay that is one native call: what it depends on, all tasks, and the optimizer's step.

`Plan.run` repeats a step from Python, and looks at Python's objects before.  Where a step has
`StepParts`, both are done by `kernels.replay.whole_step`; Python makes the arrays that the step
returns, and wraps them.  Gradients stay in the memory that they had in the call before, unless
somebody holds it.
"""

import threading
from operator import attrgetter
from typing import Any, Protocol

import numpy as np

from minigrad.compiler.quick import PLAIN_ATTRIBUTES, QuickArguments
from minigrad.compiler.step_parts import StepParts
from minigrad.compiler.world import World
from minigrad.core import dtypes
from minigrad.engine.grad_mode import Mode, thread
from minigrad.engine.graph import Value, bump_versions
from minigrad.kernels.replay.watched_words import Watch
from minigrad.kernels.replay.whole_step import CHANGED, DONE, HELD, NativeCall

Array = np.ndarray[Any, Any]

# What a call gives that has done nothing: a plan is to be looked for.
AGAIN = object()
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


class WholeStep:
    """A plan's replay as one native call."""

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
        self._makes = [parts.run.fresh[variable] for variable in parts.made]
        self.is_stale = True

    # --- getting ready ---

    def refresh(self, mode: Mode) -> None:
        """Look at all that a replay depends on, after a look from Python found it right.

        Raises CannotWatchError or CannotRunError where only Python can look.
        """
        plan, optimizer, watch = self._plan, self._parts.optimizer, Watch()
        self._modes, self._dtype = _modes_of(mode), dtypes.default_numpy()
        self._globals = plan.world.watch(watch)
        step = getattr(optimizer, "_native_step", lambda: None)()
        if step is not None and not {*map(id, step.params)} <= {*map(id, self._leaves)}:
            step = None
        if step is not None:
            step.watch(watch)
        elif optimizer is not None:
            watch.version(vars(optimizer))  # whose next step may be a native one
        self._step, self._is_repeated = step, optimizer is not None and step is None
        self._updated = [] if step is None else step.params  # by native tasks
        self._native = self._native_call(watch)
        self._run = self._native.bound()
        self._grads = self._arrays = ()
        self.is_stale = not plan.world.holds()  # after it was watched: what changed is seen

    @property
    def takes_step(self) -> bool:
        """Whether the optimizer's step is native, too."""
        return self._step is not None

    def _native_call(self, watch: Watch) -> NativeCall:
        parts, count = self._parts, len(self._quick.kinds)
        made = count + len(parts.gradients)
        order = [*(gradient.variable for gradient in parts.gradients), *parts.made]
        bases = parts.inputs | {variable: count + k for k, variable in enumerate(order)}
        native = NativeCall(
            self._quick.kinds, PLAIN_ATTRIBUTES, self._quick.headers, parts.run.tasks,
            [bases[variable] for variable in parts.run.variables], made, count + len(order),
        )  # fmt: skip
        native.watch_world(watch)
        self._beginnings = range(0)
        if self._step is not None:
            first = native.tasks
            self._beginnings = range(first, first + native.add(self._step.add_tasks))
        return native

    def _renew(self) -> bool:
        """Give gradients memory that nobody else holds; False if there are others than before."""
        gradients, count = self._parts.gradients, len(self._quick.kinds)
        if any((g.leaf._grad is not None) is not g.had_one for g in gradients):
            return False
        self._arrays = tuple([np.empty(*self._parts.run.fresh[g.variable]) for g in gradients])
        self._grads = tuple(map(_tensor, [g.kind for g in gradients], self._arrays))
        watch = Watch(keeps_alive=False)
        for k, gradient in enumerate(gradients):
            if gradient.had_one:
                gradient.leaf._grad = self._grads[k]
            self._native.set_base(count + k, self._arrays[k])
            watch.attribute(gradient.leaf, "_grad")
            watch.lone_attribute(self._grads[k], "array")
            watch.references(self._grads[k], 1 + gradient.had_one)
            watch.references(self._arrays[k], 2)
        if self._step is not None:
            pairs = zip(map(id, self._leaves), self._arrays, strict=True)
            self._step.set_gradients(dict(pairs))
        self._native.watch_memory(watch)
        return True

    # --- a call ---

    def __call__(self, args: tuple[Any, ...]) -> Any:
        """Replay the step; AGAIN, with nothing done, if it may be another one."""
        if _modes_of(thread.mode) != self._modes or dtypes.default_numpy() is not self._dtype:
            return AGAIN
        for namespace, name, value in self._globals:
            if namespace.get(name) is not value:
                self.is_stale = True
                return AGAIN
        lock = self._plan.lock
        if self.is_stale or not lock.acquire(blocking=False):
            return AGAIN
        try:
            made = tuple([np.empty(shape, dtype) for shape, dtype in self._makes])
            at = self._run(id(args), id(made))
            if at == HELD and self._renew():
                at = self._run(id(args), id(made))
            if at == DONE:
                self.changes = 0
                if self._updated:
                    bump_versions(self._updated)
                if self._is_repeated or self._late:
                    self._finish(self._is_repeated)
            elif at in self._beginnings:  # the optimizer needs Python, for this step
                self._finish(True)
                self.is_stale = True
            else:
                self.is_stale = at == CHANGED
                return AGAIN
            if self._plan.changed:
                bump_versions(self._plan.changed)
            self._plan.replays += 1
            return self._parts.results(*made)
        finally:
            lock.release()

    def _finish(self, takes_step: bool) -> None:
        """Give leaves gradients that had none before, and let the optimizer take its step."""
        for k in self._late:
            self._leaves[k]._grad = self._grads[k]
        if takes_step:
            self._plan.repeated[0]()
        for leaf in self._dropped:
            leaf._grad = None


def _tensor(kind: type[Value], array: Array) -> Value:
    tensor = object.__new__(kind)
    tensor.array = array
    return tensor
