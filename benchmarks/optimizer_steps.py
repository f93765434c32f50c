"""A step of every elementwise optimizer over the parameters of two networks.

Where PyTorch has a fused implementation that is what counts, and its default one beside it.
"""

from typing import Any

from minigrad.bench.cases.optimizers import SHAPES, Rule, step, stepping

# Reads and writes of an element in a step, and settings; torch has these fused and as a default.
FUSED: dict[str, tuple[int, dict[str, Any]]] = {
    "SGD": (3, {"lr": 1e-4}),
    "SGD momentum": (5, {"lr": 1e-4, "momentum": 0.9}),
    "Adam": (7, {}),
    "AdamW": (7, {}),
    "Adagrad": (5, {}),
}
DEFAULT: dict[str, tuple[int, dict[str, Any]]] = {
    "SGD nesterov": (5, {"lr": 1e-4, "momentum": 0.9, "nesterov": True}),
    "Adam amsgrad": (9, {"amsgrad": True}),
    "Adamax": (7, {}),
    "NAdam": (7, {}),
    "RAdam": (7, {}),
    "Adadelta": (7, {}),
    "RMSprop": (5, {}),
    "RMSprop centered": (9, {"centered": True, "momentum": 0.9}),
    "Rprop": (7, {}),
    "ASGD": (5, {}),
}
OURS_ALONE: dict[str, tuple[int, dict[str, Any]]] = {
    "Lion": (5, {}),
    "ADOPT": (7, {}),
    "SGDScheduleFree": (5, {"lr": 1e-4}),
    "AdamWScheduleFree": (7, {}),
}


def rule(title: str, accesses: int, settings: dict[str, Any], **torchs: bool) -> Rule:
    """The optimizer is the first word of the title; `torchs` are settings for PyTorch alone."""
    name = title.split(maxsplit=1)[0]
    implementations = {"minigrad": stepping(name, **settings)}
    if title not in OURS_ALONE:
        implementations["torch"] = stepping(name, **settings, **torchs)
    return Rule(implementations, accesses)


RULES = (
    {f"{title}, fused": rule(title, *how, fused=True) for title, how in FUSED.items()}
    | {title: rule(title, *how) for title, how in (FUSED | DEFAULT).items()}
    | {title: rule(title, *how) for title, how in OURS_ALONE.items()}
)


def resnet18() -> list[tuple[int, ...]]:
    """The shapes of ResNet-18's 62 parameters, for ten classes."""
    shapes: list[tuple[int, ...]] = [(64, 3, 7, 7), (64,), (64,)]
    before = 64
    for channels in (64, 64, 128, 128, 256, 256, 512, 512):
        shapes += [(channels, before, 3, 3), *[(channels,)] * 2]
        shapes += [(channels, channels, 3, 3), *[(channels,)] * 2]
        if channels != before:
            shapes += [(channels, before, 1, 1), *[(channels,)] * 2]
        before = channels
    return [*shapes, (10, 512), (10,)]


NETWORKS = {"24 layers of 42": SHAPES["24 layers of 42"], "ResNet-18": resnet18()}
CASES = [
    step(title, rule, network, shapes)
    for network, shapes in NETWORKS.items()
    for title, rule in RULES.items()
]
