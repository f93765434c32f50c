"""The memory under tensors: versions, views of it, and what in-place changes do to both.

A view knows its base, the tensor that it is a view of.  A recorded in-place change moves the base
to another node; its views notice when they are next used, and connect themselves to that node.
"""

import itertools
from collections.abc import Callable
from typing import Any, NoReturn

from minigrad.engine.grad_mode import thread

# One clock for nodes and in-place changes, so that "changed after the node was made" is `>`.
tick = itertools.count(1).__next__


class ChangeRecord:
    """Memory shared by a tensor and its views: when it was last changed, and how often."""

    # Class-level, because most storages are made for an operation's result and never change.
    changed_at = 0
    version = 0


class UntrackedView:
    """Where a view was taken whose derivative its base does not know, and torch's words for it."""

    def __init__(self, subject: str, now: str, advice: str) -> None:
        self.subject = subject
        self.now = now
        self.advice = advice

    def refuse(self, what: str) -> NoReturn:
        """Raise torch's RuntimeError: `what` says what is being changed."""
        raise RuntimeError(f"{self.subject} and {what}{self.now}. {self.advice}")


def _in_mode(name: str, block: str, now: str) -> UntrackedView:
    return UntrackedView(
        f"A view was created in {name} mode",
        now,
        f"Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify "
        f"your code by moving both the view and the inplace either both inside the {block} block "
        f"(if you don't want the inplace to be tracked) or both outside (if you want the inplace "
        f"to be tracked).",
    )


IN_NO_GRAD = _in_mode("no_grad", "no_grad", " with grad mode enabled")
IN_INFERENCE = _in_mode("inference", "inference_mode", " in normal mode")
IN_FUNCTION = UntrackedView(
    "Output of a custom Function is a view",
    "",
    "This view was created inside a custom Function (or because an input was returned as-is) and "
    "the autograd logic to handle view+inplace would override the custom backward associated with "
    "the custom Function, leading to incorrect gradients. This behavior is forbidden. You can fix "
    "this by cloning the output of the custom Function.",
)


class SharesMemory:
    """A tensor's part in its memory, which other tensors may share."""

    # Class-level defaults: a new tensor stores its array and whatever differs from these.
    node: Any = None  # the Node that made it
    _requires_grad = False
    _storage: ChangeRecord | None = None
    _base: Any = None  # the value that this is a view of
    # How often recorded in-place operations moved this value to another node; for a view, how often
    # its base had been moved when the view was taken.
    _moves = 0
    _retake: Callable[[Any], None]
    _untracked: UntrackedView | None = None
    _is_inference = False
    _tangents: dict[int, Any] | None = None  # by dual level; see `forward_mode`
    _is_complex = False
    # A view, an inference tensor, a complex one or one with tangents: operations look at it before
    # they use it.
    _needs_check = False

    def change_record(self) -> ChangeRecord:
        """The record of changes shared with all views of the same memory."""
        storage = self._storage
        if storage is None:
            storage = self._storage = (
                ChangeRecord() if self._base is None else self._base.change_record()
            )
            node = self.node
            if node is not None and node.out_storage is None:
                node.out_storage = storage  # so that it notices changes of its output
        return storage

    def bump_version(self) -> None:
        """Note that the memory was changed in place."""
        storage = self.change_record()
        storage.changed_at = tick()
        storage.version += 1

    def become_view(self, base: Any, untracked: UntrackedView | None) -> None:
        """Note that this is a view of `base`, taken where derivatives are `untracked`, or None."""
        self._storage = base.change_record()
        self._is_inference = base._is_inference
        self._needs_check = True
        self._base = base if base._base is None else base._base
        self._moves = base._moves
        if untracked is not None or base._untracked is not None:
            self._untracked = untracked or base._untracked

    def rebase_history(self, node: Any, retake: Callable[[Any], None]) -> None:
        """Note that the memory now holds what `node` made: an in-place operation was recorded.

        `retake(view)` connects a view of this value, taken before, to the new node.
        """
        self.change_record()  # which the node that made this value must see
        old = self.node
        if old is not None and old.retained is not None and old.retained() is self:
            node.retained, old.retained = old.retained, None
        self.node, self._requires_grad = node, True
        self._moves += 1
        self._retake = retake

    def refresh_view(self) -> None:
        """Connect a view to its base's new node if the base has been changed in place since."""
        base = self._base
        if base is not None and base._moves != self._moves:
            if self._untracked is not None:
                self._untracked.refuse(
                    "its base or another view of its base has been modified inplace"
                )
            base._retake(self)
            self._moves = base._moves

    def is_current(self) -> bool:
        """True if an operation may use a value that needs a check as it is."""
        base = self._base
        return (
            not self._is_inference
            and not self._is_complex
            and (base is None or base._moves == self._moves)
            and self._tangents is None
        )

    def mark_complex(self) -> None:
        """Note that the elements are complex: operations take their form for complex numbers."""
        self._is_complex = self._needs_check = True

    def mark_inference(self) -> None:
        """Note that the value was made in inference mode and cannot be saved for a backward."""
        self._is_inference = self._needs_check = True

    @property
    def _version(self) -> int:
        if self._is_inference:
            raise RuntimeError("Inference tensors do not track version counter.")
        return self.change_record().version


def view_mode() -> UntrackedView | None:
    """What to note of a view that is taken now: None where operations are recorded."""
    mode = thread.mode
    return None if mode.grad else IN_INFERENCE if mode.inference else IN_NO_GRAD
