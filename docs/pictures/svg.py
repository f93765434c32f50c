"""A few shapes as SVG text: boxes, arrows, grids, words."""

from collections.abc import Sequence

INK, PALE, BLUE, RED, GREEN = "#1f2933", "#f3f5f7", "#1f6feb", "#c2361a", "#1a7f37"
GREY = "#9aa5b1"
FONT = "font-family='Helvetica, Arial, sans-serif'"


class Picture:
    """An SVG picture of a given size on white paper, which shows in light and dark themes."""

    def __init__(self, width: int, height: int, title: str) -> None:
        self.size = (width, height)
        self.title = title
        self.parts: list[str] = []

    def text(
        self, x: float, y: float, words: str, *, size: int = 14, color: str = INK,
        anchor: str = "middle", bold: bool = False, mono: bool = False,
    ) -> None:  # fmt: skip
        font = "font-family='Menlo, Consolas, monospace'" if mono else FONT
        weight = " font-weight='bold'" if bold else ""
        words = words.replace("&", "&amp;").replace("<", "&lt;")
        self.parts.append(
            f"<text x='{x:g}' y='{y:g}' font-size='{size}' fill='{color}' text-anchor='{anchor}' "
            f"{font}{weight}>{words}</text>"
        )

    def box(
        self, x: float, y: float, width: float, height: float, *, fill: str = PALE,
        edge: str = INK, thick: float = 1, round_: int = 4,
    ) -> None:  # fmt: skip
        self.parts.append(
            f"<rect x='{x:g}' y='{y:g}' width='{width:g}' height='{height:g}' rx='{round_}' "
            f"fill='{fill}' stroke='{edge}' stroke-width='{thick:g}'/>"
        )

    def line(
        self, points: Sequence[tuple[float, float]], *, color: str = INK, thick: float = 1.5,
        arrow: bool = True, dashed: bool = False,
    ) -> None:  # fmt: skip
        path = " ".join(f"{x:g},{y:g}" for x, y in points)
        head = f" marker-end='url(#{color[1:]})'" if arrow else ""
        dash = " stroke-dasharray='4 4'" if dashed else ""
        self.parts.append(
            f"<polyline points='{path}' fill='none' stroke='{color}' stroke-width='{thick:g}'"
            f"{head}{dash}/>"
        )

    def grid(
        self, x: float, y: float, rows: int, columns: int, cell: float, *,
        fill: str = "white", edge: str = GREY,
    ) -> None:  # fmt: skip
        for i in range(rows):
            for j in range(columns):
                self.box(x + j * cell, y + i * cell, cell, cell, fill=fill, edge=edge, round_=0)

    def __str__(self) -> str:
        width, height = self.size
        heads = "".join(
            f"<marker id='{color[1:]}' viewBox='0 0 8 8' refX='7' refY='4' markerWidth='7' "
            f"markerHeight='7' orient='auto'><path d='M0,0 L8,4 L0,8 z' fill='{color}'/></marker>"
            for color in (INK, BLUE, RED, GREEN, GREY)
        )
        body = "\n".join(self.parts)
        return (
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' "
            f"width='{width}' height='{height}' role='img'>\n<title>{self.title}</title>\n"
            f"<defs>{heads}</defs>\n<rect width='{width}' height='{height}' rx='6' fill='white'/>"
            f"\n{body}\n</svg>\n"
        )
