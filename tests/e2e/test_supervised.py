#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What systemd does for us and wants of us: sockets passed, READY and its like, the watchdog."""
import contextlib
import fcntl
import os
import signal
import socket
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import tap  # noqa: E402
import world  # noqa: E402

tree = world.Tree()
tree.node("n1")


class Supervisor:
    """The other end of NOTIFY_SOCKET, by a path or by an abstract name."""

    def __init__(self, abstract=False):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        tap.defer(self.socket.close)
        if abstract:
            self.socket.bind("")  # the kernel chooses
            self.name = "@" + self.socket.getsockname()[1:].decode()
        else:
            self.name = str(world.scratch() / "notify")
            self.socket.bind(self.name)
        self.socket.settimeout(world.SECONDS)

    def env(self, **more):
        return {"NOTIFY_SOCKET": self.name, **more}

    def next(self):
        """The next message as a dictionary."""
        text = self.socket.recv(65536).decode("ascii")
        return dict(line.split("=", 1) for line in text.splitlines())

    def none(self):
        self.socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            raise AssertionError(self.socket.recv(65536))
        self.socket.settimeout(world.SECONDS)


def microseconds():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


def ends(server, supervisor):
    server.signal(signal.SIGTERM)
    tap.eq(supervisor.next(), {"STOPPING": "1"})
    tap.eq(server.wait(), 0)


def life(supervisor):
    with tree.start(env=supervisor.env()) as server:
        ready = supervisor.next()
        tap.eq(ready["READY"], "1")
        assert ready["STATUS"]
        tap.eq(server.get("/readyz").status, 200)
        before = microseconds()
        server.signal(signal.SIGHUP)
        reloading = supervisor.next()
        tap.eq(reloading["RELOADING"], "1")
        assert before <= int(reloading["MONOTONIC_USEC"]) <= microseconds(), reloading
        tap.eq(supervisor.next()["READY"], "1")
        ends(server, supervisor)
    supervisor.none()


def test_ready_reloading_stopping():
    life(Supervisor())


def test_an_abstract_name():
    life(Supervisor(abstract=True))


def test_a_refused_reload_is_ready_again():
    made = world.Tree()
    supervisor = Supervisor()
    with made.start(env=supervisor.env()) as server:
        status = supervisor.next()["STATUS"]
        (made.seed / "site.yaml").rename(made.seed / "site.yaml~")
        server.signal(signal.SIGHUP)
        tap.eq(supervisor.next()["RELOADING"], "1")
        again = supervisor.next()
        tap.eq(again["READY"], "1")
        tap.contains(again["STATUS"], "faults")
        assert again["STATUS"] != status


def test_ready_means_that_it_answers():
    supervisor = Supervisor()
    for _ in range(5):
        with world.listener() as passed, \
                tree.start(env=supervisor.env(), wait=False, **world.activated(passed)) as server:
            server.host, server.port = passed.getsockname()
            supervisor.next()
            with world.Wire(server) as wire:
                tap.eq(wire.get("/readyz").answer().status, 200)
            ends(server, supervisor)


def test_a_failed_start_is_never_ready():
    supervisor = Supervisor()
    server = tree.start(env=supervisor.env(), state="/dev/null/nowhere", wait=False)
    tap.eq(server.wait(), 1)
    supervisor.none()


def test_watchdog():
    supervisor = Supervisor()
    with tree.start(env=supervisor.env(WATCHDOG_USEC="1000000")) as server:
        tap.eq(supervisor.next()["READY"], "1")
        # Twice in that second. On a busy machine a word comes late now and then, as we do to it.
        in_time = 0
        for _ in range(30):
            begun = time.monotonic()
            tap.eq(supervisor.next(), {"WATCHDOG": "1"})
            in_time += time.monotonic() - begun < 0.9
            if in_time == 3:
                break
        tap.eq(in_time, 3, "late: it would have been killed")
        tap.eq(server.get("/healthz").status, 200)
        server.signal(signal.SIGTERM)
        tap.wait_until(lambda: supervisor.next().get("STOPPING"))
        tap.eq(server.wait(), 0)


def test_a_watchdog_of_somebody_else():
    supervisor = Supervisor()
    env = supervisor.env(WATCHDOG_USEC="50000", WATCHDOG_PID=str(os.getpid()))
    with tree.start(env=env) as server:
        tap.eq(supervisor.next()["READY"], "1")
        supervisor.socket.settimeout(0.3)
        tap.raises(TimeoutError, supervisor.next)
        supervisor.socket.settimeout(world.SECONDS)
        ends(server, supervisor)


def test_nobody_supervises():
    for name in ("/nonexistent/notify", "@cloudseed-nobody", "", "relative", "vsock:2:1",
                 "/" + "x" * 300):
        with tree.start(env={"NOTIFY_SOCKET": name}) as server:
            server.signal(signal.SIGHUP)
            server.wait_event("reloaded")


def test_a_supervisor_that_does_not_read():
    """Its queue is full: nothing of ours may wait for it."""
    supervisor = Supervisor()
    with contextlib.suppress(BlockingIOError):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stuffing:
            stuffing.setblocking(False)
            while True:
                stuffing.sendto(b"x", supervisor.name)
    with tree.start(env=supervisor.env(WATCHDOG_USEC="2000")) as server:
        for count in (1, 2, 3):
            server.signal(signal.SIGHUP)
            server.wait_event("reloaded", count=count)
        tap.eq(server.get("/healthz").status, 200)


# --- sockets ---

def test_a_socket_that_was_passed():
    with world.listener() as passed, tree.start(**world.activated(passed)) as server:
        tap.eq(server.addresses, [[passed.getsockname()[0], str(passed.getsockname()[1])]])
        tap.eq(server.get("/healthz").status, 200)
        environment = Path(f"/proc/{server.process.pid}/environ")
        if os.access(environment, os.R_OK):
            assert "LISTEN_FDS" in environment.read_text(encoding="utf-8")  # it was how it came


def test_several_sockets_and_both_families():
    with world.listener() as four, world.listener("::", socket.AF_INET6) as both, \
            tree.start(**world.activated(four, both)) as server:
        tap.eq([host for host, _ in server.addresses], ["127.0.0.1", "[::]"])
        server.host, server.port = both.getsockname()[:2]
        server.host = "127.0.0.1"  # an IPv4 peer of an IPv6 socket
        tap.eq(server.get(f"/s/{world.key_of(server.state, 'n1')}/meta-data").status, 200)
        tap.eq(server.wait_event("served")["peer"], "127.0.0.1")


def test_passed_sockets_win_over_those_configured():
    with world.listener() as passed:
        options = {**world.activated(passed), "http": "192.0.2.1:1"}
        with tree.start(**options) as server:
            tap.eq(server.addresses, [["127.0.0.1", str(passed.getsockname()[1])]])


def test_sockets_for_somebody_else_are_not_ours():
    with world.listener() as passed:
        options = {**world.activated(passed, pid=1), "http": "127.0.0.1:0"}
        with tree.start(**options) as server:
            assert str(server.port) != str(passed.getsockname()[1])
            tap.eq(server.get("/healthz").status, 200)


def test_what_is_passed_is_no_socket():
    for count in (1, 2, 70):
        with world.listener() as passed:
            options = world.activated(*([passed] if count == 2 else []), count=count)
            server = tree.start(wait=False, **options)
            tap.eq(server.wait(), 1)
            reason = server.events("start-failed")[0]["reason"]
            assert "file descriptor" in reason or "at most" in reason, reason
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        moved = socket.socket(fileno=fcntl.fcntl(datagrams, fcntl.F_DUPFD_CLOEXEC, 100))
        server = tree.start(wait=False, **world.activated(moved))
        moved.close()
        tap.eq(server.wait(), 1)
        tap.contains(server.events("start-failed")[0]["reason"], "not a bound UDP socket")


def out_of_the_way(made):
    """The same socket at a descriptor that no passed one is moved to."""
    moved = socket.socket(fileno=fcntl.fcntl(made, fcntl.F_DUPFD_CLOEXEC, 100))
    tap.defer(moved.close)
    return moved


def one_of_each():
    """A TCP, a UDP and a unix socket, and the path of the last."""
    path = world.scratch() / "passed.sock"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, \
            socket.socket(socket.AF_UNIX) as unix:
        udp.bind(("127.0.0.1", 0))
        unix.bind(str(path))
        unix.listen()
        return world.listener(), out_of_the_way(udp), out_of_the_way(unix), path


def serves_each(names):
    tcp, udp, unix, path = one_of_each()
    with tree.start(**world.activated(tcp, udp, unix, names=names)) as server:
        tap.eq([server.listening[kind] for kind in ("http", "tftp", "socket")],
               [f"127.0.0.1:{tcp.getsockname()[1]}", f"127.0.0.1:{udp.getsockname()[1]}", "none"])
        tap.eq(server.get("/healthz").status, 200)
        tap.eq(server.get("/v1/nodes").status, 404)
        server.socket = path
        tap.eq(server.admin("GET", "/v1/nodes").status, 200)


def test_names_say_what_is_served():
    serves_each(["boot", "tftp", "admin"])
    serves_each(["http", "tftp", "admin"])


def test_one_name_for_all_sockets_of_a_unit():
    """FileDescriptorName= holds for every socket that a drop-in adds; systemd's default is the
    unit's name."""
    serves_each(["http"] * 3)
    serves_each(["cloudseedd.socket"] * 3)
    serves_each(None)


def test_a_name_that_contradicts_its_socket():
    for names, reason in (
            (["tftp", "tftp", "admin"], "'tftp', is a TCP socket: expected a UDP socket"),
            (["boot", "admin", "admin"], "'admin', is a UDP socket: expected a TCP or unix socket"),
            (["boot", "tftp", "boot"], "'boot', is a unix socket: expected a TCP or UDP socket"),
            (["boot", "node", "admin"], "'node', is a UDP socket: expected a TCP socket"),
            (["boot", "tftp"], "2 names for 3 file descriptors")):
        tcp, udp, unix, _ = one_of_each()
        server = tree.start(wait=False, **world.activated(tcp, udp, unix, names=names))
        tap.eq(server.wait(), 1)
        tap.contains(server.events("start-failed")[0]["reason"], reason)


def test_a_client_that_came_before_us_is_served():
    """The point of passing sockets: nobody is refused while the daemon is down."""
    with world.listener() as passed, contextlib.ExitStack() as stack:
        class Early:
            host, port = passed.getsockname()
        wires = [stack.enter_context(world.Wire(Early)).get("/healthz") for _ in range(5)]
        for _ in range(2):
            with tree.start(**world.activated(passed)):
                for wire in wires:
                    tap.eq(wire.answer().body, b"alive\n")
            wires = [stack.enter_context(world.Wire(Early)).get("/healthz") for _ in range(5)]


tap.main()
