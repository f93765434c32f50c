"""`python -m minigrad` does what `minigrad` does."""

import sys

from minigrad.cli import main

if __name__ == "__main__":
    sys.exit(main())
