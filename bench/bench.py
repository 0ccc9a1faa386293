# SPDX-License-Identifier: Apache-2.0
"""Measures cloudseedd side by side with its bars: see docs/bench.md.

    make bench                          everything, about 40 minutes
    make bench BENCH_FLAGS=--quick      a look, about 12 minutes
    make bench BENCH_FLAGS=--write-docs everything, and brings it into docs/bench.md
    make bench BENCH_FLAGS='--part nginx --pairs 20'
"""
import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests/lib"))
os.environ.setdefault("CLOUDSEED_TEST_SECONDS", "120")  # for the largest tree to load

import against_memory  # noqa: E402
import against_nginx  # noqa: E402
import against_tftpd  # noqa: E402
import assets  # noqa: E402
import checking  # noqa: E402
import growth  # noqa: E402
import handshakes  # noqa: E402
import many_nodes  # noqa: E402
import metrics  # noqa: E402
import processes  # noqa: E402
import publish  # noqa: E402
import reload  # noqa: E402
import rendering  # noqa: E402
import report  # noqa: E402
import servers  # noqa: E402
import size  # noqa: E402
import tokens  # noqa: E402
from daemon import BUILD, SOURCE  # noqa: E402

PARTS = {"nginx": against_nginx.run, "nodes": many_nodes.run, "render": rendering.run,
         "durable": against_memory.run, "check": checking.run, "size": size.run, "reload": reload.run,
         "assets": assets.run, "tftp": against_tftpd.run, "tls": handshakes.run,
         "minting": tokens.run, "metrics": metrics.run, "growth": growth.run}
NEEDED = {servers.NGINX: "nginx-light", "/usr/sbin/dnsmasq": "dnsmasq-base", "wrk": "wrk", "curl": "curl",
          "ip": "iproute2", "taskset": "util-linux"}


@dataclass
class Options:
    parts: list
    pairs: int
    seconds: int  # of each run
    starts: int  # how often a start or a reload is timed
    cores: tuple  # the server's, the load's
    scratch: Path

    def folder(self, name):
        path = self.scratch / name
        path.mkdir(exist_ok=True)
        return path

    @staticmethod
    def progress(text):
        if sys.stderr.isatty():
            print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def parse(arguments):
    parser = argparse.ArgumentParser(prog="bench.py", description="Measures cloudseedd.")
    parser.add_argument("--part", action="append", choices=PARTS, metavar="PART",
                        help=f"one of {', '.join(PARTS)}; may be repeated; default: all")
    parser.add_argument("--quick", action="store_true", help="3 pairs of 1 second: a look")
    parser.add_argument("--pairs", type=int, help="alternating pairs (default: 12)")
    parser.add_argument("--seconds", type=int, help="length of each run (default: 3)")
    parser.add_argument("--starts", type=int, help="starts and reloads timed (default: 5)")
    parser.add_argument("--json", type=Path, default=BUILD / "bench/results.json", metavar="FILE")
    parser.add_argument("--write-docs", action="store_true",
                        help="bring the results into docs/ (bench.md, bench.json, images)")
    given = parser.parse_args(arguments)
    for name, quick, full in (("pairs", 3, 12), ("seconds", 1, 3), ("starts", 1, 5)):
        if getattr(given, name) is None:
            setattr(given, name, quick if given.quick else full)
        if getattr(given, name) < 1:
            parser.error(f"--{name} must be at least 1")
    return given


def need_programs():
    """Installs what is missing where it can, and says what it could not."""
    missing = [package for name, package in NEEDED.items() if not shutil.which(name)]
    installer = SOURCE / "scripts/deps.sh"
    if missing and installer.exists():
        subprocess.run([installer, "bench"], check=True)
        missing = [package for name, package in NEEDED.items() if not shutil.which(name)]
    if missing:
        raise SystemExit(f"bench: install these first: {' '.join(missing)}")


def refuse_sanitizers():
    """Their figures would be of the sanitizer."""
    binary = (BUILD / "cloudseedd").read_bytes()
    for mark in (b"__asan_init", b"__tsan_init", b"__ubsan_handle"):
        if mark in binary:
            raise SystemExit("bench: this build has a sanitizer in it: configure one without")


def measure(options):
    """(figures, {part: why it has none}): a part that fails does not take the others along."""
    figures, failed = [], {}
    for name in options.parts:
        begun = time.monotonic()
        try:
            figures += PARTS[name](options)
        except Exception as why:
            traceback.print_exc()
            failed[name] = str(why).strip() or type(why).__name__
        options.progress("")
        print(f"{name}: {time.monotonic() - begun:.0f} s", file=sys.stderr)
    return figures, failed


def main():
    given = parse(sys.argv[1:])
    need_programs()
    refuse_sanitizers()
    where = report.machine()
    with tempfile.TemporaryDirectory(prefix="cloudseed-bench-") as scratch:
        figures, failed = measure(Options(given.part or list(PARTS), given.pairs, given.seconds,
                                          given.starts, processes.two_cores(), Path(scratch)))
    flags = shlex.join(sys.argv[1:])
    command = f"make bench BENCH_FLAGS={shlex.quote(flags)}" if flags else "make bench"
    whole = report.results(where, command, figures, failed)
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(whole, indent=1) + "\n")
    if given.write_docs:
        publish.write(whole)
    print(*(f"{key}: {value}" for key, value in report.described(where)), sep="\n")
    print("", report.table(figures), "", report.growth_table(figures), "", report.rates(figures),
          *(f"{name} failed: {why}" for name, why in failed.items()), sep="\n")
    return 1 if failed or any(f.verdict == "miss" for f in figures) else 0


if __name__ == "__main__":
    sys.exit(main())
