"""Log-softmax over many classes, most of them rare, at the cost of a few."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from minigrad import ops
from minigrad.nn.container import ModuleList, Sequential
from minigrad.nn.functional.arguments import require_tensor
from minigrad.nn.linear import Linear
from minigrad.nn.module import Module


class ASMoutput(NamedTuple):
    """What `AdaptiveLogSoftmaxWithLoss` gives: each target's log-probability, and the loss."""

    output: Any
    loss: Any


class AdaptiveLogSoftmaxWithLoss(Module):
    """Log-probabilities of targets among n_classes, ordered from frequent to rare, and their loss.

    The head tells the first cutoffs[0] classes apart, and the clusters that hold the others, cut at
    the other cutoffs.  Cluster i, from 1 on, sees the input projected to in_features /
    div_value**i features, and is computed only for inputs whose target it holds.
    (N, in_features), (N,) -> output (N,), loss (); without N, too.
    Grave et al. 2017, Efficient softmax approximation for GPUs, arXiv:1609.04309.
    Raises ValueError unless the cutoffs are increasing whole numbers from 1 to n_classes - 1, and
    RuntimeError for targets that are no classes and shapes that do not fit.

    >>> import minigrad as mg
    >>> layer = mg.nn.AdaptiveLogSoftmaxWithLoss(16, 1000, cutoffs=[10, 100])
    >>> layer(mg.zeros(3, 16), mg.tensor([2, 999, 40])).output.shape
    (3,)
    >>> layer.log_prob(mg.zeros(3, 16)).shape
    (3, 1000)
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        given = list(cutoffs)
        if not given:
            raise ValueError("cutoffs should be a sequence of length larger than 0")
        whole = all(int(c) == c for c in given)
        if not whole or any(low >= high for low, high in pairwise([0, *given, n_classes])):
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
            narrow = int(in_features // div_value**i)
            self.tail.append(
                Sequential(
                    Linear(in_features, narrow, False, device, dtype),
                    Linear(narrow, high - low, False, device, dtype),
                )
            )

    def reset_parameters(self) -> None:
        """Draw all weights anew."""
        for layer in self.modules():
            if isinstance(layer, Linear):
                layer.reset_parameters()

    def forward(self, input: Any, target: Any) -> ASMoutput:
        self._require_fitting(input, target)
        single = not target.ndim
        rows = input.unsqueeze(0) if single else input
        labels = target.array.reshape(-1)
        cluster = np.searchsorted(self.cutoffs, labels, side="right")
        of_head = np.where(cluster == 0, labels, self.shortlist_size + cluster - 1)
        output = _picked(self.head(rows), target.new_tensor(of_head))
        for i in range(1, self.n_clusters + 1):
            (held,) = np.nonzero(cluster == i)
            if held.size:
                where = target.new_tensor(held, dtype=int)
                scores = self.tail[i - 1](ops.index_select(rows, 0, where))
                places = target.new_tensor(labels[held] - self.cutoffs[i - 1])
                output = ops.index_add(output, 0, where, _picked(scores, places))
        loss = -output.mean()
        return ASMoutput(output.squeeze(0) if single else output, loss)

    def _require_fitting(self, input: Any, target: Any) -> None:
        """Raise RuntimeError unless there is a class for each input."""
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

    def log_prob(self, input: Any) -> Any:
        """The log-probabilities of all classes: (N, in_features) -> (N, n_classes)."""
        return self._all_of(input, self.head(input))

    def _all_of(self, input: Any, scores: Any) -> Any:
        """The log-probabilities of all classes, where the head gives these scores."""
        of_head = ops.log_softmax(scores, dim=1)
        parts = [of_head[:, : self.shortlist_size]]
        for i, cluster in enumerate(self.tail, self.shortlist_size):
            parts.append(ops.log_softmax(cluster(input), dim=1) + of_head[:, i : i + 1])
        return ops.cat(parts, 1)

    def predict(self, input: Any) -> Any:
        """The most probable class of each input, (N, in_features) -> (N,).

        Clusters are computed only for inputs for which one is likelier than each class of the head.
        """
        scores = self.head(input)
        best = scores.argmax(1)
        unsure = best >= self.shortlist_size
        if unsure.array.any():
            best[unsure] = self._all_of(input[unsure], scores[unsure]).argmax(1)
        return best


def _picked(scores: Any, places: Any) -> Any:
    """The log-probability at one place of each row of scores."""
    return ops.gather(ops.log_softmax(scores, dim=1), 1, places.unsqueeze(1)).squeeze(1)
