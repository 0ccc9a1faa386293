#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""state.db and its log, removed, replaced or cut by others: while the server runs nothing is answered
as stored that is not, and a start that finds less than there was says so until an admin agrees."""
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import daemon  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402

tree = world.Tree()
tree.node("n1")


def start(state):
    return tree.start(state=state)


def report(server, name="step"):
    body = json.dumps({"name": name, "description": "d", "event_type": "start"})
    return server.request("POST", f"/s/{world.key_of(server.state, 'n1')}/report", body)


def arm_and_report(server, count):
    server.arm("n1")
    for i in range(count):
        tap.eq(report(server, f"step-{i}").status, 200)


def tool(server, *args):
    return subprocess.run([str(daemon.BUILD / "cloudseed"), *map(str, args), "--server",
                           str(server.socket)], capture_output=True, text=True, check=False,
                          timeout=world.SECONDS)


def kinds(server):
    return [e["kind"] for e in server.admin("GET", "/v1/events?limit=100").json["events"]]


def kill(server):
    server.stop(signal.SIGKILL, -signal.SIGKILL)


def test_a_sync_does_not_interrupt_the_loop():
    with start(world.scratch() / "state") as server:
        def policies():
            names = world.threads(server.process.pid, "comm")
            return [os.sched_getscheduler(tid) for tid, name in names.items() if name == "store"]
        tap.wait_until(lambda: policies() == [os.SCHED_BATCH], what="SCHED_BATCH")
        tap.eq(os.sched_getscheduler(server.process.pid), os.SCHED_OTHER)


def test_removed_while_it_runs():
    state = world.scratch() / "state"
    with start(state) as server:
        arm_and_report(server, 3)
        (state / "state.db").rename(state / "away.db")
        answer = report(server)
        tap.eq(answer.status, 503)
        tap.contains(answer.text, "state.db: was removed or renamed while the server uses it")
        assert answer.headers["Retry-After"]
        said = server.wait_event("state-unavailable", level="error")
        tap.contains(said["reason"], "state.db: was removed or renamed")
        ready = server.get("/readyz")
        tap.eq((ready.status, ready.text.count("\n")), (503, 1))
        tap.contains(ready.text, "was removed or renamed")
        tap.eq(server.get("/healthz").status, 200)
        tap.eq(server.get(f"/s/{world.key_of(state, 'n1')}/meta-data").status, 200)
        tap.eq(server.admin("POST", "/v1/nodes/n1/arm").status, 503)
        # What it contained can be saved, as the message says.
        copy = world.scratch() / "copy.db"
        tap.eq(tool(server, "backup", copy).returncode, 0)
        assert copy.stat().st_size > 0
        assert not (state / "state.db").exists()
        (state / "away.db").rename(state / "state.db")
        server.wait_event("state-available")
        tap.eq(server.get("/readyz").status, 200)
        tap.eq(report(server).status, 200)


def test_noticed_without_a_request():
    state = world.scratch() / "state"
    with start(state) as server:
        server.arm("n1")
        (state / "state.db").unlink()
        server.wait_event("state-unavailable")
        tap.wait_until(lambda: server.get("/readyz").status == 503)
    with start(state) as server:
        server.wait_event("state-behind", level="error")


def test_replaced_while_it_runs():
    other = world.scratch() / "state"
    with start(other) as server:
        server.arm("n1")
    for put in (shutil.copyfile, os.replace):  # over its content, and in its place
        state = world.scratch() / "state"
        with start(state) as server:
            arm_and_report(server, 3)
            source = state / "new.db"
            shutil.copyfile(other / "state.db", source)
            source.chmod(0o600)
            put(source, state / "state.db")
            tap.eq(report(server).status, 503)
            server.wait_event("state-unavailable")
            tap.eq(server.get("/readyz").status, 503)


def lost(state, damage, stop=kill):
    """A server whose state lost something while it was stopped."""
    server = start(state)
    arm_and_report(server, 5)
    stop(server)
    damage()
    return start(state)


def expect_loud(server):
    said = server.wait_event("state-behind", level="error")
    assert int(said["found"]) < int(said["noted"]), said
    tap.contains(said["advice"], "cloudseed server acknowledge")
    ready = server.get("/readyz")
    tap.eq(ready.status, 503)
    tap.contains(ready.text, f"found at revision {said['found']}, after {said['noted']}")
    tap.wait_until(lambda: "state-behind" in kinds(server), what="the event")
    loss = server.admin("GET", "/v1/server").json["loss"]
    tap.eq((loss["found"], loss["noted"]), (int(said["found"]), int(said["noted"])))
    tap.contains(tool(server, "events").stdout, "state-behind")
    return said


def test_a_log_that_was_cut_or_deleted():
    for damage in (lambda wal: wal.unlink(), lambda wal: os.truncate(wal, 0),
                   lambda wal: os.truncate(wal, wal.stat().st_size // 2)):
        state = world.scratch() / "state"
        with lost(state, lambda: damage(state / "state.db-wal")) as server:
            expect_loud(server)


def test_an_older_file_stays_loud_until_it_is_acknowledged():
    state = world.scratch() / "state"
    with start(state) as server:
        server.arm("n1")
    shutil.copy2(state / "state.db", state.parent / "old.db")

    def put_back():
        shutil.copy2(state.parent / "old.db", state / "state.db")

    server = lost(state, put_back, stop=lambda server: server.stop())
    first = expect_loud(server)
    for i in range(20):  # it gets past what it had: nothing is forgotten by that
        tap.eq(report(server, f"later-{i}").status, 200)
    kill(server)
    with start(state) as server:
        said = expect_loud(server)
        tap.eq((said["found"], said["noted"]), (first["found"], first["noted"]))
        got = tool(server, "server", "acknowledge")
        tap.eq((got.returncode, got.stdout), (0, "acknowledged: the state was found at revision "
                                              f"{said['found']}, after {said['noted']}\n"))
        tap.eq(server.get("/readyz").status, 200)
        tap.eq(server.admin("GET", "/v1/server").json["loss"], None)
        tap.contains(kinds(server), "state-acknowledged")
        got = tool(server, "server", "acknowledge")
        tap.eq(got.returncode, 1)
        tap.contains(got.stderr, "nothing was lost")
    with start(state) as server:
        tap.eq(server.get("/readyz").status, 200)
        tap.eq(server.events("state-behind"), [])


def test_no_loss_after_a_kill():
    state = world.scratch() / "state"
    for _ in range(3):
        server = start(state)
        tap.eq(server.get("/readyz").status, 200)
        tap.eq(server.events("state-behind"), [])
        arm_and_report(server, 5)
        kill(server)


def test_a_restored_backup_is_not_a_loss():
    state, copy = world.scratch() / "state", world.scratch() / "copy.db"
    with start(state) as server:
        arm_and_report(server, 2)
        tap.eq(tool(server, "backup", copy).returncode, 0)
        for i in range(10):
            report(server, f"later-{i}")
    (state / "state.db").unlink()
    command = [str(daemon.BUILD / "cloudseedd"), "--restore", str(copy), "--state", str(state)]
    command += ["--user", "root"] if os.geteuid() == 0 else []
    got = subprocess.run(command, capture_output=True, text=True, check=False,
                         timeout=world.SECONDS)
    tap.eq(got.returncode, 0, got.stderr)
    with start(state) as server:
        tap.eq(server.get("/readyz").status, 200)
        tap.eq(server.events("state-behind"), [])


tap.main()
