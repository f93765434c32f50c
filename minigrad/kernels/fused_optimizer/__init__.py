"""Optimizer steps as one kernel over all parameters, generated from an update rule."""
