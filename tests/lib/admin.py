# SPDX-License-Identifier: Apache-2.0
"""The admin's tool, `cloudseed`, over the seed tree and templates of the source."""
import json
import subprocess

from daemon import BUILD, SOURCE

SEED, TEMPLATES = SOURCE / "seed", SOURCE / "templates"
FILES = ("meta-data", "user-data", "vendor-data", "network-config")


def run(*arguments):
    """Its standard output; raises with its standard error when it fails."""
    command = [str(BUILD / "cloudseed"), *arguments, "--seed", str(SEED),
               "--templates", str(TEMPLATES)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr}"
    return done.stdout


def node_names():
    return run("node", "list", "--names").split()


def macs(node):
    return json.loads(run("node", "show", node, "--json"))["macs"]


def seed_url(node, state, url):
    """Where the daemon with that state folder, which begins its URLs with `url`, serves it."""
    return run("node", "url", node, "--state", str(state), "--url", url).strip()
