# SPDX-License-Identifier: Apache-2.0
"""A machine that boots the real cloud-init: a root file system, a network interface, a button.

It is made of an overlay over a cached root file system, a network namespace with one veth in it,
and, for the length of each boot, mount, UTS and PID namespaces (see inside.py). All of it lies
below /run, where run.py has mounted a tmpfs that nobody else sees.
"""
import json
import os
import shlex
import shutil
import subprocess
import threading

import yaml

from enclosed import RUN

HERE = os.path.dirname(os.path.abspath(__file__))

GATEWAY = "10.0.20.1"
LEASE = "10.0.20.200/24"  # what DHCP would have given for the first contact
SERVER = "10.0.10.5"

# In the order of a real boot, with the names that units have had: their commands are taken from the
# image. In 22.4.2 each is a run of cloud-init; from 24.3 on, all are words to one process.
DS_IDENTIFY = ["/usr/lib/cloud-init/ds-identify", "--force"]  # by cloud-init-generator
UNITS = [
    ("main", ["cloud-init-main"]),
    ("init-local", ["cloud-init-local"]),
    ("init", ["cloud-init-network", "cloud-init"]),
    ("config", ["cloud-config"]),
    ("final", ["cloud-final"]),
]
STAGE_SECONDS = 90

# Commands that are written down instead of run: see asked.sh.
ASKED = """
    add-apt-repository apt-cache apt-get cloudseed-prepare locale-gen mount netplan reboot service
    shutdown systemctl systemd-detect-virt timedatectl udevadm update-grub update-locale
""".split()

# What a stock cloud image would do to its disk; there is none here.
NO_DISK = "growpart: {mode: 'off'}\nresize_rootfs: false\n"


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


def stages(root, seconds):
    """What boots it: [{name, type: its unit's Type, argv, seconds}]."""
    found = [{"name": "ds-identify", "type": "oneshot", "argv": DS_IDENTIFY, "seconds": seconds}]
    for stage, units in UNITS:
        paths = [f"{root}/usr/lib/systemd/system/{unit}.service" for unit in units]
        for path in [path for path in paths if os.path.exists(path)][:1]:
            with open(path, encoding="utf-8") as f:
                said = dict(line.rstrip("\n").split("=", 1) for line in f if "=" in line)
            found.append({"name": stage, "type": said["Type"], "seconds": seconds,
                          "argv": shlex.split(said["ExecStart"])})
    return found


def server_address(verb):
    ip("address", verb, f"{SERVER}/32", "dev", "lo")


def network_begin():
    """The server's side: its address, which is not in the machines' network."""
    ip("link", "set", "lo", "up")
    server_address("replace")


class Machine:
    uuid = "4c4c4544-0000-4000-8000-000000000001"
    asked = ASKED

    def __init__(self, name, base, mac):
        self.name, self.mac = name, mac
        self.folder = f"{RUN}/{name}"
        self.root = f"{self.folder}/root"
        for part in ("upper", "work", "root", "dmi"):
            os.makedirs(f"{self.folder}/{part}")
        layers = f"lowerdir={base},upperdir={self.folder}/upper,workdir={self.folder}/work"
        subprocess.run(["mount", "-t", "overlay", "-o", layers, "overlay", self.root], check=True)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", f"{self.root}/run"], check=True)
        self._write("etc/cloud/cloud.cfg.d/99-no-disk.cfg", NO_DISK)
        os.makedirs(f"{self.root}/opt/asked")
        for command in self.asked:
            shutil.copy(f"{HERE}/asked.sh", f"{self.root}/opt/asked/{command}")
            os.chmod(f"{self.root}/opt/asked/{command}", 0o755)
        self._plug_in()

    def _write(self, path, text):
        with open(os.path.join(self.root, path), "w", encoding="utf-8") as f:
            f.write(text)

    def offer_packages(self, user_data):
        """Its package mirror is said to hold whatever that user-data asks for."""
        try:
            asked = (yaml.safe_load(user_data) or {}).get("packages", [])
        except yaml.YAMLError:
            asked = []  # which is what the machine makes of it, too
        names = [entry if isinstance(entry, str) else entry[0] for entry in asked]
        self._write("opt/asked/packages", "".join(f"{name.split('=')[0]}\n" for name in names))

    def forget(self, word):
        """Removes each piece of cloud-init's configuration that holds that word."""
        folder = f"{self.root}/etc/cloud/cloud.cfg.d"
        for name in os.listdir(folder):
            with open(f"{folder}/{name}", encoding="utf-8") as f:
                holds = word in f.read()
            if holds:
                os.remove(f"{folder}/{name}")

    def run(self, *argv):
        """Runs a command in it while it is switched off."""
        subprocess.run(["chroot", self.root, *argv], check=True, timeout=STAGE_SECONDS,
                       stdout=subprocess.DEVNULL, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})

    def _plug_in(self):
        ip("netns", "add", self.name)
        ip("link", "add", "veth0", "type", "veth", "peer", "name", "eth0", "address", self.mac,
           "netns", self.name)
        ip("address", "add", f"{GATEWAY}/24", "dev", "veth0")
        ip("link", "set", "veth0", "up")

    def change_card(self, mac):
        self.mac = mac
        ip("-n", self.name, "link", "set", "eth0", "address", mac)

    def _strings(self, serial, cmdline):
        """The discovery string, where the firmware or the boot loader would have put it."""
        for name, text in (("product_serial", serial), ("sys_vendor", "QEMU"),
                           ("product_name", "Standard PC"), ("chassis_asset_tag", ""),
                           ("product_uuid", self.uuid)):
            with open(f"{self.folder}/dmi/{name}", "w", encoding="utf-8") as f:
                f.write(f"{text}\n")
        with open(f"{self.folder}/cmdline", "w", encoding="utf-8") as f:
            f.write(f"BOOT_IMAGE=/vmlinuz root=/dev/sda1 ro {cmdline}\n")

    def switch_on(self, logs, serial="", cmdline="", seconds=STAGE_SECONDS, after=None):
        """All that command() needs: the plan, and a /run that is empty."""
        os.makedirs(logs)
        self._strings(serial, cmdline)
        subprocess.run(["umount", f"{self.root}/run"], check=True)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", f"{self.root}/run"], check=True)
        with open(f"{logs}/plan.json", "w", encoding="utf-8") as f:
            json.dump(self.plan(logs, seconds, after or {}), f, indent=1)

    def plan(self, logs, seconds, after):
        return {
            "root": self.root,
            "logs": logs,
            "cmdline": f"{self.folder}/cmdline",
            "dmi": f"{self.folder}/dmi",
            "power_on": [["ip", "link", "set", "lo", "up"], ["ip", "link", "set", "eth0", "up"],
                         ["ip", "address", "flush", "dev", "eth0"]],
            "after": {"init-local": [["ip", "address", "add", LEASE, "dev", "eth0"],
                                     ["ip", "route", "add", "default", "via", GATEWAY]],
                      **after},
            "stages": stages(self.root, seconds),
        }

    def command(self, logs):
        """What boots it; it ends with all that runs in it."""
        return ["nsenter", f"--net=/run/netns/{self.name}", "unshare", "--mount", "--uts", "--pid",
                "--fork", "--kill-child", "--propagation", "private", "/usr/bin/python3",
                f"{HERE}/inside.py", f"{logs}/plan.json"]

    def boot(self, logs, serial="", cmdline="", seconds=STAGE_SECONDS, meanwhile=None, after=None):
        """Boots once, and returns the stages' ends: [{name, code (None: killed), seconds}].

        `seconds` are for each stage; `meanwhile` is called on another thread; `after` has commands
        of the host that run behind stages: {name: [argv]}.
        """
        self.switch_on(logs, serial, cmdline, seconds, after)
        helper = threading.Thread(target=meanwhile) if meanwhile else None
        if helper:
            helper.start()
        subprocess.run(self.command(logs), check=True, timeout=seconds * (len(UNITS) + 2) + 60)
        if helper:
            helper.join()
        self._keep(logs)
        with open(f"{logs}/stages.json", encoding="utf-8") as f:
            return json.load(f)

    def _keep(self, logs):
        """Copies what the boot left behind to the logs, and empties its logs for the next one."""
        log_folder = f"{self.root}/var/log"
        for name in ("cloud-init.log", "cloud-init-output.log", "asked.log"):
            if os.path.exists(f"{log_folder}/{name}"):
                shutil.move(f"{log_folder}/{name}", f"{logs}/{name}")
        for name in ("result.json", "status.json"):
            if os.path.exists(f"{self.root}/var/lib/cloud/data/{name}"):
                shutil.copy(f"{self.root}/var/lib/cloud/data/{name}", logs)
        if os.path.exists(f"{self.root}/run/cloud-init/ds-identify.log"):
            shutil.copy(f"{self.root}/run/cloud-init/ds-identify.log", logs)

    def remove(self):
        ip("netns", "delete", self.name)
        subprocess.run(["umount", f"{self.root}/run", self.root], check=True)
        shutil.rmtree(self.folder)
