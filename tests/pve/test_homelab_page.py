#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""docs/homelab.md: its commands, as they stand, against the stand-in for Proxmox VE. Its nodes boot
only as far as their first words: what follows is tests/cluster's."""
import json
import os
import re
import subprocess
import sys
import urllib.parse
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / part) for part in ("lib", "e2e")]
import daemon  # noqa: E402
import tap  # noqa: E402
from pve.desk import PROXMOX, Desk  # noqa: E402

PAGE = (daemon.SOURCE / "docs/homelab.md").read_text()
IMAGE = "https://cloud-images.ubuntu.com/noble/current/noble-server-cloudimg-amd64.img"
SUM = "ab" * 32
NODES = ["k8s-master-1", "k8s-worker-2", "k8s-worker-3"]


def commands():
    blocks = re.findall(r"^```console\n(.*?)^```", PAGE, re.M | re.S)
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def homelab():
    """The desk of an admin who has done what the page says of the host and of the tree."""
    desk = Desk()
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


def test_the_page():
    count, shown = 0, {}
    with homelab() as desk:
        for command in commands():
            if command.startswith("sudo "):
                continue
            if command.startswith("cloudseed wait"):
                phone_home(desk)
                tap.contains(command, "--timeout 20m")
                run(desk, "cloudseed wait --for up --timeout 1m " + " ".join(NODES))
                continue
            shown[command] = run(desk, command)
            count += 1
        desk.pve.tasks.wait_all()
        made = {vm.config["name"]: vm for vmid, vm in desk.made().items() if not vm.template}
        tap.eq(sorted(made), NODES)
        assert all(vm.running for vm in made.values()), made
        tap.eq(json.loads(shown["cloudseed inventory --list"])["cloudseed"]["hosts"], NODES)
        hosts = (desk.folder / ".ssh/known_hosts").read_text()
        tap.eq([line.split(",")[0] for line in hosts.splitlines()], NODES)
    assert count >= 10, count


tap.main()
