"""Leaf tensors for tests that run alike in minigrad and in torch."""

from typing import Any

import pytest
import torch

import minigrad as mg

BOTH = pytest.mark.parametrize("m", [mg, torch], ids=["minigrad", "torch"])
"""Runs a test once with each library, as `m`."""


def leaf(m: Any, *numbers: float) -> Any:
    """A float64 vector that requires gradients."""
    return m.tensor(numbers or (1.0, 2.0, 3.0), dtype=m.float64, requires_grad=True)


def numbers(tensor: Any) -> Any:
    """The elements, as Python's numbers."""
    return tensor.detach().numpy().tolist()
