# SPDX-License-Identifier: Apache-2.0
"""Start-up and memory: by the number of nodes, and with idle connections."""
import resource
import socket

import processes
import trees
from bars import Figure
from servers import Cloudseedd
from spread import spread_of

COUNTS = (10, 1_000, 10_000, 100_000)
PER_FILE = 1_000
IDLE_CONNECTIONS = 10_000
SOURCES = 50  # addresses of the loopback that they come from
SETTINGS = """\
limits:
  connections: 24000
  connections_per_address: 24000
  request_seconds: 3600
"""


def _start(tree, options):
    with Cloudseedd(tree, options.scratch) as daemon:
        return {"seconds": daemon.started_seconds, "checked": daemon.checked_seconds,
                **daemon.memory(),
                "peak": processes.peak_bytes(daemon.process.pid)}


def _starts(nodes, per_file, options):
    tree = trees.generated(nodes, options.scratch, per_file)
    options.progress(f"{nodes:,} nodes, {per_file:,} a file")
    return [_start(tree, options) for _ in range(options.starts)]


def _start_figure(nodes, per_file, starts, bar=None):
    seconds = spread_of([s["seconds"] for s in starts])
    what = f"{nodes:,} nodes" + (", each in a file of its own" if per_file == 1 else "")
    return Figure("From exec to listening", what, seconds.median, "s", bar, seconds,
                  {"nodes": nodes, "per_file": per_file,
                   "peak_bytes": max(s["peak"] for s in starts)})


def _memory_figure(nodes, starts, bar=None):
    pss = spread_of([s["pss"] for s in starts])
    return Figure("Memory (PSS)", f"idle, {nodes:,} nodes", pss.median, "bytes", bar, pss,
                  {"nodes": nodes, "starts": starts})


def _check_figure(nodes, starts, bar=None):
    checked = spread_of([s["checked"] for s in starts])
    return Figure("Check of every document, while it serves", f"{nodes:,} nodes", checked.median,
                  "s", bar, checked, {"nodes": nodes})


def by_nodes(options):
    """Start-up, check and idle memory; the cost of a node is the slope between the ends."""
    times, checks, memory, pss = [], [], [], {}
    for nodes in COUNTS:
        starts = _starts(nodes, PER_FILE, options)
        last, first = nodes == COUNTS[-1], nodes == COUNTS[0]
        times.append(_start_figure(nodes, PER_FILE, starts, "start.seconds" if last else None))
        checks.append(_check_figure(nodes, starts, "check.background" if last else None))
        memory.append(_memory_figure(nodes, starts, "memory.idle" if first else None))
        pss[nodes] = memory[-1].value
    starts = _starts(COUNTS[-1], 1, options)
    times.append(_start_figure(COUNTS[-1], 1, starts, "start.seconds"))
    slope = (pss[COUNTS[-1]] - pss[COUNTS[0]]) / (COUNTS[-1] - COUNTS[0])
    memory.append(Figure("Memory (PSS)", "each declared node", slope, "bytes", "memory.per-node"))
    return times + checks + memory


def ask(connection, request):
    """Sends a request and reads its whole answer; the connection stays open."""
    connection.sendall(request)
    got = b""
    while b"\r\n\r\n" not in got:
        got += _more(connection)
    head, _, body = got.partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    left = int(fields[b"content-length"]) - len(body)
    while left > 0:
        left -= len(_more(connection))
    if not head.startswith(b"HTTP/1.1 200 "):
        raise RuntimeError(head.decode())


def _more(connection):
    part = connection.recv(65536)
    if not part:
        raise RuntimeError("the server closed a connection that it should keep")
    return part


def raise_descriptors(wanted):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < wanted:
        raise RuntimeError(f"{wanted} descriptors are needed, {hard} allowed: ulimit -Hn")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


def with_connections(options):
    """Idle keep-alive connections, each of which has fetched its user-data."""
    raise_descriptors(IDLE_CONNECTIONS + 200)
    tree = trees.generated(COUNTS[0], options.scratch)
    path = trees.user_data_path(tree.names()[0])
    request = f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()
    open_ones = []
    options.progress(f"{IDLE_CONNECTIONS:,} idle connections")
    with Cloudseedd(tree, options.scratch, settings=SETTINGS) as daemon:
        try:
            for number in range(IDLE_CONNECTIONS):
                source = (f"127.0.1.{1 + number % SOURCES}", 0)
                open_ones.append(socket.create_connection((daemon.host, daemon.port), 20, source))
                ask(open_ones[-1], request)
            memory = daemon.memory()
            ask(open_ones[0], request)  # they are all still there
        finally:
            for connection in open_ones:
                connection.close()
    return [Figure("Memory (PSS)", f"{IDLE_CONNECTIONS:,} idle connections", memory["pss"], "bytes",
                   "memory.connections", detail=memory)]


def run(options):
    return by_nodes(options) + with_connections(options)
