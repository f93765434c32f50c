"""Changes of a problem that a rule takes no notice of: measured on texts, declared in a table."""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad import optim
from tests.support.optim.table import numbers, parameters, set_gradients

Arrays = list[np.ndarray]

# Gradients grow and shrink: some rules limit steps that are larger than those before.
FACTORS, TOLERANCE = (1, 5, 0.2, 0.1, 2, 1, 0.05, 0.02), 1e-7
SHAPES: list[tuple[int, ...]] = [(3, 4), (6,)]
# Settings that bring in a size or a place of their own, and what they are here.
WITHOUT = dict.fromkeys(("eps", "eps1", "eps2", "aux_eps"), 1e-30) | dict.fromkeys(
    ("weight_decay", "lambd", "extra_l2"), 0.0
)


# Why a rule takes notice of a change, and the rules of which this is so.
_MATRICES = "it looks at rows and columns"
_BY_MATRICES = "Adafactor CAME GaLore Kron Muon MuonAll Nero Ranger SM3 SOAP SPlus Shampoo"
LACKS: dict[str, dict[str, str]] = {
    "scale": {
        "its steps grow with the gradients": (
            "ASGD AccSGD Adai AggMo Gravity MADGRAD PAdam PID PNM QHM SGD SGDP SGDScheduleFree SRMM"
        ),
        "it compares gradients, or means of them, with numbers of its own": (
            "AdaBound Apollo AvaGrad DiffGrad Kron MARS Shampoo SophiaG Yogi"
        ),
        "its first steps grow with the gradients": "RAdam Ranger",
    },
    "translation": {
        "it looks at the size of parameters": "Adafactor AdamP Amos Fromage LAMB LARS Nero SGDP",
        "its mean of parameters starts from zero": "SRMM",
    },
    "permutation": {_MATRICES: _BY_MATRICES},
    "splitting": {
        _MATRICES: _BY_MATRICES,
        "it takes norms, means or maxima of a parameter": (
            "AdaNorm AdamP Amos Apollo CautiousAdamW Fromage Gravity LAMB LARS MARS NovoGrad SGDP "
            "StableAdamW"
        ),
        "elements share their block's largest size": "Adam8bit AdamW8bit Lion8bit",
    },
}


def lacks(name: str, change: str) -> str:
    """Why a rule takes notice of a change; nothing if it does not."""
    return "; ".join(why for why, names in LACKS[change].items() if name in names.split())


def as_text(cls: Any) -> Any:
    """The class whose rule NumPy runs, so that nothing is compiled; others as they are."""
    if not hasattr(cls, "rule"):
        return cls
    rule = copy.copy(cls.rule)
    rule.is_whole = True
    return type(cls.__name__, (cls,), {}, rule=rule)


def settings_of(cls: Any) -> dict[str, Any]:
    """The defaults, without what has a size of its own."""
    given: Any = cls.rule.defaults if hasattr(cls, "rule") else {"weight_decay": 0.1}
    fixed = cls.rule.fixed if hasattr(cls, "rule") else ()
    own = {
        name: x
        for name, x in WITHOUT.items()
        if isinstance(given.get(name), int | float) and name not in fixed
    }
    return own | {"lr": 0.01}


def problem(name: str, seed: int) -> tuple[Arrays, list[Arrays]]:
    """Where a run starts, and its gradients, of many sizes."""
    rng = np.random.default_rng(seed)
    shapes = SHAPES if name != "Muon" else [(3, 4), (2, 5)]
    start = [rng.standard_normal(shape) for shape in shapes]
    sizes = [10 ** rng.uniform(-2, 0, shape) for shape in shapes]
    return start, [[rng.standard_normal(s.shape) * s * f for s in sizes] for f in FACTORS]


def walked(cls: Any, start: Arrays, gradients: Sequence[Arrays]) -> Arrays:
    """Where the gradients lead."""
    params = parameters(start)
    optimizer = as_text(cls)(params, **settings_of(cls))
    for row in gradients:
        set_gradients(params, row)
        if hasattr(optimizer, "update_hessian"):  # Sophia's
            optimizer.update_hessian()
        optimizer.step()
    found: Arrays = numbers(params)
    return found


def _permuted(array: np.ndarray) -> np.ndarray:
    order = np.random.default_rng(array.size).permutation(array.size)
    return array.ravel()[order].reshape(array.shape)


def _halves(arrays: Arrays) -> Arrays:
    return [half for a in arrays for half in np.split(a.ravel(), [a.size // 3])]


# Of each: what it does to a start, to a gradient, and to where a run has led.
Change = Callable[[Arrays], Arrays]
CHANGES: dict[str, tuple[Change, Change, Change]] = {
    "scale": (lambda s: s, lambda g: [64 * a for a in g], lambda e: e),
    "translation": (lambda s: [a + 4 for a in s], lambda g: g, lambda e: [a + 4 for a in e]),
    "permutation": ((lambda s: [_permuted(a) for a in s]),) * 3,
    "splitting": (_halves, _halves, _halves),
}


def holds(name: str, change: str, seed: int) -> bool:
    """Whether the changed problem leads to the changed end."""
    cls = getattr(optim, name)
    start, gradients = problem(name, seed)
    of_start, of_gradient, of_end = CHANGES[change]
    try:
        found = walked(cls, of_start(start), [of_gradient(row) for row in gradients])
    except ValueError:  # Muon takes no vectors
        return False
    expected = of_end(walked(cls, start, gradients))
    return all(
        np.allclose(a, b, rtol=TOLERANCE, atol=TOLERANCE)
        for a, b in zip(found, expected, strict=True)
    )
