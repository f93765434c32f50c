"""einops' layers as modules; its users find them in `einops.layers.minigrad`, too."""

from typing import Any

from einops.layers import RearrangeMixin, ReduceMixin
from einops.layers._einmix import _EinmixMixin

from minigrad import ops
from minigrad.core.public_names import show_public_names
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.tensor import Tensor, creation

__all__ = ["EinMix", "Rearrange", "Reduce"]


class Rearrange(RearrangeMixin, Module):  # type: ignore[misc]
    """`einops.rearrange` with a pattern, as a layer."""

    def forward(self, input: Tensor) -> Any:
        return self._apply_recipe(input)


class Reduce(ReduceMixin, Module):  # type: ignore[misc]
    """`einops.reduce` with a pattern and a reduction, as a layer."""

    def forward(self, input: Tensor) -> Any:
        return self._apply_recipe(input)


class EinMix(_EinmixMixin, Module):  # type: ignore[misc]
    """An einsum of the input and a weight, with dimensions taken apart and put together."""

    def _create_parameters(
        self,
        weight_shape: list[int],
        weight_bound: float,
        bias_shape: list[int] | None,
        bias_bound: float,
    ) -> None:
        weight = creation.empty(*weight_shape).uniform_(-weight_bound, weight_bound)
        self.weight = Parameter(weight)
        bias = None
        if bias_shape is not None:
            bias = Parameter(creation.empty(*bias_shape).uniform_(-bias_bound, bias_bound))
        self.register_parameter("bias", bias)

    def _create_rearrange_layers(
        self,
        pre_reshape_pattern: str | None,
        pre_reshape_lengths: dict[str, int] | None,
        post_reshape_pattern: str | None,
        post_reshape_lengths: dict[str, int] | None,
    ) -> None:
        self.pre_rearrange = _rearrange(pre_reshape_pattern, pre_reshape_lengths)
        self.post_rearrange = _rearrange(post_reshape_pattern, post_reshape_lengths)

    def forward(self, input: Tensor) -> Any:
        if self.pre_rearrange is not None:
            input = self.pre_rearrange(input)
        result = ops.einsum(self.einsum_pattern, input, self.weight)
        if self.bias is not None:
            result = result + self.bias
        if self.post_rearrange is not None:
            result = self.post_rearrange(result)
        return result


def _rearrange(pattern: str | None, lengths: dict[str, int] | None) -> Rearrange | None:
    layer: Any = Rearrange
    return None if pattern is None else layer(pattern, **(lengths or {}))


show_public_names(__name__)
