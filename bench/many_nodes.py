# SPDX-License-Identifier: Apache-2.0
"""CPU a request with very many nodes, all asking at random, against a handful.

The script that picks the paths runs in the load generator, on its own core and for both alike.
"""
from pathlib import Path

import load
import trees
from against_nginx import SETTINGS
from bars import Figure
from servers import Cloudseedd
from spread import ratios, spread_of

FEW, MANY = 10, 100_000
SCRIPT = Path(__file__).with_name("random_paths.lua")


def _cost(server, paths, work, number, options):
    return load.cost(server, "/", work, options.cores[1], SCRIPT, (paths, number))


def _figure(work, pairs):
    many, few = zip(*pairs)
    ratio = ratios([(a.us_each, b.us_each) for a, b in pairs])
    return Figure(f"CPU a request, {MANY:,} nodes against {FEW}", str(work), ratio.median, "x",
                  "nodes.cpu", ratio,
                  {"many_us_each": spread_of([c.us_each for c in many]).as_dict(),
                   "few_us_each": spread_of([c.us_each for c in few]).as_dict(),
                   "busy": spread_of([c.busy for c in many]).as_dict()})


def run(options):
    small, large = (trees.generated(n, options.scratch) for n in (FEW, MANY))
    paths = [tree.write_paths(options.folder("paths") / f"{n}.txt")
             for tree, n in ((large, MANY), (small, FEW))]
    works = [load.Load(100, keep_alive, options.seconds) for keep_alive in (True, False)]
    pairs = {work: [] for work in works}
    core = options.cores[0]
    with Cloudseedd(large, options.scratch, core, SETTINGS) as many, \
            Cloudseedd(small, options.scratch, core, SETTINGS) as few:
        for number in range(options.pairs):
            for work in works:
                options.progress(f"pair {number + 1} of {options.pairs}: {work}")
                pairs[work].append(load.pair(
                    number, lambda w=work, n=number: _cost(many, paths[0], w, n, options),
                    lambda w=work, n=number: _cost(few, paths[1], w, n, options)))
    return [_figure(work, p) for work, p in pairs.items()]
