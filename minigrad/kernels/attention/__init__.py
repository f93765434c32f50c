"""Attention: scores of a block of queries at a time, forward and backward."""
