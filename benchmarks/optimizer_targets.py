"""Speed of optimizer steps against their targets, as a table.

    python -m benchmarks.optimizer_targets [--only chain|rules|muon] [--threads 2] [FILE]

A chain of five transformations is compared with the same written by hand in PyTorch's foreach
functions, and with PyTorch's fused Adam, which does less; every rule over elements with the
bandwidth of the memory, measured in the same run, and on 48 small parameters; Muon with PyTorch's.
Each library runs in a process of its own, in turns.
"""

import argparse
import os
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.optimizer_steps import resnet18
from benchmarks.published.targets import LARGE, SMALL, report
from minigrad import bench, optim
from minigrad.bench.case import Implementation
from minigrad.bench.cases.optimizers import SHAPES, Rule, step, stepping
from minigrad.optim.fused.lookahead import Settings

LR, MAX_NORM, BETAS, EPS, DECAY, LEAST_MEAN = 1e-3, 1.0, (0.9, 0.999), 1e-8, 0.01, 1e-3
NETWORKS = {LARGE: resnet18(), SMALL: SHAPES[SMALL]}
WIDTH, DEPTH = 128, 4


def rate(t: Any) -> Any:
    """The schedule of the chain: a factor for step t."""
    return 1 / (1 + 0.01 * t)


def chain_of_five(library: Any, *arrays: Any) -> Callable[[], Any]:
    """The step of a chain of clipping, Adam, a cautious mask, decay and a schedule."""
    parts = [
        library.optim.clip_by_norm(MAX_NORM),
        library.optim.scale_by_adam(BETAS, EPS),
        library.optim.cautious(LEAST_MEAN),
        library.optim.decoupled_weight_decay(DECAY),
        library.optim.scale_by_schedule(rate),
    ]
    return stepping(library.optim.chain(*parts, lr=LR))(library, *arrays)


def by_hand(torch: Any, *arrays: Any) -> Callable[[], Any]:
    """The same in PyTorch's functions over lists of tensors."""
    count = len(arrays) // 2
    params, gradients = list(arrays[:count]), list(arrays[count:])
    m, v = [[torch.zeros_like(p) for p in params] for _ in range(2)]
    t = 0

    def step() -> Any:
        nonlocal t
        t += 1
        total = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
        g = torch._foreach_mul(gradients, torch.clamp(MAX_NORM / (total + 1e-6), max=1.0))
        torch._foreach_lerp_(m, g, 1 - BETAS[0])
        torch._foreach_mul_(v, BETAS[1])
        torch._foreach_addcmul_(v, g, g, 1 - BETAS[1])
        root = torch._foreach_sqrt(v)
        torch._foreach_div_(root, (1 - BETAS[1] ** t) ** 0.5)
        torch._foreach_add_(root, EPS)
        u = torch._foreach_div(m, root)
        torch._foreach_div_(u, 1 - BETAS[0] ** t)
        agree = [(a * b > 0).to(a.dtype) for a, b in zip(u, gradients, strict=True)]
        torch._foreach_mul_(u, agree)
        torch._foreach_div_(u, [a.mean().clamp(min=LEAST_MEAN) for a in agree])
        torch._foreach_mul_(params, 1 - LR * DECAY)
        torch._foreach_add_(params, u, alpha=-LR * rate(t))
        return params

    return step


def no_numbers(parameters: list[Any]) -> Any:
    """Of steps of different rules, that they were taken."""
    return np.array(len(parameters))


def elementwise() -> dict[str, tuple[int, int]]:
    """The rules over elements: how many arrays a step reads, and how many it writes."""
    found = {}
    for name in optim.__all__:
        rule = getattr(getattr(optim, name), "rule", None)
        if rule is None or rule.is_whole:
            continue
        one = np.ones(1)
        hyper = rule.defaults
        numbers = {s: rule.first_number(s, hyper) for s in rule.numbers}
        settings = Settings(1, hyper, False, numbers)
        measures = [rule.first_number(s, hyper, one) for s in rule.measured]
        after, _ = rule.on_arrays(settings, one, one, [None] * len(rule.states), measures)
        present = [
            state is not None or not optional
            for state, optional in zip(after[1:], rule.may_be_absent, strict=True)
        ]
        program = rule.trace(present, settings._replace(t=2)).program
        found[name] = program.inputs, len(program.outputs)
    return found


def gpt_matrices() -> list[tuple[int, ...]]:
    """The matrices of the hidden layers of a GPT."""
    block: list[tuple[int, ...]] = [
        (3 * WIDTH, WIDTH),
        (WIDTH, WIDTH),
        (4 * WIDTH, WIDTH),
        (WIDTH, 4 * WIDTH),
    ]
    return block * DEPTH


def cases() -> Iterator[bench.Case]:
    """The steps that are timed; the first word of a name is what `--only` takes."""
    ours: dict[str, Implementation] = {"minigrad": chain_of_five}
    yield step("chain by hand", Rule(ours | {"torch": by_hand}, 11), LARGE, NETWORKS[LARGE])
    fused = step(
        "chain fused Adam",
        Rule(ours | {"torch": stepping("Adam", fused=True)}, 11),
        LARGE,
        NETWORKS[LARGE],
    )
    yield bench.Case(**{**vars(fused), "compared": no_numbers})
    for name, accesses in elementwise().items():
        for network, shapes in NETWORKS.items():
            alone = Rule({"minigrad": stepping(name)}, sum(accesses))
            made = step(f"rules {name}", alone, network, shapes)
            yield bench.Case(**{**vars(made), "compared": no_numbers})
    muon = step("muon", Rule({k: stepping("Muon") for k in ("minigrad", "torch")}, 5),
                f"GPT {DEPTH}x{WIDTH}", gpt_matrices())  # fmt: skip
    yield bench.Case(**{**vars(muon), "compared": no_numbers})  # torch's iterates in bfloat16


CASES = list(cases())


def main() -> None:
    """Print the table, or write it into a file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.optimizer_targets")
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--only", default="", help="chain, rules, muon, or a name of a rule")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    run = bench.run(
        [Path(__file__)],
        pattern=f"optimizer {options.only}",
        threads=options.threads,
        against=["torch"] if options.only[:5] != "rules" else [],
        quick=options.quick,
        progress=True,
    )
    failures = chain.from_iterable(entry.failures.items() for entry in run.entries)
    for library, why in failures:
        print(f"failed: {library}: {why}")
    text = report(run)
    if options.file is None:
        print(text)
    else:
        options.file.write_text(f"# Optimizer steps against their targets\n\n{text}\n")


if __name__ == "__main__":
    main()
