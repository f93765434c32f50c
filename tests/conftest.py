"""Settings of the whole suite."""

import os

import hypothesis
import torch

# Two OpenMP pools in one process wait for each other; torch is the reference here, not timed.
torch.set_num_threads(1)

hypothesis.settings.register_profile("here", deadline=None)  # a first call compiles
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "here")
