"""torch.hub: trained weights by their address, from the folder where torch keeps what it downloads.

Nothing is downloaded, and no code of others is run.
"""

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from minigrad.core.public_names import show_public_names
from minigrad.serialization import load as load_file

__all__ = ["get_dir", "load_state_dict_from_url", "set_dir"]

_hub_dir: str | None = None


def get_dir() -> str:
    """The folder of weights: what `set_dir` chose, $TORCH_HOME/hub, or ~/.cache/torch/hub.

    It is torch's own, so that weights are found that torch has downloaded.
    """
    if _hub_dir is not None:
        return _hub_dir
    cache = os.getenv("XDG_CACHE_HOME", "~/.cache")
    home = os.path.expanduser(os.getenv("TORCH_HOME", os.path.join(cache, "torch")))
    return os.path.join(home, "hub")


def set_dir(d: str | os.PathLike[str]) -> None:
    """Choose the folder of weights."""
    global _hub_dir  # noqa: PLW0603  a setting of the process, torch's name
    _hub_dir = os.path.expanduser(d)


def load_state_dict_from_url(
    url: str,
    model_dir: str | os.PathLike[str] | None = None,
    map_location: Any = None,
    progress: bool = True,
    check_hash: bool = False,
    file_name: str | None = None,
    weights_only: bool = False,
) -> dict[str, Any]:
    """The weights in the file that torch makes of this address, which must be there.

    The file is `model_dir` / `file_name`; without these `get_dir()` / "checkpoints" / the last part
    of the address.  `progress` and `check_hash` are about a download, `weights_only` about code in
    files, which is never run.

    PyTorch differs: it downloads a missing file; here FileNotFoundError says where to put it.
    """
    folder = Path(get_dir(), "checkpoints") if model_dir is None else Path(model_dir)
    file = folder / (file_name or os.path.basename(urlparse(url).path))
    if not file.exists():
        raise FileNotFoundError(
            f"minigrad downloads no weights: save what is at {url} as {file}, and call this again"
        )
    weights: dict[str, Any] = load_file(str(file), map_location=map_location)
    return weights


show_public_names(__name__)
