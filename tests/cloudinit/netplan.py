# SPDX-License-Identifier: Apache-2.0
"""netplan itself, unpacked from Debian's packages and run in place: what networkd would be given.

It is this host's own release, since it is a program of C with the host's libraries.
"""
import glob
import os
import subprocess
import tempfile

import debian

PACKAGES = {"bookworm": ["netplan.io", "libnetplan0"]}
NEWER = ["netplan-generator", "libnetplan1"]
SECONDS = 300


def unit(text):
    """{section: {key: [value, …]}} of a unit; sections of one name are taken together."""
    found, section = {}, None
    for line in text.splitlines():
        if line.startswith("["):
            section = found.setdefault(line.strip("[]"), {})
        elif "=" in line:
            key, value = line.split("=", 1)
            section.setdefault(key, []).append(value)
    return found


class Netplan:
    def __init__(self, folder):
        suite = debian.codename()
        trees = [debian.download(name, suite, folder) for name in PACKAGES.get(suite, NEWER)]
        self.program = self._find(trees, "usr/lib*/netplan/generate")
        self.libraries = os.path.dirname(self._find(trees, "usr/lib/*/libnetplan.so.*"))

    @staticmethod
    def _find(trees, pattern):
        return [path for tree in trees for path in glob.glob(f"{tree}/{pattern}")][0]

    def generate(self, config):
        """{file name: unit} that it makes of that netplan file, without a word of complaint."""
        with tempfile.TemporaryDirectory(prefix="cloudseed-test-") as root:
            os.makedirs(f"{root}/etc/netplan")
            with open(f"{root}/etc/netplan/50-cloud-init.yaml", "w", encoding="utf-8",
                      opener=lambda path, flags: os.open(path, flags, 0o600)) as f:
                f.write(config)
            done = subprocess.run([self.program, "--root-dir", root], text=True, timeout=SECONDS,
                                  env={"LD_LIBRARY_PATH": self.libraries, "PATH": "/nonexistent"},
                                  capture_output=True, check=False)
            said = done.stdout + done.stderr
            assert done.returncode == 0 and not said, f"{said}\n{config}"
            made = {}
            for path in glob.glob(f"{root}/run/systemd/network/*"):
                with open(path, encoding="utf-8") as f:
                    made[os.path.basename(path)] = unit(f.read())
            return made
