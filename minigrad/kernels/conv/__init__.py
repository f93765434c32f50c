"""Convolutions: one plan, three algorithms."""
