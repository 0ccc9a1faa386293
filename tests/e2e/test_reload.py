#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""SIGHUP: a new tree whole, or the old one as it was, and nobody who is being served notices."""
import http.client
import shutil
import signal
import sys
import threading
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import daemon  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402

FAULTY = daemon.SOURCE / "tests/faulty/tree-25"


def tree(text="one"):
    made = world.Tree()
    made.role("r", user_data=text)
    made.node("n1", "r")
    return made


def text(server, node="n1"):
    answer = server.get(f"/s/{world.key_of(server.state, node)}/user-data")
    return answer.text if answer.status == 200 else answer.status


def reload(server, event="reloaded"):
    count = len(server.events(event)) + 1
    server.signal(signal.SIGHUP)
    return server.wait_event(event, count=count)


def holds_back(process):
    """Whether SIGHUP is blocked: it would wait."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    blocked = next(line for line in status.splitlines() if line.startswith("SigBlk:"))
    return int(blocked.split()[1], 16) >> (signal.SIGHUP - 1) & 1


def test_asked_before_it_listens_it_reloads_when_it_does():
    made = tree()
    made.put("nodes/many.yaml", {f"many-{i}": {"role": "r"} for i in range(20000)})
    with made.start(wait=False) as server:
        tap.wait_until(lambda: holds_back(server.process), what="the signal held back")
        server.signal(signal.SIGHUP)
        server.wait_event("listening")
        tap.eq(server.wait_event("reloaded")["nodes"], "20001")


def test_a_new_tree_is_served():
    made = tree()
    with made.start() as server:
        tap.eq(text(server), "one")
        made.template("r-user-data", "two")
        made.node("n2", "r")
        tap.eq((text(server), text(server, "n2")), ("one", 404))  # not before it is told to
        tap.eq(reload(server)["nodes"], "2")
        tap.eq((text(server), text(server, "n2")), ("two", "two"))
        (made.seed / "nodes/n1.yaml").unlink()
        reload(server)
        tap.eq((text(server), text(server, "n2")), (404, "two"))


def test_entity_tags_change_with_the_text():
    made = tree()
    with made.start() as server:
        path = f"/s/{world.key_of(server.state, 'n1')}/user-data"
        old = server.get(path).headers["ETag"]
        reload(server)
        tap.eq(server.get(path, headers={"If-None-Match": old}).status, 304)
        made.template("r-user-data", "two")
        reload(server)
        answer = server.get(path, headers={"If-None-Match": old})
        tap.eq((answer.status, answer.text), (200, "two"))


def test_a_tree_with_a_fault_changes_nothing():
    made = tree()
    with made.start() as server:
        for path, broken in (("nodes/n2.yaml", '{"n2": {"role": "nobody"}}'),
                             ("nodes/n2.yaml", "n2: [unclosed"), ("site.yaml", "{}")):
            (made.seed / path).write_text(broken, encoding="utf-8")
            made.template("r-user-data", "two")
            refused = reload(server, "reload-refused")
            assert int(refused["faults"]) >= 1
            tap.eq(text(server), "one")
            tap.eq(server.get("/readyz").status, 200)
        fault = server.events("fault")[0]
        tap.eq(fault["file"], f"{made.seed}/nodes/n2.yaml")
        assert int(fault["line"]) == 1 and int(fault["column"]) > 1 and fault["reason"], fault


def test_a_broken_template_changes_nothing():
    made = tree()
    with made.start() as server:
        made.template("r-user-data", "{{ node.name }")
        reload(server, "reload-refused")
        tap.eq(text(server), "one")
        tap.eq(server.events("fault")[0]["file"], f"{made.templates}/r-user-data")
        made.template("r-user-data", "{{ node.name }}")
        reload(server)
        tap.eq(text(server), "n1")


def test_every_fault_is_listed_with_its_place():
    made = tree()
    with made.start() as server:
        shutil.rmtree(made.seed)
        shutil.rmtree(made.templates)
        shutil.copytree(FAULTY / "seed", made.seed)
        shutil.copytree(FAULTY / "templates", made.templates)
        refused = reload(server, "reload-refused")
        faults = server.events("fault")
        assert len(faults) >= 25, len(faults)
        tap.eq(int(refused["faults"]), len(faults))
        for fault in faults:
            assert fault["file"].startswith((f"{made.seed}/", f"{made.templates}/")), fault
            assert len(fault["reason"]) > 10 and fault["level"] == "error", fault
        placed = [f for f in faults if int(f.get("line", 0)) >= 1 and int(f["column"]) >= 1]
        assert len(placed) >= 25, [f for f in faults if f not in placed]
        order = [(f["file"], int(f.get("line", 0)), int(f.get("column", 0))) for f in faults]
        tap.eq(order, sorted(order))
        tap.eq(text(server), "one")


def test_a_tree_that_is_gone_changes_nothing():
    made = tree()
    with made.start() as server:
        for part in (made.templates, made.seed):
            shutil.rmtree(part)
            reload(server, "reload-refused")
            tap.eq(text(server), "one")
            assert any(str(part) in f.get("file", "") + f["reason"]
                       for f in server.events("fault")), server.lines


def test_a_secret_that_is_gone_or_open_changes_nothing():
    """Only the first start makes one: a new secret in passing would lock every node out."""
    made = tree()
    with made.start() as server:
        secret = server.state / "secret"
        kept = secret.read_bytes()
        key = world.key_of(server.state, "n1")
        secret.chmod(0o644)
        reload(server, "reload-refused")
        tap.contains(server.events("fault")[-1]["reason"], "chmod 600")
        secret.unlink()
        reload(server, "reload-refused")
        assert not secret.exists()
        tap.eq(server.get(f"/s/{key}/user-data").status, 200)
        secret.write_bytes(kept)
        secret.chmod(0o600)
        reload(server)
        tap.eq(text(server), "one")


def test_many_signals_make_few_reloads():
    made = tree()
    made.put("nodes/many.yaml", {f"x{i}": {"role": "plain"} for i in range(5000)})
    with made.start() as server:
        for turn in range(5):
            for _ in range(50):
                server.signal(signal.SIGHUP)
            tap.eq(server.get("/readyz").status, 200)  # by now it loads
            made.template("r-user-data", f"turn {turn}")
            server.signal(signal.SIGHUP)
            # What was changed before the last signal is served, though it came in the middle.
            tap.wait_until(lambda want=f"turn {turn}": text(server) == want, world.SECONDS,
                           "the last change")
        server.wait_event("reloaded")
        assert len(server.events("reloaded")) < 50, len(server.events("reloaded"))
        tap.eq(server.events("reload-refused"), [])


def test_nobody_notices_a_reload():
    """Requests in parallel while it reloads again and again: all succeed, each with one world."""
    made = world.Tree()
    made.role("r", user_data="begin 0\n" + "x" * 20000 + "\nend 0\n")
    for number in range(300):
        made.node(f"n{number}", "r")
    over, failures, served = threading.Event(), [], [0] * 4

    def ask(server, number):
        try:
            connection = http.client.HTTPConnection(server.host, server.port,
                                                    timeout=world.SECONDS)
            path = f"/s/{world.key_of(server.state, f'n{number}')}/user-data"
            while not over.is_set():
                headers = {"Connection": "close"} if number % 2 else {}
                connection.request("GET", path, headers=headers)
                answer = connection.getresponse()
                lines = answer.read().decode().splitlines()
                assert answer.status == 200, answer.status
                assert lines[0].split()[1] == lines[-1].split()[1], "half of each"
                served[number] += 1
            connection.close()
        except Exception as error:  # pylint: disable=broad-except
            failures.append(repr(error))

    with made.start() as server:
        threads = [threading.Thread(target=ask, args=(server, n)) for n in range(4)]
        for thread in threads:
            thread.start()
        try:
            for turn in range(1, 26):
                made.template("r-user-data", f"begin {turn}\n" + "x" * 20000 + f"\nend {turn}\n")
                reload(server)
                before = list(served)
                tap.wait_until(lambda b=before: all(s > o for s, o in zip(served, b)) or failures)
        finally:
            over.set()
            for thread in threads:
                thread.join()
        tap.eq(failures, [])
        tap.eq(text(server, "n0").splitlines()[0], "begin 25")
        tap.eq(server.events("render-failed"), [])


def test_an_answer_under_way_keeps_its_world():
    """Documents are rendered when they are asked for; their bytes outlive the tree they came of."""
    made = world.Tree()
    made.role("r", user_data="old\n" * 240000)
    made.node("n1", "r")
    with made.start(send_bytes=4096) as server, \
            world.Wire(server, receive_bytes=4096) as wire:
        path = f"/s/{world.key_of(server.state, 'n1')}/user-data"
        wire.get(path)
        wire.pending = wire.socket.recv(12)
        made.template("r-user-data", "new\n")
        reload(server)
        tap.eq(text(server), "new\n")
        tap.eq(wire.answer().body == b"old\n" * 240000, True)
        tap.eq(wire.get(path).answer().body, b"new\n")


def test_a_reload_in_the_middle_of_a_checkout():
    """The role names a template that comes last, as git writes one file after the other."""
    made = tree()
    with made.start() as server:
        for turn in range(1, 4):
            made.put("roles/r.yaml", {"r": {"templates": {"user-data": f"new-{turn}"}}})
            server.signal(signal.SIGHUP)
            for number in range(100):
                made.template(f"other-{number}", f"{turn}")
            made.template(f"new-{turn}", f"turn {turn}")
            server.wait_event("reloaded", count=turn)
            tap.eq(text(server), f"turn {turn}")
        tap.eq(server.events("reload-refused"), [])


tap.main()
