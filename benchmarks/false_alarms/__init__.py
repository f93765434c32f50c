"""How often a gradient check fails a right function: over a thousand of them, at drawn points.

`operations` are minigrad's own at their samples, in float64 and float32; `of_frameworks` are
functions and modules of torch, JAX, HIPS autograd and MyGrad; `compositions` are drawn expressions.
"""
