"""Fusion: which recorded calls run together as a chain, and which memory their results need.

Large calls one after the other that work element by element, or row by row, become one chain of
`kernels.replay.chains`, if it saves memory traffic: what only the chain reads is never stored, and
a result takes the memory of an operand that is not needed afterwards.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.compiler.lifetimes import Lifetimes
from minigrad.compiler.shortcuts import Shortcut, given_to
from minigrad.compiler.tape import Entry, results_of
from minigrad.kernels.compiler.kernel import GRAIN_SIZE
from minigrad.kernels.replay.chains import BlockCall, add_chain, can_be_cut
from minigrad.kernels.replay.task_list import TaskList
from minigrad.tensor.memory import owner_of

Array = np.ndarray[Any, Any]

# Results of fewer elements stay in the cache anyway.
SMALLEST = GRAIN_SIZE


class Chain(NamedTuple):
    """Recorded calls that run block by block."""

    numbers: tuple[int, ...]  # of the entries
    calls: tuple[BlockCall, ...]
    given: tuple[Array, ...]  # arrays that it reads or changes, which others have made
    kept: tuple[tuple[int, int, Array], ...]  # results needed afterwards: entry, which one, array
    inner: tuple[Array, ...]  # results that nothing else reads
    takes: dict[int, Array]  # by the id of a result: an operand whose memory it may take
    # The last call, and an array in which an element is not 0 where Python has to make that call.
    fails: tuple[Entry, Array] | None

    def add_tasks(self, tasks: TaskList, in_place: Sequence[Array]) -> None:
        """Add the chain; these results are in the memory of operands.

        Raises CannotRunError for a call that only Python can make.
        """
        copied = {id(result): result for result in in_place}
        add_chain(tasks, self.calls, [*self.inner, *in_place], copied)


class Fused(NamedTuple):
    """What was fused, for people: chains, and the most bytes of arrays at once."""

    chains: list[str]
    recorded_bytes: int  # in the recorded step
    bytes: int  # in a replay

    @staticmethod
    def of(chains: Sequence[Chain], entries: Sequence[Entry], lives: Lifetimes) -> "Fused":
        """What these chains save."""
        inner = [id(array) for chain in chains for array in chain.inner]
        taken = {key: id(owner_of(a)) for chain in chains for key, a in chain.takes.items()}
        words = [_words(chain, entries) for chain in chains]
        return Fused(words, lives.most_bytes(), lives.most_bytes(inner, taken))

    def joined(self, other: "Fused") -> "Fused":
        """Both, of which one runs after the other."""
        most = max(self.recorded_bytes, other.recorded_bytes), max(self.bytes, other.bytes)
        return Fused(self.chains + other.chains, *most)


def _words(chain: Chain, entries: Sequence[Entry]) -> str:
    """The names of a chain's calls, and which memory they share."""
    numbers = dict.fromkeys(number for number in chain.numbers if _is_work(entries[number]))
    names = " + ".join(entries[number].called for number in numbers)
    size = max(array.nbytes for array in (*chain.given, *chain.inner))
    return f"{names}{', in place' if chain.takes else ''}: {size / 1024:.0f} KiB"


def _is_work(entry: Entry) -> bool:
    """True unless a call gives back an array that it was given, and does nothing to it."""
    return entry.function is np.add or any(
        result is not each for result in results_of(entry) for each in entry.args[:1]
    )


class _Draft:
    """Calls that may become a chain."""

    def __init__(self, lives: Lifetimes) -> None:
        self._lives = lives
        self.numbers: list[int] = []
        self._calls: list[BlockCall] = []
        self._results: list[tuple[int, int, Array]] = []
        self._arrays: dict[int, Array] = {}  # that a call of the chain works on
        self._fails: tuple[Entry, Array] | None = None

    def accepts(self, entry: Entry, calls: Sequence[BlockCall]) -> bool:
        """Return whether calls share arrays with those before, and can be cut with them."""
        if not self.numbers:
            return bool(calls)
        if self._fails is not None:
            return False
        made = {id(result) for _, _, result in self._results}
        owners = {id(owner_of(result)) for _, _, result in self._results}
        found = [operand.array for one in calls for operand in one.operands]
        if any(id(owner_of(a)) in owners and id(a) not in made for a in found):
            return False  # a view of a result
        is_joined = not calls or any(id(a) in self._arrays for a in found)
        return is_joined and can_be_cut([*self._calls, *calls])

    def add(
        self, number: int, entry: Entry, calls: Sequence[BlockCall], fails: Array | None
    ) -> None:
        """Add a call."""
        self.numbers.append(number)
        self._fails = None if fails is None else (entry, fails)
        self._calls += calls
        given = {id(each) for each in entry.args}
        self._results += [
            (number, k, result)
            for k, result in enumerate(results_of(entry))
            if id(result) not in given
        ]
        self._arrays.update((id(o.array), o.array) for one in calls for o in one.operands)

    def chain(self) -> Chain | None:
        """The chain, if it saves anything."""
        if not self._calls:
            return None
        end = self.numbers[-1]
        read = set() if self._fails is None else set(map(id, self._fails[0].args))
        kept = [
            each for each in self._results
            if self._lives.last_use(each[2]) > end or id(each[2]) in read
        ]  # fmt: skip
        made = {id(result): result for _, _, result in self._results}
        inner = [made[key] for key in made.keys() - {id(result) for *_, result in kept}]
        given = [
            array for key, array in self._arrays.items()
            if key not in made and self._lives.knows(array)
        ]  # fmt: skip
        takes = self._takes([result for *_, result in kept], given)
        if not takes and len({one[0] for one in self._results}) < 2:
            return None
        return Chain(
            tuple(self.numbers), tuple(self._calls), tuple(given), tuple(kept), tuple(inner), takes,
            self._fails,
        )  # fmt: skip

    def _takes(self, results: Sequence[Array], given: Sequence[Array]) -> dict[int, Array]:
        """For results, operands of the same layout that are not needed after the chain."""
        free = [
            array for array in given
            if self._lives.last_use(array) <= self.numbers[-1]
            and self._lives.made_at(array) is not None
        ]  # fmt: skip
        takes: dict[int, Array] = {}
        for result in results:
            for k, array in enumerate(free):
                if array.shape == result.shape and array.dtype == result.dtype:
                    takes[id(result)] = free.pop(k)
                    break
        return takes


def chains_of(
    entries: Sequence[Entry], numbers: range, found: Mapping[int, Shortcut], lives: Lifetimes
) -> list[Chain]:
    """The chains among some entries, whose shortcuts were `found`."""
    chains: list[Chain | None] = []
    draft = _Draft(lives)
    for number in numbers:
        entry, shortcut = entries[number], found.get(number)
        calls = None if shortcut is None else _block_calls(entry, shortcut)
        if calls is None or not draft.accepts(entry, calls):
            chains.append(draft.chain())
            draft = _Draft(lives)
        if calls or (calls is not None and draft.numbers):
            draft.add(number, entry, calls, None if shortcut is None else shortcut.fails)
    chains.append(draft.chain())
    return [chain for chain in chains if chain is not None]


def _block_calls(entry: Entry, found: Shortcut) -> list[BlockCall] | None:
    """The parts of a large call; None if it has none."""
    results = results_of(entry)
    if found.blocks is None or not all(
        isinstance(result, np.ndarray) and result.flags.c_contiguous for result in results
    ):
        return None
    if max((result.size for result in results), default=0) < SMALLEST:
        return None
    return found.blocks(given_to(entry, found), results)
