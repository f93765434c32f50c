"""The test suite: one folder for each package, and what they share in `support`."""
