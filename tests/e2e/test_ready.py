#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Nodes that become Ready in their cluster, and what it says of them later."""
import json
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lib"), str(HERE.parent / "join")]
import contract  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402
from joining import CLI, MASTER, WORKER, Site, golden, joins, report, request  # noqa: E402
from kubeapi import NODES, StandIn, node_object  # noqa: E402


def put(api, name, **what):
    api.put(f"{NODES}/{name}", node_object(name, **what))


class Cluster:
    """A site whose master has made the stand-in's cluster."""

    def __init__(self, hold_seconds=50):
        self.api = StandIn()
        self.hold_seconds = hold_seconds

    def __enter__(self):
        self.api.__enter__()
        self.site = Site(hold_seconds=self.hold_seconds, api=self.api)
        self.master = self.site.serial(MASTER)
        tap.eq(self.site.init(self.api, self.master)[1]["action"], "init")
        tap.eq(self.site.post(self.master, "cluster", report(self.api))[:2], (200, {}))
        return self

    def __exit__(self, *how):
        self.site.__exit__(*how)
        self.api.__exit__(*how)

    def join(self):
        """The worker's serial, once it has its token."""
        serial = self.site.serial()
        joins(self.site.post(serial, "bootstrap", request("bootstrap")))
        return serial

    def done(self, serial):
        tap.eq(self.site.post(serial, "result", request("result-ok"))[:2], (200, {}))

    def becomes(self, state, name=WORKER):
        tap.wait_until(lambda: self.site.node(name)["state"] == state, what=f"{name} {state}")

    def says(self, **what):
        """Until the worker's cluster is known to say that."""
        tap.wait_until(lambda: what.items() <= (self.site.node()["kubernetes"] or {}).items(),
                       what=str(what))

    def ready_worker(self):
        self.done(self.join())
        put(self.api, WORKER, ready=True)
        self.becomes("ready")


def test_a_worker_becomes_ready():
    with Cluster() as c:
        serial = c.join()
        put(c.api, WORKER)
        c.says(ready=False)
        tap.contains(c.site.cloudseed("node", "show", WORKER),
                     "not Ready, v1.29.15: KubeletNotReady: container runtime network not ready")
        tap.contains(c.site.cloudseed("node", "list"),
                     "not Ready: KubeletNotReady: container runtime network not ready")
        late = subprocess.run(
            [CLI, "wait", WORKER, "--timeout", "1s", "--server", str(c.site.server.socket)],
            capture_output=True, text=True, check=False, timeout=60)
        tap.eq(late.returncode, 3)
        tap.contains(late.stderr, "it is joining, not Ready: KubeletNotReady: container runtime")
        put(c.api, WORKER, ready=True)
        c.says(ready=True)
        tap.eq(c.site.node()["state"], "joining")  # it may still ask for something
        c.site.kill_and_start()
        tap.eq(joins(c.site.post(serial, "bootstrap", request("bootstrap"))),
               next(t for t, _ in c.api.tokens()))
        c.done(serial)
        node = c.site.node()
        tap.eq((node["state"], node["window"]), ("ready", None))
        tap.eq(c.site.events()[-2:], ["joined", "ready"])
        status, value, _ = c.site.post(serial, "bootstrap", request("bootstrap"))
        tap.eq((status, value), (403, golden("403-window-closed")))


def test_a_master_becomes_ready_when_it_is_done():
    with Cluster() as c:
        put(c.api, MASTER, ready=True)
        tap.wait_until(lambda: (c.site.node(MASTER)["kubernetes"] or {}).get("ready"), what="Ready")
        tap.eq(c.site.node(MASTER)["state"], "joining")  # it applies addons
        c.done(c.master)
        tap.eq(c.site.node(MASTER)["state"], "ready")


def test_a_server_that_is_killed_learns_what_it_missed():
    with Cluster() as c:
        c.done(c.join())
        c.site.server.signal(signal.SIGKILL)
        c.site.server.wait()
        put(c.api, WORKER, ready=True)
        c.api.compact()
        c.site.start()
        c.becomes("ready")
        c.site.server.signal(signal.SIGKILL)
        c.site.server.wait()
        c.api.forget(f"{NODES}/{WORKER}")
        c.site.start(reloads=False)  # which would have it look again
        c.says(ready=False, reason="the cluster has no such node")
        put(c.api, WORKER, ready=True)
        c.says(ready=True)
        tap.eq(c.site.events()[-3:], ["ready", "not-ready", "ready-again"])


def test_a_node_that_was_ready_before():
    with Cluster() as c:
        put(c.api, WORKER, ready=True)
        with ThreadPoolExecutor() as pool:
            serial = c.site.serial()
            held = pool.submit(c.site.post, serial, "bootstrap", request("bootstrap"))
            c.says(ready=True)
            put(c.api, WORKER)  # the machine that it was is switched off
            joins(held.result(world.SECONDS))
    with Cluster(hold_seconds=0) as c:
        put(c.api, WORKER, ready=True)
        serial = c.site.serial()
        c.says(ready=True)
        status, value, _ = c.site.post(serial, "bootstrap", request("bootstrap"))
        tap.eq((status, value, contract.check("problem", value)), (403, golden("403-node-exists"), []))
        tap.eq(c.site.node()["state"], "joining")
        tap.eq(list(c.api.tokens()), [])
        c.api.ask("admin", "DELETE", f"{NODES}/{WORKER}")
        tap.wait_until(lambda: c.site.node()["kubernetes"] is None, what="a node that has gone")
        tap.eq(c.site.post(serial, "bootstrap", request("bootstrap"))[1]["reason"], "waits-for-api")
        tap.wait_until(lambda: c.site.post(serial, "bootstrap", request("bootstrap"))[0] == 200,
                       what="a token")


def test_nodes_that_are_lost_show_so():
    with Cluster() as c:
        c.ready_worker()
        put(c.api, WORKER)
        c.says(ready=False)
        node = c.site.node()
        tap.eq(node["state"], "ready")
        assert node["kubernetes"]["since"], node
        tap.contains(c.site.cloudseed("node", "list"), "not Ready: ")
        tap.contains(c.site.cloudseed("events", WORKER, "--kind", "not-ready"), "KubeletNotReady: con")
        put(c.api, WORKER, ready=True)
        c.says(ready=True, since=None)
        assert "not Ready" not in c.site.cloudseed("node", "list")
        c.api.ask("admin", "DELETE", f"{NODES}/{WORKER}")
        c.says(ready=False, reason="the cluster has no such node")
        tap.eq(c.site.events()[-3:], ["not-ready", "ready-again", "not-ready"])


def test_readiness_mends_what_failed():
    with Cluster() as c:
        serial = c.join()
        c.site.post(serial, "result", request("result-failed"))
        tap.eq(c.site.node()["state"], "failed")
        put(c.api, WORKER, ready=True)
        c.becomes("joining")
        c.done(serial)
        tap.eq(c.site.node()["state"], "ready")


def test_nodes_of_others_change_nothing():
    with Cluster() as c:
        put(c.api, "somebody-else", ready=True)
        put(c.api, WORKER, ready=True)
        c.says(ready=True)
        tap.eq(c.site.node()["state"], "registered")
        c.site.cloudseed("cluster", "reset", "homelab")
        tap.wait_until(lambda: c.site.node()["kubernetes"] is None, what="a cluster that is let go")
        shown = json.loads(c.site.cloudseed("node", "show", "--json", WORKER))
        tap.eq((shown["state"], c.site.events()), ("registered", []))


tap.main()
