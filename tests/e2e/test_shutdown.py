#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The end: what is under way is answered, what is idle is let go, and it never takes too long."""
import contextlib
import signal
import socket
import sys
import threading
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import tap  # noqa: E402
import world  # noqa: E402

SOON = 30  # seconds: a busy machine needs some, and what it must not wait for takes much longer
BODY = b"0123456789abcde\n" * 60000
tree = world.Tree()
tree.role("big", user_data=BODY.decode())
tree.node("n1", "big")


def start(limits=None, **options):
    return tree.start(config={"limits": limits or {}}, **options)


def big_path(server):
    return f"/s/{world.key_of(server.state, 'n1')}/user-data"


def no_longer_listening(server):
    try:
        socket.create_connection((server.host, server.port), timeout=1).close()
        return False
    except TimeoutError:  # nobody has taken those before it yet
        return False
    except ConnectionRefusedError:
        return True


def stopping(server, number=signal.SIGTERM):
    server.signal(number)
    server.wait_event("stopping")
    tap.wait_until(lambda: no_longer_listening(server), what="the end of listening")


def exits(server, begun=None):
    begun = begun or time.monotonic()
    tap.eq(server.wait(), 0)
    took = time.monotonic() - begun
    assert took < SOON, f"it took {took} s"
    assert server.lines[-1].endswith('event=stopped reason="asked to"'), server.lines[-1]


def test_nothing_to_do():
    for number in (signal.SIGTERM, signal.SIGINT):
        with start({"shutdown_seconds": 600}) as server:
            server.signal(number)
            exits(server)


def test_idle_connections_are_let_go():
    with start({"shutdown_seconds": 600}) as server, contextlib.ExitStack() as stack:
        wires = [stack.enter_context(world.Wire(server)) for _ in range(50)]
        for wire in wires:
            tap.eq(wire.get("/healthz").answer().status, 200)
        stopping(server)
        for wire in wires:
            wire.ends()
        exits(server)


def slow_reader(server):
    """Asks for more than fits between us, and reads no more than that it is under way."""
    wire = world.Wire(server, receive_bytes=4096).get(big_path(server))
    wire.pending = wire.socket.recv(12)
    tap.eq(wire.pending, b"HTTP/1.1 200")
    return wire


def test_an_answer_under_way_is_finished():
    with start({"shutdown_seconds": 600}, send_bytes=4096) as server:
        with slow_reader(server) as wire:
            stopping(server)
            assert server.process.poll() is None
            tap.eq(wire.answer().body == BODY, True)
            wire.ends()
        exits(server)


def test_requests_that_have_come_are_answered():
    """Also on connections that have been idle until now."""
    with start({"shutdown_seconds": 600}, send_bytes=4096) as server, \
            contextlib.ExitStack() as stack:
        wires = [stack.enter_context(world.Wire(server)) for _ in range(20)]
        for wire in wires:
            tap.eq(wire.get("/healthz").answer().status, 200)
        server.signal(signal.SIGSTOP)
        for wire in wires:
            wire.get("/readyz")
        server.signal(signal.SIGTERM)
        server.signal(signal.SIGCONT)
        for wire in wires:
            answer = wire.answer()
            assert (answer.status, answer.body) in ((200, b"ready\n"), (503, b"shutting down\n"))
            wire.ends()
        exits(server)


def test_it_does_not_wait_for_ever():
    with start({"shutdown_seconds": 1, "answer_seconds": 3000, "request_seconds": 3000},
               send_bytes=4096) as server:
        with slow_reader(server), world.Wire(server) as half:
            half.send("GET /healthz HT")
            begun = time.monotonic()
            stopping(server)
            exits(server, begun)
            assert time.monotonic() - begun >= 0.9


def test_deadlines_hold_while_it_ends():
    """A slow client is cut when its own time is over, not only when all time is."""
    with start({"shutdown_seconds": 600, "request_seconds": 1}) as server:
        with world.Wire(server) as half:
            half.send("GET /healthz HT")
            begun = time.monotonic()
            stopping(server)
            exits(server, begun)


def test_a_second_signal_ends_it_at_once():
    with start({"shutdown_seconds": 600, "answer_seconds": 3000}, send_bytes=4096) as server:
        with slow_reader(server):
            stopping(server)
            assert server.process.poll() is None
            server.signal(signal.SIGTERM)
            exits(server)


def test_signals_without_number():
    """However many, and whatever comes with them: one orderly end."""
    for _ in range(5):
        server = start({"shutdown_seconds": 600})
        with world.Wire(server) as wire:
            tap.eq(wire.get("/healthz").answer().status, 200)
            for _ in range(3):
                for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGHUP):
                    server.signal(number)
            # Once all is closed there is nothing left to end in order.
            status = server.wait()
            assert status in (0, -signal.SIGTERM, -signal.SIGINT), status


def test_while_it_reloads():
    made = world.Tree()
    made.put("nodes/many.yaml", {f"n{i}": {"role": "plain"} for i in range(5000)})
    with made.start() as server:
        for _ in range(3):
            server.signal(signal.SIGHUP)
        stopping(server)
        exits(server)
        tap.eq([e["event"] for e in server.events()][-2:], ["stopping", "stopped"])


def test_requests_until_the_end():
    """Under load nobody gets half an answer: each is whole, or the connection is refused or closed
    before its first byte."""
    broken, counts = [], {"whole": 0, "none": 0}

    def ask(server):
        while True:
            try:
                with world.Wire(server) as wire:
                    answer = wire.get("/healthz").answer()
                    assert answer.body == b"alive\n", answer.body
                    counts["whole"] += 1
            except world.Closed as closed:
                if closed.args[0]:
                    broken.append(closed.args[0])
                counts["none"] += 1
                return
            except OSError:
                return

    with start() as server:
        threads = [threading.Thread(target=ask, args=(server,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        tap.wait_until(lambda: counts["whole"] > 200, what="some load")
        server.signal(signal.SIGTERM)
        for thread in threads:
            thread.join()
        tap.eq(broken, [])
        exits(server)


def test_it_can_start_again_at_once():
    with start() as server:
        with world.Wire(server) as wire:
            tap.eq(wire.get("/healthz").answer().status, 200)
        address = f"{server.host}:{server.port}"
    with start(http=address) as again:
        tap.eq(again.get("/healthz").status, 200)


tap.main()
