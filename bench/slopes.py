#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Whether the server's memory and descriptors grow while nodes boot again and again.

    slopes.py run FOLDER BUILD TEMPLATES [--minutes 60] [--runs 2] [--rate 10] [--nodes 1000]
    slopes.py fit FOLDER [--warm 10]

`run` serves a tree of `cloudseed storm tree`, once for each run and always on the same state, and
boots its nodes at that rate; every 10 s a line of run-N.csv tells seconds, PSS in KiB and
descriptors. `fit` takes the slope of each behind the first minutes, with its interval of 95 %, and
draws run-N.svg. It fails where the whole interval lies above what is allowed in an hour.
"""
import argparse
import csv
import json
import math
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

EVERY_SECONDS = 10
LOADER_BYTES = 74000
# What an hour may add: less than this is not told from the noise of an allocator.
ALLOWED = {"pss_kib": 1024, "descriptors": 1}
Z95 = 1.96


# --- The runs ---

def free_ports(count):
    """That were free a moment ago: nobody else on this machine is expected to take them."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def make_tree(folder, cloudseed, nodes):
    http, https, tftp = free_ports(3)
    subprocess.run([cloudseed, "storm", "tree", folder, "--nodes", str(nodes), "--url",
                    f"http://127.0.0.1:{http}"], check=True, stdout=subprocess.DEVNULL)
    for name in ("cloudseedd.yaml", "seed/site.yaml"):
        path = folder / name
        path.write_text(path.read_text().replace(":8443", f":{https}").replace(":6969", f":{tftp}"))
    (folder / "assets/undionly.kpxe").write_bytes(os.urandom(LOADER_BYTES))
    (folder / "tftp").write_text(f"127.0.0.1:{tftp}")


def start_server(folder, build, templates, log):
    command = [build / "cloudseedd", "--config", folder / "cloudseedd.yaml", "--templates",
               templates, "--log-level", "notice"]
    if os.geteuid() == 0:
        command += ["--user", "root"]
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=log)
    while not (folder / "admin.sock").is_socket() or not answers(folder / "admin.sock"):
        if server.poll() is not None:
            raise SystemExit(f"cloudseedd has ended: see {log.name}")
        time.sleep(0.2)
    return server


def answers(path):
    with socket.socket(socket.AF_UNIX) as s:
        try:
            s.connect(str(path))
        except OSError:
            return False
    return True


def sample(pid):
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]), len(os.listdir(f"/proc/{pid}/fd"))
    raise SystemExit(f"no Pss in /proc/{pid}/smaps_rollup")


def watch(server, storm, path):
    began, number = time.monotonic(), 0
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("seconds", "pss_kib", "descriptors"))
        while storm.poll() is None and server.poll() is None:
            rows.writerow((round(time.monotonic() - began, 1), *sample(server.pid)))
            file.flush()
            number += 1
            try:
                storm.wait(max(0.0, began + number * EVERY_SECONDS - time.monotonic()))
            except subprocess.TimeoutExpired:
                pass


def one_run(options, number):
    folder = options.folder / "storm"
    report = options.folder / f"run-{number}.json"
    with (options.folder / f"run-{number}.log").open("w") as log, report.open("w") as out:
        server = start_server(folder, options.build, options.templates, log)
        storm = subprocess.Popen(
            [options.build / "cloudseed", "storm", "run", "--config", folder / "cloudseedd.yaml",
             "--tftp", (folder / "tftp").read_text(), "--rate", str(options.rate), "--for",
             f"{options.minutes}m", "--json"], stdout=out, stderr=log)
        watch(server, storm, options.folder / f"run-{number}.csv")
        server.terminate()
        server.wait()
        if storm.wait() != 0:
            print(f"run {number}: the storm has lost nodes: see {report}", flush=True)


def run(options):
    options.folder.mkdir(parents=True, exist_ok=True)
    if (options.folder / "storm").exists():
        shutil.rmtree(options.folder / "storm")
    make_tree(options.folder / "storm", options.build / "cloudseed", options.nodes)
    for number in range(1, options.runs + 1):
        one_run(options, number)


# --- The slopes ---

def slope_of(xs, ys):
    """(slope, half of its 95 % interval): least squares. Samples that follow each other are alike,
    so the error is that of Newey and West, with as many lags as their rule of thumb has."""
    n = len(xs)
    mean_x, mean_y = sum(xs) / n, sum(ys) / n
    dx = [x - mean_x for x in xs]
    square = sum(d * d for d in dx)
    slope = sum(d * (y - mean_y) for d, y in zip(dx, ys)) / square
    errors = [d * (y - mean_y - slope * d) for d, y in zip(dx, ys)]
    lags = max(1, int(4 * (n / 100) ** (2 / 9)))
    total = sum(e * e for e in errors)
    for lag in range(1, lags + 1):
        weight = 1 - lag / (lags + 1)
        total += 2 * weight * sum(errors[i] * errors[i - lag] for i in range(lag, n))
    return slope, Z95 * math.sqrt(max(total, 0.0)) / square


def read_samples(path):
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [{key: float(value) for key, value in row.items()} for row in rows]


def hour_slope(rows, column, warm_minutes):
    rows = [row for row in rows if row["seconds"] >= warm_minutes * 60]
    if len(rows) < 10:
        raise SystemExit(f"only {len(rows)} samples behind the first {warm_minutes} minutes")
    slope, half = slope_of([row["seconds"] / 3600 for row in rows], [row[column] for row in rows])
    return {"per_hour": slope, "low": slope - half, "high": slope + half, "samples": len(rows),
            "mean": sum(row[column] for row in rows) / len(rows), "ok": slope - half <= ALLOWED[column]}


def fit(options):
    good = True
    paths = sorted(options.folder.glob("run-*.csv"))
    for path in paths:
        rows = read_samples(path)
        found = {column: hour_slope(rows, column, options.warm) for column in ALLOWED}
        for column, f in found.items():
            good = good and f["ok"]
            print(f"{path.stem} {column}: mean {f['mean']:.1f}, {f['per_hour']:+.2f} an hour (95 %: "
                  f"{f['low']:+.2f} to {f['high']:+.2f}), {f['samples']} samples, allowed "
                  f"{ALLOWED[column]}: {'ok' if f['ok'] else 'GROWS'}")
        path.with_suffix(".slopes.json").write_text(json.dumps(found, indent=1) + "\n")
        path.with_suffix(".svg").write_text(drawing(rows, found, options.warm))
    return 0 if good and paths else 1


# --- The drawing ---

WIDTH, HEIGHT, LEFT, TOP = 760, 190, 80, 30
PLOTS = (("pss_kib", "PSS, KiB"), ("descriptors", "descriptors"))


def plot(rows, column, title, found, warm, top):
    xs = [row["seconds"] / 60 for row in rows]
    ys = [row[column] for row in rows]
    low, high = 0, max(ys) * 1.1 or 1
    end = max(xs[-1], 1)

    def at(x, y):
        return (f"{LEFT + x / end * (WIDTH - LEFT - 20):.1f},"
                f"{top + HEIGHT - (y - low) / (high - low) * HEIGHT:.1f}")
    line = " ".join(at(x, y) for x, y in zip(xs, ys))
    kept = [x for x in xs if x >= warm]
    middle = (kept[0] + kept[-1]) / 2
    ends = [at(x, found["mean"] + found["per_hour"] * (x - middle) / 60) for x in (kept[0], kept[-1])]
    words = (f"{title}: {found['per_hour']:+.2f} an hour (95 %: {found['low']:+.2f} to "
             f"{found['high']:+.2f})")
    bottom = top + HEIGHT
    marks = "".join(f'<text x="{at(m, low).split(",")[0]}" y="{bottom + 14}" text-anchor="middle">{m}</text>'
                    for m in range(0, int(end) + 1, max(1, int(end) // 6)))
    return (f'<text x="{LEFT}" y="{top - 8}">{words}</text>'
            f'<path d="M{LEFT},{top}V{bottom}H{WIDTH - 20}" fill="none" stroke="#888"/>'
            f'<text x="{LEFT - 6}" y="{top + 8}" text-anchor="end">{high:.0f}</text>'
            f'<text x="{LEFT - 6}" y="{bottom}" text-anchor="end">0</text>{marks}'
            f'<polyline points="{line}" fill="none" stroke="#1f6fb4" stroke-width="1.2"/>'
            f'<polyline points="{" ".join(ends)}" fill="none" stroke="#c22" stroke-width="1.5"/>')


def drawing(rows, found, warm):
    parts = [plot(rows, column, title, found[column], warm, TOP + i * (HEIGHT + 60))
             for i, (column, title) in enumerate(PLOTS)]
    height = TOP + len(PLOTS) * (HEIGHT + 60)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
            f'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/>'
            + "".join(parts) + f'<text x="{WIDTH - 20}" y="{height - 8}" text-anchor="end">minutes</text>'
            "</svg>\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    one = verbs.add_parser("run")
    one.add_argument("folder", type=Path)
    one.add_argument("build", type=Path)
    one.add_argument("templates", type=Path)
    one.add_argument("--minutes", type=int, default=60)
    one.add_argument("--runs", type=int, default=2)
    one.add_argument("--rate", type=float, default=10)
    one.add_argument("--nodes", type=int, default=1000)
    one.set_defaults(do=run)
    other = verbs.add_parser("fit")
    other.add_argument("folder", type=Path)
    other.add_argument("--warm", type=float, default=10, help="minutes that do not count")
    other.set_defaults(do=fit)
    options = parser.parse_args()
    return options.do(options) or 0


if __name__ == "__main__":
    sys.exit(main())
