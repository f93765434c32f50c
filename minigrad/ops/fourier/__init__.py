"""Fourier transforms, of whole tensors and of short stretches of signals."""
