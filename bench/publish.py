# SPDX-License-Identifier: Apache-2.0
"""Brings results into the documentation: docs/bench.json, the tables of docs/bench.md, pictures.

    python3 bench/publish.py [RESULTS.json]     without it, from docs/bench.json again

A test compares what is in docs/ with what this makes of docs/bench.json.
"""
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent / "docs"
sys.path[:0] = [str(HERE), str(HERE.parent / "tests/lib")]

import plot  # noqa: E402
import report  # noqa: E402

BEGIN = "<!-- written by make bench BENCH_FLAGS=--write-docs: from here -->"
END = "<!-- to here -->"


def shortened(whole):
    """Without each single measurement."""
    def short(figure):
        return {**figure, "detail": {k: v for k, v in figure["detail"].items() if k == "series"}}
    return {**whole, "figures": [short(f) for f in whole["figures"]]}


def _block(whole, figures, has_growth):
    machine = "; ".join(f"{key}: {value}" for key, value in report.described(whole["machine"]))
    parts = [machine + ".", f"Command: `{whole['command']}`."]
    parts += [f"The part {name} failed: {why}" for name, why in whole["failed"].items()]
    parts += ["![Each figure as a part of what it must reach](images/bench.svg)",
              report.table(figures)]
    if has_growth:
        parts += ["### Growth with the number of nodes",
                  "![Each figure against that with 10 nodes](images/bench-growth.svg)",
                  report.growth_table(figures)]
    return "\n\n".join([BEGIN, *parts, END])


def documents(whole, page):
    """{path below docs/: text}, of the results and of bench.md as it is."""
    figures = report.figures_of(whole)
    pictures = {"images/bench.svg": plot.bars(figures), "images/bench-growth.svg": plot.growth(figures)}
    head, rest = page.split(BEGIN)
    block = _block(whole, figures, pictures["images/bench-growth.svg"])
    return {"bench.md": head + block + rest.split(END)[1],
            "bench.json": json.dumps(whole, indent=1, ensure_ascii=False) + "\n",
            **{path: text for path, text in pictures.items() if text}}


def write(whole):
    for path, text in documents(shortened(whole), (DOCS / "bench.md").read_text()).items():
        (DOCS / path).write_text(text)


if __name__ == "__main__":
    write(json.loads(Path(sys.argv[1] if sys.argv[1:] else DOCS / "bench.json").read_text()))
