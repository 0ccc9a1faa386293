#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Connections that a load balancer passes on: the head of the PROXY protocol, from those that are
listed and no others; and the real HAProxy with the configuration of contrib/haproxy."""
import contextlib
import fcntl
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import termios
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import daemon  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402

EXAMPLE = daemon.SOURCE / "contrib/haproxy/haproxy.cfg"
PROXY = "127.0.0.9"
LINE = "PROXY TCP4 192.0.2.7 192.0.2.1 56324 8080\r\n"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
NO_HEAD = "no PROXY head"
tree = world.Tree()
tree.node("n1")


def start(limits=None, proxies=(f"{PROXY}/32",), **options):
    """It listens everywhere, so that a client may come from any loopback address."""
    return tree.start(config={"proxies": list(proxies), "limits": limits or {}},
                      http="0.0.0.0:0", **options)


def proxied(server, head=LINE):
    wire = world.Wire(server, source=PROXY)
    wire.send(head)
    return wire


def arrived(wire):
    """Whether the peer's kernel has all that was sent."""
    return struct.unpack("i", fcntl.ioctl(wire.socket, termios.TIOCOUTQ, b"\0" * 4)) == (0,)


def fetched_from(server, head):
    with proxied(server, head) as wire:
        before = len(server.events("served"))
        tap.eq(wire.get(f"/s/{world.key_of(server.state, 'n1')}/meta-data").answer().status, 200)
        server.wait_event("served", count=before + 1)
        return server.events("served")[-1]["peer"]


def head_of_bytes(source, family=0x11, command=0x21, more=b""):
    kind = socket.AF_INET if family == 0x11 else socket.AF_INET6
    body = socket.inet_pton(kind, source) * 2 + struct.pack("!HH", 56324, 8080) + more
    return SIGNATURE + struct.pack("!BBH", command, family, len(body)) + body


def test_the_client_is_who_the_head_names():
    with start() as server:
        tap.eq(fetched_from(server, LINE), "192.0.2.7")
        tap.eq(fetched_from(server, "PROXY TCP6 2001:db8::7 2001:db8::1 1 2\r\n"), "2001:db8::7")
        tap.eq(fetched_from(server, head_of_bytes("192.0.2.8")), "192.0.2.8")
        tap.eq(fetched_from(server, head_of_bytes("192.0.2.9", more=b"\x04\0\1\0")), "192.0.2.9")
        tap.eq(fetched_from(server, head_of_bytes("::ffff:192.0.2.7", family=0x21)), "192.0.2.7")
        tap.eq(fetched_from(server, "PROXY UNKNOWN\r\n"), PROXY)
        tap.eq(fetched_from(server, head_of_bytes("192.0.2.8", command=0x20)), PROXY)


def test_a_head_that_comes_in_pieces():
    with start() as server:
        for head in (LINE.encode(), head_of_bytes("192.0.2.7")):
            with world.Wire(server, source=PROXY) as wire:
                wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for byte in head:
                    wire.send(bytes([byte]))
                    tap.wait_until(lambda w=wire: arrived(w))
                tap.eq(wire.get("/healthz").answer().status, 200)


def test_others_send_no_head():
    """Of a stranger it is a bad request, so that nobody can say that he is somebody else."""
    with start() as server, world.Wire(server, source="127.0.0.8") as wire:
        wire.send(LINE)
        tap.eq(wire.get("/healthz").answer().status, 400)


def test_a_proxy_must_send_one():
    with start() as server:
        for head in ("", "PROXY TCP4 1 2 3 4\r\n", b"\x16\x03\x01", SIGNATURE + b"\x99\0\0\0"):
            with proxied(server, head) as wire:
                wire.get("/healthz")
                tap.eq(wire.rest(), b"")
        said = server.wait_event("limit")
        tap.contains(said["reason"], NO_HEAD)
        tap.eq(said["peer"], PROXY)


def test_a_proxy_that_only_connects_is_not_worth_a_line():
    with start() as server:
        with world.Wire(server, source=PROXY) as wire:
            wire.socket.shutdown(socket.SHUT_WR)
            wire.ends()
        server.stop()
        tap.eq(server.events("limit"), [])


def test_a_head_that_never_ends():
    with start() as server, contextlib.ExitStack() as stack:
        wires = [stack.enter_context(proxied(server, head)) for head in ("PROXY", SIGNATURE, "")]
        for wire in wires:
            wire.ends()
        tap.eq(server.admin("GET", "/v1/server").status, 200)


def test_the_limit_of_one_address_is_the_client_s():
    with start({"connections_per_address": 2}) as server, contextlib.ExitStack() as stack:
        for source in ("192.0.2.7", "192.0.2.8"):
            for _ in range(2):
                wire = stack.enter_context(proxied(server, LINE.replace("192.0.2.7", source)))
                tap.eq(wire.get("/healthz").answer().status, 200)
        with proxied(server) as late:
            tap.eq(late.get("/healthz").answer().status, 503)


def test_a_stop_answers_who_has_sent_the_head():
    with start() as server, proxied(server, LINE[:-2]) as wire:
        tap.wait_until(lambda: arrived(wire))
        tap.eq(server.get("/healthz").status, 200)
        server.signal(signal.SIGTERM)
        server.wait_event("stopping")
        wire.send(LINE[-2:])
        tap.eq(wire.get("/healthz").answer().status, 200)
        tap.eq(server.wait(), 0)


# --- the real one ---------------------------------------------------------------------------------

def haproxy():
    found = shutil.which("haproxy", path="/usr/sbin:/usr/bin")
    if not found:
        raise tap.Skip("haproxy is not installed")
    return found


def test_the_example_is_valid():
    done = subprocess.run([haproxy(), "-c", "-f", EXAMPLE], capture_output=True, text=True,
                          check=False, timeout=world.SECONDS)
    tap.eq((done.returncode, done.stderr), (0, ""))


@contextlib.contextmanager
def balanced(server, **ports):
    """The example, with sockets of ours for its own and the server's for its servers'; gives the
    ports at which its frontends listen."""
    text, sockets = EXAMPLE.read_text(), {}
    for name, (theirs, port) in ports.items():
        sockets[name] = world.listener()
        text, n = re.subn(rf"bind 10\.0\.10\.10:{theirs}\n", f"bind fd@{sockets[name].fileno()}\n",
                          text)
        tap.eq(n, 1)
        text, n = re.subn(rf"10\.0\.10\.5:{theirs} ", f"127.0.0.1:{port} source {PROXY} ", text)
        tap.eq(n, 1)
    text = text.replace("port 8080", f"port {server.port}")
    text = re.sub(r"(?m)^(frontend|backend) admin\n(    .*\n)*", "", text)
    file = world.scratch() / "haproxy.cfg"
    file.write_text(text)
    process = subprocess.Popen([haproxy(), "-db", "-f", file], stdin=subprocess.DEVNULL,
                               pass_fds=[s.fileno() for s in sockets.values()])
    try:
        yield {name: s.getsockname()[1] for name, s in sockets.items()}
    finally:
        process.terminate()
        process.wait(world.SECONDS)


def test_haproxy_passes_clients_on():
    """Without and with TLS, which it does not touch."""
    with start(args=["--https", "127.0.0.1:0"]) as server:
        tls_port = int(server.listening["https"].rsplit(":", 1)[1])
        trusted = ssl.create_default_context(cadata=server.get("/ca.pem").text)
        path = f"/s/{world.key_of(server.state, 'n1')}/meta-data"
        with balanced(server, boot=(8080, server.port), node=(8443, tls_port)) as ports:
            def get(port, source, context=None):
                with socket.create_connection(("127.0.0.1", port), source_address=(source, 0),
                                              timeout=world.SECONDS) as plain:
                    wire = context.wrap_socket(plain, server_hostname="127.0.0.1") if context \
                        else plain
                    wire.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
                                 .encode())
                    return b"".join(iter(lambda: wire.recv(65536), b"")).split(b"\r\n")[0]

            tap.wait_until(lambda: get(ports["boot"], "127.0.0.21"), what="haproxy")
            tap.eq(get(ports["boot"], "127.0.0.22"), b"HTTP/1.1 200 OK")
            tap.eq(get(ports["node"], "127.0.0.23", trusted), b"HTTP/1.1 404 Not Found")
        tap.eq(len(server.events("served", peer="127.0.0.22")), 1)
        tap.eq(len(server.events("refused", peer="127.0.0.23")), 1)
        tap.eq(server.events("limit"), [])


tap.main()
