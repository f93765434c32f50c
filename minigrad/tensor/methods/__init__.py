"""Tensor's methods, one family a file."""
