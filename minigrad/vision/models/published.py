"""Models under their published names: torchvision's arguments, and a list of all of them."""

import functools
from collections.abc import Callable
from fnmatch import fnmatch
from typing import Any, TypeVar

from minigrad import nn

ModelT = TypeVar("ModelT", bound=nn.Module)

_models: dict[str, Callable[..., nn.Module]] = {}


def published(build: Callable[..., ModelT]) -> Callable[..., ModelT]:
    """The function `build`, in the list of models and with torchvision's arguments for weights.

    These are `weights`, `progress` (of a download) and the older `pretrained`.  Only None and
    False are possible for weights: others raise NotImplementedError that says how to load them.
    """
    name = build.__name__

    @functools.wraps(build)
    def model(
        *arguments: Any,
        weights: object = None,
        progress: bool = True,
        pretrained: bool = False,
        **options: Any,
    ) -> ModelT:
        _require_no_weights(name, weights if weights is not None else pretrained or None)
        return build(*arguments, **options)

    _models[name] = model
    return model


def _require_no_weights(name: str, weights: object) -> None:
    """Raise NotImplementedError for pretrained weights, which torchvision downloads."""
    if weights is not None:
        given = weights if isinstance(weights, str) else "DEFAULT"
        raise NotImplementedError(
            f"{name}(weights={weights!r}): minigrad downloads no weights. With torchvision, save "
            f"them by torch.save(torchvision.models.{name}(weights={given!r}).state_dict(), "
            f"'{name}.pt'); here, model.load_state_dict(minigrad.load('{name}.pt')) reads them"
        )


def list_models(include: str | None = None, exclude: str | None = None) -> list[str]:
    """The names of all models, sorted; `include` and `exclude` are patterns such as "vgg*".

    >>> from minigrad.vision.models import list_models
    >>> list_models("squeezenet*")
    ['squeezenet1_0', 'squeezenet1_1']
    """
    return sorted(
        name
        for name in _models
        if (include is None or fnmatch(name, include))
        and not (exclude is not None and fnmatch(name, exclude))
    )


def get_model_builder(name: str) -> Callable[..., nn.Module]:
    """The function that makes the model of this name; ValueError if there is none."""
    builder = _models.get(name.lower())
    if builder is None:
        raise ValueError(f"Unknown model {name}; list_models() names {', '.join(list_models())}")
    return builder


def get_model(name: str, **config: Any) -> nn.Module:
    """The model of this name, made with the arguments `config`.

    >>> from minigrad.vision.models import get_model
    >>> get_model("squeezenet1_1", num_classes=10).num_classes
    10
    """
    return get_model_builder(name)(**config)
