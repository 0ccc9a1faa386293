# SPDX-License-Identifier: Apache-2.0
"""The figures as a table for people and as JSON for machines."""
import os
import platform
import time
from dataclasses import asdict
from pathlib import Path

import servers
from bars import BARS, Figure
from spread import Spread

_VERDICTS = {"aim": "reaches the aim", "must": "passes", "miss": "MISSES", "": ""}


def _bytes(n):
    for size, unit in ((1 << 20, "MiB"), (1 << 10, "KiB")):
        if n >= size:
            return f"{n / size:.1f} {unit}"
    return f"{n:.0f} B"


def show(value, unit):
    if value is None:
        return ""
    if unit == "bytes":
        return _bytes(value)
    if unit == "x":
        return f"{value:.2f}×"
    if not unit:
        return f"{value:.0f}"
    return f"{value:.2f} {unit}" if value < 100 else f"{value:,.0f} {unit}"


def _spread(figure):
    s = figure.spread
    if s is None or s.count == 1:
        return ""
    low, high, quarter, three = (show(v, figure.unit)
                                 for v in (s.low, s.high, s.quarter, s.three_quarters))
    return f"{low}–{high} ({quarter}–{three})"


def _row(figure):
    bar = BARS.get(figure.bar)
    return (figure.what, show(figure.value, figure.unit), _spread(figure),
            show(bar.must, figure.unit) if bar else "",
            show(bar.aim, figure.unit) if bar else "", _VERDICTS[figure.verdict])


def _markdown(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return "\n".join(lines)


def table(figures):
    """Markdown, for docs/bench.md."""
    rows = [("", "median", "min–max (quartiles)", "must", "aim", "")]
    part = None
    for figure in figures:
        if "series" in figure.detail:
            continue
        if figure.part != part:
            part = figure.part
            rows.append((f"**{part}**", "", "", "", "", ""))
        rows.append(_row(figure))
    return _markdown(rows)


def growth_table(figures):
    """The figures that are series, by numbers of nodes; "" if there are none."""
    series = [(f.what, f.unit, f.detail["series"]) for f in figures if "series" in f.detail]
    if not series:
        return ""
    counts = sorted(series[0][2], key=int)
    rows = [("nodes", *(f"{int(n):,}" for n in counts))]
    rows += [(what, *(show(values[n], unit) for n in counts)) for what, unit, values in series]
    return _markdown(rows)


def rates(figures):
    """Requests/s, for those runs alone in which the server was what limited them."""
    lines = []
    for figure in figures:
        sides = [(side, figure.detail.get(side)) for side in ("ours", "theirs")]
        told = [f"{side} {s['per_second']['median']:,.0f}/s, {s['us_each']['median']:.1f} µs each"
                if s["per_second"] else f"{side} {s['us_each']['median']:.1f} µs each"
                for side, s in sides if s]
        if told:
            lines.append(f"{figure.what}: " + "; ".join(told))
    return "\n".join(lines)


def _first_value(path, key):
    for line in Path(path).read_text().splitlines():
        if line.startswith(key):
            return line.split(":" if ":" in line else "=", 1)[1].strip().strip('"')
    return "?"


def _governor():
    file = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    return file.read_text().strip() if file.exists() else "none (a virtual machine's)"


def machine():
    return {"processor": _first_value("/proc/cpuinfo", "model name"),
            "cores": len(os.sched_getaffinity(0)), "governor": _governor(),
            "memory": _first_value("/proc/meminfo", "MemTotal"),
            "kernel": platform.release(),
            "system": _first_value("/etc/os-release", "PRETTY_NAME"),
            "load at start": os.getloadavg()[0],
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            **servers.versions()}


def described(where):
    """(key, text) of each thing that is known of the machine."""
    return [(key, str(value)) for key, value in where.items()]


def _plain(figure):
    bar = BARS.get(figure.bar)
    return {"part": figure.part, "what": figure.what, "value": figure.value, "unit": figure.unit,
            "spread": figure.spread.as_dict() if figure.spread else None, "bar": figure.bar,
            **(asdict(bar) if bar else {}), "verdict": figure.verdict, "detail": figure.detail}


def results(where, command, figures, failed):
    """What goes to the JSON file; `failed` is {part: why}."""
    return {"machine": where, "command": command, "failed": failed,
            "figures": [_plain(f) for f in figures]}


def _spread_from(known):
    return Spread(**{k: v for k, v in known.items() if k != "iqr"}) if known else None


def figures_of(whole):
    """The figures again, of such a file."""
    return [Figure(f["part"], f["what"], f["value"], f["unit"], f["bar"],
                   _spread_from(f["spread"]), f["detail"]) for f in whole["figures"]]
