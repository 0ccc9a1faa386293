#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""docs/homelab.md: its commands, as they stand, against the stand-ins for Proxmox VE and for the cluster's
API server, until three nodes are ready. What cloud-init does is tests/cluster's: here a node says that it
is up, and joins with what its VM's firmware shows; the workers by the shipped script."""
import json
import os
import re
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / part) for part in ("lib", "e2e")]
import joining  # noqa: E402  (forks before there are threads)
import daemon  # noqa: E402
import kubeapi  # noqa: E402
import tap  # noqa: E402
from pve.desk import PROXMOX, Desk  # noqa: E402
from pve.machines import decoded  # noqa: E402

PAGE = (daemon.SOURCE / "docs/homelab.md").read_text()
IMAGE = "https://cloud-images.ubuntu.com/noble/current/noble-server-cloudimg-amd64.img"
SUM = "ab" * 32
NODES = ["k8s-master-1", "k8s-worker-2", "k8s-worker-3"]


def commands():
    blocks = re.findall(r"^```console\n(.*?)^```", PAGE, re.M | re.S)
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def homelab(kube):
    """The desk of an admin who has done what the page says of the host, of the tree and of names."""
    desk = Desk()
    cluster = desk.folder / "seed/clusters/homelab.yaml"
    cluster.write_text(cluster.read_text().replace("k8s-api.home.arpa:6443", f"{kube.host}:{kube.port}"))
    site = desk.folder / "seed/site.yaml"
    (declared,) = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.M | re.S)
    site.write_text(site.read_text().replace(PROXMOX, "\n" + declared))
    (desk.folder / ".config/cloudseed/pve/home.json").unlink()
    (desk.folder / ".ssh").mkdir()
    rights = desk.pve.rights
    desk.pve.pools["k8s"].add("local")
    rights.add_role("Images", ["Datastore.AllocateTemplate", "Datastore.AllocateSpace"])
    rights.add_role("Fetch", ["Sys.AccessNetwork"])
    for who in ("cloudseed@pve", "cloudseed@pve!t"):
        rights.allow("/storage/local", who, "Images")
        rights.allow("/nodes/pve1", who, "Fetch")
    desk.pve.images[IMAGE] = (3 << 30, SUM)
    tap.eq(desk.daemon.admin("POST", "/v1/reload").status, 200)
    return desk


def run(desk, command):
    command = command.replace("https://pve1.home.arpa:8006", desk.api.urls["pve1"]).replace(
        "SUM", SUM)
    if "pve login" in command:  # who is asked on a terminal says yes
        command += f" --fingerprint {desk.api.fingerprints['pve1']}"
    if "pve apply" in command:
        command += " --yes"
    config = desk.folder / "cloudseedd.yaml"
    config.write_text(json.dumps({"seed": str(desk.folder / "seed"),
                                  "socket": str(desk.daemon.socket),
                                  "templates": str(daemon.SOURCE / "templates")}))
    program = desk.folder / "bin/cloudseed"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/sh\nexec {daemon.BUILD.resolve()}/cloudseed --config {config} "$@"\n')
    program.chmod(0o755)
    env = {**os.environ, "HOME": str(desk.folder), "CLOUDSEED_SERVER": "",
           "PATH": f"{program.parent}:{os.environ['PATH']}"}
    env.pop("XDG_CONFIG_HOME", None)
    done = subprocess.run(["bash", "-c", command], env=env, cwd=desk.folder, capture_output=True,
                          text=True, stdin=subprocess.DEVNULL, timeout=daemon.SECONDS, check=False)
    tap.eq(done.returncode, 0, f"{command}\n{done.stdout}{done.stderr}")
    return done.stdout


def phone_home(desk):
    for node in NODES:
        url = desk.daemon.admin("GET", f"/v1/nodes/{node}").json["seed_url"]
        body = urllib.parse.urlencode({"hostname": node, "pub_key_ed25519": "ssh-ed25519 AAAAC3Nz"})
        answer = desk.daemon.request("POST", urllib.parse.urlsplit(url).path + "phone-home", body,
                                     {"Content-Type": "application/x-www-form-urlencoded"})
        tap.eq(answer.status, 200, answer.text)


class Here:
    """Where machines find the server."""

    def __init__(self, server):
        self.server, self.url = server, server.url
        self.node_url = f"https://{server.listening['https']}"


def make_cluster(desk, kube, serial):
    """What the first master says, of the stand-in's cluster."""
    ask = joining.request("bootstrap", uuid=None, machine=joining.MASTER_MACHINE)
    with kube.absent():
        status, answer, _ = joining.post(desk.daemon, serial, "bootstrap", ask)
    tap.eq((status, answer["action"]), (200, "init"))
    for what, message in (("cluster", joining.report(kube)), ("result", joining.request("result-ok"))):
        tap.eq(joining.post(desk.daemon, serial, what, message)[0], 200)


def join(desk, vm, number):
    here, shown = Here(desk.daemon), decoded(vm.started_with["smbios1"])
    with joining.machine.Machine(here, None, pin=joining.OTHER_PIN) as m:
        joining.Site.install(here, m, shown["serial"])
        m.put("/sys/class/dmi/id/product_uuid", shown["uuid"].upper() + "\n")
        m.put("/etc/machine-id", f"{number:032x}\n")
        ended = m.run()
        tap.eq(ended.status, 0, ended.text)


def become_ready(desk, kube):
    desk.pve.tasks.wait_all()
    vms = {vm.config["name"]: vm for vm in desk.made().values()}
    phone_home(desk)
    make_cluster(desk, kube, decoded(vms[NODES[0]].started_with["smbios1"])["serial"])
    for number, name in enumerate(NODES[1:], 1):
        join(desk, vms[name], number)
    for name in NODES:
        kube.put(f"{kubeapi.NODES}/{name}", kubeapi.node_object(name, ready=True))


def test_the_page():
    count, shown, took = 0, {}, 0
    with kubeapi.StandIn() as kube, homelab(kube) as desk:
        for command in commands():
            if command.startswith("sudo "):
                continue
            if command.startswith("cloudseed wait"):
                become_ready(desk, kube)
            began = time.monotonic()
            shown[command] = run(desk, command)
            took += time.monotonic() - began
            count += 1
        tap.eq([desk.daemon.admin("GET", f"/v1/nodes/{name}").json["state"] for name in NODES],
               ["ready"] * 3)
        desk.pve.tasks.wait_all()
        made = {vm.config["name"]: vm for vmid, vm in desk.made().items() if not vm.template}
        tap.eq(sorted(made), NODES)
        assert all(vm.running for vm in made.values()), made
        tap.eq(json.loads(shown["cloudseed inventory --list"])["cloudseed"]["hosts"], NODES)
        hosts = (desk.folder / ".ssh/known_hosts").read_text()
        tap.eq([line.split(",")[0] for line in hosts.splitlines()], NODES)
    assert count >= 11, count
    print(f"# {count} commands in {took:.1f} s")


tap.main()
