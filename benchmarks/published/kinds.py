"""Kinds of machines: results of each are kept in a folder of its own, `results/<kind>/`."""

from collections.abc import Sequence
from pathlib import Path

from minigrad.kernels import cpu_info

RESULTS = Path(__file__).parents[1] / "results"
# The widest vectors decide how kernels are tiled: folder, title, and a feature that shows it.
KINDS = (
    ("avx512", "AVX-512", "avx512f"),
    ("avx2", "AVX2", "avx2"),
    ("arm", "Arm", "neon"),
)
OTHER = "other"
TITLES = {folder: title for folder, title, _ in KINDS} | {OTHER: "other CPUs"}


def kind(features: Sequence[str] | None = None) -> str:
    """The folder's name for a CPU with these vector extensions; those of this machine if None."""
    present = cpu_info.vector_features() if features is None else features
    return next((folder for folder, _, feature in KINDS if feature in present), OTHER)


def own_folder(results: Path = RESULTS) -> Path:
    """The folder of results for machines like this one; it is made where it is missing."""
    folder = results / kind()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def kinds_in(results: Path) -> list[str]:
    """The kinds that have results, in the order of the pages."""
    return [name for name in TITLES if any((results / name).glob("*.json"))]
