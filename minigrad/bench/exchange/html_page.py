"""A page of HTML with nothing outside itself: tables to sort, rooflines, the history of runs."""

from collections.abc import Callable, Sequence
from html import escape

from minigrad.bench.exchange.svg_roofline import svg_roofline
from minigrad.bench.exchange.tables import records
from minigrad.bench.record import Run
from minigrad.bench.report import heading, seconds, summary, threads_table, words_in_shares
from minigrad.training.report.charts import COLOURS, Line, line_chart

_STYLE = """
body { margin: 0 auto; max-width: 1080px; padding: 16px; font: 15px/1.5 system-ui, sans-serif;
  color: #212529; background: #fff; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
figure { margin: 0 0 1rem; } figcaption { font-weight: 600; }
svg { width: 100%; height: auto; } svg text { font-size: 11px; fill: #495057; }
svg text.label { font-size: 9.5px; fill: #343a40; }
.grid { stroke: #e9ecef; } .roof { fill: none; stroke: #495057; }
.legend { margin: 0; font-size: .85rem; } .legend span { margin-right: 12px; }
.legend i { display: inline-block; width: 12px; height: 12px; margin-right: 4px; }
.legend i.line { width: 28px; height: 4px; border-top: 2px #495057; }
.legend i.solid { border-top-style: solid; } .legend i.dashed { border-top-style: dashed; }
.legend i.dotted { border-top-style: dotted; }
.history { display: grid; grid-template-columns: repeat(auto-fit, minmax(300px, 1fr)); gap: 12px; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: .85rem; }
th, td { padding: 3px 8px; border: 1px solid #dee2e6; text-align: right; }
th { background: #f8f9fa; cursor: pointer; } td.text, th.text { text-align: left; }
pre { background: #f8f9fa; padding: 10px; font-size: .8rem; overflow-x: auto; }
"""
# Numbers are sorted by what the cell stands for, not by its words.
_SCRIPT = """
for (const head of document.querySelectorAll("th")) head.onclick = () => {
  const table = head.closest("table"), place = head.cellIndex;
  const up = head.dataset.up = head.dataset.up === "1" ? "0" : "1";
  const value = row => { const cell = row.cells[place], key = cell.dataset.key;
    return key === undefined ? cell.textContent : key === "" ? Infinity : Number(key); };
  const order = (a, b) => { const x = value(a), y = value(b);
    return (x < y ? -1 : x > y ? 1 : 0) * (up === "1" ? 1 : -1); };
  table.tBodies[0].append(...[...table.tBodies[0].rows].sort(order));
};
"""
_HEAD = (
    "case", "threads", "library", "best", "median", "spread", "of roof", "first call", "failure",
)  # fmt: skip
_TEXTS = 3  # columns, the threads among them


def html(runs: Sequence[Run], earlier: Sequence[Run] = ()) -> str:
    """The page of these runs; earlier ones, oldest first, make a history of each case."""
    tables = [f"<pre>{escape(heading(run))}\n\n{escape(summary(run))}</pre>" for run in runs]
    if len(runs) > 1:
        tables.append(f'<pre class="scroll">{escape(threads_table(runs))}</pre>')
    history = _history([*earlier, *runs]) if earlier else ""
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>minigrad bench</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>'
        f"<h1>minigrad bench</h1>{''.join(tables)}"
        f"{''.join(svg_roofline(run) for run in runs)}"
        f"<h2>All cases</h2><p>A click on a column's head sorts by it.</p>{_table(runs)}{history}"
        f"<script>{_SCRIPT}</script></body></html>\n"
    )


def _table(runs: Sequence[Run]) -> str:
    head = "".join(f'<th class="{"text" * (i < _TEXTS)}">{name}</th>'
                   for i, name in enumerate(_HEAD))  # fmt: skip
    rows = []
    for found in records(runs):
        best, median, share = found["best"], found["median"], found["share_of_roof"]
        spread = None if median is None else found["iqr"] / median
        cells = [
            f'<td class="text">{escape(found["case"])}</td>',
            f'<td data-key="{found["threads"]}">{found["threads"]}</td>',
            f'<td class="text">{escape(found["library"])}</td>',
            *(_number(value, seconds) for value in (best, median)),
            _number(spread, "{:.0%}".format),
            _number(share, f"{{:.0%}} {found['over_the_roof'] or ''}".rstrip().format),
            _number(found["first_call"], seconds),
            f'<td class="text">{escape(found["failure"] or "")}</td>',
        ]
        rows.append(f"<tr>{''.join(cells)}</tr>")
    notes = "".join(f"<p>{escape(words)}</p>" for words in words_in_shares(runs))
    return (f'<div class="scroll"><table><thead><tr>{head}</tr></thead>'
            f"<tbody>{''.join(rows)}</tbody></table></div>{notes}")  # fmt: skip


def _number(value: float | None, words: Callable[[float], str]) -> str:
    if value is None:
        return '<td data-key=""></td>'
    return f'<td data-key="{value:.6g}">{words(value)}</td>'


def _history(runs: Sequence[Run]) -> str:
    """For each case of the last run minigrad's best times in all runs, in microseconds."""
    charts = []
    for label in dict.fromkeys(entry.label for entry in runs[-1].entries):
        lines = []
        for place, threads in enumerate(sorted({run.threads for run in runs})):
            points = _best_times([run for run in runs if run.threads == threads], label)
            if len(points) > 1:
                colour = COLOURS[place % len(COLOURS)]
                lines.append(Line(f"best, us, {threads} thread(s)", points, colour))
        if lines:
            charts.append(line_chart(label, "run", lines))
    if not charts:
        return "<h2>History</h2><p>The earlier runs have none of these cases.</p>"
    order = "".join(f"<li>{escape(str(run.machine.get('when')))}, commit "
                    f"{escape(str(run.machine.get('commit')))}</li>" for run in runs)  # fmt: skip
    return f'<h2>History</h2><ol>{order}</ol><div class="history">{"".join(charts)}</div>'


def _best_times(runs: Sequence[Run], label: str) -> list[tuple[float, float]]:
    found = []
    for place, run in enumerate(runs, 1):
        for entry in run.entries:
            if entry.label == label and "minigrad" in entry.timings:
                found.append((float(place), 1e6 * entry.timings["minigrad"].best))
    return found
