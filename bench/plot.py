# SPDX-License-Identifier: Apache-2.0
"""Two pictures of the results, as SVG for a light and a dark page: figures by their bars, growth."""
import math
from html import escape

import report
from bars import BARS

STYLE = """\
<style>
text { font: 12px system-ui, sans-serif; fill: #24292f; }
.small { font-size: 11px; fill: #57606a; }
.end { text-anchor: end; }
.line { stroke: #8c959f; fill: none; }
.grid { stroke: #d0d7de; fill: none; }
.aim { fill: #2da44e; } .must { fill: #bf8700; } .miss { fill: #cf222e; }
.series { stroke-width: 2; fill: none; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; } .small { fill: #9198a1; }
  .line { stroke: #6e7681; } .grid { stroke: #30363d; }
}
</style>
"""
# Readable on white and on black.
COLOURS = ("#0969da", "#cf222e", "#2da44e", "#bf8700", "#8250df", "#1b7c83", "#bf3989", "#6e7781",
           "#bc4c00")
ROW, LABELS, PLOT, RIGHT = 20, 440, 300, 180
MOST = 1.5  # of what must be reached, at the right end


def _svg(width, height, title, parts):
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" role="img">\n<title>{escape(title)}</title>\n'
            + STYLE + "\n".join(parts) + "\n</svg>\n")


def _text(x, y, words, kind=""):
    return f'<text x="{x:.0f}" y="{y:.0f}" class="{kind}">{escape(words)}</text>'


def _line(x1, y1, x2, y2, kind):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def _bar_row(figure, y):
    bar, scale = BARS[figure.bar], PLOT / MOST
    share = min(figure.value / bar.must, MOST)
    numbers = f"{report.show(figure.value, figure.unit)} (must {report.show(bar.must, figure.unit)})"
    parts = [_text(LABELS - 8, y + 13, figure.what, "end"),
             f'<rect x="{LABELS}" y="{y + 3}" width="{max(share * scale, 1):.1f}" height="13" '
             f'class="{figure.verdict}"/>',
             _text(LABELS + PLOT + 8, y + 13, numbers, "small")]
    if bar.aim is not None:
        x = LABELS + bar.aim / bar.must * scale
        parts.append(_line(x, y + 1, x, y + 18, "line"))
    return parts


def bars(figures):
    """Each figure that has a bar, as a part of what it must reach."""
    y, parts, part = ROW, [], None
    must = LABELS + PLOT / MOST
    for figure in figures:
        if figure.bar not in BARS:
            continue
        if figure.part != part:
            part = figure.part
            parts.append(_text(8, y + 13, part, "small"))
            y += ROW
        parts += _bar_row(figure, y)
        y += ROW
    parts += [_line(must, ROW, must, y, "line"), _text(must - 14, ROW - 6, "must", "small")]
    return _svg(LABELS + PLOT + RIGHT, y + 8, "Each figure as a part of what it must reach; less is "
                "better, a short line is the aim", parts)


def _spread_labels(ends, least):
    """Moves labels apart that would lie on each other."""
    placed = []
    for y, *rest in sorted(ends):
        y = max(y, placed[-1][0] + least) if placed else y
        placed.append((y, *rest))
    return placed


def growth(figures):
    """Each series by its value with the fewest nodes, both axes logarithmic."""
    left, top, width, height, labels = 60, 16, 420, 340, 330
    rows = [(f.what, {int(n): v for n, v in f.detail["series"].items()}) for f in figures
            if "series" in f.detail]
    if not rows:
        return None
    counts = sorted(rows[0][1])
    factors = [(what, [max(s[n] / s[counts[0]], 0.1) for n in counts]) for what, s in rows]
    decades = max(1, math.ceil(math.log10(max(max(f) for _, f in factors))))

    def at(n, factor):
        span = math.log10(counts[-1] / counts[0])
        return (left + width * math.log10(n / counts[0]) / span,
                top + height * (decades - math.log10(factor)) / (decades + 1))

    parts = []
    for decade in range(-1, decades + 1):
        y = at(counts[0], 10 ** decade)[1]
        parts += [_line(left, y, left + width, y, "grid"),
                  _text(left - 6, y + 4, f"{10 ** decade:,g}×", "small end")]
    for n in counts:
        parts.append(_text(at(n, 1)[0] - 14, top + height + 18, f"{n:,}", "small"))
    parts.append(_text(left, top + height + 36, "nodes", "small"))
    ends = []
    for (what, values), colour in zip(factors, COLOURS):
        points = " ".join("{:.1f},{:.1f}".format(*at(n, f)) for n, f in zip(counts, values))
        parts.append(f'<polyline points="{points}" class="series" stroke="{colour}"/>')
        ends.append((at(counts[-1], values[-1])[1] + 4, what, colour))
    for y, what, colour in _spread_labels(ends, 15):
        parts.append(f'<text x="{left + width + 8}" y="{y:.0f}" style="fill: {colour}">'
                     f'{escape(what)}</text>')
    return _svg(left + width + labels, top + height + 44,
                "Growth with the number of nodes, against 10 nodes", parts)
