# SPDX-License-Identifier: Apache-2.0
"""A reload of very many nodes and the check behind it, and how long requests wait meanwhile."""
import signal
import socket
import time

import trees
from bars import Figure
from servers import CHECK_SECONDS, Cloudseedd
from size import SETTINGS, ask
from spread import spread_of

NODES = 100_000
PAUSE_SECONDS = 0.0005


def _probe(connection, request, until):
    """Asks one thing after another; the longest wait for an answer, in seconds."""
    longest = 0.0
    while not until():
        begun = time.perf_counter()
        ask(connection, request)
        longest = max(longest, time.perf_counter() - begun)
        time.sleep(PAUSE_SECONDS)
    return longest


def _reload(daemon, connection, request, number):
    daemon.signal(signal.SIGHUP)
    longest = _probe(connection, request, lambda: len(daemon.events("reloaded")) > number)
    took = int(daemon.wait_event("reloaded", count=number + 1)["ms"])
    checks = number + 2  # one was of the start
    last = time.monotonic() + CHECK_SECONDS
    checking = _probe(connection, request, lambda: len(daemon.events("checked")) >= checks
                      or time.monotonic() > last)
    checked = daemon.wait_checked(checks, seconds=1)
    end = time.monotonic() + took / 1000
    quiet = _probe(connection, request, lambda: time.monotonic() > end)
    return {"ms": took, "checked_s": checked, "longest_ms": longest * 1e3,
            "checking_longest_ms": checking * 1e3, "quiet_longest_ms": quiet * 1e3}


def run(options):
    tree = trees.generated(NODES, options.scratch)
    path = trees.user_data_path(tree.names()[0])
    request = f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()
    with Cloudseedd(tree, options.scratch, settings=SETTINGS) as daemon:
        with socket.create_connection((daemon.host, daemon.port), 20) as connection:
            before = daemon.memory()["pss"]
            reloads = []
            for number in range(options.starts):
                options.progress(f"reload {number + 1} of {options.starts}")
                reloads.append(_reload(daemon, connection, request, number))
            after = daemon.memory()["pss"]
    took, longest, checked, checking, quiet = (
        spread_of([r[key] for r in reloads])
        for key in ("ms", "longest_ms", "checked_s", "checking_longest_ms", "quiet_longest_ms"))
    part = f"Reload of {NODES:,} nodes"
    detail = {"reloads": reloads, "pss_before": before, "pss_after": after}
    return [Figure(part, "from signal to service", took.median, "ms", None, took, detail),
            Figure(part, "longest wait of a request meanwhile", longest.median, "ms", None,
                   longest),
            Figure(part, "check of every document, while it answers", checked.median, "s",
                   "check.background", checked),
            Figure(part, "longest wait of a request while it checks", checking.median, "ms",
                   "check.longest-wait", checking),
            Figure(part, "longest wait in quiet", quiet.median, "ms", None, quiet),
            Figure(part, "memory (PSS) before", before, "bytes"),
            Figure(part, "memory (PSS) after", after, "bytes")]
