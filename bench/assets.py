# SPDX-License-Identifier: Apache-2.0
"""CPU a MiB: a large asset against the same file in nginx, which sends it by sendfile too."""
import random
import subprocess

import load
import trees
from bars import MIB, Figure
from processes import on_core
from servers import Cloudseedd, Nginx
from spread import ratios, spread_of

SIZE_MIB = 256
PATH = "/assets/image"
AT_ONCE = (1, 8)


def _fetch(server, n, core):
    """CPU time of the server, in microseconds a MiB, for n clients that fetch it whole at once."""
    before = server.cpu_ns()
    clients = [subprocess.Popen(
        [*on_core(core), "curl", "-q", "--silent", "--fail", "--noproxy", "*", "-o", "/dev/null",
         "-w", "%{size_download}", server.url + PATH], stdout=subprocess.PIPE, text=True)
        for _ in range(n)]
    sizes = [int(client.communicate(timeout=120)[0] or 0) for client in clients]
    if sizes != [SIZE_MIB * MIB] * n:
        raise load.LoadFailed(f"{server.url}{PATH}: {sizes}")
    return (server.cpu_ns() - before) / 1000 / (n * SIZE_MIB)


def _figure(n, pairs):
    ours, theirs = zip(*pairs)
    ratio = ratios(pairs)
    return Figure("CPU a MiB of a large asset against nginx", f"{SIZE_MIB} MiB, {n} at once",
                  ratio.median, "x", "assets.cpu", ratio,
                  {"clients": n, "ours_us": spread_of(ours).as_dict(),
                   "theirs_us": spread_of(theirs).as_dict()})


def run(options):
    folder = options.folder("nginx-assets")
    block = random.Random(5).randbytes(MIB)
    pairs = {n: [] for n in AT_ONCE}
    with Nginx(folder, {PATH: block * SIZE_MIB}, options.cores[0], sendfile=True) as theirs, \
            Cloudseedd(trees.homelab(options.scratch), options.scratch, options.cores[0],
                       f"assets: {folder}/root/assets\n") as ours:
        for server in (ours, theirs):  # to warm up; nothing is kept
            _fetch(server, 1, options.cores[1])
        for number in range(options.pairs):
            for n in AT_ONCE:
                options.progress(f"pair {number + 1} of {options.pairs}: {n} at once")
                pairs[n].append(load.pair(
                    number, lambda n=n: _fetch(ours, n, options.cores[1]),
                    lambda n=n: _fetch(theirs, n, options.cores[1])))
    return [_figure(n, p) for n, p in pairs.items()]
