"""Recorded calls that run as native tasks: which ones, where their results are, and runs of them.

Consecutive calls whose kernels can be run without Python become one `Run`: a list of tasks that one
compiled call goes through.  A result that only such tasks read has a fixed place in an arena, where
it shares memory with results that are needed at other times.  Other results are fresh arrays in
each replay, as in the step itself.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from minigrad.compiler.fusion import Chain, Fused, chains_of
from minigrad.compiler.lifetimes import Lifetimes, arrays_in
from minigrad.compiler.shortcuts import Shortcut, given_to, shortcut
from minigrad.compiler.tape import Entry, results_of
from minigrad.engine.graph import Value
from minigrad.kernels.compiler.workspace import ALIGNMENT
from minigrad.kernels.replay.task_list import CannotRunError, Place, Seen, TaskList
from minigrad.tensor.memory import owner_of

Array = np.ndarray[Any, Any]

# A run of fewer calls than this takes longer than to make them from Python.
SHORTEST_RUN = 3
# Results of fewer bytes have memory between replays.
LARGE = 2**18


class NativeCalls:
    """The native ones among the entries of a tape, and the fixed memory of their results."""

    def __init__(self) -> None:
        self.calls: dict[int, Shortcut] = {}  # by the number of an entry
        self.memory: dict[int, Array] = {}  # by the id of a result: its place in an arena
        self.shared: set[int] = set()  # the numbers of calls that several threads may make at once
        self.bytes = 0  # of the arenas
        self.bytes_of_results = 0  # of the results in them
        self.chains: dict[int, Chain] = {}  # by the number of each call in one
        self.taken: dict[int, Array] = {}  # by the id of a result in an arena: whose place it has
        self.fused = Fused([], 0, 0)

    def add(
        self, entries: Sequence[Entry], numbers: range, lasting: Sequence[Array],
        varying: Container[int] = (), shared: bool = False, fuses: bool = True,
    ) -> None:  # fmt: skip
        """Add those of some entries, which are one function's.

        `lasting` are arrays that live longer than a call of it.  `varying` are the numbers of
        entries that take other numbers in each call.  If several threads may call it, no result
        in fixed memory is needed after the run that makes it.  With `fuses` some become chains.
        """
        found = self._shortcuts(entries, numbers, varying, shared)
        lives = Lifetimes(entries, numbers, lasting)
        fixed = {number: each for number, each in found.items() if number not in varying}
        chains = chains_of(entries, numbers, fixed, lives) if fuses else []
        self.chains.update((number, chain) for chain in chains for number in chain.numbers)
        self.fused = self.fused.joined(Fused.of(chains, entries, lives))
        calls = {
            number: each for number, each in found.items()
            if number in self.chains or _is_runnable(entries[number], each)
        }  # fmt: skip
        runs = _long_runs(entries, numbers, calls, self.chains)
        self.calls.update(calls)
        if shared:
            self.shared.update(calls)
        self._plan_memory(entries, numbers, calls, lasting, (runs, 0 if shared else LARGE))

    def _shortcuts(
        self, entries: Sequence[Entry], numbers: range, varying: Container[int], shared: bool
    ) -> dict[int, Shortcut]:
        """The calls that have shortcuts."""
        found: dict[int, Shortcut] = {}
        for number in numbers:
            entry = entries[number]
            if entry.kind == "call":
                each = shortcut(entry.function, entry.args, entry.settings)
                if each is None or (number in varying and (shared or not each.takes_numbers)):
                    continue
                found[number] = each
        return found

    def let_go(self) -> None:
        """Let go of recorded arrays, which shortcuts hold, once they have added their tasks."""
        self.calls = {number: Shortcut((), {}) for number in self.calls}
        self.chains, self.taken = {}, {}

    def _plan_memory(
        self, entries: Sequence[Entry], numbers: range, calls: Mapping[int, Shortcut],
        lasting: Iterable[Array], runs: tuple[Mapping[int, int], int],
    ) -> None:  # fmt: skip
        """Give each result that only native tasks read a place until its last reader.

        Results of so many bytes have none that a later run reads: they are let go after it.
        """
        run_of, most = runs
        outside = {id(owner_of(array)) for array in lasting}
        for chain in self.chains.values():  # whose last call Python may have to make
            outside.update(id(owner_of(a)) for a in (chain.fails[0].args if chain.fails else ()))
        made, maker = {}, {}
        for number in calls:
            for result in fresh_results(entries[number]):
                made[id(owner_of(result))], maker[id(owner_of(result))] = result, number
        last_use: dict[int, int] = {}
        for number in numbers:
            for array in arrays_in(entries[number]):
                owner = id(owner_of(array))
                last_use[owner] = self._extent(number)[1]
                if number not in calls or array is not made.get(owner, array):
                    outside.add(owner)  # Python sees it, or another view of it
                elif owner in maker and run_of.get(number) != run_of.get(maker[owner]):
                    outside.update([owner] if made[owner].nbytes >= most else [])
        inner = {id(array) for chain in self.chains.values() for array in chain.inner}
        spans = [
            (self._extent(number)[0], last_use[id(owner_of(result))], result)
            for number in calls
            for result in fresh_results(entries[number])
            if id(owner_of(result)) not in outside and id(result) not in inner
        ]
        placed = {id(result) for *_, result in spans}
        takes = [pair for number in calls if number in self.chains
                 for pair in self.chains[number].takes.items()]  # fmt: skip
        self.taken.update((r, a) for r, a in takes if r in placed and id(a) in placed)
        offsets, size = _places(spans, self.taken)
        block = np.empty(size + ALIGNMENT, np.uint8)
        start = -block.ctypes.data % ALIGNMENT
        for offset, (_, _, result) in zip(offsets, spans, strict=True):
            place = np.ndarray(result.shape, result.dtype, block, start + offset)
            self.memory[id(result)] = place
            self.bytes_of_results += result.nbytes
        self.bytes += size

    def _extent(self, number: int) -> tuple[int, int]:
        """The first and the last number of the chain that a call belongs to, or its own."""
        chain = self.chains.get(number)
        return (number, number) if chain is None else (chain.numbers[0], chain.numbers[-1])

    def keep_results(self, returned: Sequence[Value], entries: Sequence[Entry]) -> None:
        """Let native results that a step returns have one place in all calls.

        Gradients are fresh as ever: they belong to their leaves.
        """
        given = [entry.args for entry in entries if entry.kind == "gradients"]
        gradients = {id(owner_of(array)) for array in arrays_in(given)}
        wanted = {id(owner_of(tensor.array)) for tensor in returned} - gradients
        for number in self.calls:
            for result in fresh_results(entries[number]):
                if id(result) in wanted:
                    self.memory[id(result)] = np.empty(result.shape, result.dtype)
                    self.bytes += result.nbytes
                    self.bytes_of_results += result.nbytes


def _long_runs(
    entries: Sequence[Entry], numbers: range, calls: dict[int, Shortcut], chained: Container[int]
) -> dict[int, int]:
    """Leave calls to Python where so few come together that a run would take longer.

    Where no call needs Python, one native call may run all of them.  The numbers of the runs that
    the other calls belong to.
    """
    shortest = SHORTEST_RUN
    if all(number in calls for number in numbers if entries[number].kind == "call"):
        shortest = 0
    runs: dict[int, int] = {}
    together: list[int] = []
    for number in range(numbers.start, numbers.stop + 1):
        entry = entries[number] if number < numbers.stop else None
        if number in calls:
            runs[number] = together[0] if together else number
            if fresh_results(entries[number]) or entries[number].function is np.add:
                together.append(number)
            if number in chained and calls[number].fails is not None:  # Python looks at the result
                together = []
        elif entry is None or entry.kind != "read":
            if len(together) < shortest and not any(each in chained for each in together):
                for each in together:
                    del calls[each]
            together = []
    return runs


def _places(
    spans: Sequence[tuple[int, int, Array]], taken: Mapping[int, Array]
) -> tuple[list[int], int]:
    """Offsets of arrays that are in use from one entry to another, both included; and their end.

    Those whose ids are in `taken` have the place of an array before.
    """
    used: list[tuple[int, int, int]] = []  # (first byte, end, last use)
    offsets: dict[int, int] = {}
    size = 0
    for first, last, array in spans:
        used = [each for each in used if each[2] >= first]
        needed, at = -(-max(array.nbytes, 1) // ALIGNMENT) * ALIGNMENT, 0
        if id(array) in taken:
            at = offsets[id(taken[id(array)])]
        else:
            for begin, end, _ in sorted(used):
                if at + needed <= begin:
                    break
                at = max(at, end)
        used.append((at, at + needed, last))
        offsets[id(array)] = at
        size = max(size, at + needed)
    return list(offsets.values()), size


class Run:
    """Native tasks that run one after the other, with no Python between them."""

    def __init__(self, number: int, shared: bool) -> None:
        self.number = number  # of the first entry whose tasks it has
        self.shared = shared  # several threads may run it at once: one waits for the other
        self.tasks = TaskList(self._place)
        self.variables: dict[str, int] = {}  # those that each call is given, with their numbers
        # The variables of fresh results, with their shapes and dtypes.
        self.fresh: dict[str, tuple[tuple[int, ...], np.dtype[Any]]] = {}
        # Those whose memory is that of another variable, if nobody else holds it.
        self.takes: dict[str, str] = {}
        self.may_need_python = False  # for the last call, as its tasks find out
        self.failures: list[str] = []  # the lines after a task that has stopped the others
        self._known: dict[int, tuple[Array, str | None]] = {}

    def know(self, array: Array, fixed: Array | None, variable: str) -> None:
        """Say where an array is: in fixed memory, or in a variable."""
        if fixed is None:
            self.variables.setdefault(variable, len(self.variables))
        self._known[id(array)] = (array, variable) if fixed is None else (fixed, None)

    def let_go(self) -> None:
        """Let go of recorded arrays, once there are all tasks."""
        self._known = {}

    def _place(self, seen: Seen) -> Place:
        offset = seen.view.ctypes.data - seen.array.ctypes.data
        array, variable = self._known.get(id(seen.array), (seen.array, None))
        if variable is not None:
            return Place(self.variables[variable], offset)
        self.tasks.keep(array)
        return Place(None, array.ctypes.data + offset)


def fresh_results(entry: Entry) -> list[Any]:
    """The results of a call that are none of its arguments."""
    given = {id(each) for each in entry.args}
    return [result for result in results_of(entry) if id(result) not in given]


def _is_runnable(entry: Entry, found: Shortcut) -> bool:
    """Return whether the call has tasks, and none of them needs Python."""
    results = results_of(entry)
    if found.tasks is None or not all(
        isinstance(result, np.ndarray) and result.flags.c_contiguous for result in results
    ):
        return False
    try:
        found.tasks(TaskList(lambda _: Place(None, 0)), given_to(entry, found), results)
    except CannotRunError:
        return False
    return True
