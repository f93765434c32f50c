"""Convolutions: one plan, four algorithms."""
