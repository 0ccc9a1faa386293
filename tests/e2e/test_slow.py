#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Clients that take their time, clients that are too many, and a process without descriptors."""
import collections
import contextlib
import os
import re
import resource
import select
import signal
import socket
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import tap  # noqa: E402
import world  # noqa: E402

FULL = "too many connections"
PAUSE = 10  # seconds between two lines about those who were refused
tree = world.Tree()
tree.role("big", user_data="0123456789abcde\n" * 60000)
tree.node("n1", "big")


def start(limits, **options):
    return tree.start(config={"limits": limits}, **options)


def big_path(server):
    return f"/s/{world.key_of(server.state, 'n1')}/user-data"


def trickle(wire, data):
    """Sends a byte whenever the peer has said nothing for a while, until it closes; how long that
    took."""
    begun = time.monotonic()
    for byte in data:
        readable, _, _ = select.select([wire.socket], [], [], 0.05)
        if readable:
            return time.monotonic() - begun
        assert time.monotonic() - begun < world.SECONDS, "it was not cut"
        try:
            wire.send(bytes([byte]))
        except OSError:
            return time.monotonic() - begun
    raise AssertionError("it took all that we had")


def slow_reader(server):
    """Asks for more than fits between us, and reads no more than that it is under way."""
    wire = world.Wire(server, receive_bytes=4096).get(big_path(server))
    wire.pending = wire.socket.recv(12)
    tap.eq(wire.pending, b"HTTP/1.1 200")
    return wire


def read_to_the_end(wire):
    total = len(wire.pending)
    with contextlib.suppress(ConnectionResetError):
        while got := wire.socket.recv(1 << 20):
            total += len(got)
    return total


def is_refused(wire):
    """Whether a new connection is turned away, in the right words."""
    answer = wire.get("/healthz").answer()
    if answer.status == 200:
        return False
    tap.eq((answer.status, answer.header("Retry-After")), (503, "1"))
    tap.contains(answer.body.decode(), FULL)
    wire.ends()
    return True


def refused(server, **options):
    with world.Wire(server, **options) as wire:
        return is_refused(wire)


def connected(server, stack, **options):
    """A connection that has been answered once, so that it counts."""
    wire = stack.enter_context(world.Wire(server, **options))
    tap.eq(wire.get("/healthz").answer().status, 200)
    return wire


def test_a_byte_now_and_then_is_cut():
    with start({"request_seconds": 1, "answer_seconds": 60}) as server:
        with world.Wire(server) as wire:
            took = trickle(wire, b"GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n")
        assert took >= 0.9, f"cut after {took} s already"
        with connected(server, contextlib.ExitStack()) as wire:  # after an answer it is the same
            wire.send("GET /healthz HTTP/1.1\r\nHost: test\r\n")
            assert trickle(wire, b"X: " + b"a" * 5000) >= 0.9
        server.wait_event("unread")


def test_a_chunk_that_does_not_fit_stops_nobody():
    """libmicrohttpd can neither take such a line nor read on, and would try for ever. No key is
    needed for that: any will do."""
    head = f"POST /s/{'a' * 27}/report HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n"
    with start({"request_seconds": 3000}) as server:
        for data in (f"{head}\r\n1;{'a' * 4000}", f"{head}\r\n1;{'a' * 9000}",
                     f"{head}X: {'a' * 3000}\r\n\r\n3\r\nabc\r\n1;{'a' * 4000}"):
            with world.Wire(server) as wire, world.Wire(server) as gone:
                wire.send(data)
                gone.send(data)
                gone.close()
                tap.eq(server.get("/healthz").status, 200)
                wire.rest()  # until it is closed
        tap.wait_until(lambda: server.admin("GET", "/v1/server").json["load"] ==
                       {"connections": 1, "requests": 1, "exchanges": 1, "transfers": 0})


def test_a_peer_that_leaves_while_it_is_held():
    """It is done, and its answer has nowhere to go."""
    ask = b"POST /v1/reload HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n"
    with start({}) as server:
        with contextlib.ExitStack() as peers:
            for _ in range(20):
                made = peers.enter_context(socket.socket(socket.AF_UNIX))
                made.connect(str(server.socket))
                made.sendall(ask)
            server.admin("GET", "/v1/server")  # comes last: the 20 have been read
        def held():
            return [said for said in server.events("answered") if said["method"] == "POST"]
        tap.wait_until(lambda: len(held()) == 20)
        tap.wait_until(lambda: server.admin("GET", "/v1/server").json["load"]["connections"] == 1)
        outcomes = collections.Counter(said.get("outcome") for said in held())
        assert outcomes["peer left"] > 0, outcomes
        tap.eq(outcomes["peer left"] + outcomes[None], 20)  # None: its reload had ended before
        tap.eq(server.events("unread"), [])


def test_a_slow_request_is_cut_while_an_answer_is_under_way():
    """The deadlines of answers are later ones: they must not hide those of requests."""
    with start({"request_seconds": 1, "answer_seconds": 3000}, send_bytes=4096) as server:
        reader = slow_reader(server)
        for _ in range(3):
            with world.Wire(server) as wire:
                assert trickle(wire, b"GET /healthz HTTP/1.1\r\nX: " + b"a" * 5000) >= 0.9
        reader.close()


def test_an_idle_connection_is_closed():
    with start({"request_seconds": 1}) as server, contextlib.ExitStack() as stack:
        wire = connected(server, stack)
        took = world.elapsed(wire.ends)
        assert took >= 0.9, took


def test_a_request_in_time_is_answered():
    with start({"request_seconds": 30}) as server, world.Wire(server) as wire:
        request = b"GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n"
        for byte in request[:-1]:
            readable, _, _ = select.select([wire.socket], [], [], 0.01)
            assert not readable
            wire.send(bytes([byte]))
        wire.send(request[-1:])
        tap.eq(wire.answer().status, 200)


def test_a_reader_that_never_reads_is_cut():
    with start({"answer_seconds": 1}, send_bytes=4096) as server:
        begun = time.monotonic()
        reader = slow_reader(server)
        server.wait_event("served", outcome="peer left")
        assert time.monotonic() - begun >= 0.9
        assert read_to_the_end(reader) < 200000
        reader.close()
        tap.eq(server.get("/healthz").status, 200)


def test_a_reader_that_reads_slowly_gets_all():
    with start({"answer_seconds": 30}, send_bytes=4096) as server:
        with world.Wire(server, receive_bytes=4096) as wire:
            for _ in range(2):
                wire.get(big_path(server))
            for _ in range(2):
                tap.eq(len(wire.answer().body), 960000)


def test_the_limit_of_connections():
    with start({"connections": 4}) as server, contextlib.ExitStack() as stack:
        wires = [connected(server, stack) for _ in range(4)]
        for _ in range(20):
            assert refused(server)
        assert all(wire.is_open() for wire in wires)
        wires[0].close()
        tap.wait_until(lambda: not refused(server), what="a free place")
        assert all(wire.is_open() for wire in wires[1:])


def test_admins_come_in_when_all_places_are_taken():
    with start({"connections": 4}) as server, contextlib.ExitStack() as stack:
        for _ in range(4):
            connected(server, stack)
        assert refused(server)
        for _ in range(20):
            tap.eq(server.admin("GET", "/v1/server").status, 200)
        assert refused(server)


def test_the_log_counts_who_is_refused():
    """The first one at once, the others together: a flood makes no flood of lines."""
    with start({"connections": 4, "connections_per_address": 3}, http="0.0.0.0:0") as server, \
            contextlib.ExitStack() as stack:
        begun = time.monotonic()
        for _ in range(3):
            connected(server, stack)
        for _ in range(20):
            assert refused(server)
        connected(server, stack, source="127.0.0.2")
        for _ in range(10):
            assert refused(server, source="127.0.0.3")
        said = server.wait_event("limit", level="warning")
        tap.eq((said["refused"], said["peer"]), ("1", "127.0.0.1"))
        tap.contains(said["reason"], "limits.connections_per_address")
        lines, took = len(server.events("limit")), time.monotonic() - begun
        assert lines <= 1 + 2 * (took // PAUSE), (lines, took)
    told = collections.Counter()
    for said in server.events("limit")[1:]:
        told[said["peer"]] += int(said["refused"])
    tap.eq(told, {"127.0.0.1": 19, "127.0.0.3": 10})


def test_half_a_request_counts_and_gives_way():
    with start({"connections": 3}) as server, contextlib.ExitStack() as stack:
        used = connected(server, stack)
        halves = [stack.enter_context(world.Wire(server)) for _ in range(2)]
        for half, text in zip(halves, ("GET /healthz HT", "GET /healthz HTTP/1.1\r\nHost: x\r\nX")):
            half.send(text)
            tap.wait_until(lambda half=half: not world.unread(half.socket))
        late = connected(server, stack)
        halves[0].ends()  # the oldest
        halves[1].send(": y\r\n\r\n")
        tap.eq(halves[1].answer().status, 200)
        assert refused(server)  # all have sent a request now
        assert all(wire.is_open() for wire in (used, late, halves[1]))


def test_half_of_the_places_are_for_peers_that_have_few():
    with start({"connections": 40, "connections_per_address": 40}, http="0.0.0.0:0") as server, \
            contextlib.ExitStack() as stack:
        many = [connected(server, stack, source="127.0.0.2") for _ in range(20)]
        assert refused(server, source="127.0.0.2")
        few = [connected(server, stack, source=f"127.0.1.{i}") for i in (1, 2) for _ in range(8)]
        assert refused(server, source="127.0.1.1")
        tap.contains(server.wait_event("limit")["reason"], "addresses that have few")
        assert not refused(server, source="127.0.0.3")
        assert all(wire.is_open() for wire in many + few)


def test_a_peer_that_closed_its_side_is_closed_after_its_last_answer():
    with start({"request_seconds": 3000}, send_bytes=4096) as server:
        for count in (1, 2, 7):
            with world.Wire(server, seconds=60) as wire:
                wire.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * count)
                wire.socket.shutdown(socket.SHUT_WR)
                for _ in range(count):
                    tap.eq(wire.answer().status, 200)
                wire.ends()
        with world.Wire(server, receive_bytes=4096, seconds=60) as wire:
            for _ in range(2):
                wire.get(big_path(server))
            wire.socket.shutdown(socket.SHUT_WR)
            for _ in range(2):
                tap.eq(len(wire.answer().body), 960000)
            wire.ends()


def test_the_limit_of_one_address():
    with start({"connections_per_address": 3}, http="0.0.0.0:0") as server, \
            contextlib.ExitStack() as stack:
        wires = [connected(server, stack) for _ in range(3)]
        assert refused(server)
        assert not refused(server, source="127.0.0.2")
        others = [connected(server, stack, source="127.0.0.2") for _ in range(3)]
        assert refused(server, source="127.0.0.2")
        wires[1].close()
        tap.wait_until(lambda: not refused(server), what="a free place")
        assert refused(server, source="127.0.0.2")
        assert all(wire.is_open() for wire in [wires[0], wires[2], *others])


def test_who_is_refused_may_have_sent_much():
    """Unread bytes would make a reset of the close, and the reset would overtake the answer."""
    with start({"connections": 1}) as server, contextlib.ExitStack() as stack:
        connected(server, stack)
        for _ in range(20):
            server.signal(signal.SIGSTOP)  # else it might refuse what was not sent yet
            os.waitid(os.P_PID, server.process.pid, os.WSTOPPED)
            with world.Wire(server) as wire:
                wire.send("GET /x HTTP/1.1\r\nHost: test\r\nX: " + "a" * 6000 + "\r\n\r\n")
                server.signal(signal.SIGCONT)
                tap.eq(wire.answer().status, 503)
                tap.eq(wire.socket.recv(1), b"")  # an orderly end


def few_descriptors():
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


def exhausted(server, stack):
    """Takes all descriptors that it has; the connections that it took."""
    wires = []
    while len(wires) < 100:
        wire = stack.enter_context(world.Wire(server))
        if is_refused(wire):
            return wires
        wires.append(wire)
    raise AssertionError("it has more descriptors than it should")


def test_no_descriptors_left():
    with start({}, preexec_fn=few_descriptors) as server, contextlib.ExitStack() as stack:
        server.wait_event("few-descriptors", have=64)
        wires = exhausted(server, stack)
        assert 20 < len(wires) < 64, len(wires)
        for _ in range(50):
            wires += exhausted(server, stack)  # what the server itself has given back meanwhile
        assert len(wires) < 64, len(wires)
        assert all(wire.is_open() for wire in wires)
        for wire in wires[:10]:
            wire.close()
        tap.wait_until(lambda: not refused(server), what="a free descriptor")


def reloads(server):
    """Whether that succeeds."""
    def ended():
        return [line for line in server.lines if re.search(r"event=reload(ed|-refused)\b", line)]
    before = len(ended())
    server.signal(1)
    tap.wait_until(lambda: len(ended()) > before, what="the end of a reload")
    return "event=reloaded" in ended()[-1]


def test_no_descriptors_and_nothing_to_do_costs_nothing():
    """A connection that cannot be taken must not wake the loop for ever."""
    with start({}, preexec_fn=few_descriptors) as server, contextlib.ExitStack() as stack:
        server.wait_event("checked")
        for _ in range(20):
            for _ in range(10):
                exhausted(server, stack)  # what the server itself has given back meanwhile
            if not reloads(server):  # for which it wants descriptors too
                break
        else:
            raise AssertionError("its reloads always find a descriptor")
        pending = [stack.enter_context(world.Wire(server)) for _ in range(20)]
        for wire in pending:
            wire.send("GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n")
        for wire in pending:
            tap.eq(wire.answer().status, 503)
        before, begun = world.cpu_seconds(server.process.pid), time.monotonic()
        while time.monotonic() - begun < 1:
            select.select([], [], [], 0.1)
        used = world.cpu_seconds(server.process.pid) - before
        assert used < 0.3, f"{used} s of CPU in a second of silence"


def test_idle_costs_nothing():
    with start({"request_seconds": 60}) as server, contextlib.ExitStack() as stack:
        wires = [connected(server, stack) for _ in range(200)]
        half = stack.enter_context(world.Wire(server))
        half.send("GET /healthz HT")
        before, begun = world.cpu_seconds(server.process.pid), time.monotonic()
        while time.monotonic() - begun < 1:
            select.select([], [], [], 0.1)
        used = world.cpu_seconds(server.process.pid) - before
        assert used < 0.2, f"{used} s of CPU in a second of silence"
        assert all(wire.is_open() for wire in wires)


def test_a_thousand_connections_come_and_go():
    with start({"connections_per_address": 2000}) as server, contextlib.ExitStack() as stack:
        resource.setrlimit(resource.RLIMIT_NOFILE,
                           (min(4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),
                            resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        wires = [connected(server, stack) for _ in range(1000)]
        for wire in wires[::2]:
            wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            wire.close()  # half of them by a reset
        assert all(wire.is_open() for wire in wires[1::2])


tap.main()
