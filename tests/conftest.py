"""Settings of the whole suite."""

import contextlib
import os

import hypothesis

# Two OpenMP pools in one process wait for each other; torch is the reference here, not timed.
with contextlib.suppress(ImportError):  # some tests do without it
    import torch

    torch.set_num_threads(1)

hypothesis.settings.register_profile("here", deadline=None)  # a first call compiles
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "here")
