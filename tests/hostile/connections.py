#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Storms of clients that send what does not fit, leave in the middle, close half, or are too many.

What the server holds is afterwards what it held before, and a client that behaves is answered all
the while. TIMES=10 in the environment for longer storms.
"""
import contextlib
import json
import os
import socket
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent)]
import figures  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402
from figures import Figures, Visitor, dial, read_all, reset  # noqa: E402

TIMES = int(os.environ.get("TIMES", "1"))
BATCH = 100
HEAD = "GET /healthz HTTP/1.1\r\nHost: test\r\n"

figures.raise_descriptors()
tree = world.Tree()
tree.role("big", user_data="0123456789abcde\n" * 60000)
tree.node("n1", "big")
LIMITS = {"connections": 3000, "connections_per_address": 1000, "request_seconds": 30,
          "answer_seconds": 30}
server = tap.enter(tree.start(config={"limits": LIMITS}, http="0.0.0.0:0",
                              env=figures.environment()))
server.host = "127.0.0.1"
KEY = world.key_of(server.state, "n1")
REPORT = json.dumps({"name": "s", "description": "d", "event_type": "start"})
POST = (f"POST /s/{KEY}/report HTTP/1.1\r\nHost: test\r\nContent-Length: {len(REPORT)}\r\n\r\n")
server.arm("n1")


def storm(what, count, one, end=None):
    """`one` makes a socket and does something with it; `end` comes when a batch of them is made."""
    for begin in range(0, count * TIMES, BATCH):
        made = [one(begin + i) for i in range(BATCH)]
        for each in made:
            (end or socket.socket.close)(each)
    print(f"# {what}: {count * TIMES}")


def sends(data):
    data = data if isinstance(data, bytes) else data.encode("latin-1")

    def one(_):
        made = dial(server)
        with contextlib.suppress(OSError):  # it may be refused before all of it is sent
            made.sendall(data)
        return made
    return one


def answered_and_closed(made):
    """It is not left without an end, whatever the answer is."""
    read_all(made)
    made.close()


# --- what does not fit the memory of a connection ---

LONG = "a" * 4000
LAST = "HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"  # of what may fit
TOO_LARGE = {
    "a query that is too long": f"GET /?a=b&{LONG} HTTP/1.1\r\nHost: test\r\n\r\n",
    "a query of many arguments": "GET /?" + "&a" * 1700 + f" {LAST}",
    "a query of empty arguments": "GET /?" + "&" * 3500 + f" {LAST}",
    "a path that is too long": f"GET /{LONG} HTTP/1.1\r\nHost: test\r\n\r\n",
    "a request line without end": f"GET /?{LONG}",
    "a header that is too long": f"{HEAD}X: {LONG}\r\n\r\n",
    "many headers": HEAD + "X: y\r\n" * 700 + "\r\n",
    "a large cookie": f"{HEAD}Cookie: {'a=b; ' * 600}\r\n\r\n",
    "a query and a header that fit only alone":
        f"GET /?a={LONG[:2000]} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nX: {LONG[:2000]}\r\n\r\n",
    "a query and a cookie": f"GET /?{'&a' * 500} HTTP/1.1\r\nHost: t\r\nConnection: close\r\nCookie: {'a=b; ' * 300}\r\n\r\n",
    "a body in chunks behind a long head":
        f"POST /s/{KEY}/report HTTP/1.1\r\nHost: test\r\nX: {LONG[:3000]}\r\n"
        "Transfer-Encoding: chunked\r\n\r\n" + "1;" + LONG,
}


def test_what_does_not_fit():
    storm("warming up", BATCH, sends(TOO_LARGE["a query that is too long"]), answered_and_closed)
    before = Figures(server)
    with Visitor(server):
        for what, data in TOO_LARGE.items():
            storm(what, 1000, sends(data), answered_and_closed if "\r\n\r\n" in data else None)
    before.same_again()


# --- clients that leave ---

STAGES = {
    "after connecting": "",
    "in the request line": "GET /heal",
    "behind the request line": "GET /healthz HTTP/1.1\r\n",
    "in the query": "GET /?a=b&",
    "in a header": "GET /healthz HTTP/1.1\r\nHost: te",
    "before the last line end": HEAD,
    "behind the head of a body": POST,
    "in the body": POST + REPORT[:10],
    "in a chunk": f"POST /s/{KEY}/report HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n20\r\nabc",
    "while it is held": POST + REPORT,
    "while the next is held": (POST + REPORT) * 3,
    "while the answer is sent": f"GET /s/{KEY}/user-data HTTP/1.1\r\nHost: test\r\n\r\n",
    "while the compressed answer is sent":
        f"GET /s/{KEY}/user-data HTTP/1.1\r\nHost: test\r\nAccept-Encoding: gzip\r\n\r\n",
    "behind the answer": HEAD + "\r\n",
}
WAYS = {"closing": socket.socket.close, "resetting": reset}


def test_clients_that_leave():
    for data in STAGES.values():
        storm("warming up", BATCH, sends(data), reset)
    before = Figures(server)
    with Visitor(server):
        for stage, data in STAGES.items():
            for way, leave in WAYS.items():
                storm(f"{stage}, {way}", 300, sends(data), leave)
    before.same_again()


def follower(_):
    made = socket.socket(socket.AF_UNIX)
    made.settimeout(world.SECONDS)
    made.connect(str(server.socket))
    made.sendall(b"GET /v1/events HTTP/1.1\r\nHost: t\r\nAccept: text/event-stream\r\n\r\n")
    assert made.recv(12) == b"HTTP/1.1 200"
    return made


def test_admins_that_leave_a_stream():
    before = Figures(server)
    for leave in WAYS.values():
        for _ in range(100 * TIMES):
            made = [follower(i) for i in range(8)]
            for each in made:
                leave(each)
    before.same_again()


# --- half-closed ---

def half_closed(requests, data):
    def one(_):
        made = sends(data * requests)(None)
        made.shutdown(socket.SHUT_WR)
        return made
    return one


def all_answered(count):
    def end(made):
        got = read_all(made)
        made.close()
        if got.count(b"HTTP/1.1 200 OK") != count:
            raise AssertionError(f"not {count} answers: {got!r}")
    return end


def test_half_closed_peers():
    """The connection ends with the last answer, or when it is left."""
    before = Figures(server)
    with Visitor(server):
        storm("20 requests each", 300, half_closed(20, HEAD + "\r\n"), all_answered(20))
        storm("5 reports each", 300, half_closed(5, POST + REPORT), answered_and_closed)
        storm("large answers", BATCH, half_closed(1, STAGES["while the answer is sent"]),
              all_answered(1))
        storm("large answers that are not read", 300,
              half_closed(3, STAGES["while the answer is sent"]), reset)
        storm("half a request", 300, half_closed(1, HEAD))
    before.same_again()


# --- too many ---

def test_many_connections_from_many_addresses():
    """60 addresses take what they can get, and say nothing, or half a request. Others get in."""
    before = Figures(server)
    with Visitor(server), contextlib.ExitStack() as stack:
        for number in range(2400):
            made = dial(server, source=f"127.1.0.{number % 60 + 1}")
            stack.callback(made.close)
            with contextlib.suppress(OSError):
                made.sendall((b"", HEAD.encode())[number % 2])
            if number % 100 == 0:
                other = f"127.2.{number // 100}.1"
                with world.Wire(server, source=other) as wire:
                    tap.eq(wire.get("/healthz", "Connection: close").answer().status, 200)
    before.same_again()


tap.main()
