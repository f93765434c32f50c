"""Running products, and logarithms of sums of exponentials."""
