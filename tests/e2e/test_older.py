#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""States of earlier versions are taken over whole, one of a later version is refused and left as it is."""
import contextlib
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lib"), str(HERE.parent / "older")]
import live  # noqa: E402
import daemon  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402

STATES = sorted(path.name.split(".tar")[0] for path in live.HERE.glob("*.tar.xz"))
AS_ROOT = [] if os.geteuid() else ["--user", "root"]


def unpacked(name):
    folder = world.scratch()
    subprocess.run(["tar", "-xf", live.HERE / f"{name}.tar.xz", "--no-same-owner", "-C", folder], check=True)
    return folder


def start(folder, state="state", **options):
    return daemon.Daemon(seed=folder / "seed", templates=folder / "templates", state=folder / state,
                         args=["--https", "127.0.0.1:0"], **options)


def layout(folder):
    with contextlib.closing(sqlite3.connect(folder / "state/state.db")) as db:
        return db.execute("PRAGMA user_version").fetchone()[0]


def same(then, now, name):
    """What was added since, to lists and as members, is allowed."""
    for part, was in then.items():
        gone = [item for item in was if item not in now[part]] if isinstance(was, list) else was != now[part]
        assert not gone, f"{name}: {part}: {gone} is not in {json.dumps(now[part], indent=1)}"


def test_a_state_of_each_layout_is_here():
    """With another layout, add a state that the last release before it has written."""
    folder = world.scratch()
    with world.Tree().start(state=folder / "state"):
        pass
    tap.eq({layout(unpacked(name)) for name in STATES}, set(range(2, layout(folder) + 1)))


def test_each_is_taken_over_and_again():
    for name in STATES:
        folder = unpacked(name)
        then = json.loads((folder / "shown.json").read_text(encoding="utf-8"))
        for _ in range(2):
            with start(folder) as server:
                same(then, live.shown(server), name)
                tap.eq(server.events("fault"), [])


def test_each_is_restored_as_a_backup():
    for name in STATES:
        folder = unpacked(name)
        then = json.loads((folder / "shown.json").read_text(encoding="utf-8"))
        done = subprocess.run(
            [daemon.BUILD / "cloudseedd", "--restore", folder / "state/state.db", "--state", folder / "restored",
             "--sealing-key", folder / "state/sealing-key", *AS_ROOT],
            text=True, capture_output=True, check=False, timeout=world.SECONDS)
        tap.eq(done.returncode, 0, done.stderr)
        with start(folder, "restored") as server:
            now = live.shown(server)
        same({part: then[part] for part in ("nodes", "events", "audit", "pin")}, now, name)


def test_one_of_a_later_version_is_refused():
    """As after a downgrade: in words, and nothing is changed."""
    folder = unpacked(STATES[0])
    with contextlib.closing(sqlite3.connect(folder / "state/state.db")) as db:
        db.execute("PRAGMA user_version = 99")
    before = (folder / "state/state.db").read_bytes()
    server = start(folder, wait=False)
    tap.eq(server.wait(), 1)
    tap.contains(server.events("start-failed")[0]["reason"],
                 "state.db: was written by a newer cloudseed (version 99 of the state, this one knows ")
    tap.contains(server.events("start-failed")[0]["reason"], "install that one, or restore a backup of this one")
    tap.eq((folder / "state/state.db").read_bytes(), before)


tap.main()
