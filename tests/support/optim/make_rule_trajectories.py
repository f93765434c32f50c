"""Writes rule_trajectories.json: where the references of proofs.py go, for machines without them.

Run `python -m tests.support.optim.make_rule_trajectories` after a rule was added to PROOFS.
"""

import json
from pathlib import Path

import numpy as np
import torch

from tests.support.optim.proofs import PROOFS, theirs

FILE = Path(__file__).with_name("rule_trajectories.json")
KEPT = (1, 2, 10, 50)
SEED = 0


def flat(arrays: list[np.ndarray]) -> list[float]:
    """All elements in a row."""
    return np.concatenate([np.ravel(a) for a in arrays]).tolist()  # type: ignore[no-any-return]


def main() -> None:
    """Write the file."""
    torch.set_default_dtype(torch.float64)
    setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)  # noqa: B010  Muon iterates in it
    paths = {name: theirs(name, SEED) for name, proof in PROOFS.items() if proof.reference}
    found = {name: {str(k): flat(path[k - 1]) for k in KEPT} for name, path in paths.items()}
    lines = ",\n".join(f" {json.dumps(name)}: {json.dumps(run)}" for name, run in found.items())
    FILE.write_text(f"{{\n{lines}\n}}\n")


if __name__ == "__main__":
    main()
