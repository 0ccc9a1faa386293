#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The server is killed at any moment while many nodes post, and started again on the same state:
every answered 200 is there, and no node has a state that its events do not explain.

KILLS=500 CLIENTS=100 in the environment for a longer run, SEED=N for the same moments again.
"""
import http.client
import json
import os
import random
import sys
import threading
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import nodelife  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402

KILLS = int(os.environ.get("KILLS", "40"))
SECONDS = float("inf") if "KILLS" in os.environ else 60  # then fewer kills will do
CLIENTS = int(os.environ.get("CLIENTS", "24"))
SEED = int(os.environ.get("SEED", str(random.randrange(1 << 32))))
PAUSE = 0.25  # at most, from the first answers to the kill
REPORT, HOME, ARM = range(3)
ALL = {"history": {"per_node": 1000000}}  # of each node


class Client(threading.Thread):
    """One node: an admin arms it, it reports, calls home and is through, over and over. It knows
    what was answered, and never asks twice."""

    def __init__(self, name):
        super().__init__(daemon=True)
        self.name = name
        self.random = random.Random(f"{SEED} {name}")
        self.server, self.key = None, None
        self.stop = threading.Event()
        self.n = 0
        self.answered = []  # (what, which)
        self.asked = set()  # that nobody may invent
        self.trouble = []

    def ask(self, what):
        self.n += 1
        which = f"{self.name}-{self.n}"
        if what == ARM:
            answer = self.server.admin("POST", f"/v1/nodes/{self.name}/arm")
        elif what == HOME:
            self.asked.add(which)
            answer = self.server.request("POST", f"/s/{self.key}/phone-home", f"hostname={which}")
        else:
            last = self.random.randrange(12) == 0
            which = f"modules-final/{which}" if not last else "modules-final"
            self.asked.add(which)
            body = {"name": which, "event_type": "finish", "result": "SUCCESS"}
            answer = self.server.request("POST", f"/s/{self.key}/report", json.dumps(body))
        if answer.status == 200:
            self.answered.append((what, which))
        else:
            self.trouble.append(f"{self.name}: {answer.status} {answer.text}")

    def run(self):
        try:
            self.ask(ARM)
            while not self.stop.is_set():
                self.ask(self.random.choices((REPORT, HOME, ARM), (12, 2, 1))[0])
        except (OSError, http.client.HTTPException):
            pass  # it was killed: not answered


def is_there(client, life):
    """What was answered is in the journal, in its order and as often."""
    told = [which for what, which in client.answered if what == REPORT]
    stages = iter(life.stages)
    missing = [which for which in told if which not in stages]  # an iterator: in this order
    invented = set(life.stages) - client.asked
    tap.eq((client.name, missing, invented), (client.name, [], set()))
    homes = [which for what, which in client.answered if what == HOME]
    heard = iter(life.hostnames)
    tap.eq([which for which in homes if which not in heard], [], client.name)


class Fleet:
    def __init__(self):
        self.names = [f"n{i:03}" for i in range(CLIENTS)]
        self.state = world.scratch()
        self.tree = world.Tree()
        for name in self.names:
            self.tree.node(name)
        self.lives = nodelife.Lives()
        self.answered = 0
        self.done = {name: ([], set()) for name in self.names}

    def start(self):
        return self.tree.start(config=ALL, state=self.state, args=["--log-level", "notice"])

    def kill_once(self, moment):
        server = self.tree.start(config=ALL, state=self.state)
        try:
            clients = [Client(name) for name in self.names]
            for client in clients:
                client.server = server
                client.key = world.key_of(self.state, client.name)
                client.n = moment.randrange(1 << 60)
                client.start()
            tap.wait_until(lambda: any(c.answered for c in clients), what="an answer")
            threading.Event().wait(moment.random() * PAUSE)
        finally:
            server.process.kill()
            server.process.wait()
        for client in clients:
            client.stop.set()
        for client in clients:
            client.join(world.SECONDS)
            assert not client.is_alive(), client.name
        server._discard()  # pylint: disable=protected-access
        assert not any("Sanitizer" in line for line in server.lines), server.lines
        return clients

    def check(self, clients):
        """Another server reads what is left."""
        with self.start() as server:
            for life in self.lives.nodes.values():
                life.stages.clear()
                life.hostnames.clear()
            nodelife.read(server, self.lives)
            tap.eq(self.lives.wrong, [])
            nodes = nodelife.nodes(server)
        for client in clients:
            tap.eq(client.trouble, [])
            life = self.lives.nodes.get(client.name, nodelife.Life())
            is_there(client, life)
            tap.eq(life.problems(nodes[client.name]), [], client.name)
            self.answered += len(client.answered)


def test_killed_at_any_moment():
    print(f"# SEED={SEED} KILLS={KILLS} CLIENTS={CLIENTS}")
    fleet, moment = Fleet(), random.Random(SEED)
    end = time.monotonic() + SECONDS
    for kill in range(KILLS):
        if time.monotonic() > end:
            print(f"# after {kill} kills it was time to end")
            break
        try:
            fleet.check(fleet.kill_once(moment))
        except BaseException:
            print(f"# at kill {kill + 1}")
            raise
    print(f"# {fleet.answered} answers, {fleet.lives.last} events")
    assert fleet.answered, "nobody was ever answered"


tap.main()
