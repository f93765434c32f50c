"""Makes the table of proofs: each rule, its reference, the worst difference, its size and state.

`python -m tests.support.optim.proof_table docs/tables/proofs.md`.  Bytes of state are measured, on
float32 parameters of 64 x 64, per element.
"""

import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

from minigrad import optim
from minigrad.cli.generated_section import Section
from tests.support.optim import agreement
from tests.support.optim.agreement import BESIDE, SEEDS
from tests.support.optim.invariances import CHANGES, lacks
from tests.support.optim.make_trajectories import CASES
from tests.support.optim.proofs import DRAWS, PROOFS, STEPS, difference, ours, theirs
from tests.support.optim.table import TABLE, parameters, set_gradients

SECTION = Section("proofs", "python -m tests.support.optim.proof_table docs/tables/proofs.md")
SIDE = 64
SETTINGS = CASES | BESIDE  # of the rules that torch has, or that have a table of their own


def bytes_of_state(make: Any) -> float:
    """Bytes that an optimizer keeps for each element of a matrix, after a step."""
    params = parameters([np.ones((SIDE, SIDE), np.float32)])
    optimizer = make(params)
    for _ in range(2):
        set_gradients(params, [np.full((SIDE, SIDE), 0.5, np.float32)])
        optimizer.step()
    kept = optimizer.state[params[0]].values()
    size: int = sum(value.array.nbytes for value in kept if hasattr(value, "array"))
    return size / SIDE**2


def unnoticed(name: str) -> str:
    """The changes of a problem that a rule takes no notice of."""
    return ", ".join(change for change in CHANGES if not lacks(name, change))


def lines_of(cls: Any) -> str:
    """The lines of a rule's text."""
    rule = getattr(cls, "rule", None)
    return str(len(rule.source.splitlines())) if rule is not None else "arrays"


def rows() -> list[str]:
    """A row for each rule beyond torch's, then for those of test_every_rule.py."""
    found = []
    for name, proof in PROOFS.items():
        cls = getattr(optim, name)
        if proof.reference:
            worst = max(difference(ours(name, s), theirs(name, s)) for s in range(DRAWS))
            own = "" if "." in proof.reference else "references."
            compared = f"`{own}{proof.reference}` | {worst:.0e} | {DRAWS} x {STEPS}"
        else:
            compared = "none: see the last column | | "
        found.append(
            f"| {name} | {compared} | {lines_of(cls)} | {bytes_of_state(cls):.4g} | {proof.why} | "
            f"{unnoticed(name)} |"
        )
    for name, case in TABLE.items():
        module = case.reference.__module__
        reference = f"torch.optim.{name}" if module.startswith("torch") else f"references.{name}"
        chosen = [settings for title, settings in SETTINGS.items() if title.split()[0] == name]
        worst = max(agreement.difference(name, s, seed) for s in chosen for seed in range(SEEDS))
        found.append(
            f"| {name} | `{reference}` | {worst:.0e} | {len(chosen)} x {SEEDS} starts x "
            f"{agreement.STEPS} | {lines_of(case.ours)} | "
            f"{bytes_of_state(case.ours):.4g} | | {unnoticed(name)} |"
        )
    return found


def content() -> str:
    """The table as Markdown."""
    head = (
        "| rule | reference | worst difference | settings drawn x steps | lines | bytes of state | "
        "where it is larger than rounding | takes no notice of |\n|---|---|---|---|---|---|---|---|"
    )
    return "\n".join([head, *rows()])


def main() -> None:
    """Write the table into a file, or print it."""
    warnings.simplefilter("ignore")
    torch.set_default_dtype(torch.float64)
    setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)  # noqa: B010  Muon iterates in it
    if len(sys.argv) > 1:
        SECTION.write(Path(sys.argv[1]), content())
    else:
        print(content())


if __name__ == "__main__":
    main()
