"""Files: written so that they are complete or absent, and imported as modules."""

import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType


def write_atomically(path: str | Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file beside `path`, then replace `path` by it.

    Raises OSError if the folder cannot be written; a file already there is then untouched.
    """
    path = Path(path)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    try:
        write(Path(name))
        mode = 0o666 & ~_umask()
        os.chmod(name, mode)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def import_file(path: str | Path) -> ModuleType:
    """Run a Python file, as the module that bears its name; a script's neighbours are at hand.

    It stands in `sys.modules`, where Numba looks for the home of a compiled function.  Raises
    ImportError for what is no Python file, and whatever the file itself raises.
    """
    path = Path(path).resolve()
    name = path.stem
    while name in sys.modules and getattr(sys.modules[name], "__file__", None) != str(path):
        name += "_"  # random.py must not take the place of random
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent))
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    finally:
        sys.path.remove(str(path.parent))
    return module


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
