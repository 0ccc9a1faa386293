# SPDX-License-Identifier: Apache-2.0
"""The figures as a table for people and as JSON for machines."""
import json
import os
import platform
import time
from dataclasses import asdict
from pathlib import Path

import servers
from bars import BARS

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
    return f"{value:.2f} {unit}" if value < 100 else f"{value:.0f} {unit}"


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


def table(figures):
    """Markdown, so that it can go into docs/bench.md as it is."""
    rows = [("", "median", "min–max (quartiles)", "must", "aim", "")]
    part = None
    for figure in figures:
        if figure.part != part:
            part = figure.part
            rows.append((f"**{part}**", "", "", "", "", ""))
        rows.append(_row(figure))
    widths = [max(len(row[i]) for row in rows) for i in range(6)]
    lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return "\n".join(lines)


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


def machine():
    return {"cores": len(os.sched_getaffinity(0)),
            "processor": _first_value("/proc/cpuinfo", "model name"),
            "memory": _first_value("/proc/meminfo", "MemTotal"),
            "kernel": platform.release(),
            "system": _first_value("/etc/os-release", "PRETTY_NAME"),
            "load_at_start": os.getloadavg()[0],
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            **servers.versions()}


def _plain(figure):
    bar = BARS.get(figure.bar)
    return {"part": figure.part, "what": figure.what, "value": figure.value, "unit": figure.unit,
            "spread": figure.spread.as_dict() if figure.spread else None,
            "bar": asdict(bar) if bar else None, "verdict": figure.verdict,
            "detail": figure.detail}


def write_json(path, where, command, figures):
    whole = {"machine": where, "command": command, "figures": [_plain(f) for f in figures]}
    Path(path).write_text(json.dumps(whole, indent=1) + "\n")
