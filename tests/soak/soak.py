#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""24 clients do all that a server is there for, at once, while it is reloaded with other trees, killed, ended
and started again, and its clock is moved. Nothing that was answered is lost.

SOAK_SECONDS=1800 in the environment for half an hour, SEED=N for the same choices again, as far as threads
allow. After a failure the server's state and logs are in soak-logs/ of the build folder.
"""
import os
import random
import shutil
import signal
import sys
import time
import traceback
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent)]
from house import House, daemon, tap  # noqa: E402 (it finds the others)
from clients import Client, Machine  # noqa: E402
from clusters import Cluster, Founder, Worker, WORKERS  # noqa: E402
from kubeapi import StandIn  # noqa: E402
from visitors import (Commands, Fetcher, Firmware, Follower, Reader, Registrar, Remote, Vandal)  # noqa: E402

SECONDS = float(os.environ.get("SOAK_SECONDS", "20"))
SEED = int(os.environ.get("SEED", "1"))
PAUSE = 2.5  # seconds between two disturbances, on average
KINDS = ((Machine, 4), (Registrar, 2), (Remote, 2), (Reader, 1), (Follower, 1), (Fetcher, 1), (Firmware, 1),
         (Commands, 1), (Vandal, 1))
KEEP = daemon.BUILD / "soak-logs"


def crowd(house, clusters):
    """24 of them."""
    made = [kind(house, f"{kind.__name__.lower()}-{i}", SEED) for kind, count in KINDS for i in range(count)]
    for cluster in clusters:
        made.append(Founder(house, f"{cluster.name}-founder", SEED, cluster))
        made += [Worker(house, f"{cluster.name}-worker-{i}", SEED, cluster) for i in range(WORKERS)]
    return made


class Disturbance:
    """One at a time, in an order that the seed gives."""

    def __init__(self, house, chance):
        self.house, self.chance = house, chance
        self.done = dict.fromkeys(("reloads", "clock moves", "kills", "ends", "idle ends", "looks"), 0)

    def one(self):
        what = self.chance.choices(list(self.done), (12, 6, 2, 1, 1, 1))[0]
        house = self.house
        {"reloads": house.reload, "clock moves": house.move_clock,
         "kills": lambda: house.restart(signal.SIGKILL, idle=False),
         "ends": lambda: house.restart(signal.SIGTERM, idle=False),
         "idle ends": lambda: house.restart(signal.SIGTERM, idle=True),
         "looks": self.look}[what]()
        self.done[what] += 1

    def look(self):
        with self.house.gate.closed():
            self.house.look()


def soak(house, disturbance):
    """Until the time is over, or something is wrong."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and not house.failures:
        time.sleep(min(disturbance.chance.expovariate(1 / PAUSE), max(0, end - time.monotonic())))
        disturbance.one()


def explain(house):
    """What is wrong, and what happened to the node."""
    for who, text, node in house.failures[:3]:
        print(f"# --- {who}:", *text.splitlines(), sep="\n# ")
        for event in house.ledger.history(node)[-60:] if node else []:
            print("#", event["id"], event["at"], event["kind"], event["cause"], event["data"])
    if house.server:
        house.server.ended = True
        house.server.process.kill()
        house.server.process.wait()
        house.keep_log()
    shutil.copytree(house.state, KEEP / "state", dirs_exist_ok=True)
    print(f"# SEED={SEED}; logs and state are in {KEEP}")


def summary(house, disturbance, took):
    kinds = {}
    for (kind, outcome), count in sorted(Client.counts.items()):
        kinds.setdefault(kind, []).append(f"{outcome}: {count}")
    for kind, outcomes in kinds.items():
        print(f"# {kind:20}", ", ".join(outcomes))
    ledger = house.ledger
    print(f"# {took:.0f} s, {sum(Client.counts.values())} requests, {ledger.lives.last} events, "
          f"{sum(ledger.done.values())} durable answers, {len(ledger.joins)} tokens, {len(ledger.inits)} clusters;",
          ", ".join(f"{count} {what}" for what, count in disturbance.done.items()) + "; losses: 0")


def run(house, clients, disturbance):
    begun = time.monotonic()
    try:
        house.start()
        for client in clients:
            client.start()
        soak(house, disturbance)
        if not house.failures:
            house.finish()
    except Exception as error:  # pylint: disable=broad-except
        house.fail("the soak", traceback.format_exc(), getattr(error, "node", ""))
    house.gate.end()
    if house.failures:
        explain(house)
        raise AssertionError(f"{len(house.failures)} failures, the first of {house.failures[0][0]}")
    summary(house, disturbance, time.monotonic() - begun)
    shutil.rmtree(KEEP)


def test_soak():
    print(f"# SEED={SEED} SOAK_SECONDS={SECONDS:.0f}")
    shutil.rmtree(KEEP, ignore_errors=True)
    KEEP.mkdir()
    chance = random.Random(SEED)
    with StandIn() as one, StandIn() as other:
        house = House(chance, KEEP)
        clusters = [Cluster(house, name, api) for name, api in (("east", one), ("west", other))]
        run(house, crowd(house, clusters), Disturbance(house, chance))


tap.main()
