"""Settings of the whole suite."""

import os
import re
from pathlib import Path

import hypothesis

HERE = Path(__file__).parent


def reads_torch(file):
    """Whether a file of tests imports PyTorch, or a neighbour that does."""
    names = re.findall(r"^(?:import|from) (\w+)", file.read_text(encoding="utf-8"), re.MULTILINE)
    neighbours = (HERE / f"{name}.py" for name in names)
    return "torch" in names or any(n.exists() and reads_torch(n) for n in neighbours)


try:
    import torch
except ImportError:  # it is the reference of many tests; the others mean something without it
    collect_ignore = [str(file) for file in HERE.glob("test_*.py") if reads_torch(file)]
else:
    # Two OpenMP pools in one process wait for each other; here torch is not timed.
    torch.set_num_threads(1)

hypothesis.settings.register_profile("here", deadline=None)  # a first call compiles
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "here")
