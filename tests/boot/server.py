# SPDX-License-Identifier: Apache-2.0
"""The server that the machines boot from: the real cloudseedd over the homelab's seed tree."""
import os
import subprocess
import urllib.request

import yaml

from daemon import BUILD, SOURCE, Daemon
from machine import SERVER

SEED = SOURCE / "seed"
TEMPLATES = SOURCE / "templates"
URL = f"http://{SERVER}"  # port 80: this network is nobody else's
FILES = ("meta-data", "user-data", "vendor-data", "network-config")


def start(state):
    return Daemon(seed=SEED, templates=TEMPLATES, state=state, http=f"{SERVER}:80",
                  args=["--url", URL])


def seed_url(node, state):
    command = [str(BUILD / "cloudseed"), "node", "url", node, "--seed", str(SEED), "--templates",
               str(TEMPLATES), "--state", str(state), "--url", URL]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def seeds(url):
    """The four files, as any client gets them."""
    served = {}
    for name in FILES:
        with urllib.request.urlopen(url + name, timeout=10) as answer:
            served[name] = answer.read().decode()
    return served


def mac(node):
    """The first MAC that the seed tree declares for it."""
    for folder, _, names in os.walk(os.path.join(SEED, "nodes")):
        for name in names:
            with open(os.path.join(folder, name), encoding="utf-8") as f:
                declared = yaml.safe_load(f) or {}
            if node in declared:
                return declared[node]["macs"][0]
    raise KeyError(node)
