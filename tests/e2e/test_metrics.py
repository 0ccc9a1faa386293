#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""GET /metrics, compared with docs/metrics.md, and read by the real promtool."""
import re
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import prometheus  # noqa: E402
import tap  # noqa: E402
from daemon import SOURCE, Daemon  # noqa: E402

PAGE = SOURCE / "docs/metrics.md"
CODE = re.compile(r"`([^`]+)`")


def documented():
    """{metric: (type, labels)} of the page."""
    found = {}
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| `"):
            name = CODE.findall(cells[0])[0]
            assert name not in found, f"{name} is listed twice"
            found[name] = cells[1], set(CODE.findall(cells[2]))
    return found


def serve(**more):
    return Daemon(seed=SOURCE / "seed", templates=SOURCE / "templates",
                  args=("--tftp", "127.0.0.1:0"), **more)


def test_every_metric_is_documented_and_the_other_way_round():
    with serve() as daemon:
        daemon.get("/healthz")
        families = prometheus.families(daemon)
    page = documented()
    tap.eq(sorted(set(families) - set(page)), [], "not in docs/metrics.md")
    tap.eq(sorted(set(page) - set(families)), [], "only in docs/metrics.md")
    for name, family in families.items():
        tap.eq(family.kind, page[name][0], f"type of {name}")
        for labels in family.labels():
            tap.eq(labels, page[name][1], f"labels of {name}")


def test_promtool_finds_no_fault():
    with serve() as daemon:
        daemon.get("/healthz")
        text = daemon.admin("GET", "/metrics").body
    done = subprocess.run([prometheus.program("promtool"), "check", "metrics"], input=text,
                          capture_output=True, timeout=60, check=False)
    tap.eq((done.returncode, done.stdout + done.stderr), (0, b""))


def test_a_request_counts_for_its_row():
    with serve() as daemon:
        for path in ("/healthz", "/healthz", "/nocloud/name/x/meta-data", "/no/such/path"):
            daemon.get(path)
        total = prometheus.families(daemon)["cloudseed_requests_total"]
        tap.eq(total.value(route="/healthz", code="200", method="GET", listener="boot"), 2)
        tap.eq(total.value(route="/nocloud/{evidence}/{value}/{file}", code="403"), 1)
        tap.eq(total.value(route="none", code="404"), 1)
        took = prometheus.families(daemon)["cloudseed_request_duration_seconds"]
        tap.eq(took.value("_count", route="/healthz"), 2)
        total = prometheus.families(daemon)["cloudseed_requests_total"]
        tap.eq(total.value(route="/metrics", listener="socket"), 2)


def test_the_process_is_described():
    with serve() as daemon:
        families = prometheus.families(daemon)
    for name in ("process_resident_memory_bytes", "process_cpu_seconds_total", "process_max_fds"):
        assert families[name].value() > 0, name
    assert 5 < families["process_open_fds"].value() < 200
    tap.eq(families["cloudseed_build_info"].value(), 1)


def test_no_parameters_and_no_other_methods():
    with serve() as daemon:
        tap.eq(daemon.admin("GET", "/metrics?x=1").status, 400)
        tap.eq(daemon.admin("POST", "/metrics").status, 405)
        tap.eq(daemon.get("/metrics").status, 404)
        head = daemon.admin("HEAD", "/metrics")
        tap.eq((head.status, head.body), (200, b""))
        tap.eq(head.headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")


tap.main()
