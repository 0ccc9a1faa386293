# SPDX-License-Identifier: Apache-2.0
"""`cloudseed check` of many nodes: how long it takes on two cores."""
import subprocess
import time

import trees
from bars import Figure
from daemon import BUILD
from spread import spread_of

NODES = 10_000


def _seconds(tree, cores):
    begun = time.monotonic()
    done = subprocess.run(
        ["taskset", "--cpu-list", ",".join(map(str, cores)), BUILD / "cloudseed", "check",
         "--seed", tree.seed, "--templates", tree.templates],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
    if done.returncode:
        raise RuntimeError(done.stdout)
    return time.monotonic() - begun


def run(options):
    tree = trees.generated(NODES, options.scratch)
    times = []
    for number in range(options.starts):
        options.progress(f"cloudseed check, {number + 1} of {options.starts}")
        times.append(_seconds(tree, options.cores))
    seconds = spread_of(times)
    return [Figure("cloudseed check, two cores", f"{NODES:,} nodes", seconds.median, "s",
                   "check.command", seconds, {"nodes": NODES})]
