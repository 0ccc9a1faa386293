# SPDX-License-Identifier: Apache-2.0
"""A site with as many nodes as wanted, and machines that boot in it, for tests of the web page.

    with Scene(40) as scene:
        scene.boot("plain-1")            to ready, as cloud-init and the join script ask
        scene.boot("plain-2", until="modules-config")
"""
import base64
import hashlib
import http.client
import json
import shutil
import ssl
import tempfile
import time
import uuid
from pathlib import Path

import booting
import tap
from daemon import Daemon, SECONDS, SOURCE
from kubeapi import NODES, node_object

DOCUMENTS = ("meta-data", "user-data", "vendor-data", "network-config")
# What a boot of Debian reports, and for how long each part runs in an unhurried one.
STAGES = {
    "init-local": {"": .4},
    "init-network": {"config-growpart": .2, "config-users_groups": .3, "config-ssh": .9},
    "modules-config": {"config-timezone": .1, "config-ntp": .3, "config-apt_configure": 1.2},
    "modules-final": {"config-package_update_upgrade_install": 6, "config-write_files_deferred": .1,
                      "config-scripts_user": 2.2},
}
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINotAKeyOfAnyMachineButOfTheDemoOfCloudseed0"
REQUESTS = SOURCE / "tests/golden/bootstrap/requests"
SITE = """\
name: homelab
url: http://127.0.0.1:8080
evidence: [mac]
networks:
  nodes:
    cidr: 10.32.0.0/16
    gateway: 10.32.0.1
    dns: [10.32.0.1]
    search: [home.arpa]
"""
MASTERS = 3


def role_of(i):
    return "master" if i < MASTERS else "worker" if i % 4 else "plain"


def names(count):
    """The nodes' names: masters, then workers and plain machines."""
    return [f"k8s-master-{i + 1}" if i < MASTERS else f"{role_of(i)}-{i - MASTERS + 1}" for i in range(count)]


def node_text(i, name):
    role = role_of(i)
    cluster = "  cluster: homelab\n" if role != "plain" else ""
    return (f"{name}:\n  role: {role}\n{cluster}  macs: [\"52:54:00:{i >> 16:02x}:{i >> 8 & 255:02x}:{i & 255:02x}\"]\n"
            f"  addresses: [10.32.{16 + i // 250}.{2 + i % 250}]\n")


class Scene:
    """`api`: a StandIn of kubeapi.py, which the cluster's masters start."""

    def __init__(self, count, extra="", args=(), api=None, **options):
        self.api = api
        self.folder = Path(tempfile.mkdtemp(prefix="cloudseed-web-"))
        self.folder.chmod(0o755)
        seed = self.folder / "seed"
        (seed / "nodes").mkdir(parents=True)
        (seed / "site.yaml").write_text(SITE)
        for folder in ("roles", "clusters"):
            shutil.copytree(SOURCE / "seed" / folder, seed / folder)
        cluster = seed / "clusters/homelab.yaml"
        text = cluster.read_text().replace("10.0.20.11", "10.32.16.2")
        if api:
            text = text.replace("k8s-api.home.arpa:6443", f"{api.host}:{api.port}")
        cluster.write_text(text)
        self.names = names(count)
        (seed / "nodes/fleet.yaml").write_text("".join(map(node_text, range(count), self.names)) + extra)
        config = self.folder / "cloudseedd.yaml"
        config.write_text("limits:\n  hold_seconds: 0\n")
        self.daemon = Daemon(seed=seed, templates=SOURCE / "templates",
                             args=["--config", config, "--https", "127.0.0.1:0", *args], **options)
        self.machines, self.tokens = {}, 0

    def __enter__(self):
        self.daemon.__enter__()
        return self

    def token(self, role):
        """A new one of that role."""
        self.tokens += 1
        answer = self.daemon.admin("POST", "/v1/tokens", {"name": f"{role}-{self.tokens}", "role": role})
        tap.eq(answer.status, 201, answer.text)
        return answer.json["token"]

    def code(self, role="operator"):
        """By which the page signs in once, as `cloudseed ui` gets it."""
        context = ssl.create_default_context(cadata=self.daemon.get("/ca.pem").text)
        context.check_hostname = False
        link = http.client.HTTPSConnection(self.daemon.listening["admin"], context=context, timeout=SECONDS)
        link.request("POST", "/v1/ui/codes", headers={"Authorization": f"Bearer {self.token(role)}"})
        code = json.loads(link.getresponse().read())["code"]
        link.close()
        return code

    def __exit__(self, *why):
        self.daemon.__exit__(*why)
        shutil.rmtree(self.folder)

    def arm(self, name):
        self.machines[name] = booting.Machine(self.daemon, self.daemon.arm(name)["serial"])
        return self.machines[name]

    def boot(self, name, until=None, fails=None, pace=0):
        """Until a stage has begun, or that part of a stage fails; else to its end. `pace`: of its parts."""
        machine = self.machines.get(name) or self.arm(name)
        for document in DOCUMENTS:
            machine.fetch(document)
            time.sleep(.15 * pace)
        for stage, parts in STAGES.items():
            machine.report(stage, "start", text=f"running {stage}")
            failed = False
            for part, seconds in parts.items():
                time.sleep(seconds * pace)
                if part:
                    failed |= fails == f"{stage}/{part}"
                    self.step(machine, f"{stage}/{part}", "FAIL" if fails == f"{stage}/{part}" else "SUCCESS")
            if stage == until:
                return machine
            if stage == "modules-final":
                machine.phone_home(name, ed25519=HOST_KEY)
            machine.report(stage, "finish", "FAIL" if failed else "SUCCESS", text=f"finished {stage}")
        return machine

    def step(self, machine, stage, result):
        text = f"{stage.split('/')[1]} {'ran successfully' if result == 'SUCCESS' else 'failed'}"
        machine.report(stage, "start", text=f"running {stage}")
        machine.report(stage, "finish", result, text=text)

    def ask(self, name, what, request, **change):
        """(status, answer) of what the join script posts."""
        message = {**json.loads((REQUESTS / f"{request}.json").read_text()), **change}
        machine = uuid.UUID(bytes=hashlib.md5(name.encode()).digest(), version=4).hex
        claim = base64.urlsafe_b64encode(hashlib.sha256(name.encode()).digest()).decode().rstrip("=")
        claims = {"claim": claim, "machine": machine, "hostname": name, "uuid": None}
        message.update((k, v) for k, v in claims.items() if k in message)
        return self.machines[name].ask(what, message)[:2]

    def ask_to_join(self, name):
        return self.ask(name, "bootstrap", "bootstrap")[0]

    def join(self, name, pace=0):
        """From up to ready, in the cluster of `api`."""
        is_first = self.daemon.admin("GET", "/v1/clusters/homelab").json["phase"] == "none"
        self.api.hangs_up = is_first  # there is no API server yet
        tap.wait_until(lambda: self.ask_to_join(name) == 200, pause=.2, what=f"the join of {name}")
        time.sleep(5 * pace)
        self.api.hangs_up = False
        if is_first:
            report = {"endpoint": self.api.url, "ca": self.api.ca}
            for who in ("minter", "approver"):
                report[who] = {"token": self.api.bearers[who], "expires": "2099-01-01T00:00:00Z"}
            tap.eq(self.ask(name, "cluster", "cluster", **report)[0], 200)
        self.api.put(f"{NODES}/{name}", node_object(name, False))
        tap.eq(self.ask(name, "result", "result-ok")[0], 200)
        time.sleep(3 * pace)
        self.api.put(f"{NODES}/{name}", node_object(name, True))
        tap.wait_until(lambda: self.daemon.admin("GET", f"/v1/nodes/{name}").json["state"] == "ready",
                       what=f"{name} as ready")
