"""The position of a DataLoader: what its pass has drawn, and which batches it has given."""

import random
from collections.abc import Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigrad.ops.generator import Generator
from minigrad.utils.data import sampler as samplers

_FORMAT = 1
_OURS = (
    samplers.SequentialSampler, samplers.RandomSampler, samplers.SubsetRandomSampler,
    samplers.WeightedRandomSampler, samplers.BatchSampler, samplers.EndlessSampler,
)  # fmt: skip


@dataclass
class Position:
    """A pass of a loader, from its start to the batch that the loop has received last.

    `given` batches were received, all of the first ones; with `in_order=False` also those at the
    positions in `ahead`; `drawn` indices were taken from the sampler.  `before` is what the order
    may be drawn from, as it was before the pass: a pass begun from it has the same order.
    """

    seed: int = 0
    workers_seed: int = 0
    initial_seed: int = 0
    given: int = 0
    drawn: int = 0
    ahead: set[int] = field(default_factory=set)
    finished: bool = True
    before: dict[str, Any] = field(default_factory=dict)

    def receive(self, position: int) -> None:
        """Note that the loop has received the batch at a position."""
        if position != self.given:
            self.ahead.add(position)
            return
        self.given += 1
        while self.given in self.ahead:
            self.ahead.remove(self.given)
            self.given += 1

    def state(self) -> dict[str, Any]:
        """The position in plain values."""
        return {
            "seed": self.seed,
            "workers_seed": self.workers_seed,
            "initial_seed": self.initial_seed,
            "given": self.given,
            "drawn": self.drawn,
            "ahead": sorted(self.ahead),
            "before": self.before,
        }


def position_from(state: Mapping[str, Any]) -> Position:
    """The position of a state."""
    return Position(**{**state, "ahead": set(state["ahead"])}, finished=False)


class OrderSources:
    """What the order of a loader's samples may be drawn from, beside the seed of a pass.

    These are the generators of the loader and its samplers, samplers that have a state or the
    number of an epoch, and, for samplers of users, the global generators of Python and NumPy.
    """

    def __init__(self, generator: Generator | None, indices: Iterable[Any]) -> None:
        self._samplers = list(_nested(indices))
        generators = [generator, *(getattr(s, "generator", None) for s in self._samplers)]
        self._generators = [g for g in _distinct(generators) if isinstance(g, Generator)]
        self._foreign = [s for s in self._samplers if type(s) not in _OURS]

    def state(self) -> dict[str, Any]:
        """The present states."""
        state: dict[str, Any] = {}
        if self._generators:
            state["generators"] = [g.get_state() for g in self._generators]
        if self._foreign:
            state["samplers"] = [_state_of(s) for s in self._foreign]
            state["python"] = random.getstate()
            state["numpy"] = np.random.get_state(legacy=False)  # noqa: NPY002
        return state

    def restore(self, state: Mapping[str, Any]) -> None:
        """Set the states.  Raises ValueError for those of other samplers."""
        generators, states = state.get("generators", []), state.get("samplers", [])
        if len(generators) != len(self._generators) or len(states) != len(self._foreign):
            raise ValueError(
                f"the state is of a DataLoader with {len(generators)} generators and {len(states)} "
                f"samplers that have a state; this one has {len(self._generators)} and "
                f"{len(self._foreign)}"
            )
        for sampler, given in zip(self._foreign, states, strict=True):
            _restore(sampler, given)
        self.restore_generators(state)

    def restore_generators(self, state: Mapping[str, Any]) -> None:
        """Set the states of generators alone."""
        for generator, given in zip(self._generators, state.get("generators", []), strict=True):
            generator.set_state(given)
        if "python" in state:
            random.setstate(state["python"])
            np.random.set_state(state["numpy"])  # noqa: NPY002


def _nested(sampler: Any) -> Iterator[Any]:
    """A sampler, and those that it draws from."""
    seen: list[Any] = []
    while sampler is not None and all(sampler is not s for s in seen):
        seen.append(sampler)
        yield sampler
        sampler = getattr(sampler, "sampler", None)


def _distinct(values: Iterable[Any]) -> list[Any]:
    result: list[Any] = []
    for value in values:
        if value is not None and all(value is not other for other in result):
            result.append(value)
    return result


def _state_of(sampler: Any) -> Any:
    if callable(getattr(sampler, "state_dict", None)):
        return {"state": sampler.state_dict()}
    return {"epoch": sampler.epoch} if callable(getattr(sampler, "set_epoch", None)) else None


def _restore(sampler: Any, state: Any) -> None:
    if state is None:
        return
    if "state" in state:
        sampler.load_state_dict(state["state"])
    else:
        sampler.set_epoch(state["epoch"])


def sizes(dataset: Any, indices: Any) -> dict[str, int | None]:
    """How many samples and batches there are, as far as it is known."""
    counted = {"samples": dataset, "batches": indices}
    return {name: len(of) if isinstance(of, Sized) else None for name, of in counted.items()}


def loader_state(
    position: Position, now: Mapping[str, Any], shape: Mapping[str, Any]
) -> dict[str, Any]:
    """The state of a loader: its position if a pass is under way, and its sources as they are."""
    under_way = None if position.finished else position.state()
    return {"format": _FORMAT, "pass": under_way, "now": dict(now), "shape": dict(shape)}


def check_state(state: Any, shape: Mapping[str, Any]) -> None:
    """Raise TypeError for what is no state of a loader, ValueError for one of another loader."""
    if not isinstance(state, Mapping) or "format" not in state:
        raise TypeError(
            f"load_state_dict expects what DataLoader.state_dict returned, got {state!r:.60}"
        )
    if state["format"] != _FORMAT:
        raise ValueError(
            f"the state of the DataLoader has format {state['format']}; this version of minigrad "
            f"reads format {_FORMAT}"
        )
    for name, size in shape.items():
        if (given := state["shape"].get(name)) != size:
            raise ValueError(
                f"the state is of a DataLoader with {name}={given}; this one has {name}={size}, so "
                "its batches are others"
            )
