# SPDX-License-Identifier: Apache-2.0
"""An admin's desk: a real cloudseedd, a stand-in for Proxmox VE that the tool has logged in to, and
a seed tree that declares VMs."""
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from pathlib import Path

import shapes
import tap
from daemon import BUILD, SOURCE, Daemon
from pve.homelab import TOKEN, world
from pve.machines import decoded
from pve.server import StandIn

VERSIONS = ((9, 2), (8, 4), (7, 4))
NODE = "k8s-worker-2"
# Where something goes wrong at each request in turn: at all of them in `make check-pve` only.
EVERY = 1 if os.environ.get("CLOUDSEED_EVERY_REQUEST") else 4
PROXMOX = """
proxmox:
  template: 9000
  pool: k8s
  cores: 4
  memory: 4096
  disk: 20
  tags: [worker, k8s]
"""


PLANNED = ("apply", "check", "create", "rebuild", "replace")  # commands that read the seed tree


class Desk:
    def __init__(self, version=(9, 2), more="", vlan_rights=True):
        self.folder = Path(tempfile.mkdtemp(prefix="cloudseed-test-"))
        shutil.copytree(SOURCE / "seed", self.folder / "seed")
        with (self.folder / "seed/site.yaml").open("a") as site:
            site.write(PROXMOX + more)
        self.pve = world(version)
        if version >= (8, 0) and vlan_rights:
            for who in ("cloudseed@pve", "cloudseed@pve!t"):
                self.pve.rights.allow("/sdn/zones/localnetwork/vmbr0/20", who, "Net")
        self.pve.vms[9000].config.update(protection="1", onboot="0", cpu="kvm64")
        self.api = StandIn(self.pve)
        self.daemon = Daemon(seed=self.folder / "seed", templates=SOURCE / "templates",
                             args=["--https", "127.0.0.1:0", "--admin", "127.0.0.1:0"])
        self.server = str(self.daemon.socket)
        token = self.folder / "token"
        token.write_text(TOKEN)
        token.chmod(0o600)
        self.run("pve", "login", self.api.urls["pve1"], "--name", "home", "--token-file", token,
                 "--fingerprint", self.api.fingerprints["pve1"])
        self.api.requests.clear()

    def __enter__(self):
        return self

    def __exit__(self, kind, *rest):
        self.daemon.__exit__(kind, *rest)
        self.api.__exit__(kind, *rest)
        shutil.rmtree(self.folder)

    def start(self, *words):
        env = {**os.environ, "HOME": str(self.folder), "CLOUDSEED_SERVER": self.server}
        env.pop("XDG_CONFIG_HOME", None)
        command = [str(BUILD / "cloudseed"), *map(str, words)]
        if words[1] in PLANNED:
            command += ["--seed", str(self.folder / "seed"), "--templates",
                        str(SOURCE / "templates")]
        return subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, *words, status=0):
        process = self.start(*words)
        out, said = process.communicate(timeout=300)
        tap.eq(process.returncode, process.returncode if status is None else status,
               f"{words}\n{out}{said}")
        shapes.printed(words, process.returncode, out)
        return out, said

    def leave_the_server(self, role):
        """From now on as on another machine: over TLS, with a token of that role."""
        token = self.folder / "server-token"
        token.write_text(self.daemon.admin("POST", "/v1/tokens",
                                           {"name": "desk", "role": role}).json["token"])
        token.chmod(0o600)
        pin = self.daemon.admin("GET", "/v1/ca").json["pin"]
        self.run("login", "https://" + self.daemon.listening["admin"], "--name", "lab", "--pin", pin,
                 "--token-file", token)
        self.server = ""  # that of the context

    def made(self):
        """The VMs that are there beside the template, by id."""
        return {vmid: vm for vmid, vm in self.pve.vms.items() if vmid != 9000}

    def node(self):
        return self.daemon.admin("GET", f"/v1/nodes/{NODE}").json

    def has_one_vm(self):
        """Whatever happened before: one VM of this node, complete, and nothing else of ours."""
        self.pve.tasks.wait_all()
        ours = {i: vm for i, vm in self.made().items() if vm.config.get("name") != "rival"}
        tap.eq(len(ours), 1, str({i: vm.config for i, vm in ours.items()}))
        vmid, vm = ours.popitem()
        tap.eq(self.node()["vm"], {"endpoint": "home", "host": vm.host, "vmid": vmid})
        tap.eq((vm.config["name"], vm.config["cores"], vm.config["memory"], vm.config["cpu"]),
               (NODE, "4", "4096", "x86-64-v2-AES"))
        tap.eq((vm.config["tags"], vm.config["onboot"], vm.config["protection"]),
               ("k8s;worker", "1", "0"))
        tap.contains(vm.config["scsi0"], "size=20G")
        assert vmid in self.pve.pools["k8s"] and vm.running and not vm.lock
        serial = decoded(vm.started_with["smbios1"])["serial"]
        tap.contains(serial, "ds=nocloud;dsmode=net;s=http")
        path = "/s/" + serial.partition("/s/")[2].split()[0]
        tap.contains(self.daemon.get(path + "user-data").text, "#cloud-config")
        return vm

    def empty(self):
        """As before the node's VM was made: less costly than another desk."""
        self.pve.tasks.wait_all()
        with self.pve.lock:
            for vmid, vm in self.made().items():
                self.pve.free(vm)
                del self.pve.vms[vmid]
                self.pve.rights.forget_vm(vmid)
        self.api.faults.clear()
        self.daemon.admin("POST", f"/v1/nodes/{NODE}/disarm", {})
        self.daemon.admin("DELETE", f"/v1/nodes/{NODE}/vm")

    def killed_before(self, number, *words):
        """Runs a command, and kills it before its request of that number takes effect. False: it
        has made fewer."""
        seen, killed, begun = [], threading.Event(), threading.Event()
        process = None

        def kill(_n):
            begun.wait(60)
            seen.append(1)
            if len(seen) == number and not killed.is_set():
                killed.set()
                process.send_signal(signal.SIGKILL)
                process.wait()
        self.api.before = kill
        process = self.start(*words)
        begun.set()
        process.communicate(timeout=300)
        self.api.before = lambda n: None
        return killed.is_set()
