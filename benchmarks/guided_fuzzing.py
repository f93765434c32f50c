"""Fuzzing that coverage guides: a damaged file that reaches new lines is kept, and damaged further.

    python -m benchmarks.guided_fuzzing [--seconds 1200] [--format NAME] [--seed 0] [--corpus DIR]

Formats, readers and bounds are those of `benchmarks.fuzzing`.  What guides are pairs of lines that
follow each other in minigrad's own code.  With --corpus, the files that were kept, and those that
showed a fault, stay in a folder, and a later run begins with them.
"""

import argparse
import hashlib
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import minigrad
from benchmarks.fuzzing import Format, damaged, formats, try_input
from benchmarks.page import add_page, publish

_OWN = str(Path(minigrad.__file__).parent)
_LARGEST = 1 << 16  # bytes of a file that is kept
_SPLICES = 0.2  # part of the inputs that are made of two


class Coverage:
    """The pairs of lines that have been seen to follow each other."""

    def __init__(self) -> None:
        self.seen: set[tuple[CodeType, int, int]] = set()
        self._is_own: dict[CodeType, bool] = {}

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Note what runs in the block, in this thread."""
        sys.settrace(self._enter)
        try:
            yield
        finally:
            sys.settrace(None)

    def _enter(self, frame: FrameType, event: str, _: Any) -> Any:
        code = frame.f_code
        if code not in self._is_own:
            self._is_own[code] = code.co_filename.startswith(_OWN)
        if not self._is_own[code]:
            return None
        last = 0

        def follow(frame: FrameType, event: str, _: Any) -> Any:
            nonlocal last
            if event == "line":
                self.seen.add((code, last, frame.f_lineno))
                last = frame.f_lineno
            return follow

        return follow


class Corpus:
    """The files of a format from which others are made, and what trying them has shown."""

    def __init__(self, kind: str, form: Format, kept: Path | None) -> None:
        self.kind, self.form = kind, form
        self.coverage = Coverage()
        self.ends: Counter[str] = Counter()
        self.faults: dict[str, bytes] = {}
        self._kept = None if kept is None else kept / kind.replace(" ", "-")
        self.seconds = 0.0
        self.files = list(form.good)
        if self._kept is not None:
            self._kept.mkdir(parents=True, exist_ok=True)
            self.files += [path.read_bytes() for path in sorted(self._kept.glob("*.input"))]

    def fuzz(self, seconds: float, draw: random.Random, folder: Path) -> None:
        """Try files for so long."""
        began = time.perf_counter()
        for content in list(self.files):
            self._try(content, folder)
        while time.perf_counter() - began < seconds:
            content = self._made(draw)
            before = len(self.coverage.seen)
            self._try(content, folder)
            if len(self.coverage.seen) > before and len(content) <= _LARGEST:
                self.files.append(content)
                self._keep(content, "input")
        self.seconds += time.perf_counter() - began

    def _made(self, draw: random.Random) -> bytes:
        """A file that was kept, mostly one of the latest, with changes; or parts of two."""
        latest = self.files[-16:] if draw.random() < 0.5 else self.files
        content = draw.choice(latest)
        if draw.random() < _SPLICES:
            other = draw.choice(self.files)
            content = content[: draw.randrange(len(content) + 1)]
            content += other[draw.randrange(len(other) + 1) :]
        return damaged(content, draw)

    def _try(self, content: bytes, folder: Path) -> None:
        try:
            with self.coverage.recording():
                end = try_input(self.form, content, folder)
        except AssertionError as error:
            end = "FAULT"
            cause = error.__cause__
            place = cause.__traceback__ if cause is not None else None
            while place is not None and place.tb_next is not None:
                place = place.tb_next
            where = "memory" if place is None else f"{place.tb_frame.f_code.co_filename}:"
            where += "" if place is None else str(place.tb_lineno)
            if where not in self.faults:
                self.faults[where] = content
                self._keep(content, "fault")
                print(f"{self.kind}: FAULT at {where}: {str(error)[:500]}", flush=True)
        self.ends[end] += 1

    def _keep(self, content: bytes, suffix: str) -> None:
        if self._kept is not None:
            name = hashlib.sha256(content).hexdigest()[:16]
            (self._kept / f"{name}.{suffix}").write_bytes(content)


def main() -> int:
    """Fuzz all formats, each for an even part of the time; status 1 if there was a fault."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=1200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--format", action="append")
    parser.add_argument("--corpus", type=Path)
    add_page(parser)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        corpora = fuzzed(options, Path(name))
        publish(_rows(corpora), "guided_fuzzing", options.page)
    return int(any(corpus.faults for corpus in corpora))


def fuzzed(options: argparse.Namespace, folder: Path) -> list[Corpus]:
    """The corpora of the formats asked for, after their part of the time."""
    chosen = [
        (kind, form)
        for kind, form in formats(folder).items()
        if not options.format or kind in options.format
    ]
    corpora = []
    for kind, form in chosen:
        corpora.append(Corpus(kind, form, options.corpus))
        corpora[-1].fuzz(options.seconds / len(chosen), random.Random(options.seed), folder)
        print(*_rows(corpora[-1:]), sep="\n", flush=True)
    return corpora


def _rows(corpora: Sequence[Corpus]) -> Iterator[str]:
    """The table, as Markdown."""
    yield "| format | inputs | minutes | pairs of lines | files kept | faults | ends |"
    yield "|---|---|---|---|---|---|---|"
    for each in corpora:
        ends = ", ".join(f"{count} {end}" for end, count in each.ends.most_common())
        yield (
            f"| {each.kind} | {sum(each.ends.values())} | {each.seconds / 60:.1f} "
            f"| {len(each.coverage.seen)} | {len(each.files)} | {len(each.faults)} | {ends} |"
        )


if __name__ == "__main__":
    sys.exit(main())
