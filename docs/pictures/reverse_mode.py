"""The pictures of reverse mode: one for the forward pass, one for each step of the backward pass.

The program is run, and the numbers in the pictures are those that it computes.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from svg import BLUE, GREEN, GREY, INK, PALE, RED, Picture

import minigrad as mg

PROGRAM = ("a = x @ w", "b = a.relu()", "c = b * b", "loss = c.sum()")
X, W = [[1.0, 2.0]], [[3.0, -1.0], [1.0, -2.0]]


class Station(NamedTuple):
    """A place in the row: what is computed there, by which node, and its value."""

    name: str
    node: str
    value: str


def numbers(value: Any) -> str:
    """A tensor's numbers in short: [[5, -5]]."""
    listed = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(listed, list):
        return "[" + ", ".join(map(numbers, listed)) + "]"
    return f"{listed:g}"


def run() -> tuple[list[Station], dict[str, str]]:
    """The stations of the forward pass, and the gradient that arrives at each."""
    x, w = mg.tensor(X), mg.tensor(W, requires_grad=True)
    a = x @ w
    b = a.relu()
    c = b * b
    loss = c.sum()
    values = {"w": w, "a": a, "b": b, "c": c, "loss": loss}
    for value in values.values():
        value.retain_grad()
    stations = [
        Station(name, value.grad_fn.name() if value.grad_fn else "leaf", numbers(value.detach()))
        for name, value in values.items()
    ]
    loss.backward()
    return stations, {name: numbers(value.grad) for name, value in values.items()}


STATION, BOX, TOP = 176, 128, 74


def drawn(title: str, stations: list[Station], gradients: dict[str, str], at: str) -> Picture:
    """The row of stations; those with a gradient show it, and `at` is the node that runs."""
    picture = Picture(STATION * len(stations) + 24, 224, title)
    picture.text(16, 26, title, anchor="start", bold=True)
    for i, station in enumerate(stations):
        x = 16 + i * STATION
        runs, reached = station.name == at, station.name in gradients
        picture.box(x, TOP, BOX, 58, fill="#fff4e0" if runs else PALE,
                    edge=RED if runs else INK, thick=2 if runs else 1)  # fmt: skip
        picture.text(x + BOX / 2, TOP + 22, station.name, bold=True)
        picture.text(x + BOX / 2, TOP + 44, station.node, size=12, mono=True)
        picture.text(x + BOX / 2, TOP - 10, station.value, size=13, color=GREEN, mono=True)
        if i:
            for y in (TOP + 14, TOP + 24) if station.name == "c" else (TOP + 18,):
                picture.line([(x - STATION + BOX, y), (x - 3, y)], color=GREY)
        if reached:
            picture.text(x + BOX / 2, TOP + 82, "gradient", size=11, color=BLUE)
            picture.text(x + BOX / 2, TOP + 100, gradients[station.name], size=13, color=BLUE,
                         mono=True)  # fmt: skip
        if runs and i:
            for y in (TOP + 38, TOP + 48) if station.name == "c" else (TOP + 42,):
                picture.line([(x - 3, y), (x - STATION + BOX + 3, y)], color=BLUE, thick=2)
    return picture


def pictures() -> Iterator[tuple[str, Picture]]:
    """The name and the picture of each step."""
    stations, gradients = run()
    picture = drawn("Forward: each operation leaves a node", stations, {}, "")
    picture.text(16, 204, "; ".join(PROGRAM) + f".  With x = {numbers(X)}, w = {numbers(W)}",
                 anchor="start", size=13, mono=True)  # fmt: skip
    yield "reverse_mode_0", picture
    words = {
        "loss": "sum: its gradient 1 goes to every element of c",
        "c": "b * b: b is there twice, so two gradients arrive and are added: [[5, 0]] + [[5, 0]]",
        "b": "relu: what was positive passes, the rest is 0",
        "a": "x @ w: transposed x times the gradient; x requires none, so none is computed",
        "w": "w is a leaf: the gradient stays in w.grad",
    }
    order = ["loss", "c", "b", "a", "w"]
    for step, name in enumerate(order, 1):
        reached = order[: min(step + 1, len(order))]
        shown = {n: gradients[n] for n in reached}
        picture = drawn(f"Step {step}: {words[name]}", stations, shown, name)
        waiting = ", ".join(s.node for s in stations if s.name in reached[step:]) or "nothing"
        picture.text(16, 204, f"waiting: {waiting}", anchor="start", size=13, color=INK)
        yield f"reverse_mode_{step}", picture
