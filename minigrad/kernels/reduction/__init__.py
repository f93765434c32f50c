"""Sums, norms, softmax and losses: many elements to few."""
