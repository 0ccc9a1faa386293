# SPDX-License-Identifier: Apache-2.0
"""What could grow with the number of nodes: each figure with 10 to 100,000 of them."""
import json
import signal
import time
from pathlib import Path

import load
import trees
from against_nginx import SETTINGS
from bars import Figure
from servers import Cloudseedd
from spread import spread_of

COUNTS = (10, 100, 1_000, 10_000, 100_000)
CALLERS = 1_000  # nodes that call home, at most: each has to be armed
PAGES = 20  # of the list, and scrapes, that are timed
LIST_PAGE = 1_000
HERE = Path(__file__).parent

# {key: (what it is, its unit)}, in the order of the table
ROWS = {
    "start": ("from exec to listening", "s"),
    "check": ("check of every document, while nothing is asked", "s"),
    "memory": ("memory (PSS) after it", "bytes"),
    "get": ("CPU of a GET of user-data, nodes at random", "µs"),
    "home": (f"CPU of a durable call home, of {CALLERS:,} nodes at most", "µs"),
    "scrape": ("a scrape of /metrics", "ms"),
    "page": (f"a page of the list of nodes, up to {LIST_PAGE:,}", "ms"),
    "list": ("the whole list, page by page", "ms"),
    "reload": ("a reload, from signal to service", "ms"),
}


def _ask_ms(daemon, path):
    """(milliseconds, body) of a GET on the socket of admins, on a connection of its own."""
    connection = daemon.connect_admin()
    connection.connect()
    begun = time.perf_counter()
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    took = time.perf_counter() - begun
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status}")
    return took * 1e3, body


def _median_ms(daemon, path):
    return spread_of([_ask_ms(daemon, path)[0] for _ in range(PAGES)]).median


def _list_ms(daemon):
    """All pages, one after the other."""
    total, after = 0.0, ""
    while after is not None:
        ms, body = _ask_ms(daemon, f"/v1/nodes?limit={LIST_PAGE}{after}")
        following = json.loads(body)["next"]
        total, after = total + ms, f"&after={following}" if following else None
    return total


def _cpu_us(daemon, script, file, number, keep_alive, options):
    work = load.Load(100, keep_alive, options.seconds)
    return load.cost(daemon, "/", work, options.cores[1], HERE / script, (file, number)).us_each


def _callers(daemon, tree, folder, options):
    """A file with the paths of armed nodes, spread over the tree."""
    names = tree.names()
    names = names[::max(1, len(names) // CALLERS)][:CALLERS]
    for at, name in enumerate(names):
        if at % 100 == 0:
            options.progress(f"growth, {len(tree.names()):,} nodes: {at} of {len(names)} armed")
        daemon.arm(name)
    file = folder / "homes.txt"
    file.write_text("".join(f"/s/{trees.seed_key(name)}/phone-home\n" for name in names))
    return file


def _reload_ms(daemon, number):
    daemon.signal(signal.SIGHUP)
    return int(daemon.wait_event("reloaded", count=number + 1)["ms"])


def _measure(nodes, options):
    tree, folder = trees.generated(nodes, options.scratch), options.folder(f"growth-{nodes}")
    with Cloudseedd(tree, options.scratch, options.cores[0], SETTINGS) as daemon:
        found = {"start": daemon.started_seconds, "check": daemon.checked_seconds,
                 "memory": daemon.memory()["pss"]}
        options.progress(f"growth, {nodes:,} nodes")
        homes = _callers(daemon, tree, folder, options)
        paths = tree.write_paths(folder / "paths.txt")
        for key, script, file, keep_alive in (
                ("get", "random_paths.lua", paths, True), ("home", "phone_home.lua", homes, False)):
            runs = [_cpu_us(daemon, script, file, n, keep_alive, options) for n in range(3)]
            found[key] = spread_of(runs).median
        found["scrape"] = _median_ms(daemon, "/metrics")
        found["page"] = _median_ms(daemon, f"/v1/nodes?limit={LIST_PAGE}")
        found["list"] = _list_ms(daemon)
        found["reload"] = _reload_ms(daemon, 0)
    return found


def run(options):
    found = {nodes: _measure(nodes, options) for nodes in COUNTS}
    return [Figure("Growth with the number of nodes", what, found[COUNTS[-1]][key], unit, None, None,
                   {"series": {str(n): found[n][key] for n in COUNTS}})
            for key, (what, unit) in ROWS.items()]
