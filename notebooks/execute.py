"""Run notebooks, and write what they show into them: `python notebooks/execute.py [--data full]`.

With `--check` nothing is written: a notebook whose code no longer runs ends the program with its
error, as the tests want it.
"""

import argparse
import base64
import io
import os
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image

HERE = Path(__file__).parent
DATA = "MINIGRAD_NOTEBOOK_DATA"
LONGEST_CELL = 6 * 3600  # seconds
NOTICE = "minigrad: compiling kernels"  # of the first run on a machine


def notebooks(names: list[str] | None = None) -> list[Path]:
    """The notebooks of this folder, or those whose names begin with one of `names`.

    Raises ValueError for a name that fits none.
    """
    found = sorted(HERE.glob("*.ipynb"))
    if not names:
        return found
    for name in names:
        if not any(path.name.startswith(name) for path in found):
            raise ValueError(f"no notebook begins with {name!r}: {[p.name for p in found]}")
    return [path for path in found if path.name.startswith(tuple(names))]


def execute(path: Path) -> nbformat.NotebookNode:
    """The notebook at `path` with the outputs of a run in a fresh kernel.

    Raises nbclient's CellExecutionError, with the cell and its traceback, if one fails.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=LONGEST_CELL,
        startup_timeout=600,  # where everything is busy, or a disk is slow
        kernel_name="python3",
        resources={"metadata": {"path": HERE}},
    )
    client.execute()
    for cell in notebook.cells:
        tidy(cell)
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return notebook


def tidy(cell: nbformat.NotebookNode) -> None:
    """Take out what is of this run alone, and make pictures smaller."""
    cell.metadata.pop("execution", None)  # times of day
    for output in cell.get("outputs", []):
        if output.get("name") == "stderr":
            lines = output.text.splitlines(keepends=True)
            output.text = "".join(line for line in lines if not line.startswith(NOTICE))
        elif "image/png" in output.get("data", {}):
            output.data["image/png"] = smaller(output.data["image/png"])
    if "outputs" in cell:
        cell.outputs = [output for output in cell.outputs if output.get("text") != ""]


def smaller(png: str) -> str:
    """The picture, in base64, with 256 colours: the same to the eye, in a third of the bytes."""
    picture = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    written = io.BytesIO()
    picture.quantize(256, dither=Image.Dither.NONE).save(written, "PNG", optimize=True)
    return base64.b64encode(written.getvalue()).decode()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="notebooks to run, by how their names begin")
    parser.add_argument(
        "--data", choices=("digits", "full"), default=os.environ.get(DATA, "digits"),
        help="the digits that come with minigrad, or all of MNIST and CIFAR-10",
    )  # fmt: skip
    parser.add_argument("--check", action="store_true", help="run them, but write nothing")
    options = parser.parse_args()
    os.environ[DATA] = options.data
    for path in notebooks(options.names):
        start = time.perf_counter()
        notebook = execute(path)
        if not options.check:
            nbformat.write(notebook, path)
        print(f"{path.name}: {time.perf_counter() - start:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
