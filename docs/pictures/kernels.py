"""The pictures of kernels: a product cut into tiles, packing, Winograd's convolution."""

from collections.abc import Iterator

from svg import BLUE, GREEN, GREY, INK, RED, Picture

WARM, COOL, LEAF = "#ffe3d6", "#dbe9ff", "#dff5e3"


def tiles() -> Picture:
    """Which parts of the operands a register tile reads."""
    picture = Picture(760, 360, "A matrix product, cut into register tiles")
    picture.text(16, 26, "One register tile: MR x NR sums, which stay in registers while k runs",
                 anchor="start", bold=True)  # fmt: skip
    cell = 18
    left, top = 40, 120
    picture.grid(left, top, 9, 8, cell)
    picture.grid(left, top + 3 * cell, 3, 8, cell, fill=WARM)
    picture.text(left + 4 * cell, top + 9 * cell + 20, "left operand (m, k)")
    picture.text(left - 8, top + 4.5 * cell + 5, "MR", anchor="end", color=RED, bold=True)
    x, y = 300, 64
    picture.grid(x, y, 8, 12, cell)
    picture.grid(x + 4 * cell, y, 8, 4, cell, fill=COOL)
    picture.text(x + 12 * cell + 10, y + 4 * cell, "right operand (k, n)", anchor="start")
    picture.text(x + 6 * cell, y - 6, "NR", color=BLUE, bold=True, size=13)
    y = 64 + 8 * cell + 10
    picture.grid(x, y, 5, 12, cell)
    picture.grid(x + 4 * cell, y + 1 * cell, 3, 4, cell, fill=LEAF, edge=GREEN)
    picture.text(x + 12 * cell + 10, y + 3 * cell, "result (m, n)", anchor="start")
    picture.line([(left + 8 * cell + 6, top + 4.5 * cell), (x + 4 * cell - 4, y + 2.5 * cell)],
                 color=RED)  # fmt: skip
    picture.text(left, 344, "each k: MR elements, NR / lanes vectors, MR x NR multiply-adds",
                 anchor="start", size=13)  # fmt: skip
    return picture


def packing() -> Picture:
    """How the right operand lies before and after it is packed."""
    picture = Picture(760, 270, "Packing the right operand")
    picture.text(16, 26, "Packing: what a tile reads lies in one piece", anchor="start", bold=True)
    cell, fills = 24, (COOL, LEAF, WARM)
    for i in range(4):
        for j in range(6):
            picture.box(30 + j * cell, 60 + i * cell, cell, cell, fill=fills[j // 2], edge=GREY,
                        round_=0)  # fmt: skip
            picture.text(30 + (j + 0.5) * cell, 60 + i * cell + 17, str(6 * i + j), size=11)
    picture.text(30 + 3 * cell, 60 + 4 * cell + 22, "as it lies in memory: row by row", size=13)
    picture.line([(190, 108), (244, 108)])
    for panel in range(3):
        for i in range(4):
            for j in range(2):
                n = 8 * panel + 2 * i + j
                x = 260 + (n % 8) * cell
                y = 48 + panel * 44
                picture.box(x, y, cell, cell, fill=fills[panel], edge=GREY, round_=0)
                picture.text(x + cell / 2, y + 17, str(6 * i + 2 * panel + j), size=11)
        picture.text(260 + 8 * cell + 12, 48 + panel * 44 + 17, f"panel {panel}", anchor="start",
                     size=13)  # fmt: skip
    picture.text(260 + 4 * cell, 200, "packed: panel by panel, each NR columns wide", size=13)
    picture.text(30, 240, "A tile goes down its panel one vector at a time; "
                 "KC rows of it stay in the L1 cache.", anchor="start", size=13)  # fmt: skip
    return picture


def winograd() -> Picture:
    """A convolution of 3x3 taps for 2x2 results, by 16 products instead of 36."""
    picture = Picture(760, 300, "Winograd's convolution F(2x2, 3x3)")
    picture.text(16, 26, "Winograd's F(2x2, 3x3): 4 results by 16 products, not 36",
                 anchor="start", bold=True)  # fmt: skip
    cell = 20
    picture.grid(30, 60, 4, 4, cell, fill=COOL)
    picture.text(70, 160, "4 x 4 pixels", size=13)
    picture.grid(40, 190, 3, 3, cell, fill=WARM)
    picture.text(70, 270, "3 x 3 taps", size=13)
    for y, words in ((100, "sums and differences"), (220, "sums, halved")):
        picture.line([(130, y), (280, y)], color=INK)
        picture.text(205, y - 8, words, size=12)
    picture.grid(290, 60, 4, 4, cell, fill=COOL)
    picture.grid(290, 180, 4, 4, cell, fill=WARM)
    picture.text(330, 282, "values at 16 points", size=13)
    picture.line([(380, 100), (440, 140)], color=BLUE)
    picture.line([(380, 220), (440, 180)], color=RED)
    picture.grid(450, 120, 4, 4, cell, fill="#ece4ff")
    picture.text(490, 222, "16 products,", size=13)
    picture.text(490, 238, "summed over channels", size=13)
    picture.line([(540, 160), (640, 160)], color=INK)
    picture.text(590, 150, "sums", size=12)
    picture.grid(655, 140, 2, 2, cell, fill=LEAF, edge=GREEN)
    picture.text(675, 206, "2 x 2 results", size=13)
    return picture


def pictures() -> Iterator[tuple[str, Picture]]:
    yield "tiles", tiles()
    yield "packing", packing()
    yield "winograd", winograd()
