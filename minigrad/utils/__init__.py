"""What training scripts need around the model: data loading."""

from minigrad.utils import data

__all__ = ["data"]
