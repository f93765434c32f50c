"""Draw the pictures of the explanations: `python docs/pictures/draw.py` writes the SVG files here.

With `--check` nothing is written; the status is 1 if a file is not what would be drawn.
"""

import sys
from itertools import chain
from pathlib import Path

import kernels
import reverse_mode

HERE = Path(__file__).parent


def main() -> int:
    old = []
    for name, picture in chain(reverse_mode.pictures(), kernels.pictures()):
        path, text = HERE / f"{name}.svg", str(picture)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            old.append(path.name)
        if "--check" not in sys.argv:
            path.write_text(text, encoding="utf-8")
    if "--check" in sys.argv and old:
        print(f"run `python docs/pictures/draw.py`: {', '.join(old)} would change")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
