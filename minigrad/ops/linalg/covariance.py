"""Covariance and correlation of rows, and numerical gradients of sampled functions."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.core.types import Array
from minigrad.engine.complex_form import refuse_complex
from minigrad.engine.graph import V
from minigrad.engine.half_precision import in_float32
from minigrad.engine.op import composed
from minigrad.engine.step_recorder import numbers_read
from minigrad.ops.dims import as_tuple, each_dim, wrap_dim
from minigrad.ops.elementwise.elementary import sqrt
from minigrad.ops.indexing.index_select import index_select
from minigrad.ops.linalg.matmul import matmul


@composed
@in_float32
def cov(input: V, *, correction: int = 1, fweights: Any = None, aweights: Any = None) -> V:
    """The covariances of variables, a row each: (V, N) -> (V, V), (N,) -> ().

    fweights: how often each observation came (integers); aweights: how much each counts.
    Raises RuntimeError for more than 2 dimensions, or weights that do not fit.
    """
    refuse_complex("cov", input)
    if input.ndim > 2:
        raise RuntimeError(f"cov(): expected input to have two or fewer dimensions but got an "
                           f"input of shape {list(input.shape)}")  # fmt: skip
    rows = input.reshape((1, -1)) if input.ndim < 2 else input
    rows = rows if rows.is_floating_point() else rows.float()
    counts = _weights("fweights", fweights, rows, integral=True)
    shares = _weights("aweights", aweights, rows, integral=False)
    weights = counts if shares is None else (shares if counts is None else counts * shares)
    if weights is None:
        total: Any = rows.shape[1]
        centred = rows - rows.mean(dim=1, keepdim=True)
        lost: Any = correction
        products = matmul(centred, centred.mT)
    else:
        total = weights.sum()
        centred = rows - (rows * weights).sum(dim=1, keepdim=True) / total
        lost = correction
        if shares is not None and correction:
            lost = correction * (weights * shares).sum() / total
        products = matmul(centred, (centred * weights).mT)
    degrees = total - lost
    found = products / (degrees.clamp(min=0) if hasattr(degrees, "array") else max(degrees, 0))
    return found if found.numel() != 1 else found.reshape(())


def _weights(name: str, given: V | None, rows: V, *, integral: bool) -> V | None:
    if given is None:
        return None
    if given.ndim > 1 or given.numel() != rows.shape[1] or given.is_floating_point() is integral:
        kind = "integral" if integral else "floating"
        raise RuntimeError(
            f"cov(): expected {name} to be a vector of {rows.shape[1]} {kind} numbers, got "
            f"{given.dtype} of shape {list(given.shape)}"
        )
    if numbers_read(given.array, (given.array < 0).any()):
        raise RuntimeError(f"cov(): {name} cannot be negative")
    return given.to(rows.dtype)


@composed
@in_float32
def corrcoef(input: V) -> V:
    """Pearson's correlations of variables, a row each: (V, N) -> (V, V), (N,) -> ()."""
    covariances = cov(input)
    if covariances.ndim == 0:
        return covariances / covariances
    deviations = sqrt(covariances.diagonal())
    scaled = covariances / deviations.unsqueeze(1) / deviations.unsqueeze(0)
    return scaled.clamp(min=-1, max=1)


# --- slopes ---------------------------------------------------------------------------------------


@composed
def gradient(input: V, *, spacing: Any = None, dim: Any = None, edge_order: int = 1) -> list[V]:
    """Slopes along each dimension, or along `dim`, of a function sampled on a grid.

    spacing: the distance of samples (1 by default), or their coordinates; one for all dimensions
    or a sequence.
    Inside they are those of the parabola through three neighbours, at the edges of a line
    (edge_order 1) or of the parabola through the nearest three (2).
    Raises RuntimeError for another edge_order, or fewer samples than edge_order + 1.
    """
    refuse_complex("gradient", input)
    if edge_order not in (1, 2):
        raise RuntimeError("torch.gradient only supports edge_order=1 and edge_order=2.")
    listed = range(input.ndim) if dim is None else as_tuple(dim)
    dims = [wrap_dim(d, input.ndim) for d in listed]
    each_dim(dims, input.ndim)  # raises for a repeated one
    spacing = 1 if spacing is None else spacing
    each = list(spacing) if isinstance(spacing, Sequence) else [spacing] * len(dims)
    if len(each) != len(dims):
        raise RuntimeError(
            f"torch.gradient expected spacing to be a number or {len(dims)} of them, one for each "
            f"dimension, but got {len(each)}"
        )
    return [_slope(input, d, s, edge_order) for d, s in zip(dims, each, strict=True)]


def _slope(input: V, dim: int, spacing: Any, edge_order: int) -> V:
    count = input.shape[dim]
    if count < edge_order + 1:
        raise RuntimeError(
            f"torch.gradient expected each dimension size to be at least edge_order+1, got size "
            f"{count} in dimension {dim}"
        )
    coordinates = spacing.array if hasattr(spacing, "array") and spacing.ndim else None
    if coordinates is None:
        coordinates = np.arange(count) * float(spacing)
    elif coordinates.shape != (count,):
        raise RuntimeError(
            f"torch.gradient expected {count} coordinates for dimension {dim}, got shape "
            f"{list(coordinates.shape)}"
        )
    indices, weights = _stencil(np.asarray(coordinates, np.float64), edge_order)
    x = input if input.is_floating_point() else input.float()
    shape = [-1 if i == dim else 1 for i in range(input.ndim)]
    first, *others = (
        index_select(x, dim, x.new_tensor(index, dtype=int)) * x.new_tensor(weight.reshape(shape))
        for index, weight in zip(indices, weights, strict=True)
    )
    return sum(others, first)


def _stencil(x: Array, edge_order: int) -> tuple[Array, Array]:
    """The indices of the samples that each slope is read from, three or two, and their weights."""
    count = len(x)
    if count == 2:
        rise = np.array([[-1.0, -1.0], [1.0, 1.0]]) / (x[1] - x[0])
        return np.array([[0, 0], [1, 1]]), rise
    middle = np.clip(np.arange(count), 1, count - 2)
    indices = middle + np.array([[-1], [0], [1]])
    a, b, c = x[indices]
    weights = np.array(
        [
            (2 * x - b - c) / ((a - b) * (a - c)),
            (2 * x - a - c) / ((b - a) * (b - c)),
            (2 * x - a - b) / ((c - a) * (c - b)),
        ]
    )
    if edge_order == 1:
        first, last = x[1] - x[0], x[-1] - x[-2]
        weights[:, 0], weights[:, -1] = (-1 / first, 1 / first, 0), (0, -1 / last, 1 / last)
    return indices, weights
