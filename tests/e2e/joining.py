# SPDX-License-Identifier: Apache-2.0
"""A site with nodes that join, and what they say: by the join script, or by a client of ours."""
import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lib"), str(HERE.parent / "join")]
import machine  # noqa: E402  (forks before there are threads)
import booting  # noqa: E402
import daemon  # noqa: E402
import shapes  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402
from kubeapi import rfc3339  # noqa: E402

CLI = str(daemon.BUILD / "cloudseed")
GOLDEN = HERE.parent / "golden/bootstrap"
WORKER, MASTER = "k8s-worker-2", "k8s-master-1"
MASTER_MACHINE = "0123456789ab4def8123456789abcdef"
MASTER_UUID = machine.UUID[:-2] + "11"
EMPTY_BLOCK = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
LOGIN = "admin:hunter2-of-the-registry"
OTHER_PIN = (GOLDEN / "pin.txt").read_text().strip()


def golden(name):
    return json.loads((GOLDEN / f"answers/{name}.json").read_text())


class Site:
    """A server with a tree of its own, whose URLs are those that it really has."""

    def __init__(self, hold_seconds=0, secrets=None, api=None, config=None, **site):
        self.tree, self.site = world.Tree(), site
        self.config = {"limits": {"hold_seconds": hold_seconds}, "secrets": secrets or {},
                       **(config or {})}
        self.put_cluster(f"{api.host}:{api.port}" if api else "k8s-api.home.arpa:6443")
        (self.tree.templates / "sealed").mkdir()
        self.tree.template("sealed/kubeadm", "apiVersion: kubeadm.k8s.io/v1beta3\n"
                           "kind: InitConfiguration\n# {{ bootstrap.token }}\n")
        self.tree.put("roles/roles.yaml", {
            "w": {"bootstrap": "worker", "kubeadm": "sealed/kubeadm"},
            "m": {"bootstrap": "master", "kubeadm": "sealed/kubeadm"}})
        self.tree.node("k8s-master-1", "m", cluster="homelab")
        self.tree.node(WORKER, "w", cluster="homelab", uuid=machine.UUID)
        self.state = world.scratch() / "state"
        self.start()

    def put_cluster(self, endpoint):
        self.tree.put("clusters/homelab.yaml", {"homelab": {
            "version": "1.29.15", "endpoint": endpoint,
            "pods": ["192.168.0.0/16"], "services": ["10.96.0.0/12"]}})

    def declare(self, endpoint):
        """The cluster has that endpoint from now on."""
        self.put_cluster(endpoint)
        self.cloudseed("reload")

    def start(self, reloads=True):
        self.server = self.tree.start(config=self.config, state=self.state,
                                      args=["--https", "127.0.0.1:0"])
        self.url, self.node_url = self.server.url, f"https://{self.server.listening['https']}"
        self.tree.put("site.yaml", {"name": "test", "url": self.url, "node_url": self.node_url,
                                    **self.site})
        if reloads:
            self.cloudseed("reload")

    def __enter__(self):
        return self

    def __exit__(self, *how):
        self.server.__exit__(*how)

    def kill_and_start(self):
        self.server.signal(signal.SIGKILL)
        self.server.wait()
        self.start()

    def cloudseed(self, *words):
        out = subprocess.run([CLI, *words, "--server", str(self.server.socket)], text=True,
                             stdout=subprocess.PIPE, check=True, timeout=world.SECONDS).stdout
        shapes.printed(words, 0, out)
        return out

    def serial(self, node=WORKER):
        """That of a new window."""
        return re.search(r"ds=nocloud\S* cs=\S+", self.cloudseed("node", "arm", node))[0]

    def node(self, name=WORKER):
        return json.loads(self.cloudseed("node", "show", name, "--json"))

    def events(self, name=WORKER):
        """Their kinds, the newest last."""
        return [e["kind"] for e in json.loads(self.cloudseed("events", name, "--json"))]

    def init(self, api, serial, **change):
        """What the master is answered while its cluster is not there."""
        with api.absent():
            return self.post(serial, "bootstrap", request("bootstrap", **{
                "uuid": None, "machine": MASTER_MACHINE, **change}))

    def adopt(self, api, **change):
        """What `cloudseed cluster adopt` ends with: the cluster stands, and was made by nobody."""
        tokens = {who: {"token": api.bearers[who], "expires": rfc3339(time.time() + 86400)}
                  for who in ("minter", "approver")}
        return self.server.admin("POST", "/v1/clusters/homelab/adopt", {
            "endpoint": api.url, "ca": api.ca, **tokens, "replace_ca": False, **change})

    def wait_for_held(self):
        """Until a node is held."""
        tap.wait_until(lambda: self.server.admin("GET", "/v1/clusters/homelab").json["held"],
                       what="a held node")

    def install(self, m, serial, role="worker"):
        """Gives the machine that serial, with the URLs that the server has now."""
        url, secret = re.fullmatch(r"ds=nocloud;dsmode=net;s=http://[^/]+(\S+) (cs=\S+)",
                                   serial).groups()
        m.put("/sys/class/dmi/id/product_serial",
              f"ds=nocloud;dsmode=net;s={self.url}{url} {secret}\n")
        m.settings(node_url=self.node_url, seed_url=f"{self.url}{url}", role=role)

    def machine(self, serial, role="worker"):
        m = machine.Machine(self, None, pin=OTHER_PIN)
        self.install(m, serial, role)
        return m

    def master(self, serial):
        m = self.machine(serial, "master")
        m.put("/sys/class/dmi/id/product_uuid", MASTER_UUID + "\n")
        return m

    def post(self, serial, what, message):
        return post(self.server, serial, what, message)


def post(server, serial, what, message):
    """(status, the answer's value, its headers), by a client of our own."""
    return booting.Machine(server, serial).ask(what, message)


def report(api, name="cluster"):
    """What the first master says of the stand-in's cluster."""
    said = request(name, endpoint=api.url, ca=api.ca)
    for who in ("minter", "approver"):
        if said[who]:
            api.rename(who, said[who]["token"])
    return said


def joins(answered):
    """The token that it was answered."""
    status, value, _ = answered
    assert status == 200, value
    tap.eq(value["action"], "join")
    return re.search(r"^# (\w{6}\.\w{16})$", value["kubeadm"], re.M)[1]


def request(name, **change):
    return {**json.loads((GOLDEN / f"requests/{name}.json").read_text()), **change}


def refused(ended, name, **change):
    """Whether the script stopped with the words of the golden refusal."""
    text = golden(name)["detail"]
    for old, new in change.items():
        text = text.replace(old, new)
    tap.eq(ended.status, 2, ended.text)
    tap.contains(ended.text, f"stopped: the server refuses ({golden(name)['status']}): {text}")
