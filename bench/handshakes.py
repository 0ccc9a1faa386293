# SPDX-License-Identifier: Apache-2.0
"""TLS: CPU a handshake with one request against nginx, memory of idle connections, and what
handshakes that are never finished cost other clients."""
import contextlib
import os
import socket
import ssl
import subprocess
import time

import load
import trees
from bars import Figure
from servers import Cloudseedd, Nginx
from size import ask, raise_descriptors
from spread import ratios, spread_of

CONNECTIONS = (1, 10, 100)
PATH = "/healthz"
BODY = b"alive\n"
IDLE_CONNECTIONS = 2_000
HALF_OPEN = (200, 2_000)
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: bench\r\n\r\n"
SETTINGS = """\
limits:
  connections: 24000
  connections_per_address: 24000
  request_seconds: 3600
https: ["127.0.0.1:0"]
"""


class Secure:
    """The HTTPS side of a Cloudseedd, for load.cost."""

    def __init__(self, daemon):
        self.url = "https://" + daemon.listening["https"]
        self.place = daemon.listening["https"].rsplit(":", 1)
        self.cpu_ns = daemon.cpu_ns

    def connect(self):
        raw = socket.create_connection((self.place[0], int(self.place[1])), 20)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return raw


def _any_certificate():
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    return made


def make_pair(folder):
    """ECDSA P-256, as ours; nginx serves it."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", folder / "key.pem", "-out",
                    folder / "chain.pem", "-days", "30", "-subj", "/CN=bench"],
                   check=True, capture_output=True)
    return folder / "chain.pem", folder / "key.pem"


def _side(costs):
    return {"us_each": spread_of([c.us_each for c in costs]).as_dict(),
            "busy": spread_of([c.busy for c in costs]).as_dict(),
            "per_second": None, "handshakes": sum(c.requests for c in costs)}


def against_nginx(options, server):
    works = [load.Load(n, False, options.seconds) for n in CONNECTIONS]
    pairs = {work: [] for work in works}
    pair = make_pair(options.folder("nginx-tls"))
    with Nginx(options.folder("nginx-tls"), {PATH: BODY}, options.cores[0], pair=pair) as theirs:
        for number in range(options.pairs):
            for work in works:
                options.progress(f"pair {number + 1} of {options.pairs}: TLS, {work}")
                pairs[work].append(load.pair(
                    number, lambda w=work: load.cost(server, PATH, w, options.cores[1]),
                    lambda w=work: load.cost(theirs, PATH, w, options.cores[1])))
    for work, both in pairs.items():
        ours, nginx = zip(*both)
        ratio = ratios([(a.us_each, b.us_each) for a, b in both])
        yield Figure("CPU a handshake with a GET against nginx", f"{work.connections} at once",
                     ratio.median, "x", "tls.handshake", ratio,
                     {"ours": _side(ours), "theirs": _side(nginx)})


def with_connections(options, daemon, server):
    """Idle connections, each of which has had an answer."""
    before, trusting, open_ones = daemon.memory()["pss"], _any_certificate(), []
    options.progress(f"{IDLE_CONNECTIONS:,} idle TLS connections")
    try:
        for _ in range(IDLE_CONNECTIONS):
            open_ones.append(trusting.wrap_socket(server.connect()))
            ask(open_ones[-1], REQUEST)
        memory = daemon.memory()
        ask(open_ones[0], REQUEST)
    finally:
        for connection in open_ones:
            connection.close()
    yield Figure("Memory (PSS)", f"{IDLE_CONNECTIONS:,} idle TLS connections",
                 memory["pss"] - before, "bytes", "memory.tls-connections", detail=memory)


def _client_hello():
    outgoing = ssl.MemoryBIO()
    client = _any_certificate().wrap_bio(ssl.MemoryBIO(), outgoing)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def _wait_ms(connection):
    begun = time.perf_counter()
    ask(connection, REQUEST)
    return (time.perf_counter() - begun) * 1000


def _longest_ms(server, lasting, n, hello):
    """While `n` handshakes are begun and left, two clients ask after every tenth: the longest that one
    waited. What comes last, when all are begun, is a client that connects. Without `hello` none is
    begun, and all else is the same."""
    waits = []
    with contextlib.ExitStack() as stack:
        for number in range(n):
            if hello:
                peer = stack.enter_context(server.connect())
                peer.sendall(hello)
            if number % 10 == 9:
                waits += [_wait_ms(wire) for wire in lasting]
        begun = time.perf_counter()
        with _any_certificate().wrap_socket(server.connect()) as wire:
            ask(wire, REQUEST)
        return max(waits), (time.perf_counter() - begun) * 1000


def half_open(options, daemon, server):
    """What the longest wait is longer than in quiet."""
    part, hello = "Wait of others while TLS handshakes are begun and left", _client_hello()
    with contextlib.ExitStack() as stack:
        plain = stack.enter_context(socket.create_connection((daemon.host, daemon.port), 20))
        secure = stack.enter_context(_any_certificate().wrap_socket(server.connect()))
        for n in HALF_OPEN:
            more = []
            for number in range(options.pairs):
                options.progress(f"pair {number + 1} of {options.pairs}: {n:,} half-open handshakes")
                flood, quiet = load.pair(
                    number, lambda c=n: _longest_ms(server, (plain, secure), c, hello),
                    lambda c=n: _longest_ms(server, (plain, secure), c, None))
                more.append([max(a - b, 0) for a, b in zip(flood, quiet)])
            connected, connecting = (spread_of(values) for values in zip(*more))
            yield Figure(part, f"{n:,}, clients that are connected", connected.median, "ms",
                         f"tls.half-open-{n}", connected)
            yield Figure(part, f"{n:,}, a client that connects behind them", connecting.median, "ms",
                         None, connecting)


def run(options):
    raise_descriptors(IDLE_CONNECTIONS + 500)
    tree = trees.homelab(options.scratch)
    with Cloudseedd(tree, options.scratch, options.cores[0], SETTINGS) as daemon:
        server = Secure(daemon)
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {options.cores[1]})
        try:
            return [*with_connections(options, daemon, server), *half_open(options, daemon, server),
                    *against_nginx(options, server)]
        finally:
            os.sched_setaffinity(0, before)
