# SPDX-License-Identifier: Apache-2.0
"""Seed trees to serve, and the URLs below which their nodes ask."""
import base64
import hashlib
import hmac
import re
import subprocess
import sys
from pathlib import Path

from daemon import SOURCE

KID, SECRET = "a", bytes(range(32))  # keys must be known here; they guard nothing
GENERATOR = SOURCE / "tests/tools/gen_tree.py"
_NAME = re.compile(r"^([a-z0-9-]+):", re.MULTILINE)  # in nodes/*.yaml, at the margin


def seed_key(name):
    """As docs/formats/keys.md has it, for a node that declares no key_epoch."""
    data = b"cloudseed seed key 1\0" + name.encode() + b"\0" + b"1"
    mac = hmac.new(SECRET, data, hashlib.sha256).digest()
    return KID + base64.b32encode(mac).decode().lower()[:26]


def user_data_path(name):
    return f"/s/{seed_key(name)}/user-data"


class Tree:
    """A seed tree with its templates, and a state folder that holds our secret."""

    def __init__(self, seed, templates, state):
        self.seed, self.templates, self.state = Path(seed), Path(templates), Path(state)
        self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        secret = self.state / "secret"
        secret.write_text(f"{KID}:{SECRET.hex()}\n")
        secret.chmod(0o600)

    def names(self):
        """Of all nodes, in the order of the files."""
        found = []
        for file in sorted((self.seed / "nodes").glob("*.yaml")):
            found += _NAME.findall(file.read_text())
        return found

    def write_paths(self, file):
        """The path of every node's user-data, one a line: what random_paths.lua picks from."""
        file.write_text("".join(user_data_path(name) + "\n" for name in self.names()))
        return file


def homelab(scratch):
    """The tree that comes with the source."""
    return Tree(SOURCE / "seed", SOURCE / "templates", Path(scratch) / "state")


def generated(nodes, scratch, per_file=1000):
    """A tree of that many nodes; made once for each scratch folder."""
    folder = Path(scratch) / f"tree-{nodes}-{per_file}"
    if not folder.exists():
        subprocess.run([sys.executable, "-B", str(GENERATOR), "--nodes", str(nodes), "--per-file",
                        str(per_file), "--out", str(folder)], check=True, timeout=300)
    return Tree(folder, SOURCE / "templates", Path(scratch) / f"state-{nodes}-{per_file}")
