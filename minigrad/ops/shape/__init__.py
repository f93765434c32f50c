"""Shapes: views, copies, joining and splitting."""
