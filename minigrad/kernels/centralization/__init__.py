"""Rows of many arrays less their means, as gradients are centralized."""
