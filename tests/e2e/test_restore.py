#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A backup that is made while the server goes on, and a server that begins anew from it."""
import contextlib
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import daemon  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402

KILLS = int(os.environ.get("KILLS", "12"))
VALUE = "correct-horse-battery-staple"
NODES = [f"n{i}" for i in range(6)]
tree = world.Tree()
(tree.templates / "sealed").mkdir()
tree.template("sealed/k", "login: {{ secrets.login }}\n")
tree.put("clusters/c.yaml", {"k8s": {
    "version": "1.29.15", "endpoint": "api.lab:6443", "pods": "192.168.0.0/16",
    "services": "10.96.0.0/12"}})
tree.put("roles/w.yaml", {"w": {"bootstrap": "worker", "kubeadm": "sealed/k"}})
for name in NODES:
    tree.node(name, "w", cluster="k8s")


def start(state, **options):
    return world.start({"secrets": {"login": {"env": "CLOUDSEED_TEST_LOGIN"}}}, seed=tree.seed,
                       templates=tree.templates, state=state,
                       env={"CLOUDSEED_TEST_LOGIN": VALUE}, **options)


def listed(server, what):
    found, after = [], ""
    while after is not None:
        page = server.admin("GET", f"/v1/{what}?limit=1000{after}").json
        found += page[what]
        after = f"&after={page['next']}" if page["next"] else None
    return found


def report(server, key, number):
    return server.request("POST", f"/s/{key}/report", json.dumps({
        "name": f"stage-{number}", "event_type": "start", "origin": "cloudinit",
        "description": "x", "timestamp": 1.0}), {"Content-Type": "application/json"}).status


def window_key(armed):
    return armed["window_url"].split("/s/")[1].strip("/")


class Made:
    """A state folder that was lived in, a backup of it, and what the server said when it was made."""

    def __init__(self):
        self.folder = world.scratch()
        self.state, self.file = self.folder / "state", self.folder / "backup.db"
        server = start(self.state)
        self.windows = {name: window_key(server.arm(name)) for name in NODES[:4]}
        self.keys = {n: world.key_of(self.state, n) for n in NODES}
        for name in NODES[:2]:
            tap.eq(report(server, self.keys[name], 0), 200)
        self.nodes, self.events = listed(server, "nodes"), listed(server, "events")
        self._back_up(server)
        server.stop(signal.SIGKILL, -signal.SIGKILL)
        self.lines = server.lines

    def _back_up(self, server):
        """While n1 goes on telling of its boot."""
        stop, told = threading.Event(), []

        def post():
            while not stop.is_set():
                told.append(report(server, self.keys["n1"], len(told) + 1))

        poster = threading.Thread(target=post)
        poster.start()
        try:
            tap.wait_until(lambda: len(told) > 20, what="twenty reports")
            answer = server.admin("POST", "/v1/backup", {"path": str(self.file)})
            tap.eq(answer.status, 200, answer.text)
        finally:
            stop.set()
            poster.join()
        tap.eq(set(told), {200})

    def copy(self):
        """The folder as the server left it."""
        state = world.scratch() / "state"
        shutil.copytree(self.state, state)
        return state

    def wiped(self):
        """A folder with the sealing key alone."""
        empty = world.scratch() / "state"
        empty.mkdir(mode=0o700)
        shutil.copy2(self.state / "sealing-key", empty)
        return empty


MADE = Made()


def restore_command(state, *more, file=None, program="cloudseedd"):
    command = [daemon.BUILD / "cloudseedd", "--restore", file or MADE.file]
    if program == "cloudseed":
        command = [daemon.BUILD / "cloudseed", "restore", file or MADE.file]
    elif os.geteuid() == 0:
        command += ["--user", "root"]
    return [*map(str, command), "--state", str(state), *map(str, more)]


def restore(state, *more, typed="", **options):
    return subprocess.run(restore_command(state, *more, **options), text=True, input=typed,
                          capture_output=True, check=False, timeout=world.SECONDS)


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def contents(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def refused(reason, state, *more, **options):
    """It says why, and changes nothing."""
    before = contents(state)
    got = restore(state, *more, **options)
    tap.eq(got.returncode, 1, got.stdout + got.stderr)
    tap.contains(got.stderr, "cloudseedd: nothing was restored: ")
    tap.contains(got.stderr, reason)
    tap.eq((contents(state), got.stdout), (before, ""))


STATES_AGAIN = {"armed": "registered"}  # windows are closed


def same_again(state):
    with start(state) as server:
        tap.eq({n: world.key_of(state, n) for n in NODES}, MADE.keys)
        nodes = {n["name"]: n for n in listed(server, "nodes")}
        for was in MADE.nodes:
            now = nodes[was["name"]]
            tap.eq(now["state"], STATES_AGAIN.get(was["state"], was["state"]), was["name"])
            tap.eq(now["window"], None, was["name"])
            for member in ("generation", "uid"):
                tap.eq(now[member], was[member], f"{was['name']}: {member}")
            if was["name"] != "n1":
                tap.eq(now["boot"], was["boot"])
        events = listed(server, "events")
        tap.eq(events[:len(MADE.events)], MADE.events)
        tap.eq([e["id"] for e in events], list(range(1, len(events) + 1)))
        closed = [e for e in events if e["cause"] == "restore"]
        tap.eq([(e["node"], e["kind"]) for e in closed],
               [("n0", "disarmed"), ("n1", "disarmed"), ("n2", "registered"), ("n3", "registered")])
        tap.eq(server.get(f"/s/{MADE.keys['n5']}/meta-data").status, 200)  # it has no window
        tap.eq(report(server, MADE.keys["n1"], 0), 200)
        news = listed(server, "events")[len(events):]
        tap.eq([e["id"] for e in news], [len(events) + 1 + i for i in range(len(news))])
        assert "progress" in [e["kind"] for e in news], news


def test_all_is_as_it_was():
    state = MADE.wiped()
    got = restore(state)
    tap.eq((got.returncode, got.stderr), (0, ""))
    tap.contains(got.stdout, "4 nodes with a state, 0 of them registered, ")
    tap.contains(got.stdout, "1 values of secrets\nmade ")
    tap.contains(got.stdout, "\nclosed 4 build windows: ")
    tap.eq(names(state), ["sealing-key", "secret", "state.db"])
    for path in state.iterdir():
        tap.eq(path.stat().st_mode & 0o777, 0o600, path)
    same_again(state)


def test_keys_of_windows_open_nothing():
    """Neither that of a node that was armed, nor of one in the middle of its boot."""
    state = MADE.wiped()
    with start(MADE.copy()) as server:
        for name, key in MADE.windows.items():
            tap.eq(server.get(f"/s/{key}/meta-data").status, 200, name)
    tap.eq(restore(state).returncode, 0)
    with start(state) as server:
        for name, key in MADE.windows.items():
            tap.eq(server.get(f"/s/{key}/meta-data").status, 404, name)
            tap.eq(report(server, key, 1), 404, name)


def test_the_sealing_key_may_come_from_elsewhere():
    state = world.scratch() / "state"
    got = restore(state, "--sealing-key", MADE.state / "sealing-key")
    tap.eq((got.returncode, got.stderr), (0, ""))
    key = (MADE.state / "sealing-key").read_bytes()
    tap.eq((state / "sealing-key").read_bytes(), key)
    same_again(state)


def test_cloudseed_restore_is_the_same():
    state = MADE.wiped()
    config = world.scratch() / "c.yaml"
    config.write_text('{"user": "root"}', encoding="ascii")
    got = restore(state, "--config", config, program="cloudseed")
    tap.eq((got.returncode, got.stderr), (0, ""))
    tap.contains(got.stdout, f"restored {MADE.file} to {state}: ")


def passphrase(state):
    as_user = ["--user", "root"] if os.geteuid() == 0 else []
    made = subprocess.run([daemon.BUILD / "cloudseedd", "--recovery", "--state", state, *as_user],
                          text=True, capture_output=True, check=False, timeout=world.SECONDS)
    tap.eq(made.returncode, 0, made.stderr)
    return re.search(r"^    ([a-z2-7]{4}(?:-[a-z2-7]{4}){6})$", made.stdout, re.M)[1]


def wait_for_recovery(server, wanted=True):
    """Until its state has the copy or has it no more, which is stored after a load."""
    tap.wait_until(lambda: server.admin("GET", "/v1/server").json["recovery"] == wanted, what=f"recovery: {wanted}")


def test_a_passphrase_opens_a_backup_on_another_machine():
    """The disk is lost, with the sealing key: what is left is the backup and a paper."""
    state, backups = MADE.copy(), world.scratch()
    old = passphrase(state)
    with start(state) as server:
        wait_for_recovery(server)
        new = passphrase(state)
        for name in ("earlier", "later"):
            tap.eq(server.admin("POST", "/v1/backup", {"path": str(backups / name)}).status, 200)
            tap.eq(server.admin("POST", "/v1/reload").status, 200)
    files = b"".join(path.read_bytes() for folder in (state, backups) for path in folder.iterdir())
    assert old.encode() not in files and new.encode() not in files
    empty, later = world.scratch(), backups / "later"
    for wrong, why in ((old, "is not the one of this copy"), ("hunter2", "is not a recovery passphrase"),
                       ("", "is not a recovery passphrase")):
        refused(why, empty, file=later, typed=wrong + "\n")
    refused("is not the one of this copy", empty, file=backups / "earlier", typed=new + "\n")
    got = restore(empty, file=later, typed=f" {new.upper().replace('-', ' ')}\n")
    tap.eq(got.returncode, 0, got.stderr)
    tap.eq((empty / "sealing-key").read_bytes(), (MADE.state / "sealing-key").read_bytes())
    with start(empty) as server:
        tap.eq({n: world.key_of(empty, n) for n in NODES}, MADE.keys)
        tap.eq(server.events("fault"), [])
        # The passphrase stays that of backups that are made here.
        wait_for_recovery(server)


def test_a_passphrase_of_another_sealing_key_is_of_no_use():
    state = MADE.copy()
    passphrase(state)
    with start(state):
        (state / "sealing-key").unlink()
    with start(state) as server:
        tap.contains(server.events("warning")[1]["reason"], "the recovery passphrase is of another sealing key")
        wait_for_recovery(server, False)
        (state / "recovery").chmod(0o644)
        tap.eq(server.admin("POST", "/v1/reload").status, 200)
        tap.contains(server.wait_event("warning", 3)["reason"], "recovery: ")
        passphrase(state)
        tap.eq(server.admin("POST", "/v1/reload").status, 200)
        wait_for_recovery(server)


def test_no_or_another_sealing_key():
    empty = world.scratch()
    refused("there is no sealing key at ", empty)
    with start(world.scratch() / "other") as server:
        other = server.state / "sealing-key"
        shutil.copy2(other, empty)
        refused("was sealed with another key than this sealing key", empty)
        refused("is there already, and another key", empty, "--sealing-key",
                MADE.state / "sealing-key")


def test_what_an_earlier_one_left_is_no_part_of_it():
    state = MADE.wiped()
    for name in ("state.db.restore", "state.db.restore-wal", "state.db.restore-journal"):
        (state / name).write_bytes(b"cut off")
    tap.eq(restore(state).returncode, 0)
    tap.eq(names(state), ["sealing-key", "secret", "state.db"])
    same_again(state)


def test_a_state_that_is_in_use_or_cannot_be_read():
    state = MADE.wiped()
    tap.eq(restore(state).returncode, 0)
    with start(state):
        refused("a server uses the state; stop it first", state)
    (state / "state.db").write_bytes(b"x" * 8192)
    refused("the state that is there cannot be compared: ", state)
    state = MADE.wiped()
    (state / "state.db-wal").write_bytes(b"old")
    refused("is left of a state whose file is missing", state)


# --- over another state ---

REGISTERED = ("rekeyed", "removed", "again", "kept")


def registered(server, name):
    answer = server.admin("POST", "/v1/nodes", {"name": name, "role": "plain"})
    tap.eq(answer.status, 201, answer.text)
    return answer.json["uid"]


class Gone:
    """A state of which a backup was made, and which went on after that."""

    def __init__(self):
        self.state, self.file = world.scratch() / "state", world.scratch() / "backup.db"
        server = start(self.state)
        self.uids = {name: registered(server, name) for name in REGISTERED}
        self.window = window_key(server.arm("n0"))
        tap.eq(server.admin("POST", "/v1/backup", {"path": str(self.file)}).status, 200)
        self._go_on(server)
        self.last = listed(server, "events")[-1]["id"]
        self.nodes = {n["name"] for n in listed(server, "nodes")}
        server.stop(signal.SIGKILL, -signal.SIGKILL)  # what came last is in the log beside the file

    def _go_on(self, server):
        for target in ("n0/disarm", "rekeyed/rekey", "rekeyed/rekey", "n1/reprovision"):
            tap.eq(server.admin("POST", f"/v1/nodes/{target}").status, 200, target)
        for name in ("removed", "again"):
            tap.eq(server.admin("DELETE", f"/v1/nodes/{name}").status, 204)
        self.uids["another"] = registered(server, "again")
        registered(server, "lost")

    def copy(self):
        state = world.scratch() / "state"
        shutil.copytree(self.state, state)
        return state


GONE = Gone()
DIFFERENT = """\
closed 1 build windows: cloudseed node arm opens one again
all clusters are unconfirmed, and no node makes or joins one: if one is gone, or never was, run: \
cloudseed cluster reset NAME
registered nodes that differ from the replaced state:
  again: has uid and key of a removed node of this name; run: cloudseed node rekey again, and give \
its machine the new URL
  lost: is lost, with its key: it is not in the backup; run: cloudseed node add lost, and give its \
machine the new URL
  rekeyed: key epoch 1 instead of 3: a key that was given up opens its data again; run 2 times, \
until it has its last key: cloudseed node rekey rekeyed
  removed: was removed and exists again, with its key; run: cloudseed node rm removed
nodes of the seed tree have the keys of their key_epoch in its files
"""


def test_what_differs_is_said_and_can_be_mended():
    state = GONE.copy()
    got = restore(state, file=GONE.file)
    tap.eq((got.returncode, got.stderr), (0, ""))
    tap.contains(got.stdout, DIFFERENT)
    tap.contains(got.stdout, f"the replaced state is kept as {state}/state.db.replaced\n")
    with start(state) as server:
        tap.eq(server.get(f"/s/{GONE.window}/meta-data").status, 404)
        node = server.admin("GET", "/v1/nodes/n1").json
        tap.eq((node["generation"], node["window"]), (2, None))  # it does not go back
        events = listed(server, "events")
        tap.eq({e["node"]: e["kind"] for e in events if e["cause"] == "restore"},
               {"n0": "registered", "n1": "restored"})
        # Ids go on behind those that the replaced state had given.
        assert min(e["id"] for e in events if e["cause"] == "restore") > GONE.last
        opens = [world.key_of(state, GONE.uids["removed"]), world.key_of(state, GONE.uids["again"]),
                 world.key_of(state, GONE.uids["rekeyed"])]
        tap.eq([server.get(f"/s/{key}/meta-data").status for key in opens], [200] * 3)
        for words in (["rm", "removed"], ["rekey", "again"], *[["rekey", "rekeyed"]] * 2):
            subprocess.run([daemon.BUILD / "cloudseed", "node", *words, "--server", server.socket],
                           check=True, capture_output=True, timeout=world.SECONDS)
        tap.eq([server.get(f"/s/{key}/meta-data").status for key in opens], [404] * 3)
        last = world.key_of(state, GONE.uids["rekeyed"], 3)
        tap.eq(server.get(f"/s/{last}/meta-data").status, 200)
    tap.eq(restore(state, file=state / "state.db.replaced").returncode, 0)  # and back
    with start(state) as server:
        tap.eq({n["name"] for n in listed(server, "nodes")}, GONE.nodes)


def test_what_does_not_differ():
    state = MADE.wiped()
    tap.eq(restore(state).returncode, 0)
    got = restore(state)
    tap.contains(got.stdout, "all registered nodes have the keys that they had in the replaced state")
    tap.contains(got.stdout, "\nclosed 4 build windows: ")
    tap.eq(names(state), ["sealing-key", "secret", "state.db", "state.db.replaced"])


def registered_in(folder):
    """As a start would find it; it is a copy that is opened."""
    copy = world.scratch() / "state"
    shutil.copytree(folder, copy)
    with contextlib.closing(sqlite3.connect(copy / "state.db")) as db:
        tap.eq(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        return {json.loads(row[0])["name"]
                for row in db.execute("SELECT bytes FROM record WHERE kind = 'node'")}


def test_killed_at_any_moment_it_leaves_one_state_or_the_other():
    new = set(REGISTERED)
    old = {"rekeyed", "again", "kept", "lost"}
    begun = time.monotonic()
    tap.eq(restore(GONE.copy(), file=GONE.file).returncode, 0)
    whole, seen = time.monotonic() - begun, []
    for i in range(KILLS):
        state = GONE.copy()
        command = restore_command(state, file=GONE.file)
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            threading.Event().wait(whole * i / KILLS)
            process.kill()
        found = registered_in(state)
        assert found in (old, new), found
        seen.append(found == new)
        got = restore(state, file=GONE.file)  # what it left is in nobody's way
        tap.eq((got.returncode, got.stderr), (0, ""))
        tap.eq(registered_in(state), new)
    print(f"# {sum(seen)} of {KILLS} had the new state")


def test_a_secret_that_is_there():
    state = MADE.wiped()
    shutil.copy2(MADE.state / "secret", state)
    tap.eq(restore(state).returncode, 0)
    state = MADE.wiped()
    (state / "secret").write_text("b:" + "00" * 32 + "\n", encoding="ascii")
    (state / "secret").chmod(0o600)
    refused("is there already, and another secret", state)


def test_what_is_no_sound_backup():
    state, bad = MADE.wiped(), world.scratch() / "bad.db"
    data = MADE.file.read_bytes()
    assert len(data) >= 8 * 4096, len(data)
    for text, reason in ((b"", "is empty"), (b"x" * 8192, "is not cloudseed's state"),
                         (data[:len(data) // 2], "damaged"), (data[:150], ""),
                         (data[:4096 * 3] + b"\0" * 4096 + data[4096 * 4:], "damaged"),
                         (data[:-1], f"it has {len(data) - 1} bytes and should have {len(data)}"),
                         (data + b"x", f"it has {len(data) + 1} bytes and should have {len(data)}"),
                         (data[:-4096], "; use another backup")):
        bad.write_bytes(text)
        refused(reason, state, file=bad)
        assert "restore a backup" not in restore(state, file=bad).stderr, "it is what was asked for"
        tap.contains(restore(state, file=bad).stderr, f"nothing was restored: {bad}: ")
    refused("No such file or directory", state, file=state / "none")
    refused("not a regular file", state, file=state)
    shutil.copy(MADE.file, bad)
    with contextlib.closing(sqlite3.connect(bad)) as db:
        db.execute("PRAGMA user_version = 99")
    refused("written by a newer cloudseed", state, file=bad)


def test_a_killed_servers_file_is_no_backup():
    assert (MADE.state / "state.db-wal").exists()
    refused("is not a backup but the state of a server that runs or was killed", MADE.wiped(),
            file=MADE.state / "state.db")


def test_a_backup_without_the_secret_needs_the_file():
    state, bare = MADE.wiped(), world.scratch() / "bare.db"
    shutil.copy(MADE.file, bare)
    with contextlib.closing(sqlite3.connect(bare)) as db:
        db.execute("DELETE FROM record WHERE kind = 'server'")
        db.commit()
    refused("holds no server secret", state, file=bare)
    shutil.copy2(MADE.state / "secret", state)
    tap.eq(restore(state, file=bare).returncode, 0)


def test_no_secret_is_in_the_clear():
    """Neither a value nor the server's secret, in no byte of state, log and backup."""
    secret = world.secret_lines(MADE.state)[0][1]
    key = [line for line in (MADE.state / "sealing-key").read_text().splitlines()
           if not line.startswith("#")][0]
    forms = [f(text) for text in (VALUE.encode(), bytes.fromhex(secret), bytes.fromhex(key))
             for f in (bytes, lambda b: b.hex().encode())]
    files = [MADE.file, *(p for p in MADE.state.iterdir() if p.name.startswith("state.db"))]
    assert len(files) >= 3, files  # the log, too
    for path in files:
        data = path.read_bytes()
        for number, form in enumerate(forms):
            assert form not in data, f"{path}: {number}"
    lines = "\n".join(MADE.lines).encode()
    for number, form in enumerate(forms):
        assert form not in lines, number


def test_a_secret_file_that_is_missing_is_put_back():
    state = MADE.wiped()
    tap.eq(restore(state).returncode, 0)
    (state / "secret").unlink()
    with start(state) as server:
        tap.contains(server.events("warning")[0]["reason"], "it was put back as the state has it")
        tap.eq(world.key_of(state, "n1"), MADE.keys["n1"])
    (state / "secret").unlink()
    (state / "sealing-key").unlink()
    server = start(state, wait=False)
    tap.eq(server.wait(), 1)
    tap.contains(server.events("fault")[0]["reason"], "the sealing key does not open the copy")
    tap.eq((state / "secret").exists(), False)


tap.main()
