"""Element by element: arithmetic, activations, special functions."""
