# SPDX-License-Identifier: Apache-2.0
"""A machine that becomes a node: as tests/boot has them, with kubelet and containerd, and it stays on.

Its network is a bridge that all machines share with the server's host. It has programs/ for what such
a machine lacks: see the head of each.
"""
import os
import shutil
import subprocess
import time
from pathlib import Path

import yaml

import machine

HERE = Path(__file__).resolve().parent
PACKAGES = ("containerd", "runc", "containernetworking-plugins", "conntrack", "ethtool", "iptables",
            "socat")
BRIDGE = "nodes"
LIFE_SECONDS = 3600
# Nothing is pulled and no pod is run, so that any network makes a node Ready.
CONTAINERD = """\
version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "native"
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "/etc/cni/net.d"
"""
CNI_FILE = "/etc/cni/net.d/10-lab.conflist"
CNI = """\
{"cniVersion": "0.4.0", "name": "lab", "plugins": [
  {"type": "ptp", "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.244.0.0/24"}]]}}]}
"""
# What kubelet wants of a kernel that is not its own: it finds these files as it wants them.
SYSCTLS = {"vm/overcommit_memory": 1, "vm/panic_on_oom": 0, "kernel/panic": 10,
           "kernel/panic_on_oops": 1, "kernel/keys/root_maxkeys": 1000000,
           "kernel/keys/root_maxbytes": 25000000}


def network_begin():
    machine.network_begin()
    machine.ip("link", "add", "name", BRIDGE, "type", "bridge", "stp_state", "0", "forward_delay", "0")
    machine.ip("address", "add", f"{machine.GATEWAY}/24", "dev", BRIDGE)
    machine.ip("link", "set", BRIDGE, "up")


class Node(machine.Machine):
    """`number` makes its uuid; with `cloud_init` it boots by it, else it has its files already."""
    asked = [name for name in machine.ASKED
             if name not in ("cloudseed-prepare", "mount", "systemctl")]

    def __init__(self, name, base, programs, mac, address, number, cloud_init):
        self.address, self.programs, self.cloud_init = address, programs, cloud_init
        self.uuid = f"4c4c4544-0000-4000-8000-{number:012d}"
        self.process = None
        super().__init__(name, base, mac)
        self.put("/etc/containerd/config.toml", CONTAINERD)
        self.put(CNI_FILE, CNI)
        for name, value in SYSCTLS.items():
            self.put(f"/opt/lab/sysctl/{name}", f"{value}\n")
        self.put("/opt/lab/address", address)
        os.mkdir(f"{self.root}/opt/lab/bin")
        shutil.copy(HERE.parent / "kube/controlplane.py", f"{self.root}/opt/lab")
        for program in (HERE / "programs").iterdir():
            shutil.copy(program, f"{self.root}/opt/lab")
            os.symlink(f"/opt/lab/{program.name}", f"{self.root}/opt/asked/{program.name}")
        for program in ("kubectl", "kubelet"):
            os.symlink(f"/opt/lab/bin/{program}", f"{self.root}/usr/local/bin/{program}")

    def put(self, path, text, mode=0o644):
        file = Path(f"{self.root}{path}")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        file.chmod(mode)

    def file(self, path):
        return Path(f"{self.root}{path}")

    def text(self, path):
        """Of one of its files; empty where there is none."""
        file = self.file(path)
        return file.read_text(errors="replace") if file.exists() else ""

    @property
    def port(self):
        """Its end of the cable, at the bridge."""
        return f"v-{self.address}"[:15]

    def _plug_in(self):
        machine.ip("netns", "add", self.name)
        machine.ip("link", "add", self.port, "type", "veth", "peer", "name", "eth0",
                   "address", self.mac, "netns", self.name)
        machine.ip("link", "set", self.port, "master", BRIDGE, "up")

    def write_files(self, user_data):
        """What cloud-init would make of user-data, as far as a node needs it."""
        for entry in yaml.safe_load(user_data)["write_files"]:
            self.put(entry["path"], entry["content"], int(entry["permissions"], 8))

    def plan(self, logs, seconds, after):
        ready = [["ip", "address", "add", f"{self.address}/24", "dev", "eth0"],
                 ["ip", "route", "add", "default", "via", machine.GATEWAY]]
        plan = super().plan(logs, seconds, {"init-local": ready, **after})
        if not self.cloud_init:
            plan["power_on"] += [*ready, ["hostname", self.name]]
            plan["stages"] = [{"name": "prepare", "type": "oneshot", "seconds": seconds,
                               "argv": ["cloudseed-prepare"]}]
        plan["power_on"].append(["ln", "-s", "null", f"{self.root}/dev/kmsg"])
        plan["stages"].append({"name": "life", "type": "oneshot", "seconds": LIFE_SECONDS,
                               "argv": ["sleep", "infinity"]})
        plan["sys"] = ["block", "bus/cpu", "devices/system", "fs/cgroup", "kernel"]
        plan["mounts"] = [
            ["--rbind", "/sys/fs/cgroup", f"{self.root}/sys/fs/cgroup"],
            ["--bind", self.programs, f"{self.root}/opt/lab/bin"],
            *(["--bind", f"{self.root}/opt/lab/sysctl/{name}", f"{self.root}/proc/sys/{name}"]
              for name in SYSCTLS)]
        return plan

    def start(self, logs, serial):
        self.logs = logs
        self.switch_on(logs, serial=serial)
        with open(f"{logs}/runner.log", "wb") as log:
            self.process = subprocess.Popen(self.command(logs), stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log)

    def stop(self):
        """As by its power switch; what it logged is kept."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None
            for file in self.file("/var/log").glob("*.log"):
                shutil.copy(file, self.logs)

    def joins(self):
        """What join.py has said so far."""
        return self.text("/var/log/cloudseed-join.log")

    def remove(self):
        self.stop()
        for _ in range(50):  # what was killed lets go of its mounts a moment later
            if subprocess.run(["umount", f"{self.root}/run", self.root], check=False,
                              stderr=subprocess.DEVNULL).returncode == 0:
                break
            time.sleep(0.1)
        machine.ip("link", "delete", self.port)
        machine.ip("netns", "delete", self.name)
        shutil.rmtree(self.folder, ignore_errors=True)
