#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The server is killed again and again under clients that post, and reloaded while it serves. What
was answered 200 is there after the restart.

ROUNDS=100 in the environment for a longer run, SEED=N for the same choices again.
"""
import os
import random
import signal
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent)]
from posting import Client, stages, start  # noqa: E402 (it finds the next two)
import tap  # noqa: E402
import world  # noqa: E402

ROUNDS = int(os.environ.get("ROUNDS", "40"))
SEED = int(os.environ.get("SEED", str(random.randrange(1 << 32))))
NODES = [f"n{i}" for i in range(8)]
# Each node's reports are bounded: what is older goes, and would be missed.
KEEP = {"history": {"events": 1000000, "reports": 1000000, "per_node": 1000000}}
print(f"# SEED={SEED}")


def tree():
    made = world.Tree()
    made.role("r", user_data="#cloud-config\nhostname: {{ node.name }}-{{ version }}\n")
    for node in NODES:
        made.node(node, "r", variables={"version": "0"})
    return made


def test_kills_under_posting_clients():
    """Some of them soon after the start, with a reload under way, or while the journal is read."""
    made, chance, state = tree(), random.Random(SEED), world.scratch() / "state"
    answered, numbers = set(), dict.fromkeys(NODES, 1)
    with made.start(state=state, config=KEEP) as server:
        for node in NODES:
            server.arm(node)
    for _ in range(ROUNDS):
        server = start(made, state, config=KEEP)
        clients = [Client(server, node, numbers[node]) for node in NODES]
        for client in clients:
            client.start()
        wanted = chance.randrange(120)
        tap.wait_until(lambda: sum(len(c.answered) for c in clients) >= wanted)
        if chance.random() < 0.3:
            server.signal(signal.SIGHUP)
        server.stop(signal.SIGKILL, -signal.SIGKILL)
        for client in clients:
            client.over.set()
            client.join()
            assert client.statuses <= {200}, client.statuses
            answered.update(client.answered)
            numbers[client.name] = client.number
    with made.start(state=state, config=KEEP) as server:
        missing = answered - stages(server)
        assert not missing, f"{len(missing)} of {len(answered)} are lost: {sorted(missing)[:5]}"
        tap.eq(server.get("/readyz").status, 200)
    print(f"# {ROUNDS} kills, {len(answered)} answers, none lost")


def test_reloads_while_serving():
    """Every answer is of the tree as it was before a reload, or as it is after it."""
    made = tree()
    with made.start() as server:
        path = f"/s/{world.key_of(server.state, 'n0')}/user-data"
        for number in range(1, ROUNDS * 4):
            made.node("n0", "r", variables={"version": str(number)})
            server.signal(signal.SIGHUP)
            for _ in range(3):
                answer = server.get(path)
                tap.eq(answer.status, 200)
                version = int(answer.text.rsplit("-", 1)[1])
                assert version <= number, (version, number)
        tap.wait_until(lambda: server.get(path).text.endswith(f"-{ROUNDS * 4 - 1}\n"))
        tap.eq(server.events("reload-failed"), [])


tap.main()
