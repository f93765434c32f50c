"""Copies in another order, or with a part left out: reversed rows, and triangles of matrices."""
