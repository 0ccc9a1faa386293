#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""One line for each outcome, whoever wrote what is in it, and never a wait for who reads them."""
import json
import os
import pty
import re
import socket
import subprocess
import sys
import threading
import tty
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import daemon  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402

FOREIGN = ["\n", "\r\nevent=served", "\x1b[31m", '"', '" event=forged x="', "\\", "\\n", "=", " ",
           "\t", "\x00", "\x7f", "\u0080\u009b31m", "\u00e4\u20ac", "{}", "%0a", "a" * 400]
PAIR = re.compile(r'([a-z][a-z_-]*)=("(?:[^"\\\x00-\x1f]|\\["\\nrt]|\\x[0-9a-f]{2})*"|[^ "=\\]+)')

tree = world.Tree(evidence=["name", "serial"])
tree.role("r", user_data="{{ 1 + node.name }}", vendor_data="{{ node.serial }}")
tree.node("n1", "r", serial="S 1")


def logfmt(line):
    """A line of logfmt as a list of pairs; every byte of it is accounted for."""
    pairs, at = [], 0
    while at < len(line):
        match = PAIR.match(line, at)
        assert match, f"no pair at {at}: {line!r}"
        pairs.append(match.groups())
        at = match.end()
        assert line[at:at + 1] in ("", " "), f"no space at {at}: {line!r}"
        at += 1
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names)), f"twice: {line!r}"
    tap.eq(names[:3], ["time", "level", "event"])
    return dict(pairs)


# Told when something in the background is through, or once.
CHECKED = ("certificate", "document-fault", "checked")


def as_json(line):
    seen = []
    got = json.loads(line, object_pairs_hook=lambda pairs: seen.extend(pairs) or dict(pairs))
    tap.eq(len(seen), len(got), "a key twice")
    tap.eq(list(got)[:3], ["time", "level", "event"])
    return got


def ask_foreign_things(server):
    """Paths, values and headers that would forge lines; how many requests that were."""
    count = 0
    for text in FOREIGN:
        escaped = "".join(f"%{byte:02x}" for byte in text.encode())
        raw = text.replace("\n", "").replace("\r", "").replace(" ", "").replace("\x00", "")
        raw = raw.encode().decode("latin-1")
        for path in (f"/{raw}", f"/nocloud/name/{escaped}/user-data",
                     f"/nocloud/serial/{raw}/vendor-data", f"/s/{raw}{'a' * 27}/{raw}"):
            with world.Wire(server) as wire:
                wire.get(path, f"User-Agent: {raw}", f"X-Forwarded-For: {raw}",
                         f"If-None-Match: {raw}", f"Accept-Encoding: {raw}")
                assert wire.answer().status in (404, 200)
                count += 1
    return count


def test_logfmt_line_by_line():
    with tree.start() as server:
        count = ask_foreign_things(server)
        server.get("/healthz")
        server.wait_event("answered")
        for line in server.lines:
            assert logfmt(line)["event"] in ("listening", "refused", "answered", *CHECKED), line
            assert line.isprintable(), repr(line)
        tap.eq(len(server.events("refused")), count)


def test_json_line_by_line():
    with tree.start(args=["--log-format", "json"], wait=False) as server:
        tap.wait_until(lambda: server.lines, what="a line")
        host, port = json.loads(server.lines[0])["http"].rsplit(":", 1)
        server.host, server.port = host, int(port)
        count = ask_foreign_things(server)
        server.get("/healthz")
        # The check of the tree ends when it ends: before that line, or behind it.
        tap.wait_until(lambda: any('"answered"' in line for line in list(server.lines)),
                       what="the last line")
        events = [as_json(line)["event"] for line in server.lines]
        events = [event for event in events if event not in CHECKED]
        tap.eq(events, ["listening"] + ["refused"] * count + ["answered"])


def test_every_outcome_has_its_line():
    with tree.start() as server:
        key = world.key_of(server.state, "n1")

        def line(event, method, path, status, **fields):
            count = len(server.events(event))
            server.request(method, path)
            got = server.wait_event(event, count=count + 1)
            want = {"peer": "127.0.0.1", "method": method, "status": str(status), **fields}
            tap.eq({name: got.get(name) for name in want}, want)
            assert int(got["us"]) >= 0
            return got

        line("served", "GET", f"/s/{key}/meta-data", 200, node="n1", file="meta-data", bytes="41",
             level="info")
        line("served", "HEAD", f"/s/{key}/meta-data", 200, node="n1", bytes="0", level="info")
        line("refused", "GET", f"/s/{'a' * 27}/meta-data", 404, file="meta-data", level="notice")
        line("refused", "POST", f"/s/{key}/meta-data", 405, level="notice")
        line("refused", "GET", "/nocloud/mac/bc:24:11:00:20:0b/meta-data", 403, level="notice")
        line("answered", "GET", "/healthz", 200, level="debug")
        failed = line("render-failed", "GET", f"/s/{key}/user-data", 500, node="n1",
                      file="user-data", level="error")
        tap.contains(failed["reason"], "r-user-data:1:")
        world.exchange(server, b"GET /x HTTP/1.1\r\nno colon\r\n\r\n")
        tap.eq(server.wait_event("unread")["peer"], "127.0.0.1")


def test_no_key_and_no_secret_in_any_line():
    with tree.start() as server:
        key, (_, secret) = world.key_of(server.state, "n1"), world.secret_lines(server.state)[0]
        for path in (f"/s/{key}/meta-data", f"/s/{key}/user-data", f"/s/{key}/nothing",
                     f"/s/{key}meta-data", f"/{key}", f"/s/{key}a/meta-data"):
            server.get(path)
        server.signal(1)
        server.wait_event("reloaded")
        for line in server.lines:
            assert key not in line and secret not in line, line


def test_levels():
    passed = world.listener()
    with tree.start(args=["--log-level", "error"], wait=False,
                    **world.activated(passed)) as server:
        server.host, server.port = passed.getsockname()
        passed.close()
        tap.wait_until(lambda: server.get("/healthz").status == 200)
        key = world.key_of(server.state, "n1")
        for path in ("/nothing", f"/s/{key}/meta-data", f"/s/{key}/user-data"):
            server.get(path)
        server.wait_event("render-failed")
        tap.eq({e["level"] for e in server.events()}, {"error"})


def test_a_bad_configuration_in_json():
    config = world.scratch() / "cloudseedd.yaml"
    config.write_text("limits: {connections: none}\nnonsense: 1\n", encoding="ascii")
    server = tree.start(args=["--config", config, "--log-format", "json"], wait=False)
    tap.eq(server.wait(), 1)
    faults = [as_json(line) for line in server.lines]
    tap.eq([(f["event"], f["line"]) for f in faults], [("fault", 1), ("fault", 2)])


def test_times_are_in_order():
    with tree.start() as server:
        for _ in range(50):
            server.get("/healthz")
        server.wait_event("answered", count=50)
        times = [e["time"] for e in server.events()]
        tap.eq(times, sorted(times))
        assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", t) for t in times)


def test_a_journal():
    """systemd says which descriptor leads to its journal: lines then begin with a priority."""
    with tree.start(wait=False, wrapper=[
            "bash", "-c", 'export JOURNAL_STREAM=$(stat -L -c %d:%i /dev/fd/2); exec "$@"',
            "bash"]) as server:
        tap.wait_until(lambda: server.lines, what="a line")
        assert server.lines[0].startswith("<5>event=listening http="), server.lines[0]


class Server:
    """Where it listens."""


def terminal():
    """A terminal's two ends, as os.pipe."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    return master, slave


def journal():
    """Two sockets, as the journal's are."""
    ends = socket.socketpair()
    return tuple(end.detach() for end in ends)


def stuck(ends=os.pipe):
    """The daemon with a standard error that nobody reads: where, the process and the reader's end."""
    passed, server = world.listener(), Server()
    server.host, server.port = passed.getsockname()
    options = world.activated(passed)
    reading, writing = ends()
    command = [*options["wrapper"], daemon.BUILD / "cloudseedd", "--seed", tree.seed,
               "--templates", tree.templates, "--state", world.scratch() / "state", "--socket",
               "none", "--log-level", "debug", *(["--user", "root"] if os.geteuid() == 0 else [])]
    process = subprocess.Popen(command, stderr=writing, stdin=subprocess.DEVNULL,
                               pass_fds=options["pass_fds"])
    tap.defer(process.kill)
    os.close(writing)
    passed.close()
    return server, process, reading


def lines_of(reading):
    """What is read up to the end; that of a terminal is an error."""
    try:
        while data := os.read(reading, 65536):
            yield data
    except OSError:
        pass
    os.close(reading)


def holds_nobody(ends):
    server, process, reading = stuck(ends)
    count = 6000  # some 600 kB: more than the pipe and the backlog together
    with world.Wire(server) as wire:
        for _ in range(count // 100):
            wire.send("GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n" * 100)
            for _ in range(100):
                tap.eq(wire.answer().status, 200)
        process.send_signal(1)  # neither does a reload wait
        tap.eq(wire.get("/healthz").answer().status, 200)
        got = []  # now it is read
        thread = threading.Thread(target=lambda: got.extend(lines_of(reading)), daemon=True)
        thread.start()
        tap.wait_until(lambda: wire.get("/healthz").answer().status == 200 and
                       b" event=log-lost " in b"".join(got))
        process.terminate()
        tap.eq(process.wait(world.SECONDS), 0)
        thread.join()
    parsed = [logfmt(line) for line in b"".join(got).decode("ascii").splitlines()]
    lost = [int(p["lines"]) for p in parsed if p["event"] == "log-lost"]
    assert lost and sum(lost) > 0, "nothing was lost, so nothing was stuck"
    answered = sum(p["event"] == "answered" for p in parsed)
    assert answered + sum(lost) >= count, (answered, lost, count)
    tap.eq(parsed[-1]["event"], "stopped")


def test_a_pipe_that_nobody_reads_holds_nobody():
    holds_nobody(os.pipe)


def test_a_terminal_that_nobody_reads_holds_nobody():
    holds_nobody(terminal)


def test_a_journal_that_nobody_reads_holds_nobody():
    holds_nobody(journal)


def test_a_reader_that_is_gone_ends_nothing():
    server, process, reading = stuck()
    with world.Wire(server) as wire:
        tap.eq(wire.get("/healthz").answer().status, 200)
        os.close(reading)
        for _ in range(100):
            tap.eq(wire.get("/nothing").answer().status, 404)
    process.terminate()
    tap.eq(process.wait(world.SECONDS), 0)


def holds_no_end(ends):
    server, process, reading = stuck(ends)
    with world.Wire(server) as wire:
        for _ in range(30):
            wire.send("GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n" * 100)
            for _ in range(100):
                tap.eq(wire.answer().status, 200)
    process.terminate()
    took = world.elapsed(process.wait, world.SECONDS)
    tap.eq(process.returncode, 0)
    assert took < world.SECONDS / 2, took
    os.close(reading)


def test_a_reader_that_stays_stuck_does_not_hold_the_end():
    for ends in (os.pipe, terminal, journal):
        holds_no_end(ends)


tap.main()
