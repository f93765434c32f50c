"""Images read between their pixels: at the positions of a grid, and along an axis by weights."""
