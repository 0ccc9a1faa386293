# SPDX-License-Identifier: Apache-2.0
"""make check-all: every target that checks something, one after the other, and a table of how each ended.

    check_all.py MAKE SOURCE [TARGET…]

It is run in a build folder, goes on after a failure, and ends with 1 if there was one. What a target needs and
does not find here (root, packages of scripts/deps.sh) is in the table; with CI=true that is a failure.
"""
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Target:
    name: str
    groups: str  # of scripts/deps.sh
    words: tuple = ()  # for make, behind the name
    as_root: bool = False


TARGETS = [
    Target("check", "run test"),
    Target("distcheck", "run test"),
    Target("check-tsan", "run test"),
    Target("check-hostile", "run"),
    Target("check-pve", "run test"),
    Target("check-tls", "tls"),
    Target("check-openapi", "web"),
    Target("check-web", "web"),
    Target("check-cloud-init", "boot", as_root=True),
    Target("check-firmware", "boot", as_root=True),
    Target("check-kube", "kube", as_root=True),
    Target("check-cluster", "boot kube", as_root=True),
    Target("check-package", "package", as_root=True),
    Target("fuzz", "fuzz", ("FUZZ_SECONDS=5",)),
    Target("tidy", "tidy"),
    Target("bench", "bench", ("BENCH_FLAGS=--quick",)),
    Target("check-soak", "run test", ("SOAK_SECONDS=120",)),
    Target("check-slopes", "run", ("SLOPES_MINUTES=10", "SLOPES_WARM=2")),
]
# What runs as a part of others.
COVERED = {"check-all": "", "check-unit": "check", "check-boot": "check-cloud-init check-firmware"}
TAP_SKIP = re.compile(r"^(?:ok \d+ .*# SKIP|1\.\.0 # SKIP) ?(.*)", re.MULTILINE | re.IGNORECASE)
TAP_RUN = re.compile(r"^ok \d+(?!.*# SKIP)", re.MULTILINE | re.IGNORECASE)


@dataclass
class Result:
    target: Target
    ended: str  # passed, failed or skipped
    minutes: float
    note: str
    log: Path | None


def missing(source, target):
    """What the target needs and this machine has not; empty: it can run."""
    found = []
    if target.as_root and os.geteuid():
        found.append("root")
    listed = subprocess.run([source / "scripts/deps.sh", "--missing", *target.groups.split()], check=True,
                            stdout=subprocess.PIPE, text=True).stdout.split()
    if listed:
        found.append(f"scripts/deps.sh {target.groups}")
    return " and ".join(found)


def judged(status, output):
    """(how it ended, note) of a target that ran."""
    skips = TAP_SKIP.findall(output)
    if status:
        return "failed", f"status {status}"
    if skips and not TAP_RUN.search(output) and "# PASS: " not in output:
        return "skipped", skips[0]
    return "passed", f"{len(skips)} skipped in it" if skips else ""


def run(make, source, target):
    needs = missing(source, target)
    if needs:
        return Result(target, "skipped", 0, f"needs {needs}", None)
    log = Path("check-all", f"{target.name}.log")
    log.parent.mkdir(exist_ok=True)
    print(f"{target.name} …", flush=True)
    began = time.monotonic()
    with log.open("w", encoding="utf-8") as out:
        status = subprocess.run([make, target.name, *target.words], stdout=out, stderr=subprocess.STDOUT,
                                stdin=subprocess.DEVNULL, check=False).returncode
    ended, note = judged(status, log.read_text(encoding="utf-8", errors="replace"))
    return Result(target, ended, (time.monotonic() - began) / 60, note, log)


def table(results):
    rows = [("target", "ended", "minutes", "log", "note")]
    rows += [(r.target.name, r.ended, f"{r.minutes:.1f}", str(r.log or "-"), r.note) for r in results]
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    return "\n".join("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths)), row[4]]).rstrip()
                     for row in rows)


def main(make, source, *names):
    known = [t.name for t in TARGETS]
    for name in names:
        if name not in known:
            print(f"check-all: no target '{name}': {', '.join(known)}", file=sys.stderr)
            return 2
    results = [run(make, Path(source), t) for t in TARGETS if not names or t.name in names]
    print(table(results))
    counts = {kind: sum(r.ended == kind for r in results) for kind in ("passed", "failed", "skipped")}
    print(", ".join(f"{n} {kind}" for kind, n in counts.items()))
    strict = os.environ.get("CI") == "true" and counts["skipped"]
    return 1 if counts["failed"] or strict else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
