# SPDX-License-Identifier: Apache-2.0
"""Clusters that are made, joined and reset over and over, each against a stand-in API server."""
import json
import re
import secrets
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import joining
from clients import Booting, Client, Lost, Moved
from house import AHEAD_MAX_S
from kubeapi import NODES, node_object, rfc3339

MASTERS, WORKERS = 2, 4
RESET_AFTER = 20, 60  # seconds that a cluster stands


class Cluster:
    def __init__(self, house, name, api):
        self.house, self.name, self.api, self.epoch = house, name, api, 1
        self.standing = False
        api.minter_ahead = AHEAD_MAX_S
        house.tree.put(f"clusters/{name}.yaml", {name: {
            "version": "1.29.15", "endpoint": f"{api.host}:{api.port}",
            "pods": ["192.168.0.0/16"], "services": ["10.96.0.0/12"]}})
        (house.tree.templates / "sealed").mkdir(exist_ok=True)
        house.tree.template("sealed/kubeadm", "apiVersion: kubeadm.k8s.io/v1beta3\nkind: InitConfiguration\n"
                            "# {{ bootstrap.token }}\n")
        house.tree.put("roles/joining.yaml", {"worker": {"bootstrap": "worker", "kubeadm": "sealed/kubeadm"},
                                              "master": {"bootstrap": "master", "kubeadm": "sealed/kubeadm"}})

    def kubelet(self, name):
        """Its Node becomes Ready."""
        self.api.put(f"{NODES}/{name}", node_object(name, ready=True))

    def forget(self, name):
        if f"{NODES}/{name}" in self.api.objects:
            self.api.forget(f"{NODES}/{name}")


class Joiner(Booting):
    """A machine that joins, from its window to Ready; each life has a disk and a claim of its own."""

    def __init__(self, client, cluster, name, role):
        super().__init__(client, name)
        self.cluster = cluster
        client.house.declare(name, role, cluster=cluster.name)

    def begin(self):
        """Armed and booted."""
        self.epoch = self.cluster.epoch
        self.cluster.forget(self.name)
        self.claim = secrets.token_urlsafe(32)
        self.machine = uuid.uuid4().hex
        self.client.until("an open window", lambda: self.arm() or True)
        self.client.until("a boot", self._boot)

    def _boot(self):
        self.fetch()
        for _ in range(4):
            self.report()
        self.phone_home()
        return True

    def post(self, what, message, good=(200,)):
        if self.epoch != self.cluster.epoch:
            raise Moved
        return self.client.tls(what, "https", "POST", f"/s/{self.key}/{what}", message,
                               {"Authorization": f"Bearer {self.join_key}"}, good)

    def ask(self, claim=None, good=(200,)):
        """What it is answered."""
        moves = self.client.house.moves
        answer = self.post("bootstrap", joining.request(
            "bootstrap", claim=claim or self.claim, uuid=None, machine=self.machine, hostname=self.name,
            addresses=[]), good)
        value = json.loads(answer.body)
        if value.get("action") == "init":
            self.client.ledger.given_init(self.cluster.name, self.epoch, self.name, self.claim)
        if value.get("action") == "join" and moves == self.client.house.moves:
            token = re.search(r"^# (\w{6}\.\w{16})$", value["kubeadm"], re.M)[1]
            self.client.ledger.given_token(token, self.cluster.name, self.epoch, self.claim, moves)
        return value

    def joins(self):
        value = self.client.until(f"a join of {self.name}", self.ask)
        assert value["action"] == "join", value

    def result(self, good):
        ok = joining.request("result-ok" if good else "result-failed", claim=self.claim)
        self.client.until("a result that is taken", lambda: self.post("result", ok))

    def becomes(self, state):
        def is_it():
            if self.epoch != self.cluster.epoch:
                raise Moved
            return self.node()["state"] == state
        self.client.until(f"the state {state} of {self.name}", is_it)


class Worker(Client):
    def __init__(self, house, name, seed, cluster):
        super().__init__(house, name, seed)
        self.node, self.cluster = name, cluster
        self.joiner = Joiner(self, cluster, name, "worker")

    def one(self):
        if not self.cluster.standing and self.random.random() < 0.8:
            time.sleep(0.5)
            return
        joiner = self.joiner
        joiner.begin()
        joiner.joins()
        if self.random.random() < 0.3:
            joiner.joins()  # its answer was lost: the same again
        if self.random.random() < 0.1:
            joiner.ask(claim=secrets.token_urlsafe(32), good=(409,))
        good = self.random.random() < 0.85
        joiner.result(good)
        if good:
            self.cluster.kubelet(self.name)
        joiner.becomes("ready" if good else "failed")
        self.count("ways to Ready" if good else "ways to failed")


class Founder(Client):
    """The masters of a cluster: one makes it, the other joins; some time later an admin resets it."""

    def __init__(self, house, name, seed, cluster):
        super().__init__(house, name, seed)
        self.cluster = cluster
        self.masters = [Joiner(self, cluster, f"{cluster.name}-master-{i}", "master") for i in range(MASTERS)]
        self.node = self.masters[0].name

    def one(self):
        cluster = self.cluster
        if cluster.standing:
            self.reset()
        for master in self.masters:
            master.begin()
        first = self.make()
        self.until("a cluster that is reported", lambda: first.post("cluster", self.report(first)))
        cluster.standing = True
        for master in [first] + [m for m in self.masters if m is not first]:
            if master is not first:
                self.until(f"the turn of {master.name}", lambda m=master: self.turn(m))
            cluster.kubelet(master.name)
            master.result(True)
            master.becomes("ready")
        self.count("clusters made")
        end = time.monotonic() + self.random.uniform(*RESET_AFTER)
        while time.monotonic() < end:
            self.socket("cluster show", "GET", f"/v1/clusters/{cluster.name}")
            time.sleep(1)

    def make(self):
        """All masters ask at once, and one of them is told to."""
        def asked(master):
            try:
                return master.ask()
            except Lost:
                return None

        def first():
            answers = list(zip(self.masters, pool.map(asked, self.masters)))
            return next((master for master, value in answers if value and value["action"] == "init"), None)
        with self.cluster.api.absent(), ThreadPoolExecutor(MASTERS) as pool:
            return self.until("an init", first)

    def report(self, master):
        api, said = self.cluster.api, joining.request("cluster", claim=master.claim, endpoint=self.cluster.api.url,
                                                      ca=self.cluster.api.ca)
        for who in ("minter", "approver"):
            if said[who]:
                said[who] = {"token": api.bearers[who], "expires": rfc3339(time.time() + 86400 * 30)}
        return said

    def turn(self, master):
        """It joins. Certificates that have ended by the server's clock are uploaded again."""
        try:
            return master.ask()
        except Lost:
            if "certificates" in (master.node()["waits"] or ""):
                self.socket("cluster certs", "POST", f"/v1/clusters/{self.cluster.name}/certs")
            raise

    def reset(self):
        """Those that are about to join meet another epoch."""
        cluster = self.cluster
        for name in [p.rpartition("/")[2] for p in list(cluster.api.objects) if p.startswith(f"{NODES}/")]:
            cluster.forget(name)

        def again():
            shown = self.socket("cluster reset", "POST", f"/v1/clusters/{cluster.name}/reset").json
            cluster.standing, cluster.epoch = False, shown["epoch"]
            return True
        self.until("a reset", again)
