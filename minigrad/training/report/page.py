"""The page: curves of all runs, then each with its confusions, mistakes, calibration, settings."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from minigrad.training.report.charts import COLOURS, Line, line_chart, point_chart

History = Mapping[str, Any]
Runs = Sequence[tuple[str, History]]

MOST_CLASSES = 40  # of a confusion matrix that is drawn
_CURVES = (  # what the chart shows, and the names of its values in the epochs
    ("loss", ("train_loss", "test_loss", "validation_loss")),
    ("accuracy", ("train_accuracy", "test_accuracy")),
    ("perplexity", ("train_perplexity", "validation_perplexity")),
    ("root of the mean square error", ("test_rmse",)),
    ("learning rate", ("lr",)),
)
_SCORES = (
    "test_accuracy",
    "test_loss",
    "validation_perplexity",
    "test_rmse",
    "test_mae",
    "test_r2",
)
_STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1080px; padding: 16px; font: 15px/1.5 system-ui, sans-serif;
  color: #212529; background: #fff; }
h1 { font-size: 1.5rem; margin: 0 0 .5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; border-top: 1px solid #dee2e6; padding-top: 1rem;
  overflow-wrap: anywhere; }
h3 { font-size: 1rem; margin: 1.2rem 0 .4rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(320px, 100%), 1fr));
  gap: 16px; }
figure { margin: 0; min-width: 0; max-width: 520px; }
.scroll { margin-bottom: 16px; }
figcaption { font-weight: 600; }
svg { width: 100%; height: auto; }
svg text { font-size: 11px; fill: #495057; }
.grid { stroke: #e9ecef; }
.legend { margin: 0; font-size: .85rem; overflow-wrap: anywhere; }
.legend span { margin-right: 12px; }
.legend i { display: inline-block; width: 20px; border-top: 3px solid; margin-right: 4px;
  vertical-align: middle; }
.legend i.dashed { border-top-style: dashed; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .85rem; }
th, td { padding: 3px 8px; border: 1px solid #dee2e6; text-align: right; }
th { background: #f8f9fa; font-weight: 600; }
td.text, th.text { text-align: left; overflow-wrap: anywhere; }
.mistakes { display: grid; gap: 10px;
  grid-template-columns: repeat(auto-fill, minmax(104px, 1fr)); }
.mistakes figure { font-size: .8rem; border: 1px solid #dee2e6; border-radius: 4px; padding: 6px; }
.mistakes img { width: 100%; image-rendering: pixelated; display: block; background: #f1f3f5; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #f8f9fa; padding: 10px;
  font-size: .8rem; }
"""


def report_page(runs: Runs) -> str:
    """The page for runs, each with a name and what its history.json holds."""
    names = ", ".join(name for name, _ in runs)
    body = [f"<h1>{escape(names)}</h1>", _scores(runs), _curves(runs)]
    for name, history in runs:
        body += [f"<h2>{escape(name)}</h2>", *_of_run(history)]
    if len(runs) > 1:
        body += ["<h2>Settings</h2>", _settings(runs)]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(names)}</title><style>{_STYLE}</style></head>\n<body>"
        + "\n".join(part for part in body if part)
        + "</body></html>\n"
    )


def _scores(runs: Runs) -> str:
    names = [s for s in _SCORES if any(s in history for _, history in runs)]
    rows = [
        [name, _text(len(history["epochs"])), *(_text(history.get(s), s) for s in names)]
        for name, history in runs
    ]
    return _table(["run", "epochs", *(s.replace("_", " ") for s in names)], rows)


def _curves(runs: Runs) -> str:
    charts = []
    for title, names in _CURVES:
        lines = []
        for i, (run, history) in enumerate(runs):
            for name in names:
                points = [(e["number"], e[name]) for e in history["epochs"] if name in e]
                if not points:
                    continue
                word = name.partition("_")[0] if "_" in name else name
                label = word if len(runs) == 1 else f"{run}, {word}"
                dashed = name.startswith("train_")
                colour = COLOURS[i % len(COLOURS)]
                lines.append(Line(label, points, colour, dashed))
        if lines:
            charts.append(line_chart(title, "epoch", lines))
    return f'<div class="charts">{"".join(charts)}</div>'


def _of_run(history: History) -> list[str]:
    parts = []
    if history.get("interrupted"):
        parts.append("<p>The run was interrupted before its end.</p>")
    if history.get("skipped_steps"):
        parts.append(f"<p>{history['skipped_steps']} steps were skipped: inf or nan.</p>")
    if history.get("confusion"):
        parts += ["<h3>Confusion: true class by row, predicted by column</h3>", _confusion(history)]
    charts = []
    if bins := history.get("calibration"):
        points = [(b["confidence"], b["accuracy"]) for b in bins]
        title = "calibration: share of right predictions by their probability"
        charts.append(point_chart(title, "probability", points, radius=5))
    if pairs := history.get("predictions"):
        charts.append(point_chart("predicted by true values", "true", [(t, p) for t, p in pairs]))
    if charts:
        parts.append(f'<div class="charts">{"".join(charts)}</div>')
    if history.get("mistakes"):
        parts += ["<h3>The surest mistakes</h3>", _mistakes(history["mistakes"])]
    samples = [e["sample"] for e in history["epochs"] if e.get("sample")]
    if samples:
        parts += ["<h3>A text of the model</h3>", f"<pre>{escape(samples[-1])}</pre>"]
    given = [[str(name), _text(value)] for name, value in history.get("settings", {}).items()]
    given += [[n, _text(history[n])] for n in ("threads", "machine", "minigrad") if n in history]
    parts += ["<h3>Settings</h3>", _table(["setting", "value"], given)]
    return parts


def _confusion(history: History) -> str:
    classes, counts = history["classes"], history["confusion"]
    if len(classes) > MOST_CLASSES:
        return _most_confused(classes, counts)
    rows = []
    for name, row in zip(classes, counts, strict=True):
        total = max(sum(row), 1)
        cells = "".join(
            f'<td style="background:rgba(31,111,235,{n / total:.2f});'
            f'color:{"#fff" if n / total > 0.5 else "#212529"}">{n or ""}</td>'
            for n in row
        )
        rows.append(f'<tr><th class="text">{escape(str(name))}</th>{cells}</tr>')
    head = "".join(f"<th>{escape(str(name))}</th>" for name in classes)
    return f'<div class="scroll"><table><tr><th></th>{head}</tr>{"".join(rows)}</table></div>'


def _most_confused(classes: Sequence[str], counts: Sequence[Sequence[int]]) -> str:
    pairs = sorted(
        ((n, classes[i], classes[j]) for i, row in enumerate(counts) for j, n in enumerate(row)
         if i != j and n), reverse=True,
    )  # fmt: skip
    rows = [[true, predicted, str(n)] for n, true, predicted in pairs[:MOST_CLASSES]]
    return _table(["true", "predicted", "how often"], rows)


def _mistakes(mistakes: Sequence[Mapping[str, Any]]) -> str:
    cells = []
    for found in mistakes:
        picture = found.get("picture") or ""
        shown = ""
        if picture.startswith("data:image/png;base64,"):
            shown = f'<img alt="" src="{escape(picture)}">'
        cells.append(
            f"<figure>{shown}{escape(str(found['predicted']))} {_share(found['probability'])}<br>"
            f"is {escape(str(found['true']))} (no. {found['index']})</figure>"
        )
    return f'<div class="mistakes">{"".join(cells)}</div>'


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"


def _settings(runs: Runs) -> str:
    names = list(dict.fromkeys(n for _, history in runs for n in history.get("settings", {})))
    rows = [
        [name, *(_text(history.get("settings", {}).get(name)) for _, history in runs)]
        for name in names
    ]
    return _table(["setting", *(name for name, _ in runs)], rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    first = "".join(f'<th class="text">{escape(name)}</th>' for name in head)
    lines = "".join(
        "<tr>" + "".join(f'<td class="text">{escape(cell)}</td>' for cell in row) + "</tr>"
        for row in rows
    )
    return f'<div class="scroll"><table><tr>{first}</tr>{lines}</table></div>'


def _text(value: Any, name: str = "") -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.2%}" if name.endswith("accuracy") else f"{value:.5g}"
    return str(value)
