#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Clients post while the files of the state are removed, replaced or cut, and the server is killed or
ended. What was answered 200 before the damage is there afterwards, or the start says that it is not.

ROUNDS=100 in the environment for a longer run, SEED=N for the same choices again.
"""
import os
import random
import shutil
import signal
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent)]
from posting import Client, stages, start  # noqa: E402 (it finds the next two)
import tap  # noqa: E402
import world  # noqa: E402

ROUNDS = int(os.environ.get("ROUNDS", "24"))
CLIENTS = 8
SEED = int(os.environ.get("SEED", str(random.randrange(1 << 32))))
NODES = [f"n{i}" for i in range(CLIENTS)]


def removed(state):
    (state / "state.db").unlink()


def renamed_over(state):
    shutil.copy2(state / "old.db", state / "new.db")
    (state / "new.db").rename(state / "state.db")


def written_over(state):
    shutil.copyfile(state / "old.db", state / "state.db")


def log_removed(state):
    (state / "state.db-wal").unlink(missing_ok=True)


def log_cut(state):
    if (state / "state.db-wal").exists():
        os.truncate(state / "state.db-wal", 0)


def log_halved(state):
    if (state / "state.db-wal").exists():
        os.truncate(state / "state.db-wal", (state / "state.db-wal").stat().st_size // 2)


DAMAGES = [removed, renamed_over, written_over, log_removed, log_cut, log_halved]


def one_round(made, damage, chance, while_running):
    state = world.scratch() / "state"
    with made.start(state=state) as server:
        for node in NODES:
            server.arm(node)
    shutil.copy2(state / "state.db", state / "old.db")
    server = made.start(state=state)
    clients = [Client(server, node) for node in NODES]
    for client in clients:
        client.start()
    end = chance.choice([signal.SIGKILL, signal.SIGTERM])
    try:
        tap.wait_until(lambda: sum(len(c.answered) for c in clients) > 50 + chance.randrange(200))
        if while_running:
            damage(state)
            tap.wait_until(lambda: any(503 in c.statuses for c in clients), what="a 503")
    finally:
        for client in clients:
            client.over.set()
    if end == signal.SIGKILL:
        server.stop(end, -end)
    for client in clients:
        client.join()
    if end == signal.SIGTERM:
        server.stop()
    if not while_running:
        damage(state)
    again = start(made, state)
    if again:
        missing = {s for c in clients for s in c.answered} - stages(again)
        loud = bool(again.events("state-behind")) and again.get("/readyz").status == 503
        assert loud or not missing, f"{end.name}: silently lost {len(missing)}"
        again.stop()
    print(f"# {damage.__name__}, {'running' if while_running else 'stopped'}, {end.name}: "
          f"{'starts' if again else 'refuses to start'}")


def storm(while_running):
    made, chance = world.Tree(), random.Random(SEED)
    for node in NODES:
        made.node(node)
    wrong = []
    for number in range(ROUNDS):
        damage = DAMAGES[number % len(DAMAGES)]
        try:
            one_round(made, damage, chance, while_running)
        except AssertionError as error:
            wrong.append(f"{damage.__name__}: {str(error)[:300]}")
    assert not wrong, "\n".join(wrong)


def test_damage_while_it_runs():
    storm(True)


def test_damage_while_it_is_stopped():
    storm(False)


print(f"# SEED={SEED}")
tap.main()
