#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""TFTP requests in the names of machines that never asked: what comes to these, and what a client
that behaves gets meanwhile. The victims are sockets of our own, on addresses of the loopback.
"""
import select
import socket
import sys
import threading
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent)]
import figures  # noqa: E402
import tap  # noqa: E402
import tftp  # noqa: E402
import world  # noqa: E402
from figures import Figures  # noqa: E402

VICTIMS, REQUESTS = 100, 40
PACKETS_MAX = 2  # for one request: the first, and one more if that may be lost
figures.raise_descriptors()
assets = world.scratch()
LARGE = bytes(range(256)) * 8000
(assets / "large").write_bytes(LARGE)
tree = world.Tree()


def start():
    server = tree.start(args=["--assets", assets, "--tftp", "127.0.0.1:0"],
                        env=figures.environment())
    host, port = server.listening["tftp"].rsplit(":", 1)
    server.tftp = (host, int(port))
    return server


class Fetcher(threading.Thread):
    """A client that behaves, and fetches a file again and again."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.over, self.fetched, self.wrong = server, threading.Event(), 0, []

    def run(self):
        while not self.over.is_set():
            try:
                got = tftp.fetch(self.server.tftp, "large", blksize=1428, windowsize=4)
                if got != LARGE:
                    self.wrong.append("other bytes")
            except (AssertionError, OSError, tftp.Refused) as error:
                self.wrong.append(repr(error))
            self.fetched += 1

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, *_):
        self.over.set()
        self.join()
        if kind is None:
            assert self.fetched and not self.wrong, (self.fetched, self.wrong[:3])


def victim(number):
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    made.bind((f"127.3.0.{number + 1}", 0))
    tap.defer(made.close)
    return made


def received(victims):
    """Packets and bytes that came to them, until nothing does for longer than a time-out."""
    packets, size, seen = 0, 0, set()
    while True:
        ready, _, _ = select.select(victims, [], [], 8)
        if not ready:
            return packets, size, seen
        for each in ready:
            data, sender = each.recvfrom(70000)
            packets, size = packets + 1, size + len(data)
            seen.add((each, sender))


FLOODS = {
    "plain requests": {},
    "large windows": {"blksize": 1428, "windowsize": 64},
    "a size only": {"tsize": 0},
    "a short time-out": {"timeout": 1, "windowsize": 16},
}


def test_requests_in_the_name_of_others():
    with start() as server:
        before = Figures(server)
        victims = [victim(i) for i in range(VICTIMS)]
        for what, options in FLOODS.items():
            asked, sent = tftp.request("large", **options), 0
            with Fetcher(server):
                for _ in range(REQUESTS):
                    for each in victims:
                        each.sendto(asked, server.tftp)
                        sent += 1
                packets, size, _ = received(victims)
            print(f"# {what}: {sent} requests of {len(asked)} bytes, {packets} packets, {size} bytes")
            assert 0 < packets <= PACKETS_MAX * sent, (packets, sent)
            # Data comes only after the first ACK: of what a request alone brings, a block is most.
            assert size <= sent * PACKETS_MAX * (512 + 4), (size, sent)
        before.same_again()


def test_blind_acks():
    """A victim's ACKs are forged without having seen the port: they bring nothing more."""
    with start() as server:
        before = Figures(server)
        victims = [victim(i + 100) for i in range(20)]
        for each in victims:
            each.sendto(tftp.request("large"), server.tftp)
        packets, size, transfers = received(victims)
        ports = {sender[1] for _, sender in transfers}
        for each in victims:
            for port in ports:
                own = (each, (server.tftp[0], port)) in transfers
                for number in () if own else range(1, 200):
                    each.sendto(tftp.ack(number), (server.tftp[0], port))
            for number in range(200):
                each.sendto(tftp.ack(number), server.tftp)
        more, _, _ = received(victims)
        print(f"# {packets} packets, {size} bytes; after the ACKs {more} more")
        assert more <= len(victims) * PACKETS_MAX, more  # at most an ERROR each
        before.same_again()


def test_junk():
    """Packets that are no requests bring at most an error each, and hold nothing."""
    with start() as server:
        before = Figures(server)
        each, sent = victim(200), 0
        with Fetcher(server):
            for junk in (b"", b"\0", b"\0\1", b"\0\1\0", b"\0\1large", b"\0\1large\0octet",
                         b"\0\1large\0" + b"x" * 400, b"\0\1" + b"\0" * 500, b"\0\2large\0octet\0",
                         b"\0\3\0\1data", b"\0\4\0\1", b"\0\5\0\0\0", b"\0\6blksize\0", b"\xff" * 512,
                         b"\0\1large\0octet\0blksize\0-1\0", b"\0\1large\0octet\0blksize\0",
                         b"\0\1large\0octet\0" + b"a\0b\0" * 100, b"\0\1../../etc/passwd\0octet\0"):
                for _ in range(50):
                    each.sendto(junk, server.tftp)
                    sent += 1
            packets, size, _ = received([each])
        print(f"# {sent} packets, {packets} came back, {size} bytes")
        assert packets <= PACKETS_MAX * sent
        before.same_again()


tap.main()
