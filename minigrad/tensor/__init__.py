"""Tensor: how tensors are made, saved and described; their methods are in `methods`."""

from minigrad.tensor.tensor import Tensor
