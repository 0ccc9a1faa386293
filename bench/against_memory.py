# SPDX-License-Identifier: Apache-2.0
"""Calls home that are on the disk before they are answered, against the store that forgets."""
from pathlib import Path

import load
import trees
from against_nginx import SETTINGS
from bars import Figure
from servers import Cloudseedd
from spread import ratios, spread_of

CLIENTS = 100
NODES = 1000
SCRIPT = Path(__file__).with_name("phone_home.lua")


def _paths(tree, options):
    file = options.folder("paths") / "phone-home.txt"
    file.write_text("".join(f"/s/{trees.seed_key(name)}/phone-home\n" for name in tree.names()))
    return file


def _start(tree, options, args=()):
    server = Cloudseedd(tree, options.scratch, options.cores[0], SETTINGS, args=args)
    for name in tree.names():
        server.arm(name)
    return server


def _side(costs):
    return {"us_each": spread_of([c.us_each for c in costs]).as_dict(),
            "busy": spread_of([c.busy for c in costs]).as_dict(),
            "per_second": spread_of([c.requests / c.seconds for c in costs]).as_dict()}


def run(options):
    lasting = trees.generated(NODES, options.scratch)
    forgetful = trees.Tree(lasting.seed, lasting.templates, options.folder("forgetful"))
    paths, pairs = _paths(lasting, options), []
    work = load.Load(CLIENTS, False, options.seconds)
    with _start(lasting, options) as durable, \
            _start(forgetful, options, ["--state", f"memory:{forgetful.state}"]) as memory:
        def cost(server, number):
            return load.cost(server, "/", work, options.cores[1], SCRIPT, (paths, number))

        for number in range(options.pairs):
            options.progress(f"pair {number + 1} of {options.pairs}: calls home")
            pairs.append(load.pair(number, lambda n=number: cost(durable, n),
                                   lambda n=number: cost(memory, n)))
    ours, theirs = zip(*pairs)
    detail = {"ours": _side(ours), "theirs": _side(theirs)}
    time = ratios([(a.seconds / a.requests, b.seconds / b.requests) for a, b in pairs])
    cpu = ratios([(a.us_each, b.us_each) for a, b in pairs])
    return [Figure("Durable calls home against memory", f"time, {work}", time.median, "x",
                   "durable.time", time, detail),
            Figure("Durable calls home against memory", f"CPU, {work}", cpu.median, "x", None,
                   cpu)]
