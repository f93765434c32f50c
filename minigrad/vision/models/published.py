"""Models under their published names: torchvision's arguments, and a list of all of them."""

import functools
from collections.abc import Callable
from fnmatch import fnmatch
from typing import Any, TypeVar

from minigrad import nn
from minigrad.vision.models.weights import WeightsEnum

ModelT = TypeVar("ModelT", bound=nn.Module)

_models: dict[str, Callable[..., nn.Module]] = {}
_weights: dict[str, type[WeightsEnum]] = {}


def published(
    trained: type[WeightsEnum],
) -> Callable[[Callable[..., ModelT]], Callable[..., ModelT]]:
    """A decorator that lists a model, and gives it torchvision's arguments for weights.

    These are `weights`, one of `trained`, its name, or None; `progress`, of a download; and the
    older `pretrained`.  weights=True and pretrained=True mean IMAGENET1K_V1, as in torchvision.
    """

    def decorate(build: Callable[..., ModelT]) -> Callable[..., ModelT]:
        @functools.wraps(build)
        def model(
            *arguments: Any,
            weights: object = None,
            progress: bool = True,
            pretrained: bool = False,
            **options: Any,
        ) -> ModelT:
            if arguments and _are_weights(arguments[0]):  # and `progress` after them
                weights, arguments = arguments[0], arguments[2:]
            if weights is None or weights is False:
                weights = pretrained
            if weights is False:
                return build(*arguments, **options)
            chosen = trained.verify("IMAGENET1K_V1" if weights is True else weights)
            state = chosen.get_state_dict(progress=progress)
            made = build(*arguments, **_with_options_of(chosen, options))
            made.load_state_dict(state)
            return made

        _models[build.__name__] = model
        _weights[build.__name__] = trained
        return model

    return decorate


def _are_weights(argument: object) -> bool:
    """True for a first argument that torchvision's models take for `weights` or `pretrained`."""
    return argument is None or isinstance(argument, bool | str | WeightsEnum)


def _with_options_of(weights: WeightsEnum, options: dict[str, Any]) -> dict[str, Any]:
    """The options and those of the weights; ValueError if they contradict each other."""
    for name, expected in weights.options.items():
        given = options.get(name, expected)
        if given != expected:
            raise ValueError(
                f"The parameter '{name}' expected value {expected} but got {given} instead: "
                f"{weights!r} has it"
            )
    return {**options, **weights.options}


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


def get_model_weights(name: Callable[..., nn.Module] | str) -> type[WeightsEnum]:
    """The enumeration of weights of a model, given by its name or its function.

    >>> from minigrad.vision.models import get_model_weights
    >>> get_model_weights("resnet50").DEFAULT
    ResNet50_Weights.IMAGENET1K_V2
    """
    builder = get_model_builder(name) if isinstance(name, str) else name
    return _weights[builder.__name__]


def get_weight(name: str) -> WeightsEnum:
    """The weights of this full name, such as "ResNet50_Weights.IMAGENET1K_V1".

    Raises ValueError for a name that is not of this form, or of no model.
    """
    enum_name, dot, member = name.partition(".")
    found = [each for each in _weights.values() if each.__name__ == enum_name]
    if not dot or "." in member:
        raise ValueError(f"Invalid weight name provided: '{name}'.")
    if not found:
        raise ValueError(f"The weight enum '{enum_name}' for the specific method couldn't be found")
    weights: WeightsEnum = found[0].verify(member)
    return weights
