"""What each rule beyond torch's is compared with: a reference implementation, and drawn settings.

`proof_table.py` makes the table of the proofs.
"""

import importlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from minigrad import optim
from tests.support.optim import references
from tests.support.optim.table import numbers, parameters, set_gradients, torch_parameters

SHAPES = [(3, 4), (7,), (2, 3, 2)]
MATRICES = [(3, 4), (5, 2)]
STEPS, DRAWS = 50, 4


class Proof(NamedTuple):
    """A reference for a rule: where it is, its own settings, and the settings that are drawn."""

    reference: str  # package.Class, or the name of a class in references.py
    drawn: Mapping[
        str, Any
    ] = {}  # ranges, in place of those of `RANGES`; a value is taken as it is
    theirs: Mapping[str, Any] = {}  # settings of the reference alone
    names: Mapping[str, str] = {}  # the reference's names of settings
    tolerance: float = 1e-9
    shapes: Any = SHAPES
    why: str = ""  # why the difference is larger than rounding


# Powers of ten for lr and eps, plain ranges otherwise.
RANGES: dict[str, tuple[float, float]] = {
    "lr": (-3, -1), "eps": (-9, -3), "weight_decay": (0, 0.3), "momentum": (0.3, 0.95),
    "beta": (0.3, 0.99), "alpha": (0.1, 5), "gamma": (0.01, 0.1),
}  # fmt: skip
BETAS = (0.3, 0.99)
PO = "pytorch_optimizer."
SQUARES = [(3, 3), (4, 4), (7,)]  # a Gram matrix without a null space has one eigenbasis
ESTIMATE = "the estimate of the rate amplifies rounding"
DECOUPLED = {"weight_decouple": True}

PROOFS: dict[str, Proof] = {
    "AccSGD": Proof(PO + "AccSGD"),
    "AdEMAMix": Proof(
        PO + "AdEMAMix",
        {"warmup": 20, "betas": (0.5, 0.9, 0.99)},
        DECOUPLED,
        {"warmup": "t_alpha_beta3"},
    ),
    "AdaBelief": Proof(PO + "AdaBelief", {}, DECOUPLED),
    "AdaBound": Proof(PO + "AdaBound", {"final_lr": 0.1}, DECOUPLED),
    "AdaMod": Proof(PO + "AdaMod", {}, DECOUPLED),
    "AdaNorm": Proof(PO + "AdaNorm", {"r": (0.1, 0.99)}, DECOUPLED),
    "AdaShift": Proof(PO + "AdaShift", {"keep_num": 4}),
    "Adai": Proof(PO + "Adai", {"betas": (0.1, 0.9)}),
    "Adam8bit": Proof("Adam8bit"),
    "AdamP": Proof(PO + "AdamP", {"delta": 0.9}, DECOUPLED),
    "AdamW8bit": Proof("AdamW8bit"),
    "Adan": Proof(PO + "Adan"),
    "AggMo": Proof(PO + "AggMo", {"betas": (0.0, 0.5, 0.9)}),
    "Amos": Proof(
        PO + "Amos", {"c": 0.3, "d": 0.2, "extra_l2": 0.01}, {}, {"c": "c_coef", "d": "d_coef"}
    ),
    "Apollo": Proof(PO + "ApolloDQN", {"warmup": 10}, {}, {"warmup": "warmup_steps"}),
    "AvaGrad": Proof(PO + "AvaGrad", {}, DECOUPLED),
    "CAME": Proof(PO + "CAME", {"betas": (0.9, 0.99, 0.95)}, DECOUPLED),
    "CautiousAdamW": Proof("CautiousAdamW"),
    "DAdaptAdam": Proof(PO + "DAdaptAdam", {"lr": 1.0}, DECOUPLED),
    "DAdaptLion": Proof(PO + "DAdaptLion", {"lr": 1.0}, DECOUPLED),
    "DAdaptSGD": Proof(PO + "DAdaptSGD", {"lr": 1.0}, tolerance=1e-7, why=ESTIMATE),
    "DiffGrad": Proof(PO + "DiffGrad", {}, DECOUPLED),
    "FTRL": Proof(
        PO + "FTRL",
        {"beta": 1.0, "lambda1": 0.5, "lambda2": 0.1},
        {},
        {"lambda1": "lambda_1", "lambda2": "lambda_2"},
    ),
    "Fromage": Proof(PO + "Fromage"),
    "GaLore": Proof(
        PO + "GaLore",
        {"rank": 2, "interval": 1},
        DECOUPLED,
        {"interval": "update_proj_gap"},
        shapes=MATRICES,
        tolerance=1e-4,
        why="its SVD is of float32",
    ),
    "Grams": Proof(PO + "Grams", {}, DECOUPLED),
    "Gravity": Proof(PO + "Gravity", {}, {"alpha": 0.0}),
    "Kron": Proof(
        "",
        why="the noise of its authors' code cannot be repeated: what all rules keep is tested",
    ),
    "LaProp": Proof(
        PO + "LaProp",
        {"eps": 1e-12},
        DECOUPLED,
        tolerance=1e-7,
        why="it adds 1e-15 to the mean square, too",
    ),
    "Lion8bit": Proof("Lion8bit"),
    "MADGRAD": Proof(PO + "MADGRAD"),
    "MARS": Proof(PO + "MARS", {"eps": 1e-12}, {"optimize_1d": True, **DECOUPLED}),
    "MuonAll": Proof("MuonAll", {"aux_lr": 0.01, "weight_decay": 0.1}),
    "Nero": Proof(PO + "Nero"),
    "NovoGrad": Proof(PO + "NovoGrad"),
    "PAdam": Proof(PO + "PAdam", {"partial": (0.05, 0.45)}),
    "PID": Proof(PO + "PID"),
    "PNM": Proof(PO + "PNM", {"betas": (0.8, 1.0)}, DECOUPLED),
    "Prodigy": Proof(PO + "Prodigy", {"lr": 1.0}, DECOUPLED, tolerance=1e-6, why=ESTIMATE),
    "QHAdam": Proof(
        PO + "QHAdam",
        {"nus": (0.7, 0.9)},
        tolerance=1e-5,
        why="its weights of the means are float32",
    ),
    "QHM": Proof(PO + "QHM", {"nu": (0.1, 0.9)}),
    "Ranger": Proof(
        PO + "Ranger",
        {"alpha": (0.2, 0.8), "betas": (0.9, 0.99)},
        {"degenerated_to_sgd": True, **DECOUPLED},
    ),
    "RpropPlus": Proof("RpropPlus"),
    "SGDP": Proof(PO + "SGDP", {"delta": 0.9}, DECOUPLED),
    "SM3": Proof(PO + "SM3", {"beta": 0.5}),
    "SOAP": Proof(
        PO + "SOAP",
        {"interval": 5},
        {},
        {"interval": "precondition_frequency"},
        shapes=SQUARES,
        tolerance=1e-4,
        why="its QR is in float32",
    ),
    "SPlus": Proof(
        PO + "SPlus",
        {"interval": 7, "constant": 0.01, "eps": 1e-12},
        DECOUPLED,
        {"interval": "inverse_steps", "constant": "nonstandard_constant"},
        tolerance=1e-4,
        why="its eigenvectors are of float32",
    ),
    "SRMM": Proof(PO + "SRMM", {"memory_length": 9}),
    "Shampoo": Proof(
        PO + "Shampoo",
        {"interval": 3, "matrix_eps": 1e-3},
        {},
        {"interval": "preconditioning_compute_steps"},
        shapes=[*MATRICES, (7,)],
        tolerance=1e-6,
        why="inverse roots of nearly singular sums",
    ),
    "SignSGD": Proof(PO + "SignSGD", {}, DECOUPLED),
    "SophiaG": Proof("SophiaG"),
    "StableAdamW": Proof(PO + "StableAdamW", {}, DECOUPLED),
    "Tiger": Proof(PO + "Tiger", {}, DECOUPLED),
    "Yogi": Proof(PO + "Yogi", {}, DECOUPLED),
}


def drawn(name: str, seed: int) -> dict[str, Any]:
    """Settings of a rule, the same for the same seed."""
    rng = np.random.default_rng(seed)
    given = PROOFS[name].drawn
    settings: dict[str, Any] = {}
    for key, default in getattr(optim, name).rule.defaults.items():
        how = given.get(key, RANGES.get(key) if isinstance(default, int | float) else None)
        if key == "betas" and "betas" not in given:
            settings[key] = tuple(rng.uniform(*BETAS, len(default)).round(3).tolist())
        elif isinstance(how, tuple) and key not in ("betas", "nus"):
            x = float(rng.uniform(*how))
            settings[key] = round(10**x, 12) if key in ("lr", "eps") else round(x, 4)
        elif how is not None:
            settings[key] = how
    return {
        k: v
        for k, v in settings.items()
        if not isinstance(getattr(optim, name).rule.defaults[k], bool)
    }


def reference_of(name: str) -> Callable[..., Any] | None:
    """The class of the reference; None if there is none.  Raises ImportError without it."""
    package, _, cls = PROOFS[name].reference.rpartition(".")
    if not cls:
        return None
    return getattr(importlib.import_module(package) if package else references, cls)  # type: ignore[no-any-return]


def run_of(name: str, seed: int) -> tuple[list[np.ndarray], list[list[np.ndarray]]]:
    """The start and the slopes of a run: the loss is sum(slope x + x^2 / 20 + x^4 / 100)."""
    rng = np.random.default_rng(1000 + seed)
    shapes = PROOFS[name].shapes
    start = [rng.standard_normal(shape).round(3) for shape in shapes]
    slopes = [[rng.standard_normal(shape).round(3) for shape in shapes] for _ in range(STEPS)]
    return start, slopes


def walk(
    optimizer: Any, params: list[Any], slopes: list[list[np.ndarray]]
) -> list[list[np.ndarray]]:
    """The parameters after each step."""
    path = []
    for row in slopes:
        both = zip(row, numbers(params), strict=True)
        set_gradients(params, [c + x / 10 + x**3 / 25 for c, x in both])
        if hasattr(optimizer, "update_hessian"):  # Sophia's
            optimizer.update_hessian()
        optimizer.step()
        path.append(numbers(params))
    return path


def ours(name: str, seed: int, cls: Any = None) -> list[list[np.ndarray]]:
    """Where the rule leads."""
    start, slopes = run_of(name, seed)
    params = parameters(start)
    return walk((cls or getattr(optim, name))(params, **drawn(name, seed)), params, slopes)


def theirs(name: str, seed: int) -> list[list[np.ndarray]]:
    """Where the reference leads."""
    proof = PROOFS[name]
    start, slopes = run_of(name, seed)
    params = torch_parameters(start)
    defaults = {} if "." in proof.reference else getattr(optim, name).rule.defaults
    settings = defaults | {proof.names.get(k, k): v for k, v in drawn(name, seed).items()}
    groups: Any = params
    if name == "GaLore":  # its settings belong to groups
        extra = {k: settings.pop(k) for k in ("rank", "update_proj_gap")}
        groups = [{"params": params, **extra, "scale": 1.0, "projection_type": "std"}]
    cls = reference_of(name)
    assert cls is not None
    return walk(cls(groups, **settings, **proof.theirs), params, slopes)


def difference(one: list[list[np.ndarray]], other: list[list[np.ndarray]]) -> float:
    """The worst difference, relative to the largest number that each parameter has held."""
    worst, largest = 0.0, [0.0] * len(one[0])
    for a, b in zip(one, other, strict=True):
        for k, (x, y) in enumerate(zip(a, b, strict=True)):
            largest[k] = max(largest[k], float(np.abs(y).max()))
            worst = max(worst, float(np.abs(x - y).max()) / largest[k])
            if np.isnan(x).any() != np.isnan(y).any():
                return float("inf")
    return worst
