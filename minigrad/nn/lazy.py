"""Layers whose number of inputs is taken from their first input, under torch's names."""

import inspect
from collections.abc import Callable
from typing import Any, ClassVar

from minigrad.engine.grad_mode import no_grad
from minigrad.nn.batchnorm import BatchNorm1d, BatchNorm2d, BatchNorm3d
from minigrad.nn.conv import (
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)
from minigrad.nn.instancenorm import InstanceNorm1d, InstanceNorm2d, InstanceNorm3d
from minigrad.nn.linear import Linear
from minigrad.nn.module import Module
from minigrad.nn.parameter import (
    UninitializedBuffer,
    UninitializedParameter,
    is_lazy,
)
from minigrad.nn.state_dict import StateDict
from minigrad.tensor import Tensor


class LazyModuleMixin(Module):
    """A module with parameters without a shape until its first call.

    A subclass lists it before a layer among its bases, makes UninitializedParameters, and defines
    `initialize_parameters(*inputs)`, which gives them shapes.  After the first call the module's
    class is `cls_to_become`, if that is given.
    """

    cls_to_become: ClassVar[type[Module] | None] = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._inference_hooks = (
            self.register_forward_pre_hook(_infer, with_kwargs=True),
            self._register_load_state_dict_pre_hook(_take_shapes, with_module=True),
        )

    def has_uninitialized_params(self) -> bool:
        """True if a parameter or buffer of this module has no shape yet."""
        members = (*self._parameters.values(), *self._buffers.values())
        return any(is_lazy(member) for member in members)

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Give the parameters shapes that fit the first input; a subclass defines it."""
        raise NotImplementedError(
            f"initialize_parameters is not implemented for {type(self).__name__}"
        )


def _infer(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Before the first forward: give the parameters their shapes, and stop waiting."""
    module.initialize_parameters(*args, **kwargs)
    if module.has_uninitialized_params():
        raise RuntimeError(f"module {module._get_name()} has not been fully initialized")
    for handle in module._inference_hooks:
        handle.remove()
    del module._inference_hooks
    if module.cls_to_become is not None:
        module.__class__ = module.cls_to_become


def _take_shapes(module: Any, state: StateDict, prefix: str, *_: object) -> None:
    """Before loading: the shapes of the state's tensors are those of the module's."""
    for name, member in (*module._parameters.items(), *module._buffers.items()):
        given = state.get(prefix + name)
        if is_lazy(member) and isinstance(given, Tensor) and not is_lazy(given):
            member.materialize(given.shape)


class _LazyLayer(LazyModuleMixin):
    """A layer of the library that waits for the size of one dimension of its input."""

    _width: ClassVar[str]

    def __init_subclass__(cls, **settings: Any) -> None:
        super().__init_subclass__(**settings)
        if cls.cls_to_become is not None:
            theirs = inspect.signature(cls.cls_to_become)
            own = list(theirs.parameters.values())[1:]
            cls.__signature__ = theirs.replace(parameters=own)  # type: ignore[attr-defined]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        given = inspect.signature(type(self)).bind(*args, **kwargs).arguments
        super().__init__(given.get("groups", 1), *args, **kwargs)
        setattr(self, self._width, 0)
        self._arguments = args, kwargs
        for name, parameter in self._parameters.items():
            if parameter is not None:
                self._parameters[name] = UninitializedParameter(dtype=parameter.dtype)
        for name, buffer in self._buffers.items():
            if buffer is not None and buffer.ndim:
                self._buffers[name] = UninitializedBuffer(dtype=buffer.dtype)

    def reset_parameters(self) -> None:
        """Draw the values again, once there are any."""
        if not self.has_uninitialized_params() and "_arguments" in self.__dict__:
            super().reset_parameters()  # type: ignore[misc]

    def _channels(self, input: Tensor) -> int:
        """The size of the dimension that the layer has waited for."""
        raise NotImplementedError

    def initialize_parameters(self, input: Tensor) -> None:
        """Give the parameters shapes that fit `input`, and the layer's initial values."""
        assert self.cls_to_become is not None
        args, kwargs = self._arguments
        layer: Callable[..., Module] = self.cls_to_become
        real = layer(self._channels(input), *args, **kwargs)
        with no_grad():
            for members, theirs in (
                (self._parameters, real._parameters),
                (self._buffers, real._buffers),
            ):
                for name, member in members.items():
                    value = theirs[name]
                    if value is not None and is_lazy(member):
                        member.materialize(value.shape)
                        member.copy_(value)
        setattr(self, self._width, getattr(real, self._width))
        del self._arguments


class LazyLinear(_LazyLayer, Linear):
    """A Linear layer whose in_features is the last size of its first input."""

    cls_to_become = Linear
    _width = "in_features"

    def _channels(self, input: Tensor) -> int:
        return input.shape[-1]


class _LazyConv(_LazyLayer):
    _width = "in_channels"
    _spatial: ClassVar[int]

    def _channels(self, input: Tensor) -> int:
        batched = self._spatial + 2
        if input.ndim not in (batched - 1, batched):
            raise RuntimeError(
                f"Expected {batched - 1}D (unbatched) or {batched}D (batched) input to "
                f"{type(self).__name__}, but got input of size: {list(input.shape)}"
            )
        return input.shape[-self._spatial - 1]


class LazyConv1d(_LazyConv, Conv1d):
    """A Conv1d whose in_channels is taken from its first input."""

    cls_to_become = Conv1d
    _spatial = 1


class LazyConv2d(_LazyConv, Conv2d):
    """A Conv2d whose in_channels is taken from its first input."""

    cls_to_become = Conv2d
    _spatial = 2


class LazyConv3d(_LazyConv, Conv3d):
    """A Conv3d whose in_channels is taken from its first input."""

    cls_to_become = Conv3d
    _spatial = 3


class LazyConvTranspose1d(_LazyConv, ConvTranspose1d):
    """A ConvTranspose1d whose in_channels is taken from its first input."""

    cls_to_become = ConvTranspose1d
    _spatial = 1


class LazyConvTranspose2d(_LazyConv, ConvTranspose2d):
    """A ConvTranspose2d whose in_channels is taken from its first input."""

    cls_to_become = ConvTranspose2d
    _spatial = 2


class LazyConvTranspose3d(_LazyConv, ConvTranspose3d):
    """A ConvTranspose3d whose in_channels is taken from its first input."""

    cls_to_become = ConvTranspose3d
    _spatial = 3


class _LazyBatchNorm(_LazyLayer):
    _width = "num_features"

    def _channels(self, input: Tensor) -> int:
        self._check_input_dim(input)
        return input.shape[1]


class LazyBatchNorm1d(_LazyBatchNorm, BatchNorm1d):
    """A BatchNorm1d whose num_features is taken from its first input."""

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(_LazyBatchNorm, BatchNorm2d):
    """A BatchNorm2d whose num_features is taken from its first input."""

    cls_to_become = BatchNorm2d


class LazyBatchNorm3d(_LazyBatchNorm, BatchNorm3d):
    """A BatchNorm3d whose num_features is taken from its first input."""

    cls_to_become = BatchNorm3d


class LazyInstanceNorm1d(_LazyConv, InstanceNorm1d):
    """An InstanceNorm1d whose num_features is taken from its first input."""

    cls_to_become = InstanceNorm1d
    _width = "num_features"
    _spatial = 1


class LazyInstanceNorm2d(_LazyConv, InstanceNorm2d):
    """An InstanceNorm2d whose num_features is taken from its first input."""

    cls_to_become = InstanceNorm2d
    _width = "num_features"
    _spatial = 2


class LazyInstanceNorm3d(_LazyConv, InstanceNorm3d):
    """An InstanceNorm3d whose num_features is taken from its first input."""

    cls_to_become = InstanceNorm3d
    _width = "num_features"
    _spatial = 3
