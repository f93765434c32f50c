"""Layers of embeddings: rows of a weight matrix looked up by index."""

from typing import Any

from minigrad.core.device import require_cpu
from minigrad.core.types import DeviceLike, DTypeLike
from minigrad.nn import functional as F
from minigrad.nn import init
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.tensor import Tensor, creation


class Embedding(Module):
    """weight[input]: indices (...) -> (..., embedding_dim).

    weight (num_embeddings, embedding_dim) starts normal with deviation 1; the row padding_idx
    starts at 0 and gets no gradient.  max_norm limits the norm_type-norm of the rows looked up.
    Raises AssertionError if padding_idx is out of range.

    >>> import minigrad as mg
    >>> mg.nn.Embedding(10, 3)(mg.tensor([[1, 2], [4, 5]])).shape
    minigrad.Size([2, 2, 3])
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: DeviceLike = None,
        dtype: DTypeLike = None,
    ) -> None:
        require_cpu(device)
        super().__init__()
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise AssertionError(
                    f"Padding_idx must be within num_embeddings: {padding_idx} is no row of "
                    f"{num_embeddings}"
                )
            padding_idx %= num_embeddings
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = padding_idx
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.sparse = sparse
        if _weight is None:
            weight = creation.empty(num_embeddings, embedding_dim, dtype=dtype)
            self.weight = Parameter(weight, requires_grad=not _freeze)
            self.reset_parameters()
        else:
            if tuple(_weight.shape) != (num_embeddings, embedding_dim):
                raise AssertionError(
                    f"Shape of weight {list(_weight.shape)} does not match num_embeddings and "
                    f"embedding_dim, {num_embeddings} and {embedding_dim}"
                )
            self.weight = Parameter(_weight, requires_grad=not _freeze)

    @classmethod
    def from_pretrained(
        cls, embeddings: Tensor, freeze: bool = True, padding_idx: int | None = None, **options: Any
    ) -> "Embedding":
        """A layer with this weight (num_embeddings, embedding_dim), by default without gradient."""
        rows, columns = embeddings.shape
        return cls(rows, columns, padding_idx, _weight=embeddings, _freeze=freeze, **options)

    def reset_parameters(self) -> None:
        """Draw the weight again."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            self.weight.detach()[self.padding_idx].fill_(0)

    def forward(self, input: Tensor) -> Tensor:
        return F.embedding(
            input, self.weight, self.padding_idx, self.max_norm, self.norm_type,
            self.scale_grad_by_freq, self.sparse,
        )  # fmt: skip

    def extra_repr(self) -> str:
        parts = [f"{self.num_embeddings}, {self.embedding_dim}"]
        optional = {
            f"padding_idx={self.padding_idx}": self.padding_idx is not None,
            f"max_norm={self.max_norm}": self.max_norm is not None,
            f"norm_type={self.norm_type}": self.norm_type != 2.0,
        }
        return ", ".join(parts + [text for text, shown in optional.items() if shown])


class EmbeddingBag(Embedding):
    """The sum, mean or max of weight[indices] over each bag of indices: (B, L) -> (B, D).

    Also (L,) with offsets (B,), the position of each bag's first index.  The row padding_idx does
    not count.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Tensor | None = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: DeviceLike = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__(
            num_embeddings, embedding_dim, padding_idx, max_norm, norm_type, scale_grad_by_freq,
            sparse, _weight, device=device, dtype=dtype,
        )  # fmt: skip
        self.mode = mode
        self.include_last_offset = include_last_offset

    @classmethod
    def from_pretrained(
        cls, embeddings: Tensor, freeze: bool = True, padding_idx: int | None = None, **options: Any
    ) -> "EmbeddingBag":
        """A layer with this weight (num_embeddings, embedding_dim), by default without gradient."""
        rows, columns = embeddings.shape
        layer = cls(rows, columns, _weight=embeddings, padding_idx=padding_idx, **options)
        layer.weight.requires_grad = not freeze
        return layer

    def forward(
        self, input: Tensor, offsets: Tensor | None = None, per_sample_weights: Tensor | None = None
    ) -> Tensor:
        return F.embedding_bag(
            input, self.weight, offsets, self.max_norm, self.norm_type, self.scale_grad_by_freq,
            self.mode, self.sparse, per_sample_weights, self.include_last_offset,
            self.padding_idx,
        )  # fmt: skip

    def extra_repr(self) -> str:
        optional = {
            f"max_norm={self.max_norm}": self.max_norm is not None,
            f"norm_type={self.norm_type}": self.norm_type != 2.0,
            f"mode={self.mode!r}": True,
            f"padding_idx={self.padding_idx}": self.padding_idx is not None,
        }
        shown = [text for text, is_shown in optional.items() if is_shown]
        return ", ".join([f"{self.num_embeddings}, {self.embedding_dim}", *shown])
