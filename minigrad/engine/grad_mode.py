"""Gradient modes and anomaly detection of the current thread."""

import contextvars
import functools
import inspect
import threading
from collections.abc import Callable, Generator
from typing import Any, Self, TypeVar

import numpy as np

F = TypeVar("F", bound=Callable[..., Any])


class Mode:
    """The modes of a thread; a new thread records gradients."""

    def __init__(self) -> None:
        self.grad = True
        self.inference = False
        self.anomaly = False
        self.check_nan = True
        # Pairs (pack, unpack) of `autograd.graph.saved_tensors_hooks`; the last one holds.
        self.saved_hooks: tuple[tuple[Callable[..., Any], Callable[..., Any]], ...] = ()
        self.saved_hooks_refused: str | None = None  # why no such hooks may be set now
        # True if each new node is looked at: for anomaly detection, or by hooks of saved tensors.
        self.observed = False
        self.names: list[str] | None = None  # the names of new nodes, for errors of checkpoints
        self.dual_levels: tuple[int, ...] = ()  # those whose tangents count; see `forward_mode`
        self.user_level: int | None = None  # the one of them that `autograd.forward_ad` opened
        self.walk: Any = None  # the backward pass that runs now
        self.overrides = True  # `__torch_function__` is asked; see `overrides`
        self.recorder: Any = None  # what times this thread's operations; see `profiling`
        self.step_recorder: Any = None  # what records this thread's step; see `step_recorder`
        self.walk_type: Any = None  # the class of backward passes, where it is another
        # NumPy keeps its floating-point error settings in the context.  Running in a separate
        # context costs a tenth of `np.errstate`, and does not change the caller's settings.
        self.ignore_fp_errors = quiet_context().run
        """`ignore_fp_errors(f, *args)` is `f(*args)`; overflow gives inf, with no warning.

        Raises RuntimeError in code that interrupts an operation of the same thread, because a
        context is entered once at a time: a signal handler, a `__del__`, a weakref callback.
        `reenter` is for these; it is called afterwards, so that other calls pay nothing for it."""

    def differentiates(self) -> bool:
        """Return whether operations are recorded or carry tangents."""
        return self.grad or bool(self.dual_levels)

    def is_interrupting(self) -> bool:
        """Return whether this code runs inside an operation that has not returned yet."""
        try:
            self.ignore_fp_errors(int)
        except RuntimeError:
            return True
        return False

    def reenter(
        self, error: RuntimeError, function: Callable[..., Any], *args: Any, **settings: Any
    ) -> Any:
        """Call the function where `ignore_fp_errors` raised `error` because it was entered before.

        Raises `error` if the function itself raised it.
        """
        if not self.is_interrupting():
            raise error
        return quiet_context().run(function, *args, **settings)

    def fp_error_ignorer(self) -> Callable[..., Any]:
        """Return `ignore_fp_errors`, or one that code which interrupts an operation can call."""
        ignore = self.ignore_fp_errors
        try:
            ignore(int)
        except RuntimeError:
            return quiet_context().run
        return ignore


def quiet_context() -> contextvars.Context:
    """A context in which NumPy ignores floating-point errors."""
    context = contextvars.Context()
    context.run(np.seterr, all="ignore")
    return context


class _Thread(threading.local):
    """Modes are per thread, as in torch.

    Reading a `threading.local` costs as much as a call: read `thread.mode` once per function.
    """

    def __init__(self) -> None:
        self.mode = Mode()


thread = _Thread()


def ignore_fp_errors(function: Callable[..., Any], *args: Any, **settings: Any) -> Any:
    """Return `function(*args, **settings)`; overflow gives inf, with no warning."""
    mode = thread.mode
    try:
        return mode.ignore_fp_errors(function, *args, **settings)
    except RuntimeError as error:
        return mode.reenter(error, function, *args, **settings)


class _ModeContext:
    """Sets attributes of the mode inside a `with` block or a decorated function."""

    def __init__(self, **wanted: bool) -> None:
        self._wanted = wanted
        self._before: list[dict[str, bool]] = []

    def __enter__(self) -> Self:
        mode = vars(thread.mode)
        self._before.append({name: mode[name] for name in self._wanted})
        mode.update(self._wanted)
        return self

    def __exit__(self, *exc: object) -> None:
        vars(thread.mode).update(self._before.pop())

    def __call__(self, function: F) -> F:
        if inspect.isgeneratorfunction(function):
            return self._decorate_generator(function)

        @functools.wraps(function)
        def decorated(*args: Any, **kwargs: Any) -> Any:
            with _ModeContext(**self._wanted):
                return function(*args, **kwargs)

        return decorated  # type: ignore[return-value]

    def _decorate_generator(self, function: F) -> F:
        """The mode holds while the generator runs; between two items the caller's mode does."""

        @functools.wraps(function)
        def decorated(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            generator = function(*args, **kwargs)
            step, sent = generator.send, None
            while True:
                try:
                    with _ModeContext(**self._wanted):
                        item = step(sent)
                except StopIteration as end:
                    return end.value
                try:
                    step, sent = generator.send, (yield item)
                except GeneratorExit:
                    with _ModeContext(**self._wanted):
                        generator.close()
                    raise
                except BaseException as error:
                    step, sent = generator.throw, error

        return decorated  # type: ignore[return-value]


class _BareDecorator(type):
    """Allow a mode without arguments as a decorator without parentheses: `@no_grad`."""

    def __call__(cls, function: Callable[..., Any] | None = None) -> Any:
        context = super().__call__()
        return context if function is None else context(function)


class no_grad(_ModeContext, metaclass=_BareDecorator):  # noqa: N801
    """Do not record operations inside: results do not require gradients."""

    def __init__(self) -> None:
        super().__init__(grad=False)


class enable_grad(_ModeContext, metaclass=_BareDecorator):  # noqa: N801
    """Record operations again, inside a `no_grad` block."""

    def __init__(self) -> None:
        super().__init__(grad=True)


class inference_mode(_ModeContext):  # noqa: N801
    """Like `no_grad`; also, tensors made inside can never be saved in a graph.

    `inference_mode(False)` leaves inference mode inside an inference block.
    """

    def __new__(cls, mode: bool | Callable[..., Any] = True) -> Any:
        if callable(mode):  # used bare, as @inference_mode
            return cls()(mode)
        return super().__new__(cls)

    def __init__(self, mode: bool = True) -> None:
        super().__init__(grad=not mode, inference=mode)


class set_grad_enabled(_ModeContext):  # noqa: N801
    """Switch recording on or off at once; as a `with` block or decorator, until its end."""

    def __init__(self, mode: bool) -> None:
        super().__init__(grad=bool(mode))
        self._at_once = is_grad_enabled()
        thread.mode.grad = bool(mode)

    def __enter__(self) -> Self:
        super().__enter__()
        self._before[-1] = {"grad": self._at_once}
        return self

    def __call__(self, function: F) -> F:
        thread.mode.grad = self._at_once
        return super().__call__(function)


class detect_anomaly(_ModeContext):  # noqa: N801
    """Keep the call stack of each recorded operation, and raise where a gradient becomes nan.

    Programs run slowly with it; use it to find an error.
    """

    def __init__(self, check_nan: bool = True) -> None:
        super().__init__(anomaly=True, check_nan=check_nan, observed=True)


class set_multithreading_enabled(_ModeContext):  # noqa: N801
    """Nothing, at once or as a `with` block: a backward pass visits nodes one after the other."""

    def __init__(self, mode: bool) -> None:
        super().__init__()
        self.mode = mode


class set_detect_anomaly(_ModeContext):  # noqa: N801
    """Switch anomaly detection at once; as a `with` block, until its end."""

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        observed = bool(mode) or bool(thread.mode.saved_hooks)
        super().__init__(anomaly=bool(mode), check_nan=check_nan, observed=observed)
        self._at_once = {name: getattr(thread.mode, name) for name in self._wanted}
        vars(thread.mode).update(self._wanted)

    def __enter__(self) -> Self:
        super().__enter__()
        self._before[-1] = self._at_once
        return self


def is_grad_enabled() -> bool:
    """True if operations are recorded in this thread."""
    return thread.mode.grad


def is_inference_mode_enabled() -> bool:
    """True if inference mode is on in this thread."""
    return thread.mode.inference


def is_anomaly_enabled() -> bool:
    """True if anomaly detection is on in this thread."""
    return thread.mode.anomaly
