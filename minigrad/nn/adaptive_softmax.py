"""Adaptive softmax: an approximation of log-softmax for many classes, most of them rare."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from minigrad import ops
from minigrad.core.types import DeviceLike, DTypeLike
from minigrad.nn.container import ModuleList, Sequential
from minigrad.nn.functional.arguments import require_tensor
from minigrad.nn.linear import Linear
from minigrad.nn.module import Module
from minigrad.tensor import Tensor


class ASMoutput(NamedTuple):
    """The result of `AdaptiveLogSoftmaxWithLoss`: each target's log-probability, and the loss."""

    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """Log-probabilities of targets among n_classes, ordered from frequent to rare, and their loss.

    The head scores the first cutoffs[0] classes and the clusters of the others, which the other
    cutoffs divide.  Cluster i = 1, 2, ... projects its input to in_features / div_value**i
    features, and is computed only for inputs whose target is in it.
    (N, in_features), (N,) -> output (N,), loss (); also without N.
    Grave et al. 2017, Efficient softmax approximation for GPUs, arXiv:1609.04309.
    Raises ValueError unless the cutoffs are increasing integers from 1 to n_classes - 1, and
    RuntimeError for targets out of range and shapes that do not fit.

    >>> import minigrad as mg
    >>> layer = mg.nn.AdaptiveLogSoftmaxWithLoss(16, 1000, cutoffs=[10, 100])
    >>> layer(mg.zeros(3, 16), mg.tensor([2, 999, 40])).output.shape
    minigrad.Size([3])
    >>> layer.log_prob(mg.zeros(3, 16)).shape
    minigrad.Size([3, 1000])
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: DeviceLike = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__()
        given = list(cutoffs)
        if not given:
            raise ValueError("cutoffs should be a sequence of length larger than 0")
        are_integers = all(int(c) == c for c in given)
        if not are_integers or any(low >= high for low, high in pairwise([0, *given, n_classes])):
            raise ValueError(
                f"cutoffs should be a sequence of unique, positive integers sorted in an "
                f"increasing order, where each value is between 1 and n_classes-1, got {given} "
                f"for {n_classes} classes"
            )
        self.in_features = in_features
        self.n_classes = n_classes
        self.cutoffs = [*given, n_classes]
        self.div_value = div_value
        self.head_bias = head_bias
        self.shortlist_size = self.cutoffs[0]
        self.n_clusters = len(self.cutoffs) - 1
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(in_features, self.head_size, head_bias, device, dtype)
        self.tail = ModuleList()
        for i, (low, high) in enumerate(pairwise(self.cutoffs), 1):
            projection = int(in_features // div_value**i)
            self.tail.append(
                Sequential(
                    Linear(in_features, projection, False, device, dtype),
                    Linear(projection, high - low, False, device, dtype),
                )
            )

    def reset_parameters(self) -> None:
        """Draw all weights again."""
        for layer in self.modules():
            if isinstance(layer, Linear):
                layer.reset_parameters()

    def forward(self, input: Tensor, target: Tensor) -> ASMoutput:
        self._require_fitting(input, target)
        single = not target.ndim
        rows = input.unsqueeze(0) if single else input
        labels = target.array.reshape(-1)
        cluster = np.searchsorted(self.cutoffs, labels, side="right")
        head_classes = np.where(cluster == 0, labels, self.shortlist_size + cluster - 1)
        output = _log_prob_of(self.head(rows), target.new_tensor(head_classes))
        for i in range(1, self.n_clusters + 1):
            (members,) = np.nonzero(cluster == i)
            if members.size:
                rows_index = target.new_tensor(members, dtype=int)
                scores = self.tail[i - 1](ops.index_select(rows, 0, rows_index))
                classes = target.new_tensor(labels[members] - self.cutoffs[i - 1])
                output = ops.index_add(output, 0, rows_index, _log_prob_of(scores, classes))
        loss = -output.mean()
        return ASMoutput(output.squeeze(0) if single else output, loss)

    def _require_fitting(self, input: Tensor, target: Tensor) -> None:
        """Raise RuntimeError unless target has a class index for each input."""
        require_tensor("AdaptiveLogSoftmaxWithLoss", input=input, target=target)
        if target.ndim > 1 or target.array.dtype.kind not in "iu":
            raise RuntimeError(
                f"0D or 1D target tensor of integers expected, multi-target not supported, got "
                f"{list(target.shape)} of {target.dtype}"
            )
        if input.ndim != target.ndim + 1 or input.shape[:-1] != target.shape:
            raise RuntimeError(
                f"Input and target should have the same size in the batch dimension, (N, "
                f"{self.in_features}) and (N,) or ({self.in_features},) and (), but got "
                f"{list(input.shape)} and {list(target.shape)}"
            )
        labels = target.array
        if labels.size and not 0 <= labels.min() <= labels.max() < self.n_classes:
            raise RuntimeError(
                f"Target values should be in [0, {self.n_classes - 1}], but values in range "
                f"[{labels.min()}, {labels.max()}] were found."
            )

    def log_prob(self, input: Tensor) -> Tensor:
        """The log-probabilities of all classes: (N, in_features) -> (N, n_classes)."""
        return self._log_prob(input, self.head(input))

    def _log_prob(self, input: Tensor, scores: Tensor) -> Tensor:
        """The log-probabilities of all classes, from the scores of the head."""
        head = ops.log_softmax(scores, dim=1)
        parts = [head[:, : self.shortlist_size]]
        for i, cluster in enumerate(self.tail, self.shortlist_size):
            parts.append(ops.log_softmax(cluster(input), dim=1) + head[:, i : i + 1])
        return ops.cat(parts, 1)

    def predict(self, input: Tensor) -> Tensor:
        """The most probable class of each input, (N, in_features) -> (N,).

        Clusters are computed only for the inputs whose highest score of the head is a cluster's.
        """
        scores = self.head(input)
        best: Tensor = scores.argmax(1)
        in_cluster = best >= self.shortlist_size
        if bool(in_cluster.any()):
            best[in_cluster] = self._log_prob(input[in_cluster], scores[in_cluster]).argmax(1)
        return best


def _log_prob_of(scores: Tensor, classes: Tensor) -> Tensor:
    """The log-probability of one class for each row of scores."""
    return ops.gather(ops.log_softmax(scores, dim=1), 1, classes.unsqueeze(1)).squeeze(1)
