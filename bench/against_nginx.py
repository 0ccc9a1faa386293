# SPDX-License-Identifier: Apache-2.0
"""CPU a request: a node's rendered user-data against a file of the same bytes in nginx, and against
that file's compressed twin for clients that take gzip."""
import load
import trees
from bars import Figure
from servers import Cloudseedd, Nginx, fetch, fetch_gzip
from spread import ratios, spread_of

CONNECTIONS = (1, 100, 1000)
GZIP_CONNECTIONS = (100,)
NODE = "k8s-worker-2"
# One address asks for everything here.
SETTINGS = """\
limits:
  connections: 20000
  connections_per_address: 20000
"""


def _side(costs):
    """What one side did over all its runs: CPU a request, and requests/s where they count."""
    rates = [c.per_second for c in costs if c.per_second]
    return {"us_each": spread_of([c.us_each for c in costs]).as_dict(),
            "busy": spread_of([c.busy for c in costs]).as_dict(),
            "per_second": spread_of(rates).as_dict() if len(rates) == len(costs) else None}


def _figure(work, pairs, size):
    ours, theirs = zip(*pairs)
    ratio = ratios([(a.us_each, b.us_each) for a, b in pairs])
    bar = "keep-alive" if work.keep_alive else "connection-each"
    return Figure("CPU a request against nginx", str(work), ratio.median, "x",
                  f"nginx.{'gzip' if work.gzip else bar}", ratio,
                  {"connections": work.connections, "keep_alive": work.keep_alive,
                   "gzip": work.gzip, "bytes": size, "ours": _side(ours),
                   "theirs": _side(theirs)})


def _sizes(ours, theirs, path):
    """[(bytes of ours, bytes of nginx's)], plain and compressed, of what must be one document."""
    plain = [fetch(server.url, path) for server in (ours, theirs)]
    compressed = [fetch_gzip(server.url, path) for server in (ours, theirs)]
    if len({*plain, *(body for body, _ in compressed)}) != 1:
        raise RuntimeError("the two serve different documents")
    return [[len(body) for body in plain], [n for _, n in compressed]]


def _measure(ours, theirs, path, options):
    works = [load.Load(n, keep_alive, options.seconds, gzip)
             for gzip, connections in ((False, CONNECTIONS), (True, GZIP_CONNECTIONS))
             for keep_alive in (True, False) for n in connections]
    pairs = {work: [] for work in works}
    for server in (ours, theirs):  # to warm up; nothing is kept
        load.cost(server, path, load.Load(100, True, 1), options.cores[1])
    for number in range(options.pairs):
        for work in works:
            options.progress(f"pair {number + 1} of {options.pairs}: {work}")
            pairs[work].append(load.pair(
                number, lambda w=work: load.cost(ours, path, w, options.cores[1]),
                lambda w=work: load.cost(theirs, path, w, options.cores[1])))
    return pairs


def run(options):
    tree = trees.homelab(options.scratch)
    path = trees.user_data_path(NODE)
    with Cloudseedd(tree, options.scratch, options.cores[0], SETTINGS) as ours:
        body = fetch(ours.url, path)
        with Nginx(options.folder("nginx"), {path: body}, options.cores[0], twins=True) as theirs:
            sizes = _sizes(ours, theirs, path)
            pairs = _measure(ours, theirs, path, options)
    return [_figure(work, p, sizes[work.gzip]) for work, p in pairs.items()]
