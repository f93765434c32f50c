"""Tensor, its methods, and how tensors are made, saved and described."""

from minigrad.tensor.tensor import Tensor
