# SPDX-License-Identifier: Apache-2.0
"""What a scrape of /metrics takes, with very many nodes."""
import time

import trees
from bars import Figure
from servers import Cloudseedd
from spread import spread_of

NODES, ARMED = 100_000, 1000
SCRAPES = 50


def _scrape(daemon):
    connection = daemon.connect_admin()
    connection.connect()
    begun = time.perf_counter()
    connection.request("GET", "/metrics")
    answer = connection.getresponse()
    body = answer.read()
    took = time.perf_counter() - begun
    connection.close()
    assert answer.status == 200, answer.status
    return took * 1e3, len(body)


def _after_the_oldest_closed(daemon, name):
    """Which window is the oldest now is found at the next scrape: the most that one has to do."""
    answer = daemon.admin("POST", f"/v1/nodes/{name}/disarm")
    assert answer.status == 200, answer.text
    return _scrape(daemon)[0]


def run(options):
    tree = trees.generated(NODES, options.scratch)
    names = tree.names()[:ARMED]
    with Cloudseedd(tree, options.scratch) as daemon:
        for number, name in enumerate(names):
            if number % 100 == 0:
                options.progress(f"{number} of {ARMED} nodes armed")
            daemon.arm(name)
        scrapes = [_scrape(daemon) for _ in range(SCRAPES)]
        oldest = [_after_the_oldest_closed(daemon, name) for name in names[:options.starts]]
    took = spread_of([ms for ms, _ in scrapes])
    part = f"Scrape of {NODES:,} nodes"
    return [Figure(part, "from request to whole answer", took.median, "ms", "metrics.scrape", took),
            Figure(part, "once the oldest window has closed", max(oldest), "ms", "metrics.scrape",
                   detail={"ms": oldest}),
            Figure(part, "size", scrapes[-1][1], "bytes")]
