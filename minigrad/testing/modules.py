"""Gradient checks of modules: parameters and inputs, in training and in evaluation."""

import copy
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from minigrad import random
from minigrad.autograd.gradcheck.checker import Checker
from minigrad.autograd.gradcheck.strictness import Progress, Strictness
from minigrad.nn import Module
from minigrad.tensor import Tensor
from minigrad.testing.operations import Errors, drawn_again_at_kinks
from minigrad.testing.samples import as_inputs

MODES = ("train", "eval")


def check_module(
    module: Module,
    *inputs: Any,
    settings: Mapping[str, Any] = MappingProxyType({}),
    modes: Sequence[str] = MODES,
    second_order: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    nondet_tol: float = 0.0,
    fast_mode: bool = True,
    seed: int = 0,
    budget: float | None = None,
    progress: Progress | None = None,
) -> Errors:
    """Check the derivatives of a module's outputs in its parameters and inputs.

    inputs: tensors, `arr.of(shape)` for random ones, or anything else that forward takes.
    Tensors are checked in float64; floating ones that are drawn, or that require gradients, are
    differentiated.  The module itself is left alone: a copy in float64 is checked, with the same
    random numbers (dropout) and the same buffers (running statistics) at each call.

    settings: keyword arguments of forward.  modes: of "train" and "eval".  Gives the worst errors.
    Raises GradcheckError that names the mode, the parameter or input and the entries; ValueError
    for a mode of another name, or if there is nothing to differentiate.

        >>> from minigrad.testing import arr, check_module
        >>> errors = check_module(minigrad.nn.Linear(3, 2), arr.of(4, 3))
    """
    for chosen in modes:
        if chosen not in MODES:
            raise ValueError(f"modes are 'train' and 'eval', got {chosen!r}")
    strictness = Strictness(
        rtol, atol, nondet_tol=nondet_tol, entrywise=not fast_mode, budget=budget,
        progress=progress,
    )  # fmt: skip
    found = []
    for chosen in modes:

        def check(point_seed: int, chosen: str = chosen) -> Errors:
            rng = np.random.default_rng(point_seed)
            drawn = as_inputs(inputs, rng)
            pure = _Pure(module, drawn, settings, chosen == "train", point_seed)
            name = f"{type(module).__name__} in {chosen} mode"
            checker = Checker(pure.function, pure.leaves, name, strictness, seed, pure.labels)
            first = checker.first_order()
            second = checker.second_order() if second_order else None
            return Errors(first, second).covering(checker.coverages)

        found.append(drawn_again_at_kinks(check, seed))
    worst = Errors(
        max(errors.first for errors in found),
        max(errors.second or 0.0 for errors in found) if second_order else None,
    )
    return worst.covering(coverage for errors in found for coverage in errors.coverages)


class _Pure:
    """A module as a function of its parameters and inputs, the same at each call."""

    def __init__(
        self, module: Module, inputs: Sequence[Any], settings: Mapping[str, Any],
        training: bool, seed: int,
    ) -> None:  # fmt: skip
        self.module = copy.deepcopy(module).double().train(training)
        self.inputs = inputs
        self.settings = settings
        self.seed = seed
        self.parameters = {n: p for n, p in self.module.named_parameters() if p.requires_grad}
        self.buffers = [(buffer, buffer.array.copy()) for buffer in self.module.buffers()]
        self.places = [i for i, x in enumerate(inputs) if isinstance(x, Tensor) and x.requires_grad]
        self.leaves: list[Tensor] = [*self.parameters.values(), *(inputs[i] for i in self.places)]
        self.labels = [*self.parameters, *(f"input {i}" for i in self.places)]
        # Where each parameter is held: at several places if it is shared.
        known = {id(p): place for place, p in enumerate(self.parameters.values())}
        self.holders: list[tuple[dict[str, Any], str, int]] = [
            (part._parameters, name, known[id(p)])
            for part in self.module.modules()
            for name, p in part._parameters.items()
            if p is not None and id(p) in known
        ]

    def function(self, *leaves: Tensor) -> Any:
        """The module's output for these parameters and inputs."""
        inputs = list(self.inputs)
        for place, leaf in zip(self.places, leaves[len(self.parameters) :], strict=True):
            inputs[place] = leaf
        for parameters, name, place in self.holders:
            parameters[name] = leaves[place]
        for buffer, before in self.buffers:
            buffer.array[...] = before
        with random.fork_rng():
            random.manual_seed(self.seed)
            return self.module(*inputs, **self.settings)
