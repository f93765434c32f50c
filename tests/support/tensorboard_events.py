"""What TensorBoard's event files hold, read without TensorBoard."""

from pathlib import Path
from typing import Any

HEADER, FOOTER = 12, 4  # bytes around each record: length and checksum, checksum


def events(folder: Path) -> dict[str, list[tuple[int, Any]]]:
    """All values written below a folder, by tag: pairs of a step and a value."""
    from tensorboardX.proto.event_pb2 import Event  # noqa: PLC0415  optional

    found: dict[str, list[tuple[int, Any]]] = {}
    for file in sorted(folder.rglob("events*")):
        data = file.read_bytes()
        while data:
            size = int.from_bytes(data[:8], "little")
            event = Event.FromString(data[HEADER : HEADER + size])
            for value in event.summary.value:
                found.setdefault(value.tag, []).append((event.step, value))
            data = data[HEADER + size + FOOTER :]
    return found
