"""The comparisons that are published: `python -m benchmarks` makes all of them."""
