"""Distances between the rows of two matrices."""
